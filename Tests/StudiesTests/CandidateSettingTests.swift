import ClosedFormSupport
import Compute
import Formats
import Problems
import Search
import Statistics
import Studies
import TestSupport
import Testing

/// Estimators studied with the settings of the authors' released code, on the quadratic problem.
@Suite struct CandidateSettingTests {
  private let step = WeightStep(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, gradientClip: 1e6)

  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    var zeroOrder = ZeroOrderSettings()
    var training = CandidateTraining()
    var testDescription: String { name }
  }

  static let cases = [
    Case(name: "defaults"),
    Case(name: "spheres of matrices", zeroOrder: .init(rsDistribution: .matrixSphere, gldDistribution: .matrixSphere)),
    Case(name: "spheres", zeroOrder: .init(rsDistribution: .sphere, gldDistribution: .sphere)),
    Case(name: "untrained baseline", zeroOrder: .init(hasUntrainedBaseline: true)),
    Case(name: "a learning rate of their own", training: .init(learningRate: 0.02)),
    Case(name: "a momentum of their own", training: .init(momentum: 0.5)),
    Case(
      name: "all of the released code",
      zeroOrder: .init(rsDistribution: .matrixSphere, gldDistribution: .matrixSphere, hasUntrainedBaseline: true),
      training: .init(learningRate: 0.001, momentum: 0)),
  ]

  private func settings(_ setting: Case) throws -> EstimatorSettings {
    try EstimatorSettings(
      estimators: [.rs, .pairs, .mgs, .gld], innerSteps: [2, 7], candidates: [2, 4], sigmas: [0.3], repeats: 1,
      temperature: 0.5, lambda: 0.3, zeroOrder: setting.zeroOrder, training: setting.training, step: step, seed: 11,
      bootstrap: Bootstrap(method: .percentile, replicates: 10, seed: 1))
  }

  private func velocity(_ problem: QuadraticBilevelProblem) -> ParameterVector {
    let result = problem.makeVector()
    for index in 0..<result.count { result[index] = 0.1 * Float(index + 1) }
    return result
  }

  private func value(
    _ rows: [EstimatorRow], _ estimator: StudiedEstimator, _ statistic: EstimatorStatistic, _ candidates: Int
  ) throws -> Double {
    try #require(
      rows.first {
        $0.estimator == estimator.rawValue && $0.statistic == statistic.rawValue && $0.innerSteps == 7
          && $0.candidates == candidates
      }
    ).value
  }

  @Test("An estimate is the update of the search with the same settings", arguments: cases)
  func estimates(setting: Case) throws {
    let problem = try quadratic(noise: 0.3)
    let alphas = smallAlphas().flat.map(Double.init)
    let rows = try EstimatorRun(
      problem: problem, weights: problem.makeInitialWeights(), velocity: velocity(problem), alphas: smallAlphas(),
      settings: settings(setting)
    ).rows()
    // The reference is the gradient with the study's own steps and velocity, whatever candidates do.
    let batches = (0..<7).map { problem.trainingBatch(epoch: $0 / 4, step: $0 % 4) }
    let reference = problem.trueLossGradient(
      weights: [Double](repeating: 0, count: 5), velocity: doubles(velocity(problem).values), alphas: alphas, step: step,
      batches: batches, validation: problem.validationBatch(epoch: 0, step: 0))
    let moment = ArchitectureStep<QuadraticBilevelProblem>(
      weights: problem.makeInitialWeights(), velocity: velocity(problem), weightStep: step, trainingBatches: batches,
      validationBatch: problem.validationBatch(epoch: 0, step: 0), sigma: 0.3, seed: 11, epoch: 0, step: 0)
    for candidates in [2, 4] {
      func random(_ isAntithetic: Bool) -> any ArchitectureOptimiser<QuadraticBilevelProblem> {
        ZARTSRS(
          problem: problem,
          settings: .init(
            innerSteps: 7, candidates: candidates, distribution: setting.zeroOrder.rsDistribution, smoothing: 0.3,
            stepSize: 1, isAntithetic: isAntithetic, training: setting.training))
      }
      let optimisers: [(StudiedEstimator, any ArchitectureOptimiser<QuadraticBilevelProblem>)] = [
        (.rs, random(false)), (.pairs, random(true)),
        (
          .mgs,
          ZARTSMGS(
            problem: problem,
            settings: .init(
              innerSteps: 7, candidates: candidates, temperature: 0.5, lambda: 0.3, training: setting.training))
        ),
        (
          .gld,
          ZARTSGLD(
            problem: problem,
            settings: .init(
              innerSteps: 7, radius: 0.3 * 6.0.squareRoot(), radii: candidates,
              distribution: setting.zeroOrder.gldDistribution,
              hasUntrainedBaseline: setting.zeroOrder.hasUntrainedBaseline, training: setting.training))
        ),
      ]
      for (estimator, optimiser) in optimisers {
        var moved = smallAlphas()
        _ = try optimiser.update(&moved, at: moment)
        let estimate = zip(alphas, moved.flat).map { $0 - Double($1) }
        guard norm(estimate) > 0 else {
          #expect(try value(rows, estimator, .acceptance, candidates) == 0)
          continue
        }
        let cosine = inner(estimate, reference) / (norm(estimate) * norm(reference))
        let found = try value(rows, estimator, .cosine, candidates)
        #expect(abs(found - cosine) < 1e-5, "\(estimator) with \(candidates) candidates: \(found), \(cosine)")
        let ratio = norm(estimate) / norm(reference)
        #expect(abs(try value(rows, estimator, .normRatio, candidates) / ratio - 1) < 1e-4, "\(estimator)")
      }
    }
  }

  @Test("A study that was stopped goes on to the same rows, with candidates' steps of their own", arguments: cases)
  func resume(setting: Case) throws {
    let scratch = try ScratchFolder()
    func run() throws -> EstimatorRun<QuadraticBilevelProblem> {
      let problem = try quadratic(noise: 0.3)
      return try EstimatorRun(
        problem: problem, weights: problem.makeInitialWeights(), velocity: velocity(problem), alphas: smallAlphas(),
        settings: settings(setting))
    }
    let whole = try run().rows()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    var asked = 0
    #expect(throws: CancellationError.self) {
      try run().run(
        in: folder,
        isStopRequested: {
          asked += 1
          return asked > 14
        })
    }
    #expect(try run().run(in: OutputFolder.existing(at: folder.path), isContinued: true) == whole)
  }

  @Test("What is not the default stands in estimators.yaml, and nothing else, so that earlier studies go on")
  func entries() throws {
    let keys = [
      "rs_distribution", "gld_distribution", "untrained_baseline", "candidate_learning_rate", "candidate_momentum",
    ]
    let usual = try settings(Self.cases[0]).entries
    #expect(usual.allSatisfy { !keys.contains($0.key) })
    let all = try settings(Self.cases[6]).entries.filter { keys.contains($0.key) }
    #expect(
      Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0.value) }) == [
        "rs_distribution": "matrix-sphere", "gld_distribution": "matrix-sphere", "untrained_baseline": "true",
        "candidate_learning_rate": "0.001", "candidate_momentum": "0.0",
      ])
  }

  @Test("Numbers of candidates' steps that cannot be are refused by their names")
  func refusals() {
    for (training, setting, found) in [
      (CandidateTraining(learningRate: 0), "candidate_learning_rate", "0.0"),
      (CandidateTraining(momentum: 1), "candidate_momentum", "1.0"),
    ] {
      let error = #expect(throws: InputError.self) { try settings(Case(name: "", training: training)) }
      #expect(error?.place == .setting(setting) && error?.found == found)
    }
  }
}
