import CKernels
import Compute

/// Batch norm without γ and β, by the statistics of the batch, in place: y = (x − μ)r with r = 1/√(σ² + ε), and its derivative
/// ẏ = r(ẋ − μ̇) + ṙ(x − μ) with ṙ = −r³(σ²)˙/2.
///
/// Backwards, with m₀ = mean g and m₁ = mean g·y over the batch, ∂L/∂x = r(g − m₀ − y·m₁); its derivative follows by the
/// product rule from ġ, ẏ, ṙ and the derivatives of the means. Both need y alone, so x needs no memory.
final class TangentNorm {
  private let tensor: TangentTensor
  private let rate: Floats
  private let shift: Floats
  private let rateTangent: Floats
  private let shiftTangent: Floats
  /// Of ∂L/∂x: its terms g and y and what is added; of its derivative: ġ, g, ẏ, y and what is added; [6 and 2][lanes].
  private let pullback: Floats
  private let tape: TangentTape

  init(_ tensor: TangentTensor, tape: TangentTape) {
    self.tensor = tensor
    self.tape = tape
    let lanes = tensor.shape.lanes
    func room(_ rows: Int) -> Floats { tape.arena.allocate(Float.self, rows * lanes) }
    (rate, shift, rateTangent, shiftTangent) = (room(1), room(1), room(1), room(1))
    pullback = room(8)
  }

  private var shape: PlaneShape { tensor.shape }
  private var lanes: Int { shape.lanes }
  private var pixels: Int32 { Int32(shape.pixels) }

  /// Sums up in the open phase what the statistics follow from.
  fileprivate func measure() {
    let offset = tape.open.reserveSums(4 * lanes)
    tape.open.onImage { [self] image, context in
      let sums = context.sums + offset
      for block in 0..<shape.blocks {
        let x = tensor.values.block(block, image: image)
        context.scratch.terms[0] = UnsafePointer(x)
        context.scratch.terms[1] = tensor.tangents.map { UnsafePointer($0.block(block, image: image)) }
        let kernels = tape.kernels.table.pointee
        let count = tensor.tangents == nil ? 1 : 2
        kernels.reduce(
          x, Int32(Lanes.count), ck_terms(context.scratch, count: count),
          ck_products(
            products: sums + block * Lanes.count, stride: Int64(lanes), gradient: sums + 2 * lanes + block * Lanes.count),
          pixels)
        if let moving = tensor.tangents?.block(block, image: image) {
          kernels.reduce(
            moving, Int32(Lanes.count), ck_terms(context.scratch, count: 0),
            ck_products(products: sums, stride: 0, gradient: sums + 3 * lanes + block * Lanes.count), pixels)
        }
      }
    }
    tape.open.onFinish { [self] sums, images in finishForward(sums + offset, count: Double(images * shape.pixels)) }
  }

  fileprivate func normalise() {
    tape.open.onImage { [self] image, _ in
      let kernels = tape.kernels.table.pointee
      for block in 0..<shape.blocks {
        let (x, at) = (tensor.values.block(block, image: image), block * Lanes.count)
        if let moving = tensor.tangents?.block(block, image: image) {
          kernels.affine(
            moving, moving, x, Int32(Lanes.count),
            ck_gradient_map(gradient: rate + at, output: rateTangent + at, shift: shiftTangent + at), pixels)
        }
        kernels.normalise(x, x, Int32(Lanes.count), ck_map(scale: rate + at, shift: shift + at), pixels)
      }
    }
  }

  private func finishForward(_ sums: Doubles, count: Double) {
    for lane in 0..<lanes {
      let (mean, meanTangent) = (sums[2 * lanes + lane] / count, sums[3 * lanes + lane] / count)
      let variance = max(0, sums[lane] / count - mean * mean)
      let varianceTangent = 2 * (sums[lanes + lane] / count - mean * meanTangent)
      let r = 1 / (variance + BatchNorm.epsilon).squareRoot()
      let d = -0.5 * r * r * r * varianceTangent
      rate[lane] = Float(r)
      shift[lane] = Float(-mean * r)
      rateTangent[lane] = Float(d)
      shiftTangent[lane] = Float(-(r * meanTangent + d * mean))
    }
  }

  fileprivate func measureBackward() {
    guard let gradients = tensor.gradients, let tangents = tensor.tangents else { return }
    let offset = tape.open.reserveSums(5 * lanes)
    tape.open.onImage { [self] image, context in
      let (sums, kernels) = (context.sums + offset, tape.kernels.table.pointee)
      for block in 0..<shape.blocks {
        let at = block * Lanes.count
        context.scratch.terms[0] = UnsafePointer(tensor.values.block(block, image: image))
        context.scratch.terms[1] = UnsafePointer(tangents.block(block, image: image))
        kernels.reduce(
          gradients.values.block(block, image: image), Int32(Lanes.count), ck_terms(context.scratch, count: 2),
          ck_products(products: sums + at, stride: Int64(lanes), gradient: sums + 2 * lanes + at), pixels)
        kernels.reduce(
          gradients.tangents.block(block, image: image), Int32(Lanes.count), ck_terms(context.scratch, count: 1),
          ck_products(products: sums + 3 * lanes + at, stride: Int64(lanes), gradient: sums + 4 * lanes + at), pixels)
      }
    }
    tape.open.onFinish { [self] sums, images in finishBackward(sums + offset, count: Double(images * shape.pixels)) }
  }

  fileprivate func pullBack() {
    guard let gradients = tensor.gradients, let tangents = tensor.tangents else { return }
    tape.open.onImage { [self] image, context in
      let (terms, kernels) = (context.scratch.terms, tape.kernels.table.pointee)
      func rows(_ first: Int, shift: Int, at lane: Int) -> ck_coefficients {
        ck_coefficients(
          values: pullback + first * lanes + lane, stride: Int64(lanes), shift: pullback + shift * lanes + lane)
      }
      for block in 0..<shape.blocks {
        let at = block * Lanes.count
        let (g, d) = (gradients.values.block(block, image: image), gradients.tangents.block(block, image: image))
        let (y, moved) = (tensor.values.block(block, image: image), tangents.block(block, image: image))
        (terms[0], terms[1], terms[2], terms[3]) = (
          UnsafePointer(d), UnsafePointer(g), UnsafePointer(moved), UnsafePointer(y)
        )
        kernels.combine(d, Int32(Lanes.count), ck_terms(context.scratch, count: 4), rows(3, shift: 7, at: at), pixels)
        (terms[0], terms[1]) = (UnsafePointer(g), UnsafePointer(y))
        kernels.combine(g, Int32(Lanes.count), ck_terms(context.scratch, count: 2), rows(0, shift: 2, at: at), pixels)
      }
    }
  }

  private func finishBackward(_ sums: Doubles, count: Double) {
    for lane in 0..<lanes {
      func mean(_ row: Int) -> Double { sums[row * lanes + lane] / count }
      let (product, movedProduct, sum, tangentProduct, tangentSum) = (mean(0), mean(1), mean(2), mean(3), mean(4))
      let (r, d) = (Double(rate[lane]), Double(rateTangent[lane]))
      let productTangent = tangentProduct + movedProduct
      let rows = [
        r, -r * product, -r * sum,
        r, d, -r * product, -(d * product + r * productTangent), -(d * sum + r * tangentSum),
      ]
      for (row, value) in rows.enumerated() { pullback[row * lanes + lane] = Float(value) }
    }
  }
}

/// Batch norms of several tensors, which wait for the batch together.
final class TangentNorms: TangentOperation {
  var makes: TangentTensor? { nil }
  private let norms: [TangentNorm]

  init(_ tensors: [TangentTensor], tape: TangentTape) { norms = tensors.map { TangentNorm($0, tape: tape) } }

  func appendForward(to tape: TangentTape) {
    for norm in norms { norm.measure() }
    tape.barrier()
    for norm in norms { norm.normalise() }
  }

  func appendBackward(to tape: TangentTape) {
    for norm in norms { norm.measureBackward() }
    tape.barrier()
    for norm in norms { norm.pullBack() }
  }
}
