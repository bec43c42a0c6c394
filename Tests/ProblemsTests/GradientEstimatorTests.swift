import Problems
import SearchSupport
import TestSupport
import Testing

/// Gradients of L₁ and L₂ against their closed forms on a quadratic.
struct GradientEstimatorTests {
  @Test func firstOrderGradientIsThatOfTheValidationLossAtFixedWeights() throws {
    let problem = try quadratic()
    let point = state(of: problem)
    let alphas = problem.initialAlphas
    let estimate = FirstOrderGradient(problem: problem).estimate(
      weights: point.weights, alphas: alphas, validation: problem.validationBatch(epoch: 0, step: 2))
    let expected = problem.firstOrderGradient(alphas: doubles(alphas.flat))
    #expect(distance(doubles(estimate.gradient.flat), expected) < 1e-6 * norm(expected))
    let loss = problem.firstOrder(
      weights: doubles(point.weights.values), alphas: doubles(alphas.flat),
      validation: problem.validationBatch(epoch: 0, step: 2))
    #expect(abs(estimate.loss.loss - loss) < 1e-12)
  }

  @Test(arguments: [false, true])
  func secondOrderGradientIsExactOnAQuadraticWithAndWithoutMomentum(hasMomentum: Bool) throws {
    let problem = try quadratic()
    let point = state(of: problem)
    let alphas = problem.initialAlphas
    // Weight decay and ξ large enough that leaving either out would show.
    let step = WeightStep(learningRate: 0.2, momentum: 0.9, weightDecay: 0.05)
    let (training, validation) = (problem.trainingBatch(epoch: 1, step: 0), problem.validationBatch(epoch: 1, step: 0))
    let velocity = hasMomentum ? point.velocity : nil
    let estimate = SecondOrderGradient(problem: problem).estimate(
      weights: point.weights, velocity: velocity, alphas: alphas, training: training, validation: validation, step: step)
    let expected = problem.secondOrderGradient(
      weights: doubles(point.weights.values), velocity: velocity.map { doubles($0.values) }, alphas: doubles(alphas.flat),
      step: step, training: training, validation: validation)
    #expect(distance(doubles(estimate.gradient.flat), expected) < 1e-4 * norm(expected))
    let direct = problem.firstOrderGradient(alphas: doubles(alphas.flat))
    #expect(distance(expected, direct) > 0.05 * norm(direct), "the implicit term must matter for this test to mean anything")
    let loss = problem.secondOrder(
      weights: doubles(point.weights.values), velocity: velocity.map { doubles($0.values) }, alphas: doubles(alphas.flat),
      step: step, training: training, validation: validation)
    #expect(abs(estimate.loss.loss - loss) < 1e-5 * loss)
  }

  @Test func unrolledStepIgnoresTheClip() throws {
    let problem = try quadratic()
    let point = state(of: problem)
    let batches = (problem.trainingBatch(epoch: 0, step: 0), problem.validationBatch(epoch: 0, step: 0))
    let gradients = [1e-3, 1e3].map { clip in
      SecondOrderGradient(problem: problem).estimate(
        weights: point.weights, velocity: point.velocity, alphas: problem.initialAlphas, training: batches.0,
        validation: batches.1, step: WeightStep(learningRate: 0.1, gradientClip: Float(clip))
      ).gradient
    }
    #expect(gradients[0] == gradients[1])
  }

  @Test func estimatesLeaveWeightsAndMomentumAsTheyWere() throws {
    let problem = try quadratic()
    let point = state(of: problem)
    let before = (point.weights.values, point.velocity.values)
    _ = SecondOrderGradient(problem: problem).estimate(
      weights: point.weights, velocity: point.velocity, alphas: problem.initialAlphas,
      training: problem.trainingBatch(epoch: 0, step: 0), validation: problem.validationBatch(epoch: 0, step: 0),
      step: WeightStep())
    #expect(point.weights.values == before.0)
    #expect(point.velocity.values == before.1)
  }
}
