import ClosedFormSupport
import Compute
import Formats
import Foundation
import Problems
import Search
import Statistics
import Studies
import TestSupport
import Testing

/// On the quadratic problem, where ∇L₁, ∇L₂ and ∇L_M are known exactly.
struct EstimatorTests {
  private let step = WeightStep(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, gradientClip: 1e6)
  private let alphas = smallAlphas().flat.map(Double.init)

  private func settings(
    _ estimators: [StudiedEstimator], innerSteps: [Int] = [7], candidates: [Int] = [4], sigmas: [Double] = [0.3],
    repeats: Int = 1, places: Int = 1, compared: [Double] = [], weighting: ProposalWeighting = .flattened,
    lambda: Double = 1e-3, replicates: Int = 20
  ) throws -> EstimatorSettings {
    try EstimatorSettings(
      estimators: estimators, innerSteps: innerSteps, candidates: candidates, sigmas: sigmas, repeats: repeats,
      places: places, comparedDisplacements: compared, temperature: 0.5, lambda: lambda, weighting: weighting, step: step,
      seed: 11, bootstrap: Bootstrap(method: .percentile, replicates: replicates, seed: 1))
  }

  private func rows(_ settings: EstimatorSettings, noise: Double = 0.3) throws -> [EstimatorRow] {
    let problem = try quadratic(noise: noise)
    return try EstimatorRun(
      problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: smallAlphas(), settings: settings
    ).rows()
  }

  private func value(
    _ rows: [EstimatorRow], _ estimator: StudiedEstimator, _ statistic: EstimatorStatistic, innerSteps: Int? = nil,
    candidates: Int? = nil, sigma: Double? = nil
  ) throws -> Double {
    try #require(
      rows.first {
        $0.estimator == estimator.rawValue && $0.statistic == statistic.rawValue
          && (innerSteps == nil || $0.innerSteps == innerSteps) && (candidates == nil || $0.candidates == candidates)
          && (sigma == nil || $0.sigma == sigma)
      }
    ).value
  }

  private func cosine(_ a: [Double], _ b: [Double]) -> Double {
    inner(a, b) / (inner(a, a) * inner(b, b)).squareRoot()
  }

  /// ∇L_M at the first place.
  private func exact(_ problem: QuadraticBilevelProblem, _ innerSteps: Int) -> [Double] {
    problem.trueLossGradient(
      weights: [Double](repeating: 0, count: 5), alphas: alphas, step: step,
      batches: (0..<innerSteps).map { problem.trainingBatch(epoch: $0 / 4, step: $0 % 4) },
      validation: problem.validationBatch(epoch: 0, step: 0))
  }

  /// H of L_M, D + J_MᵀVJ_M.
  private func hessian(_ problem: QuadraticBilevelProblem, _ innerSteps: Int) -> DenseMatrix {
    let sensitivity = problem.innerSensitivity(innerSteps: innerSteps, step: step)
    let coupled = sensitivity.transposed * (problem.coefficients.validationCurvature * sensitivity)
    return problem.coefficients.alphaCurvature + coupled
  }

  @Test func referenceAndTheGradientsOfDARTSAreTheClosedForms() throws {
    let problem = try quadratic(noise: 0.3)
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let rows = try EstimatorRun(
      problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: smallAlphas(),
      settings: settings([.darts1, .darts2, .difference], innerSteps: [1, 7], compared: [0.05, 1])
    ).run(in: folder)
    let reference = exact(problem, 7)
    let file = try TensorFile(readingFrom: folder.file("gradients.safetensors"))
    #expect(close(try file.doubles("true.7", shape: [1, 6]), reference, .scaled(1e-5)))
    #expect(close(try file.doubles("true.1", shape: [1, 6]), exact(problem, 1), .scaled(1e-5)))
    let first = problem.firstOrderGradient(alphas: alphas)
    let second = problem.secondOrderGradient(
      weights: [Double](repeating: 0, count: 5), alphas: alphas, step: step,
      training: problem.trainingBatch(epoch: 0, step: 0), validation: problem.validationBatch(epoch: 0, step: 0))
    for (estimator, steps, gradient) in [
      (StudiedEstimator.darts1, 7, first), (.darts2, 7, second), (.difference, 1, exact(problem, 1)),
      (.difference, 7, reference),
    ] {
      let apart = zip(gradient, reference).map { $0 - $1 }
      let bias = (inner(apart, apart) / inner(reference, reference)).squareRoot()
      let signs = Double(zip(gradient, reference).count { $0 * $1 > 0 }) / 6
      #expect(abs(try value(rows, estimator, .relativeBias, innerSteps: steps) - bias) < 1e-4, "\(estimator)")
      #expect(abs(try value(rows, estimator, .cosine, innerSteps: steps) - cosine(gradient, reference)) < 1e-5)
      #expect(try value(rows, estimator, .signAgreement, innerSteps: steps) == signs)
    }
    #expect(try value(rows, .darts1, .relativeBias) > 0.1, "the problem is one that misleads first-order DARTS")
    // The differences of a quadratic do not depend on the displacement.
    let compared = rows.filter { $0.estimator == "reference" && $0.statistic == "cosine" }
    #expect(compared.map(\.sigma) == [0.05, 1] && compared.allSatisfy { abs($0.value - 1) < 1e-6 })
  }

  /// One-sided: g_i = (⟨g, u⟩ + μ/2 uᵀHu) u, of mean g and of variance
  /// (d + 1)‖g‖² + μ²/4 (d + 4)[(tr H)² + 2 tr H²] over N; pairs lack the second term and have N/2 directions.
  @Test func randomSearchHasItsMeanAndItsVariance() throws {
    let problem = try quadratic(noise: 0.3)
    let rows = try rows(settings([.rs, .pairs], candidates: [2, 8], sigmas: [0.3], repeats: 1200, replicates: 2))
    let (reference, hessian) = (exact(problem, 7), hessian(problem, 7))
    let square = inner(reference, reference)
    var trace = 0.0
    for index in 0..<6 { trace += hessian[index, index] }
    let traceOfSquare = inner(hessian.values, hessian.values)
    for candidates in [2, 8] {
      let linear = 7 * square
      let curved: Double = 0.3 * 0.3 / 4 * 10 * (trace * trace + 2 * traceOfSquare)
      let oneSided: Double = (linear + curved) / Double(candidates) / square
      let found = try value(rows, .rs, .relativeVariance, candidates: candidates)
      #expect(abs(found / oneSided - 1) < 0.2, "\(candidates): \(found), \(oneSided)")
      let pairs = linear / Double(candidates / 2) / square
      let foundPairs = try value(rows, .pairs, .relativeVariance, candidates: candidates)
      #expect(abs(foundPairs / pairs - 1) < 0.2, "\(candidates): \(foundPairs), \(pairs)")
      #expect(try value(rows, .rs, .meanCosine, candidates: candidates) > 0.99)
      // The bias that is left is chance: its standard error is √(variance/(R‖g‖²)).
      #expect(try value(rows, .rs, .relativeBias, candidates: candidates) < 2.5 * (oneSided / 1200).squareRoot())
    }
  }

  @Test(arguments: [ProposalWeighting.flattened, .exact])
  func estimatesAreTheUpdatesOfTheSearch(weighting: ProposalWeighting) throws {
    let problem = try quadratic(noise: 0.3)
    let rows = try rows(
      settings([.rs, .pairs, .mgs, .gld], candidates: [2, 4], weighting: weighting, lambda: 0.3))
    let reference = exact(problem, 7)
    let moment = ArchitectureStep<QuadraticBilevelProblem>(
      weights: problem.makeInitialWeights(), velocity: problem.makeVector(), weightStep: step,
      trainingBatches: (0..<7).map { problem.trainingBatch(epoch: $0 / 4, step: $0 % 4) },
      validationBatch: problem.validationBatch(epoch: 0, step: 0), sigma: 0.3, seed: 11, epoch: 0, step: 0)
    for candidates in [2, 4] {
      let optimisers: [(StudiedEstimator, any ArchitectureOptimiser<QuadraticBilevelProblem>)] = [
        (
          .rs,
          ZARTSRS(problem: problem, settings: .init(innerSteps: 7, candidates: candidates, smoothing: 0.3, stepSize: 1))
        ),
        (
          .pairs,
          ZARTSRS(
            problem: problem,
            settings: .init(innerSteps: 7, candidates: candidates, smoothing: 0.3, stepSize: 1, isAntithetic: true))
        ),
        (
          .mgs,
          ZARTSMGS(
            problem: problem,
            settings: .init(innerSteps: 7, candidates: candidates, temperature: 0.5, lambda: 0.3, weighting: weighting))
        ),
        (
          .gld,
          ZARTSGLD(
            problem: problem, settings: .init(innerSteps: 7, radius: 0.3 * 6.0.squareRoot(), radii: candidates))
        ),
      ]
      for (estimator, optimiser) in optimisers {
        var moved = smallAlphas()
        _ = try optimiser.update(&moved, at: moment)
        let estimate = zip(alphas, moved.flat).map { $0 - Double($1) }
        guard inner(estimate, estimate) > 0 else {
          #expect(try value(rows, estimator, .acceptance, candidates: candidates) == 0)
          continue
        }
        let found = try value(rows, estimator, .cosine, candidates: candidates)
        #expect(abs(found - cosine(estimate, reference)) < 1e-5, "\(estimator) with \(candidates) candidates")
        let ratio = (inner(estimate, estimate) / inner(reference, reference)).squareRoot()
        #expect(abs(try value(rows, estimator, .normRatio, candidates: candidates) / ratio - 1) < 1e-5)
      }
    }
  }

  @Test func statisticsOfAFewVectorsAreThoseByHand() throws {
    // g = (2, 0, −1); estimates (1, 1, 0) and (3, −1, −2): mean (2, 0, −1) = g, variance 4 + … = 2·(1 + 1 + 1).
    let place = EstimateSample(estimates: [[1, 1, 0], [3, -1, -2]], reference: [2, 0, -1])
    let found = try [place].statistics(bootstrap: Bootstrap(replicates: 10))
    let cosines: Double = 2 / 10.0.squareRoot() + 8 / 70.0.squareRoot()
    #expect(abs((found[.cosine]?.value ?? 0) - cosines / 2) < 1e-12)
    #expect(abs((found[.meanCosine]?.value ?? 0) - 1) < 1e-12)
    #expect(abs((found[.relativeVariance]?.value ?? 0) - 6.0 / 5) < 1e-12)
    #expect(found[.relativeBias]?.value == 0, "what the variance explains is no bias")
    #expect(abs((found[.signAgreement]?.value ?? 0) - 0.75) < 1e-12, "a coordinate without slope has no sign to agree with")
    #expect(abs((found[.normRatio]?.value ?? 0) - 1) < 1e-12)
    #expect(found[.acceptance]?.value == 1)
    #expect(found.values.allSatisfy { $0.interval == nil }, "two estimates say nothing of spread")
    let still = try [EstimateSample(estimates: [[0, 0], [1, 0]], reference: [1, 1])].statistics(
      bootstrap: Bootstrap(replicates: 10))
    #expect(still[.acceptance]?.value == 0.5)
    #expect(abs((still[.cosine]?.value ?? 0) - 0.5.squareRoot()) < 1e-12, "a step that was not taken has no direction")
  }

  @Test func intervalsAreOverPlacesWhereThereAreEnough() throws {
    let many = try rows(settings([.darts1, .rs], repeats: 3, places: 5, replicates: 200), noise: 1)
    let row = try #require(many.first { $0.estimator == "darts1" && $0.statistic == "cosine" })
    #expect(row.count == 5)
    #expect(row.interval?.kind == "student" && row.interval?.resampled == "places" && row.interval?.units == 5)
    #expect((row.lower ?? 9) < row.value && (row.upper ?? -9) > row.value, "batches differ, and so do gradients on them")
    let few = try rows(settings([.darts1, .rs], repeats: 6, places: 1, replicates: 200))
    #expect(few.first { $0.estimator == "darts1" && $0.statistic == "cosine" }?.lower == nil)
    let repeats = try #require(few.first { $0.estimator == "rs" && $0.statistic == "cosine" }?.interval)
    #expect(repeats.resampled == "repeats" && repeats.units == 6)
    #expect([repeats].account == "Student's t over 6 repeats")
  }

  /// Estimates g + b + e of a gradient of norm 1 in 20 dimensions, ‖b‖ = ½ and e standard normal: the bias is ½, and a mean
  /// of eight estimates is 1.6 away from g by noise alone. Resampled estimates have noise of their own on top of that, so a
  /// bootstrap lies beside the estimate; the jackknife of an unbiased square does not. (NumPy: 99 % of such intervals hold ½.)
  @Test func intervalsOfTheRelativeBiasHaveTheirCentreAtTheEstimateAndHoldTheBias() throws {
    let reference: [Double] = (0..<20).map { $0 == 0 ? 1 : 0 }
    var (hits, total) = (0, 0.0)
    for sample in 0..<400 {
      var stream = RandomStream(seed: 31, purpose: .test, step: sample)
      let estimates = (0..<8).map { _ in
        reference.indices.map { reference[$0] + ($0 == 1 ? 0.5 : 0) + stream.normal() }
      }
      let found = try #require(
        try [EstimateSample(estimates: estimates, reference: reference)].statistics(bootstrap: Bootstrap())[.relativeBias])
      // In 3 of 1,000 samples all of the interval of the square is below 0, and there is none.
      if let interval = found.interval, interval.lower <= 0.5, 0.5 <= interval.upper { hits += 1 }
      if let interval = found.interval, interval.lower > 0 {
        let centre: Double = (interval.lower * interval.lower + interval.upper * interval.upper) / 2
        #expect(abs(centre - found.value * found.value) < 1e-9)
      }
      // Σ_{r≠s} ⟨g_r − g, g_s − g⟩/R(R − 1), which is what the square is an estimate of.
      let away = estimates.map { estimate in zip(estimate, reference).map { $0 - $1 } }
      let sum = away.reduce([Double](repeating: 0, count: 20)) { total, next in zip(total, next).map { $0 + $1 } }
      let square = (inner(sum, sum) - away.reduce(0) { $0 + inner($1, $1) }) / 56
      #expect(abs(found.value - max(0, square).squareRoot()) < 1e-7)
      total += square
    }
    #expect(hits >= 380, "\(hits) of 400")
    // The standard error of the mean of these squares is 0.05.
    #expect(abs(total / 400 - 0.25) < 0.2)
  }

  @Test func stoppedStudiesGoOnToTheSameBytesAndOthersAreRefused() throws {
    let scratch = try ScratchFolder()
    let problem = try quadratic(noise: 0.3)
    func run(_ settings: EstimatorSettings) -> EstimatorRun<QuadraticBilevelProblem> {
      EstimatorRun(
        problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: smallAlphas(), settings: settings)
    }
    let chosen = try settings([.rs, .mgs, .gld], innerSteps: [1, 3], repeats: 3, places: 2)
    let (whole, parts) = (try OutputFolder.create(at: scratch.file("a")), try OutputFolder.create(at: scratch.file("b")))
    let expected = try run(chosen).run(in: whole)
    for limit in [10, 40] {
      var asked = 0
      #expect(throws: CancellationError.self) {
        try run(chosen).run(
          in: parts, isContinued: limit > 10,
          isStopRequested: {
            asked += 1
            return asked > limit
          })
      }
      #expect(!FileManager.default.fileExists(atPath: parts.file("estimators.csv")))
    }
    #expect(try run(chosen).run(in: parts, isContinued: true) == expected)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: parts.path).sorted() == [
        "estimators.csv", "estimators.yaml", "gradients.safetensors",
      ])
    for name in try FileManager.default.contentsOfDirectory(atPath: whole.path) {
      #expect(try FileBytes.read(whole.file(name)) == FileBytes.read(parts.file(name)), "\(name)")
    }
    #expect(try run(chosen).run(in: parts, isContinued: true, isStopRequested: { true }) == expected)
    #expect(
      refusal {
        try run(settings([.rs, .mgs], innerSteps: [1, 3], repeats: 3, places: 2)).run(in: parts, isContinued: true)
      }?.hasPrefix(parts.file("estimators.yaml")) == true)
  }

  @Test func settingsThatCannotBeMeantAreRefused() throws {
    #expect(refusal { try settings([]) } == "setting estimators")
    #expect(refusal { try settings([.rs], innerSteps: []) } == "setting inner_steps: []")
    #expect(refusal { try settings([.rs], innerSteps: [5, 2]) } == "setting inner_steps: [5, 2]")
    #expect(refusal { try settings([.rs], candidates: [0]) } == "setting candidates: [0]")
    #expect(refusal { try settings([.pairs], candidates: [3]) } == "setting candidates: 3")
    #expect(refusal { try settings([.rs], sigmas: [0]) } == "setting sigmas: 0.0")
    #expect(refusal { try settings([.rs], sigmas: [.nan]) } == "setting sigmas: nan")
    #expect(refusal { try settings([.rs], repeats: 0) } == "setting repeats: 0")
    #expect(refusal { try settings([.rs], places: 0) } == "setting places: 0")
    #expect(refusal { try settings([.rs], compared: [-1]) } == "setting compare_displacements: -1.0")
    #expect(refusal { try settings([.rs], lambda: 1.5) } == "setting lambda: 1.5")
    #expect(refusal { try StudiedEstimator.parse(list: "rs,rs") } == "setting estimators: 'rs'")
    #expect(refusal { try StudiedEstimator.parse(list: "") } == "setting estimators: ''")
    #expect(try StudiedEstimator.parse(list: "gld,darts1") == [.gld, .darts1])
  }
}
