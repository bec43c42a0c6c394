import CKernels
import Compute

/// γ·x + β with weights that no α moves: what follows a batch norm without them. Its derivative is γ·ẋ + γ̇·x + β̇.
final class TangentScale: TangentOperation {
  let output: TangentTensor
  var makes: TangentTensor? { output }
  private let input: TangentTensor
  private let name: String
  /// γ, and behind it its derivative.
  private let scale: Floats
  private let shift: Floats
  /// The derivative of β; zeros where the direction lies in the mixing weights.
  private let shiftTangent: Floats
  private let tape: TangentTape

  init(_ input: TangentTensor, name: String, tape: TangentTape) {
    self.input = input
    self.name = name
    self.tape = tape
    output = tape.tensor(input.shape, moves: tape.movesWeights || input.tangents != nil)
    scale = tape.arena.allocate(Float.self, (tape.movesWeights ? 2 : 1) * input.shape.lanes)
    shift = tape.arena.allocate(Float.self, input.shape.lanes)
    shiftTangent = tape.arena.allocate(Float.self, input.shape.lanes)
  }

  private var shape: PlaneShape { input.shape }
  private var pixels: Int32 { Int32(shape.pixels) }
  private var scaleTangent: Floats { scale + shape.lanes }

  func load(_ weights: TangentWeights, kernels: KernelSet) {
    scale.update(from: weights.values("\(name).weight"), count: shape.channels)
    shift.update(from: weights.values("\(name).bias"), count: shape.channels)
    guard let scales = weights.tangents("\(name).weight"), let shifts = weights.tangents("\(name).bias") else { return }
    scaleTangent.update(from: scales, count: shape.channels)
    shiftTangent.update(from: shifts, count: shape.channels)
  }

  func appendForward(to tape: TangentTape) {
    tape.open.onImage { [self] image, _ in
      map(input.values, scale, shift, into: output.values, image: image)
      guard let to = output.tangents else { return }
      guard tape.movesWeights else {
        if let from = input.tangents { map(from, scale, shiftTangent, into: to, image: image) }
        return
      }
      guard let from = input.tangents else {
        map(input.values, scaleTangent, shiftTangent, into: to, image: image)
        return
      }
      for block in 0..<shape.blocks {
        let at = block * Lanes.count
        tape.kernels.table.pointee.affine(
          to.block(block, image: image), from.block(block, image: image), input.values.block(block, image: image),
          Int32(Lanes.count),
          ck_gradient_map(gradient: scale + at, output: scaleTangent + at, shift: shiftTangent + at), pixels)
      }
    }
  }

  private func map(_ from: Activation, _ scale: Floats, _ shift: Floats, into to: Activation, image: Int) {
    for block in 0..<shape.blocks {
      tape.kernels.table.pointee.normalise(
        to.block(block, image: image), from.block(block, image: image), Int32(Lanes.count),
        ck_map(scale: scale + block * Lanes.count, shift: shift + block * Lanes.count), pixels)
    }
  }

  func appendBackward(to tape: TangentTape) {
    guard let gradients = output.gradients else { return }
    if tape.movesWeights { appendReduction(of: gradients, to: tape) }
    guard let targets = tape.gradients(of: input) else { return }
    tape.open.onImage { [self] image, context in
      for block in 0..<shape.blocks {
        let (g, d) = (gradients.values.block(block, image: image), gradients.tangents.block(block, image: image))
        add(g, nil, into: targets.values.block(block, image: image), block, context)
        // Of γ·g along the direction: γ·ġ + γ̇·g.
        add(d, tape.movesWeights ? g : nil, into: targets.tangents.block(block, image: image), block, context)
      }
    }
  }

  /// target += γ · first + γ̇ · second.
  private func add(_ first: Floats, _ second: Floats?, into target: Floats, _ block: Int, _ context: ChunkContext) {
    context.scratch.terms[0] = UnsafePointer(first)
    context.scratch.terms[1] = second.map { UnsafePointer($0) }
    tape.kernels.table.pointee.combine(
      target, Int32(Lanes.count), ck_terms(context.scratch, count: second == nil ? 1 : 2),
      ck_coefficients(values: scale + block * Lanes.count, stride: Int64(shape.lanes), shift: nil), pixels)
  }

  /// The derivatives of ∂L/∂γ = Σ g·x and ∂L/∂β = Σ g over the batch.
  private func appendReduction(of gradients: TangentGradients, to tape: TangentTape) {
    let (lanes, channels) = (shape.lanes, shape.channels)
    let offset = tape.open.reserveSums(3 * lanes)
    tape.open.onImage { [self] image, context in
      let kernels = tape.kernels.table.pointee
      for block in 0..<shape.blocks {
        let sums = context.sums + offset + block * Lanes.count
        context.scratch.terms[0] = UnsafePointer(input.values.block(block, image: image))
        kernels.reduce(
          gradients.tangents.block(block, image: image), Int32(Lanes.count), ck_terms(context.scratch, count: 1),
          ck_products(products: sums, stride: 0, gradient: sums + 2 * lanes), pixels)
        guard let moving = input.tangents else { continue }
        context.scratch.terms[0] = UnsafePointer(moving.block(block, image: image))
        kernels.reduce(
          gradients.values.block(block, image: image), Int32(Lanes.count), ck_terms(context.scratch, count: 1),
          ck_products(products: sums + lanes, stride: 0, gradient: nil), pixels)
      }
    }
    tape.open.onFinish { [self] sums, _ in
      let own = sums + offset
      tape.run.weightGradientTangents["\(name).weight"] = (0..<channels).map { Float(own[$0] + own[lanes + $0]) }
      tape.run.weightGradientTangents["\(name).bias"] = (0..<channels).map { Float(own[2 * lanes + $0]) }
    }
  }
}
