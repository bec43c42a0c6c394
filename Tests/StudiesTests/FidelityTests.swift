import ClosedFormSupport
import Compute
import Formats
import Foundation
import Landscape
import Problems
import Statistics
import Studies
import TestSupport
import Testing

struct FidelityTests {
  private let step = WeightStep(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, gradientClip: 1e6)
  private let truth = Objective.trueLoss(innerSteps: 7)

  private func settings(
    objectives: [Objective] = [.firstOrder, .secondOrder, .trueLoss(innerSteps: 1), .trueLoss(innerSteps: 7)],
    directions: Int = 8, radii: [Double] = [0.25, 0.5, 1], length: DirectionLength = .alpha, plane: Int = 4,
    gradients: Bool = true, batches: Int = 1
  ) throws -> FidelitySettings {
    try FidelitySettings(
      objectives: objectives, directions: directions, radii: radii, length: length, directionsSeed: 4, planePoints: plane,
      comparesGradients: gradients,
      gradients: EstimatorSettings(
        innerSteps: [1], candidates: [4], sigmas: [0.2], repeats: 4, step: step, epoch: 0, firstStep: 0,
        validationBatches: batches, bootstrap: Bootstrap(replicates: 60, seed: 2)))
  }

  private func run(_ settings: FidelitySettings) throws -> FidelityRun<QuadraticBilevelProblem> {
    let problem = try quadratic(noise: 0.3)
    return try FidelityRun(
      problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: smallAlphas(), settings: settings)
  }

  @Test func samplesAreTheLossesOnTheRaysAndStatisticsAreThoseOfTheSamples() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let rows = try run(settings()).run(in: folder)
    let table = try CSVTable(readingFrom: folder.file("fidelity-samples.csv"))
    #expect(table.columns == ["direction", "radius", "objective", "inner_steps", "loss", "accuracy"])
    #expect(table.rows.count == 4 * (1 + 8 * 3))
    let (directions, radii) = (try table.integers("direction"), try table.doubles("radius"))
    let (names, steps, values) = (
      try table.column("objective"), try table.integers("inner_steps"), try table.doubles("loss")
    )
    func losses(_ objective: Objective, radius: Double?) -> [Double] {
      names.indices.filter {
        names[$0] == objective.name && steps[$0] == objective.innerSteps && directions[$0] > 0
          && (radius == nil || radii[$0] == radius)
      }.map { values[$0] }
    }
    // A point of the third ray, from the closed form.
    let problem = try quadratic(noise: 0.3)
    var stream = RandomStream(seed: 4, purpose: .directions, index: 2)
    let ray = try Directions(
      [AlphaDirection(flat: stream.normals(6), like: smallAlphas())], around: smallAlphas(), normalisation: .cell)
    let place = ray.alphas(at: [0.5]).flat.map(Double.init)
    let batches = (0..<7).map { problem.trainingBatch(epoch: $0 / 4, step: $0 % 4) }
    let exact = problem.trueLoss(
      weights: [Double](repeating: 0, count: 5), alphas: place, step: step, batches: batches,
      validation: problem.validationBatch(epoch: 0, step: 0))
    #expect(abs(losses(truth, radius: 0.5)[2] - exact) < 1e-5)
    for objective in [Objective.firstOrder, .secondOrder, .trueLoss(innerSteps: 1)] {
      for radius in [0.25, 0.5, 1, nil] {
        let (x, y) = (losses(objective, radius: radius), losses(truth, radius: radius))
        let differences = zip(x, y).map { $0 - $1 }
        let bias: Double = differences.reduce(0, +) / Double(x.count)
        let expected: [(String, Double?)] = [
          ("pearson", try Correlation.pearson(x, y)), ("spearman", try Correlation.spearman(x, y)),
          ("kendall", try Correlation.kendall(x, y)), ("concordance", try Correlation.concordance(x, y)),
          ("bias", bias), ("rmse", norm(differences) / Double(x.count).squareRoot()),
          ("slope", try LinearFit(y, x)?.slope),
        ]
        for (name, value) in expected {
          let row = try #require(rows.first(name, objective, radius: radius))
          #expect(abs(row.value - (value ?? .nan)) < 1e-12, "\(name) of \(objective.label)")
          #expect(row.count == x.count)
          // A coefficient of ±1 has no place on Fisher's scale.
          guard abs(row.value) < 1 || !["pearson", "spearman", "kendall", "concordance"].contains(name) else { continue }
          guard name != "concordance" || row.value > 0 else { continue }
          let interval = try #require(row.interval, "\(name) of \(objective.label) has an interval")
          #expect(interval.lower < row.value && row.value < interval.upper)
          #expect(interval.kind == "student" && interval.resampled == "directions" && interval.units == 8)
        }
      }
    }
    let centre = try #require(names.indices.first { names[$0] == "first" && directions[$0] == 0 })
    let largest = losses(.firstOrder, radius: 0.25).map { abs($0 - values[centre]) }.max() ?? 0
    let alphaNorm = norm(smallAlphas().flat.map(Double.init))
    // A direction has the norm of α in both cells, and so as a whole.
    let expected = largest / (0.25 * alphaNorm) * alphaNorm / values[centre]
    let condition = try #require(rows.first("perturbation_condition", .firstOrder, radius: 0.25))
    #expect(abs(condition.value / expected - 1) < 1e-9)
    #expect(condition.interval == nil, "a maximum has no interval")
    #expect(rows.filter { $0.name.hasPrefix("quadratic") }.count > 12)
    #expect(rows.allSatisfy { !$0.name.hasPrefix("quadratic") || $0.interval == nil }, "points of a grid are no sample")
    for name in ["minimiser_distance", "minimiser_regret"] {
      #expect(try #require(rows.first(name, .firstOrder)).interval == nil, "one extreme point is no mean")
    }
    let dominant = try #require(rows.first("dominant_eigenvalue_exact", .firstOrder)?.interval)
    #expect(rows.first("dominant_eigenvalue", .firstOrder) == nil)
    #expect(rows.first("dominant_eigenvalue_half_displacement", .firstOrder) == nil)
    #expect(dominant.kind == "uncertainty" && dominant.resampled == nil && dominant.units == nil)
    #expect(try FidelityRow.read(from: folder.file("fidelity.csv")) == rows)
  }

  @Test(arguments: DirectionLength.allCases)
  func curvatureIsThatOfTheClosedForm(length: DirectionLength) throws {
    let scratch = try ScratchFolder()
    let rows = try run(settings(length: length, gradients: false)).run(in: OutputFolder.create(at: scratch.file("out")))
    let problem = try quadratic(noise: 0.3)
    let centre = length == .alpha ? smallAlphas() : smallAlphas().zeros
    let plane = try Directions.random(count: 2, seed: 4, around: centre).directions.map(\.flat)
    let sensitivity = problem.innerSensitivity(innerSteps: 7, step: step)
    let curvature = problem.coefficients.alphaCurvature
    let exact: [(Objective, DenseMatrix)] = [
      (.firstOrder, curvature),
      (truth, curvature + sensitivity.transposed * (problem.coefficients.validationCurvature * sensitivity)),
    ]
    for (objective, hessian) in exact {
      let matrix = plane.map { first in
        plane.map { second -> Double in
          let bend: [Double] = zip(first, hessian * second).map { $0 * $1 }
          return bend.reduce(0, +) / (norm(first) * norm(second))
        }
      }
      let values = try SymmetricEigenproblem(matrix).values
      for (index, value) in values.reversed().enumerated() {
        let row = try #require(rows.first("quadratic_eigenvalue_\(index + 1)", objective))
        #expect(abs(row.value / value - 1) < 1e-3, "\(objective.label): \(row.value), \(value)")
      }
      let condition = try #require(rows.first("quadratic_condition", objective))
      #expect(abs(condition.value / (values[1] / values[0]) - 1) < 2e-3)
      #expect((rows.first("quadratic_r2", objective)?.value ?? 0) > 0.999999)
    }
    let dense = try SymmetricEigenproblem((0..<6).map { row in (0..<6).map { curvature[row, $0] } })
    let dominant = try #require(rows.first("dominant_eigenvalue_exact", .firstOrder))
    #expect(abs(dominant.value / (dense.values.last ?? 0) - 1) < 2e-3)
  }

  @Test("Differences go under the names and settings of versions that had nothing else") func differences() throws {
    let scratch = try ScratchFolder()
    var chosen = try settings(gradients: false)
    #expect(chosen.entries.contains { $0 == ("hessian", "exact") })
    chosen.hessian = .difference
    #expect(!chosen.entries.contains { $0.key == "hessian" })
    let rows = try run(chosen).run(in: OutputFolder.create(at: scratch.file("out")))
    let names = rows.map(\.name).filter { $0.contains("dominant") || $0.contains("hessian") }
    #expect(names == ["dominant_eigenvalue", "hessian_asymmetry", "dominant_eigenvalue_half_displacement"])
    // Of a study without an eigenvalue it makes no difference.
    (chosen.hessian, chosen.takesEigenvalue) = (.exact, false)
    #expect(!chosen.entries.contains { $0.key == "hessian" })
  }

  @Test func gradientsAreHeldAgainstTheClosedForm() throws {
    let scratch = try ScratchFolder()
    let rows = try run(settings()).run(in: OutputFolder.create(at: scratch.file("out")))
    let problem = try quadratic(noise: 0.3)
    let alphas = smallAlphas().flat.map(Double.init)
    let batches = (0..<7).map { problem.trainingBatch(epoch: $0 / 4, step: $0 % 4) }
    let validation = problem.validationBatch(epoch: 0, step: 0)
    let zero = [Double](repeating: 0, count: 5)
    let exact = problem.trueLossGradient(weights: zero, alphas: alphas, step: step, batches: batches, validation: validation)
    func cosine(_ a: [Double]) -> Double {
      let products: [Double] = zip(a, exact).map { $0 * $1 }
      return products.reduce(0, +) / (norm(a) * norm(exact))
    }
    let first = try #require(rows.first("gradient_cosine", .firstOrder))
    #expect(abs(first.value - cosine(problem.firstOrderGradient(alphas: alphas))) < 1e-5)
    let second = try #require(rows.first("gradient_cosine", .secondOrder))
    let gradient = problem.secondOrderGradient(
      weights: zero, alphas: alphas, step: step, training: batches[0], validation: validation)
    #expect(abs(second.value - cosine(gradient)) < 1e-4)
    #expect(rows.contains { $0.name == "gradient_cosine" && $0.objective == "rs" && $0.innerSteps == 7 && $0.count == 4 })
    #expect(rows.contains { $0.name == "gradient_cosine" && $0.objective == "mgs" && $0.interval?.resampled == "repeats" })
    #expect(
      !rows.contains { $0.name.hasPrefix("gradient") && $0.objective == "true" && $0.innerSteps == 7 },
      "the reference is not compared with itself")
  }

  /// Three rays along the axes of a two-dimensional α.
  private func samples(
    _ loss: (_ objective: Objective, _ ray: Int, _ radius: Int) -> Double, centre: Double = 5
  ) throws -> FidelitySamples {
    let objectives = [Objective.firstOrder, truth]
    let axes: [[Double]] = [[1, 0], [0, 1], [0, -1]]
    return try FidelitySamples(
      objectives: objectives, radii: [1, 2, 3],
      centre: Dictionary(objectives.map { ($0, .init(loss: centre, accuracy: 0.5)) }) { $1 },
      rays: (0..<3).map { ray in
        Dictionary(
          objectives.map { objective in
            (objective, (0..<3).map { .init(loss: loss(objective, ray, $0), accuracy: 0.5) })
          }, uniquingKeysWith: { $1 })
      },
      displacements: axes.map { axis in (1...3).map { radius in axis.map { Double(radius) * $0 } } }, alphaNorm: 2)
  }

  private func statistics(_ samples: FidelitySamples) throws -> [FidelityRow] {
    try FidelityStatistics(samples, truth: truth, bootstrap: Bootstrap(replicates: 30)).rows()
  }

  @Test func figuresOfAHandfulOfPointsAreThoseByHand() throws {
    // The truth falls along ray 0 to 2 and rises elsewhere; L₁ is twice the truth plus one, but for its own low at (0, 2).
    let rows = try statistics(
      samples { objective, ray, radius in
        let loss = ray == 0 ? 4.0 - Double(radius) : 6 + Double(ray) + Double(radius)
        if objective == truth { return loss }
        return ray == 1 && radius == 1 ? 0.5 : 2 * loss + 1
      })
    #expect(rows.first("pearson", .firstOrder, radius: 1)?.value == 1)
    #expect(abs((rows.first("slope", .firstOrder, radius: 1)?.value ?? 0) - 2) < 1e-12)
    #expect(abs((rows.first("intercept", .firstOrder, radius: 3)?.value ?? 0) - 1) < 1e-12)
    // The truth's minimum is (3, 0), the approximation's (0, 2), where the truth is 8.
    #expect(abs((rows.first("minimiser_distance", .firstOrder)?.value ?? 0) - 13.0.squareRoot()) < 1e-12)
    #expect(rows.first("minimiser_regret", .firstOrder)?.value == 6)
    // The truth along the rays is 5, 4, 3, 2 | 5, 7, 8, 9 | 5, 8, 9, 10: away from a straight line by 0 | 0.5, 0 | 1, 0.
    let roughness = try #require(rows.first("roughness", truth))
    #expect(abs(roughness.value - (0 + 0.25 / 4 + 0.5 / 5) / 3) < 1e-12)
    // |4 − 5|, |7 − 5|, |8 − 5| over 1 · 2 / 5.
    #expect(rows.first("perturbation_condition", truth, radius: 1)?.value == 3.0 * 2 / 5)
    #expect(abs((rows.first("perturbation_condition_mean", truth, radius: 1)?.value ?? 0) - 2 * 2 / 5.0) < 1e-12)
  }

  @Test func pointsThatDivergedAreLeftOut() throws {
    let rows = try statistics(
      samples { objective, ray, radius in
        if objective == truth, ray == 2, radius == 2 { return .nan }
        return Double(ray + 1) * Double(radius + 1) + (objective == truth ? 1 : 0)
      })
    #expect(rows.first("pearson", .firstOrder)?.count == 8)
    #expect(abs((rows.first("pearson", .firstOrder)?.value ?? 0) - 1) < 1e-12)
    #expect(rows.first("bias", .firstOrder)?.value == -1)
    #expect(rows.first("roughness", truth)?.count == 2, "a ray with a hole has no roughness")
    #expect(rows.allSatisfy { $0.value.isFinite })
  }

  /// L₁ of this problem depends on α in the same way on every batch, L₇ through the weights on the batch as well.
  @Test func batchesAreResampledBesideDirectionsAndTheirNoiseIsTakenOff() throws {
    let scratch = try ScratchFolder()
    let chosen = try settings(plane: 0, gradients: false, batches: 4)
    let rows = try run(chosen).run(in: OutputFolder.create(at: scratch.file("whole")))
    for name in ["pearson", "bias", "rmse", "slope"] {
      let interval = try #require(rows.first(name, .firstOrder)?.interval, "\(name)")
      #expect(interval.resampled == "directions and 4 batches" && interval.units == 8, "\(name): \(interval)")
    }
    #expect(rows.first("roughness", truth)?.interval?.resampled == "directions")
    let samples = try run(chosen).sample()
    #expect(samples.batchCount == 4)
    func losses(_ objective: Objective) -> [[Double]] {
      samples.rays.flatMap { ray in (ray[objective] ?? []).map(\.batchLosses) }
    }
    let fit = try #require(NoiseCorrectedFit(losses(truth), losses(.firstOrder)))
    #expect(rows.first("slope_corrected", .firstOrder)?.value == fit.slope)
    #expect(rows.first("pearson_corrected", .firstOrder)?.value == fit.correlation)
    let reliability = try #require(rows.first("reference_reliability", .firstOrder)?.value)
    #expect(reliability == fit.reliability && reliability > 0 && reliability < 1)
    // L₁ has no noise of its own, so the plain slope is too small by just that share.
    let plain = try #require(rows.first("slope", .firstOrder)?.value)
    #expect(abs(plain / (fit.slope * reliability) - 1) < 1e-4, "\(plain), \(fit)")
    #expect(try run(settings(plane: 0, gradients: false)).sample().batchCount == 1)
    // A journal brings the losses on each batch back to the bit.
    let parts = try OutputFolder.create(at: scratch.file("parts"))
    var asked = 0
    #expect(throws: CancellationError.self) {
      try run(chosen).run(
        in: parts,
        isStopRequested: {
          asked += 1
          return asked > 9
        })
    }
    #expect(try run(chosen).run(in: parts, isContinued: true) == rows)
  }

  @Test func tablesOfEarlierVersionsAreRead() throws {
    let scratch = try ScratchFolder()
    let lines = [
      "name,objective,inner_steps,radius,value,lower,upper,n", "pearson,first,0,0.5,0.75,0.5,0.875,24",
      "quadratic_r2,first,0,,0.5,,,16",
    ]
    try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: scratch.file("fidelity.csv"))
    let rows = try FidelityRow.read(from: scratch.file("fidelity.csv"))
    #expect(rows.map(\.lower) == [0.5, nil] && rows.map(\.upper) == [0.875, nil])
    #expect(rows[0].interval?.kind == nil && rows[0].interval?.units == nil)
    #expect(rows.compactMap(\.interval).account == nil)
  }

  @Test func stoppedStudiesGoOnToTheSameBytesAndOthersAreRefused() throws {
    let scratch = try ScratchFolder()
    let (whole, parts) = (try OutputFolder.create(at: scratch.file("a")), try OutputFolder.create(at: scratch.file("b")))
    var told: [Int] = []
    let expected = try run(settings()).run(
      in: whole,
      progress: { done, total in
        told.append(done)
        #expect(done <= total)
      })
    #expect(told.first == 0 && told == told.sorted() && (told.last ?? 0) > 25)
    for limit in [12, 30] {
      var asked = 0
      #expect(throws: CancellationError.self) {
        try run(settings()).run(
          in: parts, isContinued: limit > 12,
          isStopRequested: {
            asked += 1
            return asked > limit
          })
      }
    }
    // A row that a crash cut short.
    let journal = try String(contentsOfFile: parts.file("journal.csv"), encoding: .utf8)
    try AtomicFile.write(String(journal.dropLast(7)), to: parts.file("journal.csv"))
    #expect(try run(settings()).run(in: parts, isContinued: true) == expected)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: parts.path).sorted() == [
        "fidelity-plane.csv", "fidelity-samples.csv", "fidelity.csv", "fidelity.yaml",
      ])
    for name in try FileManager.default.contentsOfDirectory(atPath: whole.path) {
      #expect(try FileBytes.read(whole.file(name)) == FileBytes.read(parts.file(name)), "\(name)")
    }
    #expect(try run(settings()).run(in: parts, isContinued: true, isStopRequested: { true }) == expected)
    #expect(
      refusal { try run(settings(radii: [1])).run(in: parts, isContinued: true) }?.hasPrefix(
        parts.file("fidelity.yaml") + ": 'radii") == true)
  }

  @Test func settingsThatCannotBeMeantAreRefused() {
    #expect(refusal { try settings(objectives: [.firstOrder]) } == "setting objectives: first")
    #expect(refusal { try settings(directions: 1) } == "setting directions: 1")
    #expect(refusal { try settings(radii: []) } == "setting radii: []")
    #expect(refusal { try settings(radii: [0, 1]) } == "setting radii: [0.0, 1.0]")
    #expect(refusal { try settings(radii: [2, 1]) } == "setting radii: [2.0, 1.0]")
    #expect(refusal { try settings(radii: [.infinity]) } == "setting radii: [inf]")
    #expect(refusal { try settings(plane: 2) } == "setting plane: 2")
  }

  @Test func samplesAreThereWithoutFilesForADiagnosis() throws {
    let chosen = try settings(plane: 0, gradients: false)
    let samples = try run(chosen).sample()
    let rows = try FidelityStatistics(samples, truth: chosen.truth, bootstrap: chosen.bootstrap).rows()
    let scratch = try ScratchFolder()
    let whole = try run(chosen).run(in: OutputFolder.create(at: scratch.file("out")))
    #expect(rows.first("kendall", .firstOrder) == whole.first("kendall", .firstOrder))
    #expect(throws: CancellationError.self) { try run(chosen).sample(isStopRequested: { true }) }
  }
}
