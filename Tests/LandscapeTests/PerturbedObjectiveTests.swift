import Cells
import ClosedFormSupport
import Compute
import Datasets
import Formats
import Foundation
import Landscape
import Problems
import TestSupport
import Testing

@Suite("Perturbed losses as objectives") struct PerturbedObjectiveTests {
  private static let random = Objective.randomlyPerturbed(size: 0.2)
  private static let adversarial = Objective.adversarial(size: 0.2)

  @Test("they are read and written as lists and tables have them, and say what they are") func reading() throws {
    let objectives = try Objective.parse(list: "first,random:0.2,adversarial:0.2,adversarial:1")
    #expect(objectives == [.firstOrder, Self.random, Self.adversarial, .adversarial(size: 1)])
    #expect(objectives.map(\.label) == ["first", "random:0.2", "adversarial:0.2", "adversarial:1.0"])
    #expect(objectives.map(\.arrayName) == ["first", "random0.2", "adversarial0.2", "adversarial1.0"])
    for objective in objectives {
      #expect(Objective(name: objective.name, innerSteps: objective.innerSteps) == objective)
      #expect(objective.quantity == .loss && objective.trueSteps == nil && !objective.takesSteps)
    }
    #expect(objectives[1].formula == "L_{rand, ε = 0.2}(α)" && objectives[2].formula == "L_{adv, ε = 0.2}(α)")
    #expect(Objective(name: "random:0.2", innerSteps: 1) == nil && Objective(name: "adversarial:2", innerSteps: 0) == nil)
    #expect(Objective(name: "random", innerSteps: 0) == nil)
  }

  @Test("a size that is none, or is absent, is refused by its words", arguments: ["random", "adversarial"])
  func refusals(word: String) {
    for (entry, found) in [
      ("\(word)", "'\(word)'"), ("\(word):0", "'0' in '\(word):0'"), ("\(word):1.5", "'1.5' in '\(word):1.5'"),
      ("\(word):x", "'x' in '\(word):x'"), ("\(word):nan", "'nan' in '\(word):nan'"),
    ] {
      let error = #expect(throws: InputError.self) { try Objective.parse(list: entry) }
      #expect(error?.place == .setting("objectives") && error?.found == found, "\(entry)")
    }
  }

  @Test("their plans: eight losses, or seven gradients and a loss, on each validation batch") func plan() {
    #expect([Self.random, .randomlyPerturbed(size: 0.1)].cost == ObjectiveCost(losses: 16))
    #expect([Self.adversarial, .firstOrder].cost == ObjectiveCost(losses: 2, gradients: 7))
    #expect(EvaluationWork(of: [Self.random], validationBatches: 3) == .init(forwards: 24, steps: 0))
    #expect(EvaluationWork(of: [Self.adversarial], validationBatches: 3) == .init(forwards: 3, steps: 21))
    // Statistics are estimated anew before each loss and each gradient.
    #expect(
      EvaluationWork(of: [Self.adversarial], validationBatches: 3, recalibrationBatches: 2)
        == .init(forwards: 5 + 14, steps: 21))
  }

  private func evaluator(
    _ problem: CountingProblem, validationBatches: Int = 1, _ mode: BatchNormMode = .batch,
    _ statistics: ParameterVector? = nil
  ) throws -> ObjectiveEvaluator<CountingProblem> {
    try ObjectiveEvaluator(
      problem: problem, weights: problem.makeInitialWeights(), epoch: 0, objectives: [Self.adversarial],
      validationBatchCount: validationBatches, batchNorm: mode, statistics: statistics)
  }

  /// L_val = ½ (ω − w*)ᵀ(ω − w*) + ½ αᵀα + 2, in which α has the place of mixing weights.
  private func bowl() throws -> CountingProblem {
    CountingProblem(
      try QuadraticBilevelProblem(
        coefficients: .init(
          trainingCurvature: .identity(1), response: DenseMatrix(rows: 1, columns: 6), responseOffset: [0],
          validationCurvature: .identity(1), weightTarget: [1], alphaCurvature: .identity(6),
          alphaTarget: [0, 0, 0, 0, 0, 0], validationFloor: 2), initialAlphas: smallAlphas()))
  }

  @Test("on a bowl the adversarial loss is that of the corner of the box farthest from its bottom") func corner() throws {
    let problem = try bowl()
    let found = try evaluator(problem).evaluate([Self.adversarial], at: smallAlphas())[0].loss
    // ω is 0, so its part is ½; every |α| is above the box, so no slope turns.
    let wanted = 0.5 + smallAlphas().flat.reduce(0.0) { $0 + 0.5 * pow(abs(Double($1)) + 0.2, 2) } + 2
    #expect(close(found, wanted, .absolute(2e-6)), "\(found), \(wanted)")
    #expect(problem.steps == 7 && problem.forwards == 1, "as its plan has it")
  }

  @Test("at the bottom, where no slope says where to go, it is the loss of α itself") func bottom() throws {
    let problem = try bowl()
    var alphas = smallAlphas()
    alphas.flat = [Float](repeating: 0, count: 6)
    let found = try evaluator(problem).evaluate([.firstOrder, Self.adversarial], at: alphas)
    #expect(found[0].loss == found[1].loss && found[0].loss == 2.5)
  }

  @Test("the random one is the mean over eight fixed points of the box, the same at every α and batch") func draws() throws {
    let problem = CountingProblem(try quadratic(noise: 0.3))
    let evaluator = try evaluator(problem, validationBatches: 2)
    var moved = smallAlphas()
    moved.flat = moved.flat.map { $0 + 0.5 }
    for alphas in [smallAlphas(), moved] {
      let found = try evaluator.evaluateBatches([Self.random], at: alphas)[0]
      for (step, batch) in found.enumerated() {
        let box = MixingBox(around: alphas, size: 0.2, rule: .identity)
        let losses = (0..<8).map { draw in
          var stream = RandomStream(seed: 0, purpose: .perturbation, epoch: 16_777_215, index: draw)
          return problem.inner.evaluate(
            weights: problem.makeInitialWeights(), alphas: box.alphas(at: box.randomPoint(&stream)),
            batch: problem.validationBatch(epoch: 0, step: step))
        }
        #expect(Set(losses.map(\.loss)).count == 8)
        #expect(close(batch.loss, losses.reduce(0) { $0 + $1.loss } / 8, .relative(1e-14)))
        #expect(batch.count == 8 * losses[0].count && batch.correct == losses.reduce(0) { $0 + $1.correct })
      }
      #expect(try evaluator.evaluateBatches([Self.random], at: alphas)[0] == found)
    }
  }

  @Test("without α there is nothing to perturb, which is said") func withoutAlphas() throws {
    let evaluator = try evaluator(CountingProblem(try quadratic()))
    for objective in [Self.random, Self.adversarial] {
      let error = #expect(throws: InputError.self) { try evaluator.evaluate([objective], at: .none) }
      #expect(error?.place == .setting("objectives") && error?.found == objective.label)
    }
  }

  // MARK: A supernet

  /// PyTorch in float64 (examples/pytorch/robust_supernet.py) on the network and the training batch of the file: the largest loss
  /// that seven steps from δ = 0 meet, by statistics of the batch, by those of the file, and by `momentum=None` over the batch at
  /// each point. The least slope is 8.6e-5 of the largest of its step, and PyTorch in float32 is 1e-7 away.
  struct Expected: Sendable {
    var mode: String
    var losses: [Double]
  }

  static let expected = [
    Expected(mode: "batch", losses: [2.318949317800494, 2.5432273068419917, 3.0920703540769297]),
    Expected(mode: "running", losses: [2.294881641442714, 2.3139263279004716, 2.3793053349594504]),
    Expected(mode: "recalibrated", losses: [2.29998043473821, 2.470195178237863, 2.836172286248187]),
  ]

  @Test("a supernet's adversarial losses are those of PyTorch under each batch-norm mode", arguments: expected)
  func supernet(expected: Expected) throws {
    let path = GoldenFile.path("robust/running_s3")
    let file = try TensorFile(readingFrom: path)
    let problem = try SupernetProblem(
      space: .s3, channels: 4, layers: 3,
      loader: BatchLoader(dataset: TensorDataset.load(file: path), seed: 0, batchSize: 4), seed: 0, threads: 1)
    let statistics = try #require(try problem.importStatistics(from: file))
    let kept = statistics.values
    let (weights, alphas) = (
      try problem.importVector(from: file, prefix: ""),
      try ArchitectureParameters(from: file, like: problem.initialAlphas)
    )
    let batch = try problem.trainingBatch(epoch: 0, step: 0)
    let mode = try #require(BatchNormMode(named: expected.mode))
    let evaluator = try ObjectiveEvaluator(
      problem: problem, weights: weights, trainingBatches: [batch], validationBatches: [batch], batchNorm: mode,
      statistics: statistics, recalibrationBatches: [batch])
    let objectives = [Objective.firstOrder, .adversarial(size: 0.05), .adversarial(size: 0.2)]
    let found = try evaluator.evaluate(objectives, at: alphas).map(\.loss)
    #expect(close(found, expected.losses, .relative(1e-5)), "\(expected.mode): \(found)")
    #expect(statistics.values == kept)
    #expect(try evaluator.evaluate([objectives[1]], at: alphas)[0].loss == found[1], "it repeats to the bit")
  }
}
