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
        let count: Int32 = tensor.tangents == nil ? 1 : 2
        kernels.reduce(
          x, 16, context.scratch.terms, count, pixels, sums + block * 16, Int64(lanes), sums + 2 * lanes + block * 16)
        if let moving = tensor.tangents?.block(block, image: image) {
          kernels.reduce(moving, 16, context.scratch.terms, 0, pixels, sums, 0, sums + 3 * lanes + block * 16)
        }
      }
    }
    tape.open.onFinish { [self] sums, images in finishForward(sums + offset, count: Double(images * shape.pixels)) }
  }

  fileprivate func normalise() {
    tape.open.onImage { [self] image, _ in
      let kernels = tape.kernels.table.pointee
      for block in 0..<shape.blocks {
        let (x, at) = (tensor.values.block(block, image: image), block * 16)
        if let moving = tensor.tangents?.block(block, image: image) {
          kernels.affine(moving, moving, 16, rate + at, x, rateTangent + at, shiftTangent + at, pixels)
        }
        kernels.normalise(x, x, 16, rate + at, shift + at, pixels)
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
        let at = block * 16
        context.scratch.terms[0] = UnsafePointer(tensor.values.block(block, image: image))
        context.scratch.terms[1] = UnsafePointer(tangents.block(block, image: image))
        kernels.reduce(
          gradients.values.block(block, image: image), 16, context.scratch.terms, 2, pixels, sums + at, Int64(lanes),
          sums + 2 * lanes + at)
        kernels.reduce(
          gradients.tangents.block(block, image: image), 16, context.scratch.terms, 1, pixels, sums + 3 * lanes + at,
          Int64(lanes), sums + 4 * lanes + at)
      }
    }
    tape.open.onFinish { [self] sums, images in finishBackward(sums + offset, count: Double(images * shape.pixels)) }
  }

  fileprivate func pullBack() {
    guard let gradients = tensor.gradients, let tangents = tensor.tangents else { return }
    tape.open.onImage { [self] image, context in
      let (terms, kernels, lanes) = (context.scratch.terms, tape.kernels.table.pointee, Int64(lanes))
      for block in 0..<shape.blocks {
        let at = block * 16
        let (g, d) = (gradients.values.block(block, image: image), gradients.tangents.block(block, image: image))
        let (y, moved) = (tensor.values.block(block, image: image), tangents.block(block, image: image))
        (terms[0], terms[1], terms[2], terms[3]) = (UnsafePointer(d), UnsafePointer(g), UnsafePointer(moved), UnsafePointer(y))
        kernels.combine(d, 16, terms, pullback + 3 * Int(lanes) + at, lanes, pullback + 7 * Int(lanes) + at, 4, pixels, 0)
        (terms[0], terms[1]) = (UnsafePointer(g), UnsafePointer(y))
        kernels.combine(g, 16, terms, pullback + at, lanes, pullback + 2 * Int(lanes) + at, 2, pixels, 0)
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

/// γ·y + β with weights that α doesn't move.
final class TangentScale: TangentOperation {
  let output: TangentTensor
  var makes: TangentTensor? { output }
  private let input: TangentTensor
  private let name: String
  private let scale: Floats
  private let shift: Floats
  private let zeros: Floats
  private let tape: TangentTape

  init(_ input: TangentTensor, name: String, tape: TangentTape) {
    self.input = input
    self.name = name
    self.tape = tape
    output = tape.tensor(input.shape, moves: input.tangents != nil)
    scale = tape.arena.allocate(Float.self, input.shape.lanes)
    shift = tape.arena.allocate(Float.self, input.shape.lanes)
    zeros = tape.arena.allocate(Float.self, input.shape.lanes)
  }

  func load(_ weights: [String: [Float]], kernels: KernelSet) {
    guard let scales = weights["\(name).weight"], let shifts = weights["\(name).bias"] else {
      preconditionFailure("no weights \(name)")
    }
    scale.update(from: scales, count: input.shape.channels)
    shift.update(from: shifts, count: input.shape.channels)
  }

  func appendForward(to tape: TangentTape) {
    tape.open.onImage { [self] image, _ in
      map(input.values, shift, into: output.values, image: image)
      if let from = input.tangents, let to = output.tangents { map(from, zeros, into: to, image: image) }
    }
  }

  func appendBackward(to tape: TangentTape) {
    guard let gradients = output.gradients, let targets = tape.gradients(of: input) else { return }
    tape.open.onImage { [self] image, context in
      for (from, to) in [(gradients.values, targets.values), (gradients.tangents, targets.tangents)] {
        for block in 0..<input.shape.blocks {
          context.scratch.terms[0] = UnsafePointer(from.block(block, image: image))
          tape.kernels.table.pointee.combine(
            to.block(block, image: image), 16, context.scratch.terms, scale + block * 16, 16, zeros, 1,
            Int32(input.shape.pixels), 1)
        }
      }
    }
  }

  private func map(_ from: Activation, _ shift: Floats, into to: Activation, image: Int) {
    for block in 0..<input.shape.blocks {
      tape.kernels.table.pointee.normalise(
        to.block(block, image: image), from.block(block, image: image), 16, scale + block * 16, shift + block * 16,
        Int32(input.shape.pixels))
    }
  }
}
