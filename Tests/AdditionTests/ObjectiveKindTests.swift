import Cells
import ClosedFormSupport
import Compute
import Figures
import Formats
import Foundation
import Landscape
import Plots
import Problems
import Studies
import TestSupport
import Testing

/// L(α) = L_val(ω, α + ε·u), u standard normal and the same at every point: the loss under random perturbation, as SDARTS-RS
/// looks at it. An objective that this program does not have, in one file.
struct PerturbedLoss: ObjectiveKind {
  static let form = "perturbed:EPS"
  let size: Double

  init(size: Double) { self.size = size }

  init?(argument: Substring?, in text: String, setting: String) throws {
    guard let argument, let size = Double(argument), size > 0, size.isFinite else {
      throw InputError("not a size", at: .setting(setting), found: "'\(text)'", wanted: "perturbed:0.1, for example")
    }
    self.size = size
  }

  init?(name: String, innerSteps: Int) {
    let parts = name.split(separator: ":")
    guard parts.count == 2, parts[0] == "perturbed", let size = Double(parts[1]) else { return nil }
    self.size = size
  }

  var name: String { "perturbed:\(size)" }
  var innerSteps: Int { 0 }
  var mark: String { "ε = \(size)" }
  var symbol: String { "L(ε = \(size))" }
  var account: String { "under random perturbation of α" }
  static var approximations: [Self] { [.init(size: 0.25)] }

  static func cost(of group: [Self]) -> ObjectiveCost { .init(losses: group.count) }

  func moved(_ alphas: ArchitectureParameters) -> ArchitectureParameters {
    var stream = RandomStream(seed: 7, purpose: .directions, epoch: 1)
    return alphas.moved(by: stream.normals(alphas.count).map { size * $0 })
  }

  func losses<Problem: BilevelProblem>(at point: ObjectivePoint<Problem>) throws -> [BatchLoss] {
    try point.losses(alphas: moved(point.alphas))
  }
}

@Suite("An objective that is added is one file and one line") struct ObjectiveKindTests {
  private let perturbed = PerturbedLoss(size: 0.25)

  private func withKinds<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Objective.$kinds.withValue(Objective.standardKinds + [PerturbedLoss.self], operation: body)
  }

  @Test("it is read from lists and tables, and messages name it") func reading() throws {
    #expect(refusal { try Objective.parse(list: "perturbed:0.25") } == "setting objectives: 'perturbed:0.25'")
    try withKinds {
      #expect(try Objective.parse(list: "first,perturbed:0.25") == [.firstOrder, Objective(perturbed)])
      let found = try #require(Objective(name: "perturbed:0.25", innerSteps: 0))
      #expect(found == Objective(perturbed) && found.label == "perturbed:0.25" && found.arrayName == "perturbed0.25")
      #expect(
        Objective.forms
          == "first, second, true:STEPS, eigenvalue:PRODUCTS, convexity:PRODUCTS, alpha-eigenvalue, random:EPS, "
          + "adversarial:EPS or perturbed:EPS")
      #expect(Objective.lossForms == "first, second, true:STEPS, random:EPS, adversarial:EPS or perturbed:EPS")
      let error = #expect(throws: InputError.self) { try Objective.parse(list: "perturbed:0") }
      #expect(error?.place.setting == "objectives" && error?.found == "'perturbed:0'")
    }
  }

  @Test("its plan is its own: a forward pass a batch, and no step, vector, momentum or rank as a truth") func plan() {
    let objectives = [Objective(perturbed), .firstOrder, .trueLoss(innerSteps: 2), .trueLoss(innerSteps: 9)]
    #expect(EvaluationWork(of: objectives, validationBatches: 3) == .init(forwards: 12, steps: 9))
    #expect(objectives.cost == ObjectiveCost(losses: 4, steps: 9, vectors: 3))
    #expect(objectives.truth == .trueLoss(innerSteps: 9))
    #expect([Objective(perturbed)].truth == nil)
    #expect(!Objective(perturbed).takesSteps && Objective(perturbed).trainingBatches == 0)
  }

  @Test("a plane of it holds the loss at the perturbed α, is compared with the truth, written, read again and drawn")
  func plane() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let problem = try quadratic(noise: 0.3)
    let objectives = [Objective(perturbed), .trueLoss(innerSteps: 2)]
    func run() throws -> LandscapeRun<QuadraticBilevelProblem> {
      try LandscapeRun(
        problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: smallAlphas(),
        settings: .init(objectives: objectives, grid: .init(size: 3, range: 0.5)))
    }
    let made = try run()
    let plane = try made.run(in: folder)
    for index in 0..<9 {
      let point = plane.grid.point(index)
      let exact = problem.evaluate(
        weights: problem.makeInitialWeights(), alphas: perturbed.moved(made.directions.alphas(at: [point.x, point.y])),
        batch: problem.validationBatch(epoch: 0, step: 0))
      #expect(plane.samples[objectives[0]]?[index].loss == exact.loss)
    }
    let comparison = try CSVTable(readingFrom: folder.file("comparison.csv"))
    #expect(try comparison.column("approximation") == ["perturbed:0.25"] && comparison.column("truth") == ["true:2"])
    #expect(try NPZFile(readingFrom: folder.file("landscape.npz"))["loss_perturbed0.25"]?.shape == [3, 3])
    try withKinds {
      #expect(try run().run(in: folder, isContinued: true, isStopRequested: { true }) == plane)
      let drawn = Plot(try PlotFolder(folder.path))
      let heatmap = try #require(PlotKind(named: "heatmap"))
      let figure = try #require(try drawn.figure(heatmap) as? LandscapeFigure)
      #expect(figure.panels[0].title == Label("L_{ε = 0.25}(α)"))
      #expect(try drawn.svgElement(heatmap, idPrefix: "p").hasPrefix("<svg"))
    }
    // Without the line the table is of an objective that nobody knows.
    let error = #expect(throws: InputError.self) {
      try Plot(PlotFolder(folder.path)).figure(#require(PlotKind(named: "heatmap")))
    }
    #expect(error?.problem == "unknown objective" && error?.found == "perturbed:0.25 with 0 inner steps")
  }

  @Test("a study of fidelity holds it against the truth") func fidelity() throws {
    let problem = try quadratic(noise: 0.3)
    let scratch = try ScratchFolder()
    let settings = try FidelitySettings(
      objectives: [Objective(perturbed), .trueLoss(innerSteps: 2)], directions: 3, radii: [0.5, 1], planePoints: 0,
      comparesGradients: false,
      gradients: EstimatorSettings(
        innerSteps: [1], candidates: [2], sigmas: [0.2], repeats: 2, bootstrap: .init(replicates: 20)),
      takesEigenvalue: false)
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let rows = try FidelityRun(
      problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: smallAlphas(), settings: settings
    ).run(in: folder)
    #expect(rows.first("pearson", Objective(perturbed))?.value.isFinite == true)
  }
}

@Suite("Walks of studies") struct StudyWalkTests {
  private func problems(_ count: Int) throws -> [CountingProblem] {
    try (0..<count).map { _ in CountingProblem(try quadratic(noise: 0.3)) }
  }

  private func fidelity(_ copies: Int, _ batchNorm: BatchNormMode = .batch) throws -> FidelityRun<CountingProblem> {
    let all = try problems(1 + copies)
    let statistics = all[0].makeInitialStatistics()
    statistics[0] = 3
    return try FidelityRun(
      problem: all[0], weights: all[0].makeInitialWeights(), velocity: nil, statistics: statistics, alphas: smallAlphas(),
      settings: FidelitySettings(
        objectives: [.firstOrder, .trueLoss(innerSteps: 2)], directions: 4, radii: [0.5, 1], planePoints: 3,
        gradients: EstimatorSettings(
          innerSteps: [1], candidates: [2], sigmas: [0.2], repeats: 2, step: WeightStep(learningRate: 0.05),
          validationBatches: 2, batchNorm: batchNorm, bootstrap: .init(replicates: 20)), takesEigenvalue: false),
      copies: Array(all.dropFirst()))
  }

  @Test("points side by side, stopped and continued on another number of copies, leave the bytes of one after the other")
  func sideBySide() throws {
    let scratch = try ScratchFolder()
    let (one, many) = (try OutputFolder.create(at: scratch.file("a")), try OutputFolder.create(at: scratch.file("b")))
    _ = try fidelity(0).run(in: one)
    var asked = 0
    #expect(throws: CancellationError.self) {
      try fidelity(3).run(
        in: many,
        isStopRequested: {
          asked += 1
          return asked > 9
        })
    }
    #expect(try CSVTable(readingFrom: many.file("journal.csv")).rows.count >= 9 * 2)
    _ = try fidelity(2).run(in: many, isContinued: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: one.path).sorted() where !name.hasPrefix(".") {
      #expect(try FileBytes.read(one.file(name)) == FileBytes.read(many.file(name)), "\(name)")
    }
  }

  @Test("a batch-norm mode is of every loss of a study, and written only where it is not the default")
  func batchNorm() throws {
    let scratch = try ScratchFolder()
    func losses(_ mode: BatchNormMode) throws -> (values: [Double], text: String) {
      let folder = try OutputFolder.create(at: scratch.file(mode.name))
      _ = try fidelity(0, mode).run(in: folder)
      return (
        try CSVTable(readingFrom: folder.file("fidelity-samples.csv")).doubles("loss"),
        try String(contentsOfFile: folder.file("fidelity.yaml"), encoding: .utf8)
      )
    }
    let (batch, running, recalibrated) = try (
      losses(.batch), losses(.running), losses(.recalibrated(batches: 2))
    )
    // A counting problem adds the first statistic to its loss.
    #expect(abs(running.values[0] - batch.values[0] - 3) < 1e-6)
    #expect(recalibrated.values != batch.values && recalibrated.values != running.values)
    #expect(!batch.text.contains("batch_norm"))
    #expect(running.text.contains("\nbatch_norm: running\n"))
    #expect(recalibrated.text.contains("\nbatch_norm: recalibrated\nrecalibration_batches: 2\n"))
  }

  @Test("an estimate counts the evaluations that are left, and the gradients") func estimate() throws {
    let estimate = try fidelity(2).estimate()
    #expect(estimate.points == 1 + 8 + 9 && estimate.work == .init(forwards: 4, steps: 2) && estimate.parallel == 2)
    #expect(estimate.further.map(\.work) == [.init(forwards: 2, steps: 2)])
    #expect(estimate.gradients.steps > 0)
  }
}
