import Compute

/// A supernet lowered for second derivatives: loss and ∂L/∂(mixing weights) with their derivatives along a direction of the
/// mixing weights, at fixed weights and with the statistics of the batch.
///
/// Forward-over-reverse differentiation (Pearlmutter, *Fast exact multiplication by the Hessian*, Neural Computation 6, 1994):
/// every operation passes on its value and the derivative of it, forwards, and the gradient and the derivative of that,
/// backwards. Nothing is differenced, so a product is exact up to rounding wherever no ReLU or maximum switches, as that of
/// double backpropagation is.
///
/// Not for concurrent use.
final class TangentNetwork {
  let batch: Int
  /// Bytes of activations, derivatives and scratch.
  var byteCount: Int { tape.arena.byteCount }

  private let tape: TangentTape
  private let head: TangentHead
  private let pool: ThreadPool
  private let runner: PhaseRunner
  private let kernelGradient: Floats?

  /// - Throws: `MemoryShortage` where it needs more memory than there is.
  init(_ layout: any TangentLayout, batch: Int, pool: ThreadPool, kernels: KernelSet) throws(MemoryShortage) {
    self.batch = batch
    self.pool = pool
    let available = AvailableMemory.bytes()
    let arena = Arena(limit: available)
    tape = TangentTape(batch: batch, pad: layout.padding, kernels: kernels, arena: arena)
    head = TangentHead(layout.lower(to: tape), classes: layout.classes, tape: tape)
    head.appendForward()
    tape.appendBackward(from: head)
    kernelGradient = tape.kernelGradientCount > 0 ? arena.allocate(Float.self, tape.kernelGradientCount) : nil
    runner = PhaseRunner(
      phases: tape.forward + tape.backward, pool: pool, kernels: kernels,
      scratch: (0..<pool.threadCount).map { [tape] _ in WorkerScratch(tape.scratch, arena: arena) }, arena: arena)
    guard arena.byteCount <= available, !arena.isShort else {
      throw MemoryShortage(
        "Hessian products of \(layout.text) and batches of \(batch)", neededBytes: arena.byteCount,
        availableBytes: available, advice: "a smaller batch, or differences of gradients")
    }
  }

  // Operations and phases know the tape.
  deinit { tape.dismantle() }

  /// - Parameter weights: ω under its public names, row-major.
  func run(_ input: NetworkInput, along direction: [[Float]], weights: [String: [Float]]) -> NetworkTangents {
    let (mixing, labels) = (input.mixing, input.batch.labels)
    precondition(!labels.isEmpty && labels.count <= batch, "a network for \(batch) images cannot run \(labels.count)")
    let run = tape.run
    (run.mixing, run.mixingTangents) = (mixing, direction)
    (run.images, run.labels) = (input.batch.images, labels)
    (run.noiseKey, run.skipDropout) = (input.batch.noiseKey, input.batch.skipDropout)
    run.gradient = mixing.map { [Double](repeating: 0, count: $0.count) }
    run.gradientTangents = run.gradient
    tape.load(weights)
    head.load(weights)
    tape.prepare()
    kernelGradient?.update(repeating: 0, count: tape.kernelGradientCount)
    for phase in tape.forward { runner.run(phase, images: labels.count, weightGradient: nil) }
    for phase in tape.backward { runner.run(phase, images: labels.count, weightGradient: kernelGradient) }
    tape.finish(kernelGradient)
    return NetworkTangents(
      loss: head.loss, lossTangent: head.lossTangent, mixingGradient: run.gradient,
      mixingGradientTangent: run.gradientTangents)
  }
}

/// A network that can be lowered for derivatives along a direction of α.
protocol TangentLayout: NetworkLayout {
  /// Appends the operations; returns the tensors that the classifier reads the means of.
  func lower(to tape: TangentTape) -> [TangentTensor]
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

  /// The first layer of both kinds of networks: a 3×3 convolution of the images, batch norm with γ and β.
  func stem(channels: Int, side: Int) -> TangentTensor {
    let images = make(TangentImages(side: side, tape: self))
    let convolved = make(
      TangentConvolution.dense(
        images, name: "stem.0.weight", kernel: 3, outputChannels: channels, rectifies: false, tape: self))
    normalise([convolved])
    return make(TangentScale(convolved, name: "stem.1", tape: self))
  }
}
