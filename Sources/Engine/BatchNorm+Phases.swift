import CKernels
import Compute

extension BatchNorm {
  /// `target` ← the normalised `raw`, which may be the same activation.
  func appendNormalisation(of raw: Activation, into target: Activation, to phase: Phase) {
    let shape = target.shape
    phase.spend(floats: 2 * target.floatsPerImage)
    phase.onImage { [self] image, _ in
      for block in 0..<shape.blocks {
        state.kernels.pointee.normalise(
          target.block(block, image: image), raw.block(block, image: image), target.memoryLanes(block),
          ck_map(of: self, block: block), Int32(shape.pixels))
      }
    }
  }

  /// The sums that the backward map needs, once `gradient`, of the normalised output, is complete for an image.
  ///
  /// - Parameters:
  ///   - values: the output before normalisation, or the normalised one that has taken its place.
  ///   - isNormalised: which of the two.
  func appendReduction(of gradient: Activation, values: Activation, isNormalised: Bool = false, to phase: Phase) {
    let shape = values.shape
    let offset = phase.reserveSums(2 * lanes)
    phase.spend(floats: values.floatsPerImage)
    phase.onImage { [self] image, context in
      for block in 0..<shape.blocks {
        context.scratch.terms[0] = UnsafePointer(values.block(block, image: image))
        let sums = context.sums + offset + block * Lanes.count
        state.kernels.pointee.reduce(
          gradient.block(block, image: image), values.memoryLanes(block), ck_terms(context.scratch, count: 1),
          ck_products(products: sums, stride: Int64(lanes), gradient: sums + lanes), Int32(shape.pixels))
      }
    }
    phase.onFinish { [self] sums, images in
      let (product, gradientSum) = (sums + offset, sums + offset + lanes)
      if isNormalised {
        finishBackwardNormalised(gradientSum: gradientSum, product: product, images: images)
      } else {
        finishBackward(gradientSum: gradientSum, product: product, images: images, weight: 1)
      }
    }
  }
}
