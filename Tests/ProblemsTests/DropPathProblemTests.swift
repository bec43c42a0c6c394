import Cells
import Compute
import Datasets
import Engine
import Formats
import Problems
import TestSupport
import Testing

/// Dropped edges and cutout of a supernet's batches.
@Suite struct DropPathProblemTests {
  @Test("Rates rise linearly from 0 in the first epoch to their largest in the last and no further")
  func ramp() {
    let rates = RampedRegularisation(dropPath: 0.2, cutoutProbability: 0.5, epochs: 50)
    #expect(rates.dropPath(epoch: 0) == 0 && rates.cutoutProbability(epoch: 0) == 0)
    #expect(abs(rates.dropPath(epoch: 7) - 0.2 * 7 / 49) < 1e-15)
    #expect(abs(rates.cutoutProbability(epoch: 7) - 0.5 * 7 / 49) < 1e-15)
    for epoch in [49, 50, 1000] {
      #expect(rates.dropPath(epoch: epoch) == 0.2 && rates.cutoutProbability(epoch: epoch) == 0.5)
    }
    let constant = RampedRegularisation(cutoutProbability: 0.5, rampsCutout: false, epochs: 50)
    #expect([0, 7, 49].allSatisfy { constant.cutoutProbability(epoch: $0) == 0.5 && constant.dropPath(epoch: $0) == 0 })
    #expect(RampedRegularisation(dropPath: 0.2, epochs: 1).dropPath(epoch: 0) == 0, "a single epoch is the first")
    #expect(RampedRegularisation.none.cutoutProbability(epoch: 0) == 1 && RampedRegularisation.none.dropPath(epoch: 9) == 0)
  }

  private static var paths: SupernetVariant {
    var variant = SupernetVariant()
    variant.dropsPaths = true
    return variant
  }

  private static func problem(
    _ regularisation: RampedRegularisation, variant: SupernetVariant = paths, cutout: Int? = 4
  ) throws -> SupernetProblem {
    var stream = RandomStream(seed: 4, purpose: .test)
    let count = 32
    let dataset = try ImageDataset(
      name: "bytes", classes: 3, side: 8,
      training: .init(
        pixels: .bytes((0..<count * 3 * 64).map { _ in UInt8(stream.integer(below: 256)) }),
        labels: (0..<count).map { _ in Int32(stream.integer(below: 3)) }), test: nil, normalisation: .cifar10)
    var augmentation = Augmentation.darts
    augmentation.cutoutLength = cutout
    return try SupernetProblem(
      space: .s2, channels: 4, layers: 3,
      loader: BatchLoader(dataset: dataset, seed: 1, batchSize: 4, augmentation: augmentation, threads: 1), seed: 1,
      threads: 1, variant: variant, regularisation: regularisation)
  }

  @Test("Batches of steps and updates have the rates of their epoch, whatever the draw, and those of whole splits none")
  func batches() throws {
    let rates = RampedRegularisation(dropPath: 0.4, epochs: 5)
    let (problem, cutting, plain) = try (
      Self.problem(rates), Self.problem(RampedRegularisation(dropPath: 0.4, rampsCutout: false, epochs: 5)),
      Self.problem(rates, cutout: nil)
    )
    #expect(problem.stepsPerEpoch == 4)
    func same(_ batch: (SupernetProblem) throws -> ImageBatch, rate: Double, cut: ClosedRange<Int>) throws {
      let (own, whole, none) = try (batch(problem), batch(cutting), batch(plain))
      #expect(own.dropPath == rate && whole.dropPath == rate && none.noiseKey == own.noiseKey)
      let size = own.images.count / own.count
      func image(_ batch: ImageBatch, _ index: Int) -> ArraySlice<Float> {
        batch.images[index * size..<(index + 1) * size]
      }
      let count = (0..<own.count).count { image(own, $0) == image(whole, $0) }
      #expect((0..<own.count).allSatisfy { image(own, $0) == image(whole, $0) || image(own, $0) == image(none, $0) })
      #expect(cut.contains(count), "\(count) of \(own.count) images are cut")
    }
    for draw in [0, 7] {
      try same({ try $0.trainingBatch(epoch: 0, step: 1, draw: draw) }, rate: 0, cut: 0...0)
      try same({ try $0.validationBatch(epoch: 4, step: 1, draw: draw) }, rate: 0.4, cut: 4...4)
      try same({ try $0.trainingBatch(epoch: 3, step: 1, draw: draw) }, rate: 0.4 * 3 / 4, cut: 0...4)
    }
    try same({ try $0.trainingBatch(epoch: 0, step: 3) }, rate: 0, cut: 0...0)
    try same({ try $0.validationBatch(epoch: 1, step: 0) }, rate: 0.4 / 4, cut: 0...4)
    // A step past the end of an epoch is one of the next.
    try same({ try $0.trainingBatch(epoch: 3, step: 4) }, rate: 0.4, cut: 4...4)
    for split in [DataSplit.training, .validation] {
      #expect(try problem.splitBatch(split, 0) == plain.splitBatch(split, 0) && problem.splitBatch(split, 0).dropPath == 0)
    }
    #expect(try problem.copy(threads: 1).trainingBatch(epoch: 3, step: 1) == problem.trainingBatch(epoch: 3, step: 1))
  }

  @Test("Losses and gradients drop edges with the batch's own statistics, and none with running ones")
  func evaluation() throws {
    let problem = try Self.problem(RampedRegularisation(dropPath: 0.5, epochs: 2))
    let (weights, alphas) = (problem.makeInitialWeights(), problem.initialAlphas)
    let dropping = try problem.trainingBatch(epoch: 1, step: 0)
    var whole = dropping
    whole.dropPath = 0
    func loss(_ batch: ImageBatch) -> Double { problem.evaluate(weights: weights, alphas: alphas, batch: batch).loss }
    let trained = problem.gradient(
      weights: weights, alphas: alphas, batch: dropping, weightGradient: nil, wantsAlphaGradient: true, statistics: nil)
    #expect(trained.loss.loss == loss(dropping) && loss(dropping) != loss(whole))
    let statistics = problem.makeInitialStatistics()
    let running = [dropping, whole].map {
      problem.evaluate(weights: weights, alphas: alphas, batch: $0, statistics: statistics).loss
    }
    #expect(running[0] == running[1])
    // What an ascent climbs is the loss that it is judged by.
    let slopes = [dropping, whole].map {
      problem.mixingGradient(weights: weights, alphas: alphas, batch: $0, statistics: nil)
    }
    #expect(slopes[0].loss.loss == loss(dropping) && slopes[1].loss.loss == loss(whole))
    #expect(slopes[0].mixing != slopes[1].mixing)
    let still = [dropping, whole].map {
      problem.mixingGradient(weights: weights, alphas: alphas, batch: $0, statistics: statistics)
    }
    #expect(still[0] == still[1] && still[0].loss.loss == running[0])
  }

  @Test(
    "The second-order gradient of dropped edges is PyTorch's in float64: every pass on a batch drops the same ones",
    arguments: [SearchSpace.s1, .s2])
  func secondOrder(space: SearchSpace) throws {
    let path = GoldenFile.path("robust/drop_\(space.rawValue)")
    let file = try TensorFile(readingFrom: path)
    func number(_ key: String) throws -> Int { try #require(file.metadata[key].flatMap { Int($0) }) }
    let loader = try BatchLoader(dataset: TensorDataset.load(file: path), seed: 0, batchSize: number("batch"))
    let rate = try file.doubles("drop_path", shape: [])[0]
    // The file has masks of its own in the place of those that a batch's key gives.
    var masks: [UInt64: [Bool]] = [:]
    for (batch, split) in try [
      (loader.trainingBatch(epoch: 1, step: 0), "train"), (loader.validationBatch(epoch: 1, step: 0), "valid"),
    ] {
      #expect(try batch.images == file.floats("\(split).images"))
      masks[batch.noiseKey] = try file.integers("keep.\(split)").map { $0 == 1 }
    }
    let kind = EngineKind("masked", summary: "") { [masks] network, batch, threads, kernels in
      MaskedEngine(try EngineKind.cpu.make(network, batch: batch, threads: threads, kernels: kernels), masks, rate)
    }
    let problem = try SupernetProblem(
      space: space, channels: number("channels"), layers: number("layers"), loader: loader, seed: 0, threads: 2,
      variant: Self.paths, regularisation: RampedRegularisation(dropPath: rate, epochs: 2), engine: kind)
    let (training, validation) = try (
      problem.trainingBatch(epoch: 1, step: 0), problem.validationBatch(epoch: 1, step: 0)
    )
    let alphas = try ArchitectureParameters(from: file, like: problem.initialAlphas)
    let found = try SecondOrderGradient(problem: problem).estimate(
      weights: problem.importVector(from: file, prefix: ""), velocity: nil, alphas: alphas, training: training,
      validation: validation, step: WeightStep(learningRate: 0.025)
    ).gradient
    for (kind, matrix) in zip(found.kinds, found.matrices) {
      let error = relativeError(matrix.values, try file.floats("expect.alpha_grad_second.\(kind.name)"))
      // As of the variants: the difference of two gradients leaves fewer digits than the first order has.
      #expect(error < 1e-3, "\(kind.name): \(error)")
    }
  }
}

/// An engine that drops given paths of batches known by their keys, and those alone.
private final class MaskedEngine: NetworkEngine {
  private let inner: any NetworkEngine
  private let masks: [UInt64: [Bool]]
  private let rate: Double

  init(_ inner: any NetworkEngine, _ masks: [UInt64: [Bool]], _ rate: Double) {
    (self.inner, self.masks, self.rate) = (inner, masks, rate)
  }

  func run(
    _ input: NetworkInput, weights: ParameterVector, weightGradient: ParameterVector?, wantsMixingGradient: Bool,
    statistics: NetworkStatistics
  ) -> NetworkResult {
    precondition(input.drops != nil, "the batch drops paths")
    var input = input
    input.drops = masks[input.batch.noiseKey].map {
      PathDrops(isKept: $0, images: input.batch.count, probability: rate)
    }
    precondition(input.drops != nil, "the batch is one of the file's")
    return inner.run(
      input, weights: weights, weightGradient: weightGradient, wantsMixingGradient: wantsMixingGradient,
      statistics: statistics)
  }

  func tangents(_ input: NetworkInput, along direction: [[Float]], weights: ParameterVector) throws -> NetworkTangents {
    try inner.tangents(input, along: direction, weights: weights)
  }
  func prepareTangents(images: Int) throws { try inner.prepareTangents(images: images) }
  func weightTangents(
    _ input: NetworkInput, along direction: ParameterVector, weights: ParameterVector, gradientTangent: ParameterVector
  ) throws -> (loss: Double, correct: Int) {
    try inner.weightTangents(input, along: direction, weights: weights, gradientTangent: gradientTangent)
  }
  func prepareWeightTangents(images: Int) throws { try inner.prepareWeightTangents(images: images) }

  var network: NetworkDescription { inner.network }
  var tensors: NetworkTensors { inner.tensors }
  var device: String { inner.device }
  var threadCount: Int { inner.threadCount }
  var batch: Int { inner.batch }
  var byteCount: Int { inner.byteCount }
  var forwardCost: PlanCost { inner.forwardCost }
  func gradientCost(wantsWeights: Bool) -> PlanCost { inner.gradientCost(wantsWeights: wantsWeights) }
  func logits(count: Int) -> [Float] { inner.logits(count: count) }
  func makeVector() -> ParameterVector { inner.makeVector() }
  func makeVector(_ values: [[Float]]) -> ParameterVector { inner.makeVector(values) }
  func values(of vector: ParameterVector) -> [[Float]] { inner.values(of: vector) }
  func makeStatistics(_ moments: [NormMoments]) -> ParameterVector { inner.makeStatistics(moments) }
  func moments(of statistics: ParameterVector) -> [NormMoments] { inner.moments(of: statistics) }
}
