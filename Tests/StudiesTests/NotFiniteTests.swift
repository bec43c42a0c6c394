import ClosedFormSupport
import Datasets
import Formats
import Foundation
import Landscape
import Problems
import Search
import Statistics
import Studies
import TestSupport
import Testing

@Suite("Losses that are not finite, and objectives without a least point") struct NotFiniteTests {
  private func run(
    kind: LandscapeSettings.Kind = .grid, filledWith value: Float
  ) throws -> LandscapeRun<QuadraticBilevelProblem> {
    let problem = try quadratic(noise: 0.3)
    let weights = problem.makeInitialWeights()
    weights.fill(value)
    return try LandscapeRun(
      problem: problem, weights: weights, velocity: nil, alphas: smallAlphas(),
      settings: .init(
        objectives: [.firstOrder, .trueLoss(innerSteps: 1)], grid: .init(size: 3, range: 1),
        step: WeightStep(learningRate: 0.05), kind: kind))
  }

  @Test(
    "nowhere finite: an error that names checkpoint and objectives, and no result",
    arguments: LandscapeSettings.Kind.allCases)
  func nowhere(kind: LandscapeSettings.Kind) throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let error = #expect(throws: InputError.self) {
      _ = try run(kind: kind, filledWith: .infinity).runAny(in: folder, origin: [("checkpoint", "\"a/epoch-001\"")])
    }
    let text = "\(try #require(error))"
    #expect(text.hasPrefix("a/epoch-001: no loss is finite") && text.contains("first at none of") && text.contains("true:1"))
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(!names.contains { $0.hasSuffix(".npy") || $0 == "landscape.csv" || $0 == "lines.csv" || $0 == "comparison.csv" })
  }

  @Test("a constant objective has no minimiser, and no distance to one") func constant() throws {
    func landscape(_ first: [Double]) throws -> LandscapePlane {
      try LandscapePlane(
        grid: .init(size: 2, range: 1), objectives: [.firstOrder, .trueLoss(innerSteps: 2)],
        samples: [
          .firstOrder: first.map { .init(loss: $0, accuracy: 0) },
          .trueLoss(innerSteps: 2): [4, 3, 2, 1].map { .init(loss: $0, accuracy: 0) },
        ])
    }
    let flat = try landscape([2, 2, 2, 2])
    #expect(flat.isConstant(.firstOrder) && flat.minimiser(of: .firstOrder) == nil)
    let row = try LandscapeComparison.all(in: flat)[0]
    #expect(row.minimiserDistance == nil && row.fields.last == .text("") && row.bias == -0.5)
    #expect(try !landscape([2, 2, 2, 3]).isConstant(.firstOrder))
    #expect(try landscape([2, .nan, 2, .infinity]).notFinite(.firstOrder) == 2)
  }

  @Test("a cell never holds the sign or the payload of a NaN") func text() {
    #expect(CSVField.real(-Double.nan).encoded == "nan" && CSVField.real(Double(nan: 7, signaling: false)).encoded == "nan")
    #expect(CSVField.real(-.infinity).encoded == "-inf" && CSVField.real(-0.5).encoded == "-0.5")
  }

  @Test("lists take blanks around their entries") func lists() throws {
    #expect(ListText.items(" a , b,,c ") == ["a", "b", "", "c"] && ListText.items("") == [""])
    #expect(try Objective.parse(list: "first, true:2 ") == [.firstOrder, .trueLoss(innerSteps: 2)])
    #expect(try DirectionKind.parse(list: "random, first") == [.random, .first])
    #expect(try StudiedEstimator.parse(list: "rs , mgs") == [.rs, .mgs])
    #expect(try GradientEstimator.parse(list: " second") == [.second])
  }
}

@Suite("Noise of finite differences") struct NumericalNoiseTests {
  @Test("of a symmetric operator is none, and of an antisymmetric one is √2") func asymmetry() throws {
    let symmetric: [[Double]] = [[2, 1, 0], [1, 3, -1], [0, -1, 1]]
    let none = try ProductAsymmetry(symmetric)
    #expect(none.relative == 0 && none.eigenvalueBound == 0)
    let whole = try ProductAsymmetry([[0, 3], [-3, 0]])
    #expect(abs(whole.relative - 2) < 1e-15 && abs(whole.eigenvalueBound - 3) < 1e-12)
    let some = try ProductAsymmetry([[1, 0.5], [0.3, 2]])
    #expect(abs(some.relative - (0.08 / 5.34 as Double).squareRoot()) < 1e-15 && abs(some.eigenvalueBound - 0.1) < 1e-12)
    let basis: [[Double]] = [[0.6, 0.8, 0], [-0.8, 0.6, 0]]
    let products = basis.map { vector in symmetric.map { zip($0, vector).reduce(0) { $0 + $1.0 * $1.1 } } }
    #expect(try ProductAsymmetry(vectors: basis, products: products).relative < 1e-15)
  }

  @Test("is small on a quadratic, where half of ε gives the same gradient and the same curvature") func quadraticHasNone()
    throws
  {
    let problem = try quadratic(noise: 0.3)
    let second = SecondOrderGradient(problem: problem)
    let (weights, step) = (problem.makeInitialWeights(), WeightStep(learningRate: 0.1))
    let training = problem.trainingBatch(epoch: 0, step: 0)
    _ = second.estimate(
      weights: weights, velocity: nil, alphas: smallAlphas(), training: training,
      validation: problem.validationBatch(epoch: 0, step: 0), step: step)
    let change = second.halfStepDifference(weights: weights, alphas: smallAlphas(), training: training, step: step)
    #expect(change < 1e-3 && NumericalNoise.gradientWarning(change) == nil, "\(change)")
    let found = try DominantCurvature(
      of: ArchitectureHessian(
        problem: problem, weights: weights, alphas: smallAlphas(), batches: [problem.validationSplitBatch(0)],
        products: HessianKind.difference.products()),
      seed: 1, epoch: 0)
    let half = try #require(found.atHalf)
    #expect(found.asymmetry < 1e-3 && abs(half.largest / found.largest - 1) < 1e-3, "\(found)")
    #expect(found.uncertainty >= found.residual && found.uncertainty < 1e-2 * abs(found.largest))
  }

  @Test("of a supernet is told, and the uncertainty covers what the dense Hessian gives") func supernet() throws {
    let golden = GoldenFile.path("s2_c16_l3_b4")
    let loader = try BatchLoader(dataset: TensorDataset.load(file: golden), seed: 1, batchSize: 4)
    let problem = try SupernetProblem(space: .s2, channels: 4, layers: 3, loader: loader, seed: 1, threads: 1)
    let weights = problem.makeInitialWeights()
    func rows(_ settings: SpectrumSettings) throws -> [SpectrumRow] {
      try SpectrumMeasurement(
        problem: problem, weights: weights, alphas: problem.initialAlphas, epoch: nil, settings: settings
      ).rows
    }
    let products = HessianProducts.difference(displacement: 0.1)
    let lanczos = try rows(SpectrumSettings(eigenvalues: 1, probes: 0, batches: 1, products: products))
    let full = try rows(SpectrumSettings(batches: 1, products: products, isFull: true))
    let largest = try #require(lanczos.first { $0.quantity == .eigenvalue })
    let dense = try #require(full.first { $0.quantity == .eigenvalue })
    let asymmetry = try #require(lanczos.first { $0.quantity == .asymmetry }).value
    let (reach, residual) = (try #require(largest.uncertainty), try #require(largest.error))
    #expect(reach > 10 * residual && abs(largest.value - dense.value) <= reach, "\(largest), \(dense), \(asymmetry)")
    #expect(full.first { $0.quantity == .asymmetry }?.value ?? 0 > 0.1 && dense.uncertainty != nil)
    let half = try #require(lanczos.first { $0.quantity == .halved }).value
    #expect(half == full.first { $0.quantity == .halved }?.value)
  }

  @Test("is warned of above the thresholds that are documented, NaN included") func warnings() {
    #expect(NumericalNoise.gradientWarning(0.05) == nil && NumericalNoise.gradientWarning(nil) == nil)
    #expect(
      NumericalNoise.gradientWarning(0.051)?.contains("5.1 % apart") == true && NumericalNoise.gradientWarning(.nan) != nil)
    func warning(
      _ asymmetry: Double?, _ largest: Double?, _ half: Double?,
      products: HessianProducts = .difference(displacement: 0.5)
    ) -> String? {
      NumericalNoise.curvatureWarning("epoch 3", asymmetry: asymmetry, largest: largest, atHalf: half, products: products)
    }
    #expect(warning(0.5, 1, 1.25) == nil && warning(nil, nil, nil) == nil)
    #expect(warning(0.8, 0.22, 0.54)?.contains("epoch 3") == true)
    #expect(warning(0.8, 0.22, 0.54)?.contains("asymmetry 0.8") == true)
    #expect(warning(0.1, 0.22, 0.54)?.contains("0.22 at ε = 0.5 and 0.54 at 0.25") == true)
    #expect(warning(0.8, 0.22, 0.54)?.contains("a larger displacement") == true)
    #expect(warning(0.8, 0.22, nil, products: .exact)?.contains("partly rounding: asymmetry 0.8") == true)
    #expect(warning(0.5, 0.22, nil, products: .exact) == nil)
  }
}
