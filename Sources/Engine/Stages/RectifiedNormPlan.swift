import CKernels
import Compute

/// Batch norm with scale and shift, then ReLU, of a tensor that no convolution has made: what ends a network of stages.
final class RectifiedNormPlan: StagePart {
  let output: Activation
  let outputGradient: Activation
  private let input: Activation
  private let inputGradient: Activation
  private let norm: BatchNorm
  private let state: PlanState

  /// - Parameter name: public prefix of the batch norm.
  init(name: String, input: Activation, gradient: Activation, in lowering: Lowering) {
    precondition(
      input.shape.channels.isMultiple(of: Lanes.count), "whole blocks have 16 channels in memory and in tiles alike")
    self.input = input
    inputGradient = gradient
    state = lowering.state
    output = lowering.activation(input.shape, isNarrow: false)
    outputGradient = lowering.activation(input.shape, isNarrow: false)
    norm = BatchNorm(name, shape: input.shape, isAffine: true, in: lowering)
  }

  func prepareBackward() -> [() -> Void] { [] }

  func appendForward(to phases: inout [Phase]) {
    let (shape, lanes, kernels) = (input.shape, norm.lanes, state.kernels)
    let before = phases[phases.count - 1]
    let offset = before.reserveSums(2 * lanes)
    before.spend(floats: input.floatsPerImage)
    // Σx and Σx·x, as inner products of the tensor with itself.
    before.onImage { [input] image, context in
      for block in 0..<shape.blocks {
        let values = input.block(block, image: image)
        context.scratch.terms[0] = UnsafePointer(values)
        let sums = context.sums + offset + block * Lanes.count
        kernels.pointee.reduce(
          values, input.memoryLanes(block), ck_terms(context.scratch, count: 1),
          ck_products(products: sums + lanes, stride: Int64(lanes), gradient: sums), Int32(shape.pixels))
      }
    }
    before.onFinish { [norm] sums, images in
      norm.finishForward(
        sum: sums + offset, squares: sums + offset + lanes, images: images)
    }
    let phase = Phase()
    phases.append(phase)
    phase.spend(floats: 2 * input.floatsPerImage)
    phase.onImage { [input, output, norm] image, _ in
      for block in 0..<shape.blocks {
        kernels.pointee.relu_pad(
          output.block(block, image: image), input.block(block, image: image), ck_map(of: norm, block: block),
          ck_plane(of: shape, pad: 0, memoryLanes: input.memoryLanes(block)))
      }
    }
  }

  func appendBackward(to phases: inout [Phase], weightsOnly: ((Phase) -> Void)?) {
    let (shape, kernels) = (input.shape, state.kernels)
    let open = phases[phases.count - 1]
    open.onImage { [output, outputGradient] image, _ in
      kernels.pointee.mask_flat(
        outputGradient.image(image), Int32(ck_lanes), outputGradient.image(image), output.image(image),
        Int32(shape.blocks * shape.pixels), 0)
    }
    norm.appendReduction(of: outputGradient, values: input, to: open)
    let phase = Phase()
    phases.append(phase)
    weightsOnly?(phase)
    phase.spend(floats: 3 * input.floatsPerImage)
    phase.onImage { [input, inputGradient, outputGradient, norm] image, _ in
      for block in 0..<shape.blocks {
        kernels.pointee.affine(
          inputGradient.block(block, image: image), outputGradient.block(block, image: image),
          input.block(block, image: image), input.memoryLanes(block), norm.gradientMap(block), Int32(shape.pixels))
      }
    }
  }
}
