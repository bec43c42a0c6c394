import ClosedFormSupport
import Compute
import Formats
import Foundation
import Landscape
import Problems
import Search
import Statistics
import Studies
import TestSupport
import Testing

/// Studies whose inner training departs from the search's, on the quadratic problem: four weight steps an epoch.
@Suite("Studies with inner training of its own") struct StepDepartureTests {
  private let searchRate: Float = 0.1
  private let innerRate: Float = 0.04
  private let truth = Objective.trueLoss(innerSteps: 3)
  private let zero = [Double](repeating: 0, count: 5)
  private let velocity = [Double](repeating: Double(Float(0.1)), count: 5)

  private func step(_ rate: Float) -> WeightStep { WeightStep(learningRate: rate, weightDecay: 0.01, gradientClip: 1e6) }

  private func gradients(departs: Bool, _ estimators: [StudiedEstimator] = [.darts2]) throws -> EstimatorSettings {
    var settings = try EstimatorSettings(
      estimators: estimators, innerSteps: [3], candidates: [2], sigmas: [0.2], repeats: 1,
      step: step(departs ? innerRate : searchRate), epoch: 1, bootstrap: Bootstrap())
    settings.unrolledRate = departs ? searchRate : nil
    settings.startsAtRest = departs
    return settings
  }

  private func moving(_ problem: QuadraticBilevelProblem) -> ParameterVector {
    let result = problem.makeVector()
    result.fill(0.1)
    return result
  }

  @Test("points of fidelity have batches, rate and rest of their own, and L₂ its ξ; settings say so where it is so")
  func fidelity() throws {
    let problem = try quadratic(noise: 0.3)
    func study(departs: Bool, drawing: BatchDrawing) throws -> (samples: FidelitySamples, text: String) {
      var settings = try FidelitySettings(
        objectives: [.secondOrder, truth], directions: 3, radii: [0.5, 1], planePoints: 0, comparesGradients: false,
        gradients: gradients(departs: departs), takesEigenvalue: false)
      settings.drawing = drawing
      let scratch = try ScratchFolder()
      let folder = try OutputFolder.create(at: scratch.file("out"))
      let run = try FidelityRun(
        problem: problem, weights: problem.makeInitialWeights(), velocity: moving(problem), alphas: smallAlphas(),
        settings: settings)
      _ = try run.run(in: folder)
      return (try run.sample(), try String(contentsOfFile: folder.file("fidelity.yaml"), encoding: .utf8))
    }
    let validation = problem.validationBatch(epoch: 1, step: 0)
    for (departs, drawing) in [(true, BatchDrawing.fresh), (true, .fixed), (false, .fresh)] {
      let found = try study(departs: departs, drawing: drawing)
      for ray in 0..<3 {
        for radius in 0..<2 {
          let alphas = smallAlphas().moved(by: found.samples.displacements[ray][radius]).flat.map(Double.init)
          let batches = try (0..<3).map { index in
            let own = try problem.trainingBatch(epoch: 1, step: index, draw: 1 + 2 * ray + radius)
            return drawing == .fresh ? own : problem.trainingBatch(epoch: 1, step: index)
          }
          let start = departs ? nil : velocity
          let exact = problem.trueLoss(
            weights: zero, velocity: start, alphas: alphas, step: step(departs ? innerRate : searchRate), batches: batches,
            validation: validation)
          let second = problem.secondOrder(
            weights: zero, velocity: start, alphas: alphas, step: step(searchRate), training: batches[0],
            validation: validation)
          let samples = found.samples.rays[ray]
          #expect(close(samples[truth]?[radius].loss, exact, .scaled(1e-5)), "\(departs), \(drawing)")
          #expect(close(samples[.secondOrder]?[radius].loss, second, .scaled(1e-5)), "\(departs), \(drawing)")
        }
      }
      #expect(found.text.contains("\nunrolled_learning_rate: 0.1\nfresh_momentum: true\n") == departs)
      #expect(found.text.contains("\nbatches: fresh\n") == (drawing == .fresh))
    }
  }

  @Test("the reference of estimators trains so, the gradients of DARTS stay the search's") func estimators() throws {
    let problem = try quadratic(noise: 0.3)
    let scratch = try ScratchFolder()
    for departs in [true, false] {
      let folder = try OutputFolder.create(at: scratch.file("\(departs)"))
      _ = try EstimatorRun(
        problem: problem, weights: problem.makeInitialWeights(), velocity: moving(problem), alphas: smallAlphas(),
        settings: gradients(departs: departs)
      ).run(in: folder)
      let file = try TensorFile(readingFrom: folder.file("gradients.safetensors"))
      let flat = smallAlphas().flat.map(Double.init)
      let batches = (0..<3).map { problem.trainingBatch(epoch: 1, step: $0) }
      let validation = problem.validationBatch(epoch: 1, step: 0)
      let exact = problem.trueLossGradient(
        weights: zero, velocity: departs ? nil : velocity, alphas: flat, step: step(departs ? innerRate : searchRate),
        batches: batches, validation: validation)
      let second = problem.secondOrderGradient(
        weights: zero, velocity: velocity, alphas: flat, step: step(searchRate), training: batches[0], validation: validation
      )
      #expect(close(try file.doubles("true.3", shape: [1, 6]), exact, .scaled(3e-5)), "\(departs)")
      #expect(close(try file.doubles("second", shape: [1, 6]), second, .scaled(5e-5)), "\(departs)")
    }
  }
}
