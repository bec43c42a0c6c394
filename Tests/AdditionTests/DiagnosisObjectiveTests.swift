import Cells
import Compute
import Diagnosis
import Formats
import Foundation
import Landscape
import Problems
import Search
import Statistics
import TestSupport
import Testing

/// An objective that is added (`PerturbedLoss`) is measured, written and judged beside L₁ and L₂.
@Suite("Agreement columns of a diagnosis come from the objectives") struct DiagnosisObjectiveTests {
  private let perturbed = Objective(PerturbedLoss(size: 0.25))

  private func problem() throws -> QuadraticBilevelProblem {
    var stream = RandomStream(seed: 3, purpose: .alphas)
    var alphas = SearchSpace.s2.zeroAlphas
    alphas.flat = stream.normals(alphas.count).map { Float(0.3 * $0) }
    return try .random(seed: 3, weightCount: 6, alphas: alphas, stepsPerEpoch: 6, noise: 0.1)
  }

  private func search(in path: String) throws -> SearchRunFolder {
    var configuration = SearchConfiguration(method: .darts1, space: .s2, dataset: "closed-form")
    (configuration.epochs, configuration.warmup, configuration.learningRate) = (2, 1, 0.1)
    let run = try SearchRun(starting: problem(), configuration: configuration, folder: .create(at: path), space: .s2)
    try run.run()
    return run.files
  }

  private func settings() -> MeasurementSettings {
    var settings = MeasurementSettings()
    (settings.samples, settings.innerSteps, settings.eigenvalues) = (5, 2, false)
    return settings
  }

  private func measure(
    _ files: SearchRunFolder, _ settings: MeasurementSettings, made: @escaping () -> Void = {}
  ) throws -> [Int: CheckpointMeasurement] {
    try DiagnosisRun(of: files, settings: settings, in: files.folder) {
      made()
      return try problem()
    }.measure(CollapseDiagnosis(of: files))
  }

  @Test("an added objective is measured at the points of the others, written under its name, and in the verdict")
  func added() throws {
    let scratch = try ScratchFolder()
    let files = try search(in: scratch.file("run"))
    try Objective.$kinds.withValue(Objective.standardKinds + [PerturbedLoss.self]) {
      let settings = settings()
      #expect(settings.approximations == [.firstOrder, .secondOrder, perturbed])
      #expect(settings.entries.last?.key == "approximations")
      #expect(settings.entries.last?.value == "[first, second, perturbed:0.25]")
      let measured = try measure(files, settings)
      let problem = try problem()
      for (epoch, found) in measured {
        let state = try SearchCheckpoint(readingFrom: files.checkpointPath(epoch: epoch), for: problem)
        let alphas = try #require(state.alphas)
        var step = WeightStep(learningRate: Float(try #require(state.learningRate)))
        step.momentum = 0.9
        let objectives = [perturbed, Objective.trueLoss(innerSteps: 2)]
        let evaluator = try ObjectiveEvaluator(
          problem: problem, weights: state.weights, velocity: state.momentum, step: step, epoch: epoch,
          objectives: objectives)
        let losses = try (0..<5).map { index in
          var stream = RandomStream(seed: 0, purpose: .directions, epoch: epoch, index: index)
          let place = alphas.moved(by: stream.normals(alphas.count).map { 0.2 * $0 })
          return try evaluator.evaluate(objectives, at: place).map(\.loss)
        }
        let agreement = try #require(found.agreement(of: perturbed))
        #expect(agreement.spearman == (try Correlation.spearman(losses.map { $0[0] }, losses.map { $0[1] })))
        #expect(abs(try #require(agreement.bias) - losses.reduce(0) { $0 + $1[0] - $1[1] } / 5) < 1e-12)
        #expect(found.agreements.map(\.objective) == settings.approximations)
      }
      let diagnosis = try CollapseDiagnosis(of: files, measurements: measured)
      try diagnosis.write(to: files.folder, run: "somewhere", settings: settings)
      let table = try CSVTable(readingFrom: files.folder.file("diagnosis.csv"))
      #expect(
        table.columns.suffix(7) == [
          "spearman_first", "spearman_second", "spearman_perturbed0.25", "bias_first", "bias_second",
          "bias_perturbed0.25", "genotype",
        ])
      #expect(
        try table.doubles("bias_perturbed0.25") == (1...2).map { measured[$0]?.agreement(of: perturbed)?.bias ?? .nan })
      let yaml = try String(contentsOfFile: files.folder.file("diagnosis.yaml"), encoding: .utf8)
      #expect(
        yaml.contains("spearman_perturbed0.25: ") && yaml.contains("  approximations: [first, second, perturbed:0.25]"))
      #expect(diagnosis.text.contains("L1, L2 and L(ε = 0.25) beside the true loss, at epoch 2"))
    }
  }

  @Test("measurements kept without an added objective are read again with it, theirs are not computed twice")
  func journal() throws {
    let scratch = try ScratchFolder()
    let files = try search(in: scratch.file("run"))
    var made = 0
    let plain = try measure(files, settings()) { made += 1 }
    let path = files.folder.file("diagnosis-measurements.csv")
    let header = try CSVTable(readingFrom: path).columns
    #expect(
      header == [
        "epoch", "checkpoint", "settings", "supernet_loss", "supernet_accuracy", "genotype_loss", "genotype_accuracy",
        "dominant_eigenvalue", "spearman_first", "spearman_second", "bias_first", "bias_second",
      ])
    #expect(!settings().entries.contains { $0.key == "approximations" }, "what earlier versions measured has the key it had")
    let extended = try Objective.$kinds.withValue(Objective.standardKinds + [PerturbedLoss.self]) {
      let found = try measure(files, settings()) { made += 1 }
      #expect(try measure(files, settings()) { made += 1 } == found)
      return found
    }
    #expect(made == 2)
    let table = try CSVTable(readingFrom: path)
    #expect(table.columns == header + ["spearman_perturbed0.25", "bias_perturbed0.25"] && table.rows.count == 4)
    for epoch in [1, 2] {
      let (old, new) = try (#require(plain[epoch]), #require(extended[epoch]))
      #expect(new.agreement(of: .firstOrder) == old.agreement(of: .firstOrder))
      #expect(new.agreement(of: .secondOrder) == old.agreement(of: .secondOrder))
      #expect(old.agreement(of: perturbed) == nil && new.agreement(of: perturbed)?.bias != nil)
    }
    // Without it the wider journal serves as before.
    #expect(try measure(files, settings()) { made += 1 } == plain && made == 2)
  }
}
