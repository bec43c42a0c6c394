import Cells
import Problems
import Search

/// A problem whose dominant eigenvalue is known: 1 while ω is below a limit, and 2 above it. ω is a single number that goes
/// from 0 towards 1/(1 + w) at weight decay w, whatever α is, so that weight decay says when the limit is crossed:
///
///     ω ← ω − η((ω − 1) + w ω)
package func steppedCurvature(limit: Float = 0.6) throws -> ObservedProblem<QuadraticBilevelProblem> {
  var alphas = SearchSpace.s2.zeroAlphas
  alphas.flat = alphas.flat.indices.map { 0.1 * Float($0 % 7) - 0.3 }
  let count = alphas.count
  let coefficients = QuadraticBilevelProblem.Coefficients(
    trainingCurvature: .identity(1), response: DenseMatrix(rows: 1, columns: count), responseOffset: [1],
    validationCurvature: .identity(1), weightTarget: [1],
    // The largest eigenvalue is 1, and far from the others.
    alphaCurvature: DenseMatrix(diagonal: (0..<count).map { $0 == 5 ? 1 : 0.4 + 0.001 * Double($0) }),
    alphaTarget: (0..<count).map { 0.05 * Double($0 % 11) })
  let problem = ObservedProblem(
    try QuadraticBilevelProblem(coefficients: coefficients, initialAlphas: alphas, stepsPerEpoch: 2))
  problem.hasStatistics = true
  problem.sharpen = { $0[0] < limit ? 1 : 2 }
  return problem
}

/// A search of 24 epochs on it, one of them warm-up: weight decay 0.1, times 3 where the eigenvalue has doubled in two
/// epochs. At 0.1 the limit is crossed in epoch 10, from epoch 8 at 0.3 in epoch 11, and from there never at 0.9.
package func steppedConfiguration(maximum: Double = 0.9, _ method: SearchMethod = .dartsADA) -> SearchConfiguration {
  var configuration = shortConfiguration(method)
  (configuration.epochs, configuration.warmup) = (24, 1)
  (configuration.learningRate, configuration.minimumLearningRate, configuration.momentum) = (0.05, 0.05, 0)
  configuration.weightDecay = 0.1
  (configuration.adaptiveDecayFactor, configuration.adaptiveDecayMaximum) = (3, maximum)
  (configuration.eigenvalueEvery, configuration.eigenvalueBatches) = (1, 1)
  (configuration.earlyStopWindow, configuration.earlyStopDistance, configuration.earlyStopStart) = (1, 2, 1)
  return configuration
}
