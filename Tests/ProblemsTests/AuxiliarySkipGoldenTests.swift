import Cells
import Compute
import Datasets
import Engine
import Formats
import Problems
import TestSupport
import Testing

/// Auxiliary skip connections against PyTorch in float64 (examples/pytorch/make_robust_golden.py), whose values are those of the
/// public program on the same weights (scripts/judge_robust.py). PyTorch itself in float32 is within 3e-7 of the losses, 3e-6 of
/// the gradients, and 2e-5 of those of second order, in which the distance of two points divides what rounding leaves.
@Suite("Auxiliary skip connections against PyTorch") struct AuxiliarySkipGoldenTests {
  private struct Golden {
    let file: TensorFile
    let problem: SupernetProblem
    let weights: ParameterVector
    let alphas: ArchitectureParameters
    let beta: Float

    init(_ space: SearchSpace) throws {
      let path = GoldenFile.path("robust/auxiliary_\(space.rawValue)")
      let file = try TensorFile(readingFrom: path)
      func number(_ key: String) throws -> Int { try #require(file.metadata[key].flatMap { Int($0) }) }
      var variant = SupernetVariant()
      variant.auxiliarySkip = true
      problem = try SupernetProblem(
        space: space, channels: number("channels"), layers: number("layers"),
        loader: BatchLoader(dataset: TensorDataset.load(file: path), seed: 0, batchSize: number("batch")), seed: 0,
        threads: 2, variant: variant)
      weights = try problem.importVector(from: file, prefix: "")
      beta = Float(try file.doubles("beta", shape: [])[0])
      var alphas = try ArchitectureParameters(from: file, like: problem.initialAlphas)
      alphas.auxiliarySkip = beta
      (self.file, self.alphas) = (file, alphas)
    }

    func expected(_ name: String) throws -> Double { try file.doubles("expect.\(name)", shape: [])[0] }

    /// The worse of the two cells, in norm.
    func error(_ found: ArchitectureParameters, _ name: String) throws -> Double {
      try zip(found.kinds, found.matrices).map { kind, matrix in
        relativeError(matrix.values, try file.floats("expect.\(name).\(kind.name)"))
      }.max() ?? .infinity
    }
  }

  @Test("Losses and gradients of ω and α are those of PyTorch", arguments: [SearchSpace.s1, .s2])
  func gradients(space: SearchSpace) throws {
    let golden = try Golden(space)
    let problem = golden.problem
    let (train, valid) = try (problem.trainingBatch(epoch: 0, step: 0), problem.validationBatch(epoch: 0, step: 0))
    #expect(try train.images == golden.file.floats("train.images") && valid.images == golden.file.floats("valid.images"))
    let gradient = problem.makeInitialWeights()
    let trained = problem.gradient(
      weights: golden.weights, alphas: golden.alphas, batch: train, weightGradient: gradient, wantsAlphaGradient: false,
      statistics: nil)
    #expect(close(trained.loss.loss, try golden.expected("train_loss"), .relative(1e-6)))
    for tensor in problem.export(gradient) {
      guard case .float32(let values) = tensor.values else { throw TestFailure("\(tensor.name) is not float32") }
      let wanted = try golden.file.doubles("expect.omega_grad.\(tensor.name)")
      // A convolution through which nothing flows has zeros in either.
      #expect(distance(doubles(values), wanted) <= 2e-5 * norm(wanted), "\(tensor.name)")
    }
    let validated = problem.gradient(
      weights: golden.weights, alphas: golden.alphas, batch: valid, weightGradient: nil, wantsAlphaGradient: true,
      statistics: nil)
    #expect(close(validated.loss.loss, try golden.expected("valid_loss"), .relative(1e-6)))
    let alphas = try #require(validated.alphas)
    #expect(try golden.error(alphas, "alpha_grad_first") < 1e-5)
  }

  @Test("The second-order gradient is PyTorch's, and is another than that of first order", arguments: [SearchSpace.s1, .s2])
  func secondOrder(space: SearchSpace) throws {
    let golden = try Golden(space)
    let problem = golden.problem
    let found = try SecondOrderGradient(problem: problem).estimate(
      weights: golden.weights, velocity: nil, alphas: golden.alphas, training: problem.trainingBatch(epoch: 0, step: 0),
      validation: problem.validationBatch(epoch: 0, step: 0), step: WeightStep(learningRate: 0.025)
    ).gradient
    #expect(try golden.error(found, "alpha_grad_second") < 1e-3)
    #expect(try golden.error(found, "alpha_grad_first") > 0.5)
  }

  @Test("With running statistics, and where β is 0, losses are those of PyTorch", arguments: [SearchSpace.s1, .s2])
  func evaluation(space: SearchSpace) throws {
    let golden = try Golden(space)
    let problem = golden.problem
    let train = try problem.trainingBatch(epoch: 0, step: 0)
    let statistics = try #require(try problem.importStatistics(from: golden.file))
    let running = problem.evaluate(weights: golden.weights, alphas: golden.alphas, batch: train, statistics: statistics)
    #expect(close(running.loss, try golden.expected("running_train_loss"), .relative(1e-6)))
    var without = golden.alphas
    without.auxiliarySkip = 0
    let plain = problem.evaluate(weights: golden.weights, alphas: without, batch: train)
    #expect(close(plain.loss, try golden.expected("without.train_loss"), .relative(1e-6)))
  }
}
