import Cells
import ClosedFormSupport
import Formats
import Problems
import TestSupport
import Testing

@Suite("The quadratic problem's closed forms") struct QuadraticProblemTests {
  private let alphas = smallAlphas().flat.map(Double.init)
  private let weights = [0.3, -0.7, 1.1, 0.2, -0.4]
  private let velocity = [0.05, 0.1, -0.2, 0.15, 0.02]
  private let step = WeightStep(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, gradientClip: 1e6)

  @Test("gradients of a batch are the slopes of its loss", arguments: [0.0, 0.5])
  func batchGradients(noise: Double) throws {
    let problem = try quadratic(noise: noise)
    let omega = problem.makeInitialWeights()
    for (index, value) in weights.enumerated() { omega[index] = Float(value) }
    let exact = omega.values.map(Double.init)
    for batch in [problem.trainingBatch(epoch: 1, step: 2), problem.validationBatch(epoch: 1, step: 2)] {
      let gradient = problem.makeVector()
      let result = problem.gradient(
        weights: omega, alphas: smallAlphas(), batch: batch, weightGradient: gradient, wantsAlphaGradient: true,
        statistics: nil)
      let bySlopeOfWeights = slope(of: { problem.loss(weights: $0, alphas: alphas, batch: batch) }, at: exact)
      let bySlopeOfAlphas = slope(of: { problem.loss(weights: exact, alphas: $0, batch: batch) }, at: alphas)
      #expect(close(gradient.values.map(Double.init), bySlopeOfWeights, .scaled(1e-6)))
      #expect(close(result.alphas?.flat.map(Double.init) ?? [], bySlopeOfAlphas, .scaled(1e-6)))
      #expect(result.loss == problem.evaluate(weights: omega, alphas: smallAlphas(), batch: batch))
      #expect(abs(result.loss.loss - problem.loss(weights: exact, alphas: alphas, batch: batch)) < 1e-12)
    }
  }

  @Test("the gradients of all three objectives and of the bilevel loss are their slopes")
  func objectiveGradients() throws {
    let problem = try quadratic(noise: 0.3)
    let training = (0..<7).map { problem.trainingBatch(epoch: 0, step: $0) }
    let validation = problem.validationBatch(epoch: 0, step: 0)
    #expect(
      close(
        problem.firstOrderGradient(alphas: alphas),
        slope(of: { problem.firstOrder(weights: weights, alphas: $0, validation: validation) }, at: alphas), .scaled(1e-7)))
    #expect(
      close(
        problem.secondOrderGradient(
          weights: weights, velocity: velocity, alphas: alphas, step: step, training: training[0], validation: validation),
        slope(
          of: {
            problem.secondOrder(
              weights: weights, velocity: velocity, alphas: $0, step: step, training: training[0], validation: validation)
          }, at: alphas), .scaled(1e-7)))
    #expect(
      close(
        problem.trueLossGradient(
          weights: weights, velocity: velocity, alphas: alphas, step: step, batches: training, validation: validation),
        slope(
          of: {
            problem.trueLoss(
              weights: weights, velocity: velocity, alphas: $0, step: step, batches: training, validation: validation)
          }, at: alphas), .scaled(1e-7)))
    #expect(close(problem.bilevelGradient(alphas: alphas), slope(of: problem.bilevelLoss, at: alphas), .scaled(1e-7)))
  }

  @Test("ω*(α) is where the training loss is least, and inner training reaches it")
  func bestResponse() throws {
    let problem = try quadratic()
    let best = problem.bestResponse(alphas: alphas)
    let batch = problem.trainingBatch(epoch: 0, step: 0)
    #expect(
      close(
        slope(of: { problem.loss(weights: $0, alphas: alphas, batch: batch) }, at: best), Array(repeating: 0, count: 5),
        .scaled(1e-8)
      ))
    #expect(problem.loss(weights: best, alphas: alphas, batch: batch) == 0.125)
    var free = step
    free.weightDecay = 0
    let long = problem.innerWeights(
      weights: weights, alphas: alphas, step: free, batches: Array(repeating: batch, count: 2000))
    #expect(close(long, best, .scaled(1e-9)))
    let sensitivity = problem.innerSensitivity(innerSteps: 2000, step: free)
    #expect(close(sensitivity.values, problem.coefficients.response.values, .scaled(1e-9)))
  }

  @Test(
    "the optimum is stationary for the bilevel loss, and first-order DARTS stops elsewhere and worse",
    arguments: [1, 2, 3] as [UInt64])
  func fixedPoints(seed: UInt64) throws {
    let problem = try quadratic(seed: seed)
    let optimum = problem.optimum
    #expect(close(problem.bilevelGradient(alphas: optimum), Array(repeating: 0, count: 6), .scaled(1e-12)))
    let wrong = problem.firstOrderFixedPoint
    #expect(close(problem.firstOrderGradient(alphas: wrong), Array(repeating: 0, count: 6), .scaled(1e-12)))
    #expect(problem.bilevelLoss(alphas: wrong) > problem.bilevelLoss(alphas: optimum) + 0.05)
    var distance = zip(wrong, optimum).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    #expect(distance > 0.3)
    // Looking further ahead comes closer, and far enough ahead arrives.
    var free = step
    free.weightDecay = 0
    for innerSteps in [1, 1000] {
      let point = problem.trueFixedPoint(innerSteps: innerSteps, step: free)
      let next = zip(point, optimum).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
      #expect(next < distance)
      distance = next
    }
    #expect(distance < 1e-9)
    // From zero momentum, one step of inner training moves ω as the unrolled step does.
    #expect(
      close(
        problem.secondOrderFixedPoint(learningRate: Double(free.learningRate)),
        problem.trueFixedPoint(innerSteps: 1, step: free), .scaled(1e-12)))
  }

  @Test("the closed form of M steps is what the training loop computes, momentum, decay and batches included")
  func innerTraining() throws {
    let problem = try quadratic(noise: 0.3)
    let (omega, start) = (problem.makeVector(), problem.makeVector())
    for index in 0..<5 {
      omega[index] = Float(weights[index])
      start[index] = Float(velocity[index])
    }
    let before = omega.values
    let batches = (0..<10).map { problem.trainingBatch(epoch: 0, step: $0) }
    let inner = InnerTraining(problem: problem)
    for length in [1, 5, 10] {
      for momentum in [nil, start] {
        let part = Array(batches[..<length])
        var seen: [Int] = []
        let losses = inner.train(from: omega, startVelocity: momentum, alphas: smallAlphas(), batches: part, step: step) {
          seen.append($0)
        }
        let exact = problem.innerWeights(
          weights: omega.values.map(Double.init), velocity: momentum?.values.map(Double.init), alphas: alphas, step: step,
          batches: part)
        #expect(close(inner.weights.values.map(Double.init), exact, .scaled(3e-6)), "\(length) steps")
        #expect(seen == Array(1...length))
        #expect(abs(losses[0] - problem.loss(weights: omega.values.map(Double.init), alphas: alphas, batch: part[0])) < 1e-6)
      }
    }
    #expect(omega.values == before)
    #expect(start.values == velocity.map(Float.init))
  }

  @Test("batches are functions of seed and position, and shared between training and validation no more than chance has it")
  func batches() throws {
    let (problem, twin, other) = (try quadratic(noise: 1), try quadratic(noise: 1), try quadratic(seed: 4, noise: 1))
    let batch = problem.trainingBatch(epoch: 2, step: 3)
    #expect(batch == twin.trainingBatch(epoch: 2, step: 3))
    #expect(batch.shift != other.trainingBatch(epoch: 2, step: 3).shift)
    #expect(batch.shift != problem.trainingBatch(epoch: 3, step: 2).shift)
    #expect(batch.shift != problem.validationBatch(epoch: 2, step: 3).shift)
    #expect(problem.validationSplitCount == 1)
    #expect(problem.validationSplitBatch(0).shift.allSatisfy { $0 == 0 })
  }

  @Test("a vector comes back from the tensors that it was exported to, and a wrong shape is refused") func exchange() throws
  {
    let problem = try quadratic()
    let vector = problem.makeVector()
    for index in 0..<5 { vector[index] = Float(index) + 0.5 }
    let file = TensorFile(
      path: "w", metadata: [:],
      tensors: problem.export(vector).map { tensor in
        var named = tensor
        named.name = "momentum." + tensor.name
        return named
      })
    #expect(try problem.importVector(from: file, prefix: "momentum.").values == vector.values)
    #expect(refusal { try problem.importVector(from: file, prefix: "") }?.hasPrefix("w: omega") == true)
    let short = TensorFile(
      path: "w", metadata: [:], tensors: [.init(name: "omega", shape: [4], values: .float32([1, 2, 3, 4]))])
    #expect(refusal { try problem.importVector(from: short, prefix: "") } == "w: omega: [4]")
  }

  @Test("parts that make no bilevel problem are refused by name") func badParts() throws {
    let good = try quadratic().coefficients
    func name(_ change: (inout QuadraticBilevelProblem.Coefficients) -> Void) -> String? {
      var bad = good
      change(&bad)
      do {
        _ = try QuadraticBilevelProblem(coefficients: bad, initialAlphas: smallAlphas())
      } catch let error as InputError {
        return error.place.item
      } catch {}
      return nil
    }
    #expect(name { $0.trainingCurvature[0, 1] += 1 } == "trainingCurvature")
    #expect(name { $0.validationCurvature = DenseMatrix(diagonal: [1, 1, -1, 1, 1]) } == "validationCurvature")
    #expect(name { $0.alphaCurvature = DenseMatrix.identity(5) } == "alphaCurvature")
    #expect(name { $0.response = DenseMatrix(rows: 5, columns: 5) } == "response")
    #expect(name { $0.weightTarget.removeLast() } == "weightTarget")
    #expect(
      refusal {
        try QuadraticBilevelProblem(coefficients: good, initialAlphas: smallAlphas(), stepsPerEpoch: 0)
      } == "stepsPerEpoch: 0")
    #expect(
      refusal {
        try QuadraticBilevelProblem(coefficients: good, initialAlphas: smallAlphas(), noise: -1)
      } == "noise: -1.0")
    #expect(
      refusal { try QuadraticBilevelProblem.random(seed: 1, weightCount: 0, alphas: smallAlphas()) } == "weightCount: 0")
  }

  @Test("linear systems are solved, singular ones are named so") func solving() {
    let matrix = DenseMatrix(rows: 3, columns: 3, values: [0, 2, 1, 1, -1, 3, 4, 0, -2])
    // x = (1, −2, 3): the first pivot is zero, so rows must be exchanged.
    #expect(close(matrix.solve([-1, 12, -2]) ?? [], [1, -2, 3], .scaled(1e-14)))
    #expect(DenseMatrix(rows: 2, columns: 2, values: [1, 2, 2, 4]).solve([1, 2]) == nil)
  }
}
