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

/// Controls of a study of estimators: what differences alone make of a gradient, and what the noise of validation batches does.
@Suite("Controls of the study of estimators") struct EstimatorControlTests {
  private let step = WeightStep(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, gradientClip: 1e6)
  private let alphas = smallAlphas().flat.map(Double.init)
  private let zero = [Double](repeating: 0, count: 5)

  private func settings(
    _ estimators: [StudiedEstimator], repeats: Int = 1, places: Int = 1, batches: Int
  ) throws -> EstimatorSettings {
    try EstimatorSettings(
      estimators: estimators, innerSteps: [7], candidates: [4], sigmas: [0.3], repeats: repeats, places: places, step: step,
      validationBatches: batches, seed: 11, bootstrap: Bootstrap())
  }

  private func run(_ settings: EstimatorSettings, noise: Double = 1) throws -> EstimatorRun<QuadraticBilevelProblem> {
    let problem = try quadratic(noise: noise)
    return EstimatorRun(
      problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: smallAlphas(), settings: settings)
  }

  private func row(
    _ rows: [EstimatorRow], _ estimator: StudiedEstimator, _ statistic: EstimatorStatistic
  ) throws -> EstimatorRow {
    try #require(
      rows.first { $0.estimator == estimator.rawValue && $0.statistic == statistic.rawValue },
      "\(estimator), \(statistic.rawValue)")
  }

  private func apart(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 - $1 } }

  @Test("differences of L₁ are its gradient on a quadratic, with the reference's h and beside darts1")
  func firstOrder() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let rows = try run(settings([.darts1, .firstOrderDifference, .rs], places: 2, batches: 2)).run(in: folder)
    for statistic in [EstimatorStatistic.cosine, .relativeBias, .normRatio, .signAgreement] {
      let (exact, found) = try (row(rows, .darts1, statistic), row(rows, .firstOrderDifference, statistic))
      #expect(abs(exact.value - found.value) < 1e-5, "\(statistic.rawValue)")
      #expect(found.candidates == nil && found.sigma == nil && found.count == 2)
    }
    let file = try TensorFile(readingFrom: folder.file("gradients.safetensors"))
    let gradient = try quadratic().firstOrderGradient(alphas: alphas)
    #expect(close(try file.doubles("darts1-difference", shape: [2, 6]), gradient + gradient, .scaled(1e-5)))
    #expect(!StudiedEstimator.usual.contains(.firstOrderDifference))
  }

  @Test("products of a few vectors without noise are those of different batches alone") func byHand() throws {
    // g of three batches: (3, 0), (1, 0), (2, 3), mean (2, 1). Their products two by two: 3, 6, 2, of mean 11/3.
    let without = [[1.5, 1.5], [2.5, 1.5], [2, 0]]
    // f of three batches: (1, 1), (1, 0), (4, 2), mean (2, 1); f_b g_c for b ≠ c: 1 + 5 + 3 + 2 + 12 + 4 = 27.
    let estimates = [[2.5, 1], [2.5, 1.5], [1, 0.5]]
    func found(_ estimate: [Double], _ without: [(estimates: [[Double]], reference: [Double])]) throws
      -> [EstimatorStatistic: (value: Double, interval: StatedInterval?)]
    {
      try [EstimateSample(estimates: [estimate], reference: [2, 1], withoutEach: without)].statistics(bootstrap: Bootstrap())
    }
    let moving = try found([2, 1], zip(estimates, without).map { ([$0], $1) })
    let square = 11.0 / 3
    #expect(close(moving[.referenceReliability]?.value, square / 5, .absolute(1e-12)))
    #expect(close(moving[.cosineCorrected]?.value, 4.5 / 5.0.squareRoot() / square.squareRoot(), .absolute(1e-12)))
    // f and f: 2 (1 + 6 + 4)/6 = 11/3 as well.
    #expect(close(moving[.normRatioCorrected]?.value, 1, .absolute(1e-12)))
    #expect(moving[.relativeBiasCorrected]?.value == 0, "11/3 − 2 · 4.5 + 11/3 is below 0")
    #expect(moving[.relativeBias]?.value == 0, "it agrees with the reference, noise and all")
    let still = try found([0, 2], without.map { ([[0, 2]], $0) })
    #expect(close(still[.relativeBiasCorrected]?.value, 1, .absolute(1e-12)), "(4 − 2 · 2 + 11/3)/(11/3)")
    #expect(close(still[.normRatioCorrected]?.value, (4 / square).squareRoot(), .absolute(1e-12)))
    // A lost estimate would let others change places.
    let short = try found([2, 1], without.map { ([], $0) })
    #expect(short[.referenceReliability] == nil && short[.relativeBias] != nil)
    let few = try found([2, 1], Array(zip(estimates, without).map { ([$0], $1) }.prefix(2)))
    #expect(few[.referenceReliability] == nil, "of two batches one is left without the other")
  }

  /// On the closed form γ_p = ∇L_M on the split itself is known at every place, and a batch adds −JᵀVs to it: covariance
  /// Σ = noise² JᵀV²J. Over P places and B batches Σ‖ḡ‖² exceeds Σ‖γ‖² by P tr Σ/B on average; cleared of that it has the
  /// variance Σ_p 4 γᵀΣγ/B + P 2 tr Σ²/(B(B − 1)), and the square of a bias f − γ likewise.
  @Test("lengths and biases cleared of noise are those of the closed form's noiseless gradient") func closedForm() throws {
    let (places, batches, noise) = (150, 4, 3.0)
    let problem = try quadratic(noise: noise)
    let rows = try run(settings([.darts1, .difference], places: places, batches: batches), noise: noise).rows()
    let pull = problem.coefficients.validationCurvature * problem.innerSensitivity(innerSteps: 7, step: step)
    let covariance = noise * noise * (pull.transposed * pull)
    let traceOfSquare = inner(covariance.values, covariance.values)
    let trace = (0..<6).reduce(0.0) { $0 + covariance[$1, $1] }
    let first = problem.firstOrderGradient(alphas: alphas)
    var (truth, measured, bias, variance, biasVariance) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for place in 0..<places {
      func gradient(_ validation: QuadraticBilevelProblem.Batch?) -> [Double] {
        problem.trueLossGradient(
          weights: zero, alphas: alphas, step: step,
          batches: (0..<7).map { problem.trainingBatch(epoch: (7 * place + $0) / 4, step: (7 * place + $0) % 4) },
          validation: validation)
      }
      let exact = gradient(nil)
      let each = (0..<batches).map {
        gradient(problem.validationBatch(epoch: (7 * place + $0) / 4, step: (7 * place + $0) % 4))
      }
      let mean = exact.indices.map { index in each.reduce(0) { $0 + $1[index] } / Double(batches) }
      let away = apart(first, exact)
      truth += inner(exact, exact)
      measured += inner(mean, mean)
      bias += inner(away, away)
      let own = 2 * traceOfSquare / Double(batches * (batches - 1))
      variance += 4 * inner(exact, covariance * exact) / Double(batches) + own
      biasVariance += 4 * inner(away, covariance * away) / Double(batches) + own
    }
    let excess = Double(places) * trace / Double(batches)
    #expect(measured - truth > 5 * variance.squareRoot(), "the noise is one that shows: 6 deviations in NumPy")
    let reliability = try row(rows, .darts1, .referenceReliability)
    let cleared = reliability.value * measured
    #expect(abs(cleared - truth) < 3 * variance.squareRoot(), "\(cleared), \(truth)")
    // What was taken off is tr Σ/B a place, known with the variance 2 tr Σ²/(B²(B − 1)).
    let deviation = (Double(places) * 2 * traceOfSquare / Double(batches * batches * (batches - 1))).squareRoot()
    #expect(abs(measured - cleared - excess) < 4 * deviation, "\(measured - cleared), \(excess)")
    #expect(reliability.interval?.resampled == "places" && reliability.interval?.units == places)
    let found = try row(rows, .darts1, .relativeBiasCorrected).value
    #expect(abs(found * found * cleared - bias) < 3 * biasVariance.squareRoot(), "\(found * found * cleared), \(bias)")
    let plain = try row(rows, .darts1, .relativeBias).value
    #expect(plain * plain * measured - bias > 5 * biasVariance.squareRoot(), "the bias with noise is not")
    let ratio = try row(rows, .darts1, .normRatioCorrected).value
    #expect(close(ratio * ratio * cleared, Double(places) * inner(first, first), .relative(1e-3)))
    // The reference against itself: its noise is no bias, and no part of its length.
    #expect(try row(rows, .difference, .relativeBiasCorrected).value < 1e-3)
    #expect(abs(try row(rows, .difference, .normRatioCorrected).value - 1) < 1e-6)
    #expect(try row(rows, .difference, .cosineCorrected).value < 0.8, "but it is off by its noise: 0.67 in NumPy")
  }

  @Test("what is expected over batches is made of products of different places alone") func placesByHand() throws {
    // g of three places: (3, 0), (1, 0), (2, 3): products two by two 3, 6, 2, squares 9, 1, 13. f and g, and f and f, as above.
    let references: [[Double]] = [[3, 0], [1, 0], [2, 3]]
    let estimates: [[[Double]]] = [[[1, 1]], [[1, 0]], [[4, 2]]]
    func found(_ estimates: [[[Double]]], _ places: Int = 3, _ bootstrap: Bootstrap? = nil) throws
      -> [EstimatorStatistic: (value: Double, interval: StatedInterval?)]
    {
      try zip(estimates, references).prefix(places).map { EstimateSample(estimates: $0, reference: $1) }
        .statistics(bootstrap: bootstrap ?? Bootstrap())
    }
    let square: Double = 11.0 / 3
    let moving = try found(estimates)
    #expect(close(moving[.referenceReliabilityExpected]?.value, square / (23.0 / 3), .absolute(1e-12)))
    #expect(close(moving[.normRatioExpected]?.value, 1, .absolute(1e-12)))
    #expect(moving[.relativeBiasExpected]?.value == 0, "11/3 − 2 · 4.5 + 11/3 is below 0")
    let (diagonal, slope): (Double, Double) = (2.0.squareRoot(), 20.0.squareRoot())
    let products: [Double] = [6 / diagonal, 5, 16 / slope]
    let along: Double = products.reduce(0, +) / 6
    #expect(close(moving[.cosineExpected]?.value, along / square.squareRoot(), .absolute(1e-12)))
    // Σ ⟨f, g_q⟩ = 12 for f = (0, 2) everywhere: (4 − 2 · 2 + 11/3)/(11/3).
    let still = try found([[[0, 2]], [[0, 2]], [[0, 2]]])
    #expect(close(still[.relativeBiasExpected]?.value, 1, .absolute(1e-12)))
    #expect(close(still[.normRatioExpected]?.value, (4 / square).squareRoot(), .absolute(1e-12)))
    // An update that stays has no direction, and counts as an estimate all the same.
    let staying = try found([[[1, 1], [0, 0]], [[0, 0], [0, 0]], [[4, 2], [4, 2]]])
    let others: [Double] = [6 / diagonal, 32 / slope]
    let moved: Double = others.reduce(0, +) / 6
    #expect(close(staying[.cosineExpected]?.value, moved / square.squareRoot(), .absolute(1e-12)))
    // f in the mean: (½, ½), (0, 0), (4, 2): the one product of two that is not 0 is 3, of six ordered pairs twice.
    #expect(close(staying[.normRatioExpected]?.value, (1 / square).squareRoot(), .absolute(1e-12)))
    // Two places leave one without the other; places that point apart leave no length.
    #expect(try found(estimates, 2)[.relativeBiasExpected] == nil)
    let apart = try zip(estimates, [[1, 0], [-1, 0], [0, 0]]).map { EstimateSample(estimates: $0, reference: $1) }
      .statistics(bootstrap: Bootstrap())
    #expect(apart[.relativeBiasExpected] == nil && apart[.relativeBias] != nil)
    #expect(close(apart[.referenceReliabilityExpected]?.value, -0.5, .absolute(1e-12)), "−1/3 of 2/3")
    let same = try [Int](repeating: 0, count: 3).map { EstimateSample(estimates: estimates[$0], reference: references[$0]) }
      .statistics(bootstrap: Bootstrap())
    #expect(close(same[.referenceReliabilityExpected]?.value, 1, .absolute(1e-12)), "three places that agree")
  }

  /// γ̄ = ∇L_M without any shift, since w_M is linear in the shifts of its batches: it and the covariance Σ that a place adds,
  /// Σ_T of its seven training batches (column by column) and Σ_V/B of its validation batches, are known. Over P places the mean
  /// of ⟨g_p, g_q⟩ has the variance 4 γ̄ᵀΣγ̄/P + 2 tr Σ²/P(P − 1), the square of a bias f − γ̄ likewise.
  @Test("lengths and biases of the mean over training and validation batches are those of the closed form")
  func closedFormOfPlaces() throws {
    let (places, batches, noise) = (150, 2, 3.0)
    let problem = try quadratic(noise: noise)
    let rows = try run(settings([.darts1, .difference], places: places, batches: batches), noise: noise).rows()
    func gradient(shifting moved: (batch: Int, value: Int)? = nil) -> [Double] {
      let training = (0..<7).map { batch -> QuadraticBilevelProblem.Batch in
        var shift = zero
        if let moved, moved.batch == batch { shift[moved.value] = 1 }
        return .init(split: .training, shift: shift)
      }
      return problem.trueLossGradient(weights: zero, alphas: alphas, step: step, batches: training, validation: nil)
    }
    let truth = gradient()
    let pull = problem.coefficients.validationCurvature * problem.innerSensitivity(innerSteps: 7, step: step)
    let own = noise * noise * (pull.transposed * pull)
    var ownCovariance = [[Double]](repeating: truth.map { _ in 0 }, count: truth.count)
    var trainingTrace = 0.0
    for row in truth.indices {
      for column in truth.indices { ownCovariance[row][column] = own[row, column] / Double(batches) }
    }
    for batch in 0..<7 {
      for value in zero.indices {
        let effect = apart(gradient(shifting: (batch, value)), truth).map { noise * $0 }
        trainingTrace += inner(effect, effect)
        for row in truth.indices {
          for column in truth.indices { ownCovariance[row][column] += effect[row] * effect[column] }
        }
      }
    }
    let traceOfSquare = ownCovariance.reduce(0) { $0 + inner($1, $1) }
    func deviation(_ along: [Double]) -> Double {
      let image = ownCovariance.map { inner($0, along) }
      let count = Double(places)
      let linear: Double = 4 * inner(along, image) / count
      let quadratic: Double = 2 * traceOfSquare / (count * (count - 1))
      return (linear + quadratic).squareRoot()
    }
    let reliability = try row(rows, .darts1, .referenceReliabilityExpected)
    let measured = (0..<places).reduce(0.0) { sum, place in
      let training = (0..<7).map { problem.trainingBatch(epoch: (7 * place + $0) / 4, step: (7 * place + $0) % 4) }
      let each = (0..<batches).map { batch in
        problem.trueLossGradient(
          weights: zero, alphas: alphas, step: step, batches: training,
          validation: problem.validationBatch(epoch: (7 * place + batch) / 4, step: (7 * place + batch) % 4))
      }
      let mean = truth.indices.map { index in each.reduce(0) { $0 + $1[index] } / Double(batches) }
      return sum + inner(mean, mean) / Double(places)
    }
    let length = inner(truth, truth)
    let found = reliability.value * measured
    #expect(abs(found - length) < 3 * deviation(truth), "\(found), \(length)")
    // What training batches add to the length is as large as their trace, and is not in what is found.
    let ownTrace = truth.indices.reduce(0.0) { $0 + own[$1, $1] / Double(batches) }
    // ‖g‖² of a place has the variance 4 γ̄ᵀΣγ̄ + 2 tr Σ².
    let image = ownCovariance.map { inner($0, truth) }
    let scatter: Double = (4 * inner(truth, image) + 2 * traceOfSquare) / Double(places)
    let added: Double = measured - length
    #expect(abs(added - trainingTrace - ownTrace) < 4 * scatter.squareRoot(), "\(added), \(trainingTrace), \(ownTrace)")
    #expect(reliability.interval?.resampled == "places" && reliability.interval?.units == places)
    let first = problem.firstOrderGradient(alphas: alphas)
    let away = apart(first, truth)
    let relative = try row(rows, .darts1, .relativeBiasExpected).value
    let (bias, exact): (Double, Double) = (relative * relative * found, inner(away, away))
    #expect(abs(bias - exact) < 3 * deviation(away), "\(bias), \(exact)")
    let ratio = try row(rows, .darts1, .normRatioExpected).value
    #expect(close(ratio * ratio * found, inner(first, first), .relative(1e-3)))
    // ∇L₁ has no noise, so its cosine is that of one vector with the mean of the references.
    let cosine = try row(rows, .darts1, .cosineExpected).value * (found * inner(first, first)).squareRoot()
    #expect(abs(cosine - inner(first, truth)) < 3 * deviation(first) / 2, "\(cosine), \(inner(first, truth))")
    // The reference against itself: one vector in the mean, however noisy.
    #expect(try row(rows, .difference, .relativeBiasExpected).value < 1e-3)
    #expect(abs(try row(rows, .difference, .normRatioExpected).value - 1) < 1e-6)
    // Fewer places have none.
    let few = try run(settings([.darts1], places: 2, batches: 3), noise: noise).rows()
    #expect(few.allSatisfy { !$0.statistic.hasSuffix("_expected") })
  }

  /// f_{rb} = (0.8, 0.3, 0, …) + c_r + u_b and g_b = (1, 0, …) + v_b in 20 dimensions, with normal noise of deviations 0.2, 0.3
  /// and 0.5. NumPy, 4,000 samples of 8 repeats and 8 batches: the mean of the cosine is 0.477; 95 % intervals over
  /// repeats alone hold it in 69 % of samples, crossed ones in 97.5 %.
  @Test("intervals of few places are over repeats and validation batches, and hold what those over repeats alone miss")
  func crossedCoverage() throws {
    var (crossed, alone) = (0, 0)
    for sample in 0..<400 {
      var stream = RandomStream(seed: 5, purpose: .test, step: sample)
      func noise(_ deviation: Double) -> [Double] { stream.normals(20).map { deviation * $0 } }
      func sum(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 + $1 } }
      func mean(_ vectors: [[Double]]) -> [Double] {
        vectors.reduce([Double](repeating: 0, count: 20), sum).map { $0 / Double(vectors.count) }
      }
      let base = (0..<20).map { $0 == 0 ? 0.8 : $0 == 1 ? 0.3 : 0 }
      let candidates = (0..<8).map { _ in sum(base, noise(0.2)) }
      let shared = (0..<8).map { _ in noise(0.3) }
      let references = (0..<8).map { _ in sum((0..<20).map { $0 == 0 ? 1 : 0 }, noise(0.5)) }
      func over(_ batches: [Int]) -> (estimates: [[Double]], reference: [Double]) {
        let common = mean(batches.map { shared[$0] })
        return (candidates.map { sum($0, common) }, mean(batches.map { references[$0] }))
      }
      let whole = over(Array(0..<8))
      let without = (0..<8).map { left in over((0..<8).filter { $0 != left }) }
      func interval(_ without: [(estimates: [[Double]], reference: [Double])]) throws -> StatedInterval {
        let made = EstimateSample(estimates: whole.estimates, reference: whole.reference, withoutEach: without)
        return try #require(try [made].statistics(bootstrap: Bootstrap())[.cosine]?.interval)
      }
      let (both, one) = try (interval(without), interval([]))
      #expect(both.resampled == "repeats and 8 batches" && one.resampled == "repeats")
      if both.lower <= 0.477, 0.477 <= both.upper { crossed += 1 }
      if one.lower <= 0.477, 0.477 <= one.upper { alone += 1 }
    }
    // Binomial deviations of 3 and 9.
    #expect(crossed >= 375 && alone <= 320, "\(crossed) and \(alone) of 400")
  }

  @Test("what has one estimate a place has intervals over its validation batches, the corrected figures none")
  func intervalsOfAPlace() throws {
    let rows = try run(settings([.darts1, .darts2, .rs], repeats: 6, batches: 4)).rows()
    let sampled = try #require(row(rows, .rs, .cosine).interval)
    #expect(sampled.kind == "student" && sampled.resampled == "repeats and 4 batches" && sampled.units == 6)
    for estimator in [StudiedEstimator.darts1, .darts2] {
      let found = try #require(row(rows, estimator, .cosine).interval)
      #expect(found.kind == "student" && found.resampled == "batches" && found.units == 4)
    }
    #expect(try row(rows, .rs, .cosineCorrected).interval == nil)
    let two = try run(settings([.darts1, .rs], repeats: 6, batches: 2)).rows()
    #expect(two.allSatisfy { !$0.statistic.hasSuffix("_corrected") && $0.statistic != "reference_reliability" })
    #expect(try row(two, .darts1, .cosine).interval == nil)
    #expect(try row(two, .rs, .cosine).interval?.resampled == "repeats")
  }

  @Test("a study that was stopped knows its batches apart from the journal") func continuation() throws {
    let scratch = try ScratchFolder()
    let chosen = try settings([.darts2, .firstOrderDifference, .mgs], repeats: 3, places: 2, batches: 3)
    let (whole, parts) = (try OutputFolder.create(at: scratch.file("a")), try OutputFolder.create(at: scratch.file("b")))
    let expected = try run(chosen).run(in: whole)
    var asked = 0
    #expect(throws: CancellationError.self) {
      try run(chosen).run(
        in: parts,
        isStopRequested: {
          asked += 1
          return asked > 20
        })
    }
    #expect(try run(chosen).run(in: parts, isContinued: true) == expected)
    #expect(expected.contains { $0.statistic == "relative_bias_corrected" && $0.estimator == "mgs" })
    for name in try FileManager.default.contentsOfDirectory(atPath: whole.path) {
      #expect(try FileBytes.read(whole.file(name)) == FileBytes.read(parts.file(name)), "\(name)")
    }
  }
}
