import Cells
import Compute
import Foundation
import Problems
import Search
import SearchSupport
import TestSupport

/// A quadratic problem whose ω stays where it is while α moves: then L_M is one fixed quadratic of α, known in closed form.
struct FrozenDescent {
  let problem: QuadraticBilevelProblem
  let weights: ParameterVector
  let velocity: ParameterVector
  let innerSteps: Int
  /// Without a clip, since the closed form has none.
  let step = WeightStep(learningRate: 0.2, momentum: 0.5, weightDecay: 0, gradientClip: 1e6)

  init(_ problem: QuadraticBilevelProblem, innerSteps: Int) {
    self.problem = problem
    self.innerSteps = innerSteps
    (weights, velocity) = state(of: problem)
  }

  /// d values of α, and a problem of random coefficients without noise.
  static func random(count: Int, innerSteps: Int = 3, seed: UInt64 = 21) throws -> FrozenDescent {
    try FrozenDescent(
      .random(seed: seed, weightCount: 3, alphas: alphas(count: count), stepsPerEpoch: 8, noise: 0), innerSteps: innerSteps)
  }

  /// A problem whose L_M has the same curvature in every direction.
  static func isotropic(count: Int, innerSteps: Int = 3) throws -> FrozenDescent {
    let unit = DenseMatrix.identity(count)
    var stream = RandomStream(seed: 4, purpose: .test)
    let coefficients = QuadraticBilevelProblem.Coefficients(
      trainingCurvature: unit, response: 0.5 * unit, responseOffset: stream.normals(count), validationCurvature: unit,
      weightTarget: stream.normals(count), alphaCurvature: 0.5 * unit, alphaTarget: stream.normals(count))
    return try FrozenDescent(
      QuadraticBilevelProblem(coefficients: coefficients, initialAlphas: alphas(count: count)), innerSteps: innerSteps)
  }

  private static func alphas(count: Int) -> ArchitectureParameters {
    let matrix = ArchitectureParameters.Matrix(rows: 1, columns: count / 2)
    var alphas = ArchitectureParameters(normal: matrix, reduce: matrix)
    var stream = RandomStream(seed: 8, purpose: .alphas)
    alphas.flat = stream.normals(alphas.count).map(Float.init)
    return alphas
  }

  var batches: [QuadraticBilevelProblem.Batch] { (0..<innerSteps).map { problem.trainingBatch(epoch: 0, step: $0) } }

  func at(seed: UInt64, step index: Int = 0, sigma: Double = 0.1) -> ArchitectureStep<QuadraticBilevelProblem> {
    ArchitectureStep(
      weights: weights, velocity: velocity, weightStep: step, trainingBatches: batches,
      validationBatch: problem.validationBatch(epoch: 0, step: 0), sigma: sigma, seed: seed, epoch: 0, step: index)
  }

  /// L_M(α) by algebra.
  func loss(_ alphas: [Double]) -> Double {
    problem.trueLoss(
      weights: doubles(weights.values), velocity: doubles(velocity.values), alphas: alphas, step: step, batches: batches)
  }

  /// ∇L_M(α) by algebra.
  func gradient(_ alphas: [Double]) -> [Double] {
    problem.trueLossGradient(
      weights: doubles(weights.values), velocity: doubles(velocity.values), alphas: alphas, step: step, batches: batches)
  }

  /// ∇²L_M = D + JᵀVJ.
  var hessian: DenseMatrix {
    let sensitivity = problem.innerSensitivity(innerSteps: innerSteps, step: step)
    let coefficients = problem.coefficients
    return coefficients.alphaCurvature + sensitivity.transposed * (coefficients.validationCurvature * sensitivity)
  }

  /// Where L_M is least: one Newton step from anywhere.
  var minimiser: [Double] {
    let start = initial
    let way = hessian.solve(gradient(start)) ?? start.map { _ in .nan }
    return zip(start, way).map { $0 - $1 }
  }

  var initial: [Double] { doubles(problem.initialAlphas.flat) }

  /// The change of α of one update from the initial α.
  func update(_ optimiser: any ArchitectureOptimiser<QuadraticBilevelProblem>, seed: UInt64, sigma: Double = 0.1) throws
    -> [Double]
  {
    var alphas = problem.initialAlphas
    _ = try optimiser.update(&alphas, at: at(seed: seed, sigma: sigma))
    return zip(doubles(alphas.flat), initial).map { $0 - $1 }
  }

  /// α after so many updates.
  func descend(
    _ optimiser: any ArchitectureOptimiser<QuadraticBilevelProblem>, updates: Int, seed: UInt64, sigma: Double = 0.1
  ) throws -> [Double] {
    var alphas = problem.initialAlphas
    for index in 0..<updates { _ = try optimiser.update(&alphas, at: at(seed: seed, step: index, sigma: sigma)) }
    return doubles(alphas.flat)
  }
}

/// Mean of vectors, and the standard error of each of its entries from the sample's own variance.
struct SampleMean {
  let mean: [Double]
  let errors: [Double]

  init(_ samples: [[Double]]) {
    let count = Double(samples.count)
    let mean = samples[0].indices.map { index in samples.reduce(0) { $0 + $1[index] } / count }
    self.mean = mean
    errors = mean.indices.map { index in
      let squares = samples.reduce(0) { $0 + ($1[index] - mean[index]) * ($1[index] - mean[index]) }
      return (squares / (count - 1) / count).squareRoot()
    }
  }

  /// Whether every entry is within so many standard errors of what it should be.
  func agrees(with expected: [Double], errors limit: Double = 4.5) -> Bool {
    zip(zip(mean, errors), expected).allSatisfy { abs($0.0 - $1) < limit * $0.1 }
  }
}
