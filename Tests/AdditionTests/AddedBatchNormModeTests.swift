import Cells
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

/// `AdaptedStatistics.swift` is a mode that the package doesn't have, through landscapes, fidelity and estimators.
@Suite("A batch-norm mode that is added is one file and one line") struct AddedBatchNormModeTests {
  private let step = WeightStep(learningRate: 0.05)

  /// What the mode adds to the loss of a counting problem whose checkpoint's statistic is 3: half of the way towards
  /// ω₀ + shift three times, at the weights of the point.
  private func added(_ problem: CountingProblem, weight: Float) -> Double {
    var statistic: Float = 3
    for batch in 0..<3 {
      statistic += 0.5 * (weight + Float(problem.trainingBatch(epoch: 0, step: batch).shift[0]) - statistic)
    }
    return Double(statistic)
  }

  private func checkpoint(_ problem: CountingProblem) -> ParameterVector {
    let statistics = problem.makeInitialStatistics()
    statistics[0] = 3
    return statistics
  }

  @Test("it is found by its name where it is known, with its number of batches, and says what it needs") func reading()
    throws
  {
    #expect(BatchNormMode(named: "adapted") == nil && BatchNormMode.all.map(\.name) == ["batch", "running", "recalibrated"])
    try BatchNormMode.$guests.withValue([.adapted]) {
      let mode = try #require(BatchNormMode(named: "adapted"))
      #expect(mode == .adapted && BatchNormMode.all.last == .adapted && BatchNormMode.all[0] == .batch)
      #expect(mode.over(batches: 5).entries.map(\.value) == ["adapted", "5"])
      let error = #expect(throws: InputError.self) { try mode.over(batches: 0).check() }
      #expect(error?.place.setting == "recalibration_batches" && error?.found == "0")
      let problem = CountingProblem(try quadratic())
      let missing = #expect(throws: InputError.self) {
        try ObjectiveEvaluator(
          problem: problem, weights: problem.makeInitialWeights(), epoch: 0, objectives: [.firstOrder], batchNorm: mode)
      }
      #expect(missing?.place.item == "running statistics")
    }
  }

  @Test("a plane of a landscape holds its losses, and its settings name it") func landscape() throws {
    let scratch = try ScratchFolder()
    func plane(_ mode: BatchNormMode) throws -> (losses: [Double], text: String) {
      let problem = CountingProblem(try quadratic(noise: 0.3))
      var settings = LandscapeSettings(objectives: [.firstOrder], grid: try .init(size: 3, range: 0.5))
      (settings.batchNorm, settings.step) = (mode, step)
      let folder = try OutputFolder.create(at: scratch.file(mode.name))
      let plane = try LandscapeRun(
        problem: problem, weights: problem.makeInitialWeights(), velocity: nil, statistics: checkpoint(problem),
        alphas: smallAlphas(), settings: settings
      ).run(in: folder)
      return (
        plane.samples[.firstOrder]?.map(\.loss) ?? [],
        try String(contentsOfFile: folder.file("landscape.yaml"), encoding: .utf8)
      )
    }
    let (plain, found) = try (plane(.batch), plane(.adapted))
    let problem = CountingProblem(try quadratic(noise: 0.3))
    let wanted = added(problem, weight: problem.makeInitialWeights()[0])
    #expect(found.losses.count == 9)
    #expect(zip(found.losses, plain.losses).allSatisfy { abs($0 - $1 - wanted) < 1e-6 })
    #expect(found.text.contains("\nbatch_norm: adapted\nrecalibration_batches: 3\n"))
  }

  @Test("losses of studies of fidelity and of estimators are normalised by it") func studies() throws {
    let scratch = try ScratchFolder()
    func estimators(_ mode: BatchNormMode) throws -> EstimatorSettings {
      try EstimatorSettings(
        estimators: [.difference], innerSteps: [1], candidates: [2], sigmas: [0.2], repeats: 1, step: step, batchNorm: mode,
        bootstrap: .init(replicates: 20))
    }
    func fidelity(_ mode: BatchNormMode) throws -> (losses: [Double], text: String) {
      let problem = CountingProblem(try quadratic(noise: 0.3))
      let folder = try OutputFolder.create(at: scratch.file("fidelity-\(mode.name)"))
      _ = try FidelityRun(
        problem: problem, weights: problem.makeInitialWeights(), velocity: nil, statistics: checkpoint(problem),
        alphas: smallAlphas(),
        settings: FidelitySettings(
          objectives: [.firstOrder, .trueLoss(innerSteps: 1)], directions: 3, radii: [0.5], planePoints: 0,
          comparesGradients: false, gradients: estimators(mode), takesEigenvalue: false)
      ).run(in: folder)
      return (
        try CSVTable(readingFrom: folder.file("fidelity-samples.csv")).doubles("loss"),
        try String(contentsOfFile: folder.file("fidelity.yaml"), encoding: .utf8)
      )
    }
    let problem = CountingProblem(try quadratic(noise: 0.3))
    let wanted = added(problem, weight: problem.makeInitialWeights()[0])
    let (plain, found) = try (fidelity(.batch), fidelity(.adapted))
    // The first sample is L₁ at the centre.
    #expect(abs(found.losses[0] - plain.losses[0] - wanted) < 1e-6)
    #expect(found.text.contains("\nbatch_norm: adapted\nrecalibration_batches: 3\n"))

    func gradient(_ mode: BatchNormMode) throws -> [Double] {
      let problem = CountingProblem(try quadratic(noise: 0.3))
      let folder = try OutputFolder.create(at: scratch.file("estimators-\(mode.name)"))
      _ = try EstimatorRun(
        problem: problem, weights: problem.makeInitialWeights(), velocity: nil, statistics: checkpoint(problem),
        alphas: smallAlphas(), settings: estimators(mode)
      ).run(in: folder)
      let text = try String(contentsOfFile: folder.file("estimators.yaml"), encoding: .utf8)
      #expect(text.contains("batch_norm: adapted") == (mode == .adapted))
      return try TensorFile(readingFrom: folder.file("gradients.safetensors")).doubles("true.1", shape: [1, 6])
    }
    // The statistic is ω₀/8·7 + …, and ω₀ after a step depends on α: the mode adds 7/8 of its slope to the gradient.
    let training = InnerTraining(problem: problem)
    func stepped(_ alphas: ArchitectureParameters) -> Double {
      training.train(
        from: problem.makeInitialWeights(), startVelocity: nil, alphas: alphas,
        batches: [problem.trainingBatch(epoch: 0, step: 0)], step: step)
      return Double(training.weights[0])
    }
    let displacement = EstimatorSettings.defaultDisplacement
    let slopes = (0..<6).map { coordinate -> Double in
      func side(_ sign: Double) -> Double {
        stepped(smallAlphas().moved(by: (0..<6).map { $0 == coordinate ? sign * displacement : 0 }))
      }
      return (side(1) - side(-1)) / (2 * displacement)
    }
    let (without, with) = try (gradient(.batch), gradient(.adapted))
    #expect(slopes.contains { abs($0) > 1e-3 })
    for coordinate in 0..<6 {
      #expect(abs(with[coordinate] - without[coordinate] - 0.875 * slopes[coordinate]) < 1e-5)
    }
  }
}
