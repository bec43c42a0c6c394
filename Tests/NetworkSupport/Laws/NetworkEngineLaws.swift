import Compute
import Datasets
import Engine
import Formats
import TestSupport

/// The laws of `NetworkEngine`, for any conformer: a run is a function of its arguments, whatever the engine was laid out for;
/// gradients are those of the loss; statistics move as they say; what is written reads back; costs and memory are stated.
public struct NetworkEngineLaws {
  /// What gradients are held against.
  public enum Truth: Sendable {
    /// Central differences of the engine's own losses, every value moved by so much; for engines that compute in double precision.
    case differences(step: Float)
    /// Another engine, up to the error of float32 arithmetic.
    case engine(EngineKind)
  }

  let kind: EngineKind
  let network: NetworkDescription
  let input: NetworkInput
  let engine: any NetworkEngine
  let weights: ParameterVector
  var report = LawReport()

  /// - Parameter batch: of two images or more.
  public static func check(
    _ kind: EngineKind, _ network: NetworkDescription, batch: ImageBatch, truth: Truth
  ) throws -> LawReport {
    var laws = try NetworkEngineLaws(kind, network, batch)
    laws.checkRuns()
    try laws.checkCapacity()
    try laws.checkTangents()
    try laws.checkWeightTangents()
    laws.checkOverwriting()
    switch truth {
    case .differences(let step):
      for running in [false, true] { laws.checkSlopes(step, running: running) }
    case .engine(let other):
      try laws.checkAgreement(with: other)
      try laws.checkRunningAgreement(with: other)
    }
    laws.checkRunningGradients()
    laws.checkStatistics()
    try laws.checkInterchange()
    try laws.checkCost()
    return laws.report
  }

  private init(_ kind: EngineKind, _ network: NetworkDescription, _ batch: ImageBatch) throws {
    precondition(batch.count >= 2, "the laws need two images")
    self.kind = kind
    self.network = network
    var stream = RandomStream(seed: 31, purpose: .test)
    // No mixing weight is 0, and no two of an edge are alike.
    let mixing = network.mixingCounts.map { count in (0..<count).map { _ in Float(0.1 + 0.4 * stream.uniform()) } }
    let kept = (0..<network.pathCount * batch.count).map { _ in stream.uniform() >= 0.3 }
    input = NetworkInput(
      batch: batch, mixing: mixing, smoothing: 0.1,
      drops: kept.isEmpty ? nil : PathDrops(isKept: kept, images: batch.count, probability: 0.3))
    engine = try kind.make(network, batch: batch.count, threads: 2, kernels: Kernels.sets[0])
    weights = engine.makeInitialWeights(seed: 32)
  }

  /// Everything that a run with all gradients gives.
  struct Outcome {
    var result: NetworkResult
    var logits: [Float]
    /// Of each parameter.
    var gradient: [[Float]]
    /// Moved by 0.1 from their start.
    var moments: [NormMoments]

    func isSame(as other: Outcome) -> Bool {
      TestSupport.isSame(result.loss, other.result.loss) && result.correct == other.result.correct
        && zip(result.mixingGradient, other.result.mixingGradient).allSatisfy {
          zip($0, $1).allSatisfy { TestSupport.isSame($0, $1) }
        } && TestSupport.isSame(logits, other.logits)
        && TestSupport.isSame(Array(gradient.joined()), Array(other.gradient.joined()))
        && TestSupport.isSame(moments.flatMap(\.means), other.moments.flatMap(\.means))
        && TestSupport.isSame(moments.flatMap(\.variances), other.moments.flatMap(\.variances))
    }
  }

  func outcome(
    of engine: any NetworkEngine, _ input: NetworkInput, into gradient: ParameterVector? = nil
  ) -> Outcome {
    let (gradient, statistics) = (gradient ?? engine.makeVector(), engine.makeInitialStatistics())
    let result = engine.run(
      input, weights: engine.makeInitialWeights(seed: 32), weightGradient: gradient, wantsMixingGradient: true,
      statistics: .moving(statistics))
    return Outcome(
      result: result, logits: engine.logits(count: input.batch.count), gradient: engine.values(of: gradient),
      moments: engine.moments(of: statistics))
  }

  /// A run without gradients.
  func evaluate(
    _ input: NetworkInput, _ weights: ParameterVector, _ statistics: NetworkStatistics = .ofBatch
  ) -> NetworkResult {
    engine.run(input, weights: weights, weightGradient: nil, wantsMixingGradient: false, statistics: statistics)
  }

  /// The first image alone.
  private var part: NetworkInput {
    let batch = input.batch
    var first = ImageBatch(
      images: Array(batch.images.prefix(batch.images.count / batch.count)), labels: Array(batch.labels.prefix(1)),
      channels: batch.channels, height: batch.height, width: batch.width, noiseKey: batch.noiseKey)
    first.skipDropout = batch.skipDropout
    var result = input
    result.batch = first
    result.drops = input.drops.map { drops in
      let own = stride(from: 0, to: drops.isKept.count, by: drops.images).map { drops.isKept[$0] }
      return PathDrops(isKept: own, images: 1, probability: 0.3)
    }
    return result
  }

  private mutating func checkRuns() {
    let kept = weights.values
    let first = outcome(of: engine, input)
    _ = evaluate(part, engine.makeInitialWeights(seed: 33))
    report.require(first.isSame(as: outcome(of: engine, input)), "a run repeats to the bit, whatever ran before")
    let evaluated = evaluate(input, weights)
    report.require(
      isSame(evaluated.loss, first.result.loss) && evaluated.correct == first.result.correct
        && isSame(engine.logits(count: input.batch.count), first.logits),
      "a run without gradients has the same loss and logits")
    report.require(evaluated.mixingGradient.isEmpty, "gradients of mixing weights are there only where they are wanted")
    report.require(isSame(weights.values, kept), "a run leaves the weights as they were")
    report.require(first.result.loss.isFinite && first.result.loss > 0, "a cross-entropy is finite and above 0")
    report.require(
      first.result.mixingGradient.map(\.count) == network.mixingCounts, "every mixing weight has a gradient")
    var plain = input
    plain.smoothing = 0
    report.require(!isSame(evaluate(plain, weights).loss, first.result.loss), "label smoothing changes the loss")
    guard let drops = input.drops else { return }
    var whole = input
    whole.drops = nil
    report.require(!isSame(evaluate(whole, weights).loss, first.result.loss), "dropped paths change the loss")
    whole.drops = PathDrops(isKept: drops.isKept.map { _ in true }, images: drops.images, probability: 0)
    let allKept = evaluate(whole, weights).loss
    whole.drops = nil
    report.require(
      abs(allKept / evaluate(whole, weights).loss - 1) < 1e-5, "paths that are all kept with a probability of 0 are none")
  }

  private mutating func checkCapacity() throws {
    let expected = outcome(of: engine, input)
    let wide = try kind.make(network, batch: 2 * input.batch.count + 1, threads: 1, kernels: Kernels.sets[0])
    report.require(expected.isSame(as: outcome(of: wide, input)), "an engine for a larger batch gives the same bits")
    let narrow = try kind.make(network, batch: 1, threads: 1, kernels: Kernels.sets[0])
    report.require(narrow.batch == 1, "an engine is laid out for the batch that it was made for")
    report.require(expected.isSame(as: outcome(of: narrow, input)), "an engine that had to grow gives the same bits")
    report.require(narrow.batch == input.batch.count, "an engine grows to the batch that it runs")
    for (setting, batch, threads) in [("batch", 0, 1), ("threads", 1, 0)] {
      do {
        _ = try kind.make(network, batch: batch, threads: threads, kernels: Kernels.sets[0])
        report.require(false, "\(setting) 0 is refused")
      } catch {
        report.require((error as? InputError)?.place == .setting(setting), "the refusal names \(setting): \(error)")
      }
    }
  }

  private mutating func checkOverwriting() {
    let clean = outcome(of: engine, input)
    let dirty = engine.makeVector(engine.tensors.parameters.map { [Float](repeating: 7, count: $0.count) })
    report.require(clean.isSame(as: outcome(of: engine, input, into: dirty)), "a gradient overwrites what was there")
    let alone = engine.run(
      input, weights: weights, weightGradient: nil, wantsMixingGradient: true, statistics: .ofBatch)
    report.require(
      alone.mixingGradient == clean.result.mixingGradient, "gradients of mixing weights are the same without those of ω")
    let gradient = engine.makeVector()
    _ = engine.run(input, weights: weights, weightGradient: gradient, wantsMixingGradient: false, statistics: .ofBatch)
    report.require(
      isSame(Array(engine.values(of: gradient).joined()), Array(clean.gradient.joined())),
      "the gradient of ω is the same without those of mixing weights")
  }

  private mutating func checkStatistics() {
    let start = engine.tensors.norms.enumerated().map { index, norm in
      NormMoments(
        means: (0..<norm.channels).map { Float($0 % 3) - Float(index % 2) },
        variances: (0..<norm.channels).map { 1 + Float($0 % 5) })
    }
    func moved(_ momentum: Float) -> [NormMoments] {
      let statistics = engine.makeStatistics(start)
      _ = evaluate(input, weights, .moving(statistics, momentum: momentum))
      return engine.moments(of: statistics)
    }
    report.require(moved(0) == start, "running statistics stay where the momentum is 0")
    // r + 1 · (s − r) is s up to rounding.
    let (own, quarter) = (moved(1), moved(0.25))
    for (index, norm) in engine.tensors.norms.enumerated() {
      func isMoved(_ from: [Float], _ to: [Float], _ found: [Float]) -> Bool {
        from.indices.allSatisfy {
          abs(found[$0] - (from[$0] + 0.25 * (to[$0] - from[$0]))) <= 1e-5 * max(1, abs(from[$0]), abs(to[$0]))
        }
      }
      report.require(
        isMoved(start[index].means, own[index].means, quarter[index].means)
          && isMoved(start[index].variances, own[index].variances, quarter[index].variances),
        "running statistics move by the momentum: \(norm.names[0])")
    }
    let running = engine.makeStatistics(own)
    let first = evaluate(input, weights, .running(running))
    report.require(engine.moments(of: running) == own, "an evaluation with running statistics leaves them as they were")
    report.require(
      !isSame(first.loss, evaluate(input, weights, .running(engine.makeStatistics(start))).loss),
      "an evaluation with running statistics normalises with them")
    // With them no image has a say in another's logits.
    let logits = (evaluate(input, weights, .running(running)), engine.logits(count: 1)).1
    let alone = (evaluate(part, weights, .running(running)), engine.logits(count: 1)).1
    report.require(isSame(logits, alone), "with running statistics an image's logits are its own")
  }

  private mutating func checkInterchange() throws {
    let tensors = engine.tensors
    report.require(tensors == network.tensors, "an engine has the tensors that are declared")
    report.require(engine.makeVector().values.allSatisfy { $0 == 0 }, "a new vector is zero")
    func file(_ tensors: [NamedTensor]) -> TensorFile { TensorFile(path: "memory", metadata: [:], tensors: tensors) }
    let exported = engine.export(weights)
    report.require(
      exported.map(\.name) == tensors.parameters.map(\.name) && exported.map(\.shape) == tensors.parameters.map(\.shape),
      "what is exported has the declared names and shapes, in their order")
    report.require(
      isSame(try engine.importVector(from: file(exported), prefix: "").values, weights.values), "weights read back")
    let moments = tensors.norms.map { norm in
      NormMoments(
        means: (0..<norm.channels).map { Float($0) / 8 }, variances: (0..<norm.channels).map { Float($0 + 1) / 4 })
    }
    let statistics = engine.makeStatistics(moments)
    let back = try engine.importStatistics(from: file(engine.exportStatistics(statistics)))
    report.require(back.map { isSame($0.values, statistics.values) } == true, "statistics read back")
    report.require(try engine.importStatistics(from: file([])) == nil, "a file without statistics has none")
    // Numbers tell parameters apart: none shares a stored value with another.
    var next: Float = 0
    let numbered = tensors.parameters.map { parameter in
      (0..<parameter.count).map { _ in
        next += 1
        return next
      }
    }
    report.require(engine.values(of: engine.makeVector(numbered)) == numbered, "every parameter has storage of its own")
  }

  private mutating func checkCost() throws {
    let forward = engine.forwardCost
    let (mixing, all) = (engine.gradientCost(wantsWeights: false), engine.gradientCost(wantsWeights: true))
    report.require(forward.flops > 0 && forward.bytes > 0, "a forward pass costs something")
    report.require(mixing.flops > forward.flops && mixing.bytes > forward.bytes, "gradients cost more than a forward pass")
    report.require(all.flops >= mixing.flops && all.bytes >= mixing.bytes, "gradients of ω cost no less than those without")
    report.require(engine.byteCount > 0, "an engine states its memory")
    let fresh = try kind.make(network, batch: input.batch.count, threads: 2, kernels: Kernels.sets[0])
    let wide = try kind.make(network, batch: 4 * input.batch.count, threads: 2, kernels: Kernels.sets[0])
    report.require(wide.byteCount > fresh.byteCount, "a larger batch takes more memory")
    report.require(engine.byteCount >= fresh.byteCount, "what was laid out for derivatives counts")
    report.require(wide.forwardCost == forward, "what an image costs does not depend on the batch")
    report.require(!engine.device.isEmpty && engine.threadCount >= 1, "an engine says what it computes on")
  }
}
