import Compute

/// A network lowered for second derivatives at the statistics of the batch: of a supernet ∂L/∂(mixing weights) with its
/// derivative along a direction of the mixing weights, at fixed ω; or, of any network, the derivative of ∂L/∂ω along a direction
/// of ω, at fixed mixing weights.
///
/// Forward-over-reverse differentiation (Pearlmutter, *Fast exact multiplication by the Hessian*, Neural Computation 6, 1994):
/// every operation passes on its value and the derivative of it, forwards, and the gradient and the derivative of that,
/// backwards. Nothing is differenced, so a product is exact up to rounding wherever no ReLU or maximum switches, as that of
/// double backpropagation is.
///
/// Not for concurrent use.
final class TangentNetwork {
  /// What a direction lies in.
  enum Direction {
    case mixing
    case weights
  }

  let batch: Int
  /// Bytes of activations, derivatives and scratch.
  var byteCount: Int { tape.arena.byteCount }

  private let tape: TangentTape
  private let head: TangentHead
  private let pool: ThreadPool
  private let runner: PhaseRunner
  private let kernelGradient: Floats?

  /// - Throws: `MemoryShortage` where it needs more memory than there is.
  init(
    _ layout: any NetworkLayout, along direction: Direction, batch: Int, pool: ThreadPool, kernels: KernelSet
  ) throws(MemoryShortage) {
    self.batch = batch
    self.pool = pool
    let available = AvailableMemory.bytes()
    let arena = Arena(limit: available)
    tape = TangentTape(
      batch: batch, pad: layout.padding, movesWeights: direction == .weights, kernels: kernels, arena: arena)
    head = TangentHead(layout.lower(to: tape), classes: layout.classes, tape: tape)
    head.appendForward()
    tape.appendBackward(from: head)
    kernelGradient = tape.kernelGradientCount > 0 ? arena.allocate(Float.self, tape.kernelGradientCount) : nil
    runner = PhaseRunner(
      phases: tape.forward + tape.backward, pool: pool, kernels: kernels,
      scratch: (0..<pool.threadCount).map { [tape] _ in WorkerScratch(tape.scratch, arena: arena) }, arena: arena)
    guard arena.byteCount <= available, !arena.isShort else {
      let (variable, advice) =
        switch direction {
        case .mixing: ("α", "a smaller batch, or differences of gradients")
        case .weights: ("ω", "a smaller batch")
        }
      throw MemoryShortage(
        "Hessian products by \(variable) of \(layout.text) and batches of \(batch)", neededBytes: arena.byteCount,
        availableBytes: available, advice: advice)
    }
  }

  // Operations and phases know the tape.
  deinit { tape.dismantle() }

  /// Along a direction of the mixing weights.
  ///
  /// - Parameter weights: ω under its public names, row-major.
  func run(_ input: NetworkInput, along direction: [[Float]], weights: [String: [Float]]) -> NetworkTangents {
    let run = tape.run
    run.mixingTangents = direction
    run.gradient = input.mixing.map { [Double](repeating: 0, count: $0.count) }
    run.gradientTangents = run.gradient
    pass(input, TangentWeights(values: weights))
    return NetworkTangents(
      loss: head.loss, lossTangent: head.lossTangent, mixingGradient: run.gradient,
      mixingGradientTangent: run.gradientTangents)
  }

  /// Along a direction of ω: loss, correct predictions, and the derivative of ∂L/∂ω under public names, row-major; parameters that
  /// no loss depends on are left out.
  func run(_ input: NetworkInput, weights: TangentWeights) -> (loss: Double, correct: Int, product: [String: [Float]]) {
    tape.run.weightGradientTangents = [:]
    pass(input, weights)
    return (head.loss, head.correct, tape.run.weightGradientTangents)
  }

  private func pass(_ input: NetworkInput, _ weights: TangentWeights) {
    let (mixing, labels) = (input.mixing, input.batch.labels)
    precondition(!labels.isEmpty && labels.count <= batch, "a network for \(batch) images cannot run \(labels.count)")
    let run = tape.run
    run.mixing = mixing
    (run.images, run.labels) = (input.batch.images, labels)
    (run.noiseKey, run.skipDropout) = (input.batch.noiseKey, input.batch.skipDropout)
    tape.load(weights)
    head.load(weights)
    tape.prepare()
    kernelGradient?.update(repeating: 0, count: tape.kernelGradientCount)
    for phase in tape.forward { runner.run(phase, images: labels.count, weightGradient: nil) }
    for phase in tape.backward { runner.run(phase, images: labels.count, weightGradient: kernelGradient) }
    tape.finish(kernelGradient)
    head.finish(images: labels.count, pool: pool)
  }
}

extension TangentTape {
  /// Appends an operation and gives what it makes.
  func make(_ operation: some TangentOperation) -> TangentTensor {
    append(operation)
    guard let made = operation.makes else { preconditionFailure("the operation makes a tensor") }
    return made
  }

  /// Batch norms without γ and β, in place.
  func normalise(_ tensors: [TangentTensor]) {
    if !tensors.isEmpty { append(TangentNorms(tensors, tape: self)) }
  }

  /// Batch norms in place and, where they are affine, what γ and β make of them.
  ///
  /// - Parameter tensors: each with the public name of its norm; one without has none, and stays as it is.
  /// - Returns: in the same order.
  func normalise(_ tensors: [(tensor: TangentTensor, norm: String?)], isAffine: Bool) -> [TangentTensor] {
    normalise(tensors.filter { $0.norm != nil }.map(\.tensor))
    guard isAffine else { return tensors.map(\.tensor) }
    return tensors.map { tensor, norm in norm.map { make(TangentScale(tensor, name: $0, tape: self)) } ?? tensor }
  }

  /// A 3×3 convolution and its batch norm with γ and β.
  func convolution(
    _ input: TangentTensor, name: String, norm: String, stride: Int = 1, channels: Int, rectifies: Bool = true
  ) -> TangentTensor {
    let convolved = make(
      TangentConvolution.dense(
        input, name: name, kernel: 3, stride: stride, outputChannels: channels, rectifies: rectifies, tape: self))
    return normalise([(convolved, norm)], isAffine: true)[0]
  }

  /// The first layer of networks at full resolution: a 3×3 convolution of the images, batch norm with γ and β.
  func stem(channels: Int, side: Int) -> TangentTensor {
    convolution(
      make(TangentImages(side: side, tape: self)), name: "stem.0.weight", norm: "stem.1", channels: channels,
      rectifies: false)
  }

  /// The stem for large images: three convolutions of stride 2, of which the last two are the inputs of the first cell.
  func stridedStem(channels: Int, side: Int) -> (TangentTensor, TangentTensor) {
    let images = make(TangentImages(side: side, tape: self))
    let first = convolution(
      images, name: "stem0.0.weight", norm: "stem0.1", stride: 2, channels: channels / 2, rectifies: false)
    let second = convolution(first, name: "stem0.3.weight", norm: "stem0.4", stride: 2, channels: channels)
    let third = convolution(second, name: "stem1.1.weight", norm: "stem1.2", stride: 2, channels: channels)
    return (second, third)
  }
}
