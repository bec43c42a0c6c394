import ClosedFormSupport
import Compute
import Formats
import Foundation
import Landscape
import Problems
import TestSupport
import Testing

@Suite("Objectives around a checkpoint") struct ObjectiveTests {
  private let step = WeightStep(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, gradientClip: 1e6)
  private let objectives = [Objective.firstOrder, .secondOrder, .trueLoss(innerSteps: 1), .trueLoss(innerSteps: 9)]

  private func checkpoint(_ problem: QuadraticBilevelProblem) -> (weights: ParameterVector, velocity: ParameterVector) {
    let (weights, velocity) = (problem.makeVector(), problem.makeVector())
    for index in 0..<5 {
      weights[index] = [0.3, -0.7, 1.1, 0.2, -0.4][index]
      velocity[index] = [0.05, 0.1, -0.2, 0.15, 0.02][index]
    }
    return (weights, velocity)
  }

  @Test("every objective is its closed form over a whole grid, with and without momentum", arguments: [false, true])
  func closedForm(withMomentum: Bool) throws {
    let problem = try quadratic(noise: 0.3)
    let (weights, momentum) = checkpoint(problem)
    let velocity = withMomentum ? momentum : nil
    let evaluator = try ObjectiveEvaluator(
      problem: problem, weights: weights, velocity: velocity, step: step, unrolledRate: 0.07, epoch: 1,
      objectives: objectives)
    let omega = weights.values.map(Double.init)
    let start = velocity?.values.map(Double.init)
    // Four steps an epoch: the nine inner steps run from epoch 1 into epoch 3.
    let training = (0..<9).map { problem.trainingBatch(epoch: 1 + $0 / 4, step: $0 % 4) }
    let validation = problem.validationBatch(epoch: 1, step: 0)
    var unrolled = step
    unrolled.learningRate = 0.07
    let directions = try Directions.random(seed: 5, around: smallAlphas())
    let grid = try LandscapeGrid(size: 5, range: 1)
    for index in 0..<grid.count {
      let point = grid.point(index)
      let alphas = directions.alphas(at: [point.x, point.y])
      let flat = alphas.flat.map(Double.init)
      let found = try evaluator.evaluate(objectives, at: alphas)
      let exact = [
        problem.firstOrder(weights: omega, alphas: flat, validation: validation),
        problem.secondOrder(
          weights: omega, velocity: start, alphas: flat, step: unrolled, training: training[0], validation: validation),
        problem.trueLoss(
          weights: omega, velocity: start, alphas: flat, step: step, batches: Array(training[..<1]), validation: validation),
        problem.trueLoss(
          weights: omega, velocity: start, alphas: flat, step: step, batches: training, validation: validation),
      ]
      #expect(close(found.map(\.loss), exact, .scaled(5e-6)), "point \(index)")
      for sample in found { #expect(sample.correct == Int(1000 * exp(-sample.loss))) }
    }
    #expect(weights.values == checkpoint(problem).weights.values)
    #expect(momentum.values == checkpoint(problem).velocity.values)
  }

  @Test("a point's losses do not depend on which objectives are asked for with it, nor on what was evaluated before")
  func independence() throws {
    let problem = try quadratic(noise: 0.3)
    let (weights, velocity) = checkpoint(problem)
    let evaluator = try ObjectiveEvaluator(
      problem: problem, weights: weights, velocity: velocity, step: step, epoch: 0, objectives: objectives)
    let together = try evaluator.evaluate(objectives, at: smallAlphas())
    var elsewhere = smallAlphas()
    elsewhere.normal[0, 0] += 1
    _ = try evaluator.evaluate(objectives, at: elsewhere)
    let alone = try objectives.reversed().map { try evaluator.evaluate([$0], at: smallAlphas())[0] }
    #expect(Array(alone.reversed()) == together)
  }

  @Test("long gradients are clipped in inner training but not in the unrolled step") func clipping() throws {
    let problem = try quadratic()
    let (weights, _) = checkpoint(problem)
    var tight = step
    tight.gradientClip = 0.01
    tight.weightDecay = 0
    let evaluator = try ObjectiveEvaluator(problem: problem, weights: weights, step: tight, epoch: 0, objectives: objectives)
    let found = try evaluator.evaluate(objectives, at: smallAlphas())
    let flat = smallAlphas().flat.map(Double.init)
    let exact = problem.secondOrder(weights: weights.values.map(Double.init), alphas: flat, step: tight)
    #expect(abs(found[1].loss - exact) < 5e-6)
    // One clipped step is at most 0.1 · 0.01 long; the slope of L_val here is of order 1.
    #expect(abs(found[2].loss - found[0].loss) < 0.01)
    #expect(abs(found[1].loss - found[0].loss) > 0.02)
  }

  @Test("several validation batches count by their examples") func severalBatches() throws {
    let problem = try quadratic(noise: 0.5)
    let (weights, _) = checkpoint(problem)
    let evaluator = try ObjectiveEvaluator(
      problem: problem, weights: weights, epoch: 0, objectives: [.firstOrder], validationBatchCount: 6)
    let losses = (0..<6).map {
      problem.evaluate(
        weights: weights, alphas: smallAlphas(), batch: problem.validationBatch(epoch: $0 / 4, step: $0 % 4))
    }
    let found = try evaluator.evaluate([.firstOrder], at: smallAlphas())[0]
    #expect(abs(found.loss - losses.reduce(0) { $0 + $1.loss } / 6) < 1e-12)
    #expect(found.count == 6000)
    #expect(found.correct == losses.reduce(0) { $0 + $1.correct })
  }

  @Test("too few batches and vectors of another problem are refused") func badInput() throws {
    let problem = try quadratic()
    let weights = problem.makeVector()
    let batch = problem.trainingBatch(epoch: 0, step: 0)
    #expect(
      refusal {
        try ObjectiveEvaluator(problem: problem, weights: weights, trainingBatches: [], validationBatches: [batch])
      } == "training batches")
    #expect(
      refusal {
        try ObjectiveEvaluator(problem: problem, weights: weights, epoch: 0, objectives: [], validationBatchCount: 0)
      } == "validation batches")
    #expect(
      refusal {
        try ObjectiveEvaluator(
          problem: problem, weights: ParameterVector(count: 4, kernels: weights.kernels), trainingBatches: [batch],
          validationBatches: [batch])
      } == "weights: 4 values")
    #expect(
      refusal {
        try ObjectiveEvaluator(
          problem: problem, weights: weights, velocity: ParameterVector(count: 4, kernels: weights.kernels),
          trainingBatches: [batch],
          validationBatches: [batch])
      } == "velocity: 4 values")
    let evaluator = try ObjectiveEvaluator(
      problem: problem, weights: weights, trainingBatches: [batch, batch], validationBatches: [batch])
    #expect(
      throws: InputError("too few for the inner steps", at: "training batches", found: "2", wanted: "at least 3")
    ) { try evaluator.evaluate([.trueLoss(innerSteps: 3)], at: smallAlphas()) }
  }

  @Test("a list of objectives is read in its order") func parsing() throws {
    #expect(
      try Objective.parse(list: "first,second,true:10") == [.firstOrder, .secondOrder, .trueLoss(innerSteps: 10)])
    #expect(
      try Objective.parse(list: "true:5,true:50,first") == [
        .trueLoss(innerSteps: 5), .trueLoss(innerSteps: 50), .firstOrder,
      ])
    #expect(try Objective.parse(list: "true:7").map(\.label) == ["true:7"])
  }

  @Test(
    "a list that cannot be meant is refused with the setting's name",
    arguments: [
      "", "first,", "First", "true", "true:", "true:0", "true:-1", "true:1.5", "true:1e3", "true:99999999999999999999",
      "first:1", "second:1", "true:3:4", "first,first", "true:2,first,true:2", "first second",
    ])
  func badLists(list: String) {
    let error = #expect(throws: InputError.self) { try Objective.parse(list: list) }
    #expect(error?.place.setting == "objectives")
  }
}
