import Compute
import Datasets
import Foundation
import Problems
import SearchSupport
import Statistics
import TestSupport
import Testing

struct ArchitectureHessianTests {
  private static let kinds: [HessianProducts] = [.exact, .difference(displacement: 0.5), .difference(displacement: 2)]

  @Test("Products of the closed form are those of its curvature, exact ones to rounding", arguments: kinds)
  func closedForm(products: HessianProducts) throws {
    let problem = try quadratic()
    let state = state(of: problem)
    let hessian = ArchitectureHessian(
      problem: problem, weights: state.weights, alphas: problem.initialAlphas, batches: [problem.validationSplitBatch(0)],
      products: products)
    var stream = RandomStream(seed: 4, purpose: .test)
    for length in [1.0, 1e-6, 300] {
      let vector = stream.normals(problem.initialAlphas.count).map { length * $0 }
      let exact = problem.coefficients.alphaCurvature * vector
      // Differences are of gradients in single precision.
      let tolerance = products == .exact ? 1e-13 : 1e-4
      #expect(distance(try hessian.product(vector), exact) < tolerance * norm(exact), "length \(length)")
    }
    #expect(try hessian.product([Double](repeating: 0, count: 56)).allSatisfy { $0 == 0 })
  }

  @Test("Exact products of a training batch are those of BᵀAB, and α stands in for mixing weights that are not there")
  func trainingBatch() throws {
    let problem = try quadratic(noise: 0.3)
    let (matrices, batch) = (problem.coefficients, problem.trainingBatch(epoch: 1, step: 2))
    var stream = RandomStream(seed: 6, purpose: .test)
    let vector = stream.normals(problem.initialAlphas.count)
    let exact = (matrices.response.transposed * (matrices.trainingCurvature * matrices.response)) * vector
    for coordinates in [HessianCoordinates.alphas, .mixing] {
      let hessian = ArchitectureHessian(
        problem: problem, weights: problem.makeInitialWeights(), alphas: problem.initialAlphas, batches: [batch],
        coordinates: coordinates)
      #expect(hessian.dimension == vector.count)
      #expect(distance(try hessian.product(vector), exact) < 1e-12 * norm(exact))
    }
  }

  @Test("An exact product is one pass a batch, a difference two gradients; estimates say what they cost")
  func passes() throws {
    let problem = try ObservedProblem(quadratic())
    func hessian(_ products: HessianProducts) throws -> ArchitectureHessian<ObservedProblem<QuadraticBilevelProblem>> {
      ArchitectureHessian(
        problem: problem, weights: problem.makeInitialWeights(), alphas: problem.initialAlphas,
        batches: try (0..<3).map { try problem.validationBatch(epoch: 0, step: $0) }, products: products)
    }
    let vector = [Double](repeating: 1, count: problem.initialAlphas.count)
    _ = try hessian(.exact).product(vector)
    #expect(problem.hessianProducts == 3 && problem.alphaGradients == 0 && problem.evaluations == 0)
    _ = try hessian(.difference(displacement: 0.5)).product(vector)
    #expect(problem.hessianProducts == 3 && problem.alphaGradients == 6)
    #expect(HessianProducts.exact.stepsPerProduct == 1.6 && HessianKind.difference.products().stepsPerProduct == 1.5)
  }

  @Test("A kind names its products, and only a difference has a distance that can be halved")
  func namesOfKinds() {
    #expect(HessianKind.exact.products(displacement: 3) == .exact && HessianProducts.exact.halved == nil)
    #expect(HessianKind.difference.products() == .difference(displacement: 0.5))
    #expect(HessianProducts.difference(displacement: 1).halved == .difference(displacement: 0.5))
    #expect(Self.kinds.map(\.kind) == [.exact, .difference, .difference])
    #expect(HessianKind.allCases.map(\.rawValue) == ["exact", "difference"])
  }

  @Test func dominantEigenvalueOfTheClosedFormProblemIsExact() throws {
    let problem = try quadratic()
    let curvature = problem.coefficients.alphaCurvature
    let exact = try SymmetricEigenproblem(
      (0..<curvature.rows).map { row in (0..<curvature.columns).map { curvature[row, $0] } })
    let hessian = ArchitectureHessian(
      problem: problem, weights: problem.makeInitialWeights(), alphas: problem.initialAlphas,
      batches: [problem.validationSplitBatch(0)])
    let largest = try #require(exact.values.last)
    for epoch in 0..<3 {
      let found = try hessian.dominantEigenvalue(seed: 9, epoch: epoch)
      #expect(abs(found.largest - largest) < 2e-3 * largest)
    }
    let sharp = try hessian.dominantEigenvalue(seed: 9, epoch: 0, tolerance: 1e-7)
    #expect(abs(sharp.largest - largest) < 1e-4 * largest)
    let dense = try SymmetricEigenproblem(hessian.dense())
    #expect(zip(dense.values, exact.values).allSatisfy { abs($0 - $1) < 1e-4 * largest })
  }

  /// A supernet of 4 channels on the eight images of a golden file.
  private func supernet() throws -> SupernetProblem {
    let golden = GoldenFile.path("s2_c16_l3_b4")
    let loader = try BatchLoader(
      dataset: DatasetSpecification.tensors(file: golden).load(), seed: 1, batchSize: 4, trainLimit: nil)
    return try SupernetProblem(space: .s2, channels: 4, layers: 3, loader: loader, seed: 1, threads: 1)
  }

  @Test("Lanczos on exact products of a supernet finds the ends of their dense spectrum, in α and in mixing weights")
  func exactSpectrumOfASupernet() throws {
    let problem = try supernet()
    var alphas = problem.initialAlphas
    var stream = RandomStream(seed: 2, purpose: .test)
    alphas.flat = stream.normals(alphas.count).map { Float(0.5 * $0) }
    for coordinates in [HessianCoordinates.alphas, .mixing] {
      let hessian = ArchitectureHessian(
        problem: problem, weights: problem.makeInitialWeights(), alphas: alphas,
        batches: [try problem.validationSplitBatch(0)], coordinates: coordinates)
      #expect(hessian.dimension == (coordinates == .alphas ? alphas.count : problem.mixingCount))
      let dense = try SymmetricEigenproblem(hessian.dense()).values
      let found = try hessian.dominantEigenvalue(seed: 3, epoch: 0, tolerance: 1e-4)
      let scale = max(abs(dense[0]), abs(dense[dense.count - 1]))
      #expect(abs(found.largest - dense[dense.count - 1]) < 1e-4 * scale, "\(found.largest), \(dense)")
      // What is left of the asymmetry is rounding.
      let asymmetry = try #require(hessian.asymmetry)
      #expect(asymmetry.relative < 1e-5 && asymmetry.eigenvalueBound < 1e-5 * scale, "\(asymmetry)")
    }
  }

  /// Both are differences over a finite distance of a gradient with kinks, so they agree to per cents, not to digits.
  @Test func lanczosOnASupernetAgreesWithItsDenseHessianAndWithDifferencesOfItsLoss() throws {
    let problem = try supernet()
    var alphas = problem.initialAlphas
    var stream = RandomStream(seed: 2, purpose: .test)
    alphas.flat = stream.normals(alphas.count).map { Float(0.5 * $0) }
    let weights = problem.makeInitialWeights()
    let batch = try problem.validationSplitBatch(0)
    let hessian = ArchitectureHessian(
      problem: problem, weights: weights, alphas: alphas, batches: [batch],
      products: .difference(displacement: 1))
    let dense = try SymmetricEigenproblem(hessian.dense())
    let largest = try #require(dense.values.last)
    let found = try hessian.dominantEigenvalue(seed: 3, epoch: 0)
    #expect(largest > 0 && abs(found.largest - largest) < 0.1 * largest, "\(found.largest) and \(largest)")
    // The slope of the loss along the vector, at both ends, from the loss alone.
    func loss(_ length: Double) -> Double {
      problem.evaluate(weights: weights, alphas: alphas.moved(by: found.vector.map { length * $0 }), batch: batch).loss
    }
    func slope(_ place: Double) -> Double { (loss(place + 0.01) - loss(place - 0.01)) / 0.02 }
    let along = zip(try hessian.product(found.vector), found.vector).reduce(0) { $0 + $1.0 * $1.1 }
    let curvature = (slope(1) - slope(-1)) / 2
    #expect(abs(curvature - along) < 0.05 * largest, "\(curvature) and \(along)")
  }

  @Test(arguments: [HessianKind.exact, .difference]) func meanOverBatchesIsThatOfTheirExamples(kind: HessianKind) throws {
    let problem = try supernet()
    let (weights, alphas) = (problem.makeInitialWeights(), problem.initialAlphas)
    let batches = try [problem.validationBatch(epoch: 0, step: 0), problem.trainingBatch(epoch: 0, step: 0)]
    func product(_ batches: [ImageBatch]) throws -> [Double] {
      try ArchitectureHessian(
        problem: problem, weights: weights, alphas: alphas, batches: batches, products: kind.products()
      ).product(
        (0..<alphas.count).map { Double($0 % 3) - 1 })
    }
    let (first, second, both) = (try product([batches[0]]), try product([batches[1]]), try product(batches))
    #expect(distance(both, zip(first, second).map { ($0 + $1) / 2 }) < 1e-9 * max(1, norm(both)))
    #expect(distance(first, second) > 1e-3 * norm(first), "two batches must tell apart")
  }

  @Test(arguments: zip([HessianKind.exact, .difference], ["a Hessian product", "an α gradient of the Hessian"]))
  func slopeThatIsNotFiniteStopsAndAStopIsHeard(kind: HessianKind, what: String) throws {
    let problem = try ObservedProblem(quadratic())
    problem.sharpen = { _ in .nan }
    let hessian = try ArchitectureHessian(
      problem: problem, weights: problem.makeInitialWeights(), alphas: problem.initialAlphas,
      batches: [problem.validationSplitBatch(0)], products: kind.products())
    let error = #expect(throws: Divergence.self) { try hessian.dominantEigenvalue(seed: 1, epoch: 0) }
    #expect(error?.account.hasPrefix("\(what) is not finite") == true)
    let stopped = try ArchitectureHessian(
      problem: problem, weights: problem.makeInitialWeights(), alphas: problem.initialAlphas,
      batches: [problem.validationSplitBatch(0)], products: kind.products(), isStopRequested: { true })
    #expect(throws: CancellationError.self) { try stopped.dominantEigenvalue(seed: 1, epoch: 0) }
  }
}
