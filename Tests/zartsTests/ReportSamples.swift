import Cells
import Formats
import Foundation
import Problems
import Search
import TestSupport

/// Results small enough for tests of the program: two searches of the closed-form problem and a plane.
final class ReportSamples {
  private let scratch: ScratchFolder
  var folder: String { scratch.path }

  init() throws {
    scratch = try ScratchFolder()
    for (name, method) in [("darts1", SearchMethod.darts1), ("zarts-mgs", .zartsMGS)] {
      var configuration = SearchConfiguration(method: method, space: .s2, dataset: "closed-form")
      (configuration.epochs, configuration.warmup, configuration.innerSteps, configuration.seed) = (4, 1, 2, 1)
      let problem = try QuadraticBilevelProblem.random(
        seed: 1, weightCount: 3, alphas: SearchSpace.s2.zeroAlphas, stepsPerEpoch: 4)
      try SearchRun(
        starting: problem, configuration: configuration, folder: OutputFolder.create(at: "\(folder)/\(name)"), space: .s2
      ).run()
    }
    let plane = try OutputFolder.create(at: "\(folder)/landscape")
    try AtomicFile.write(
      "checkpoint: \"darts1/checkpoints/epoch-003.safetensors\"\nspace: s2\nrange: 1.0\n", to: plane.file("landscape.yaml"))
    var rows: [[CSVField]] = []
    for i in 0..<5 {
      for j in 0..<5 {
        let (x, y) = (Double(i) / 2 - 1, Double(j) / 2 - 1)
        for (objective, steps, shift) in [("first", 0, 0.1), ("second", 1, 0.2), ("true", 10, 0.3)] {
          rows.append([
            .integer(i), .integer(j), .real(x), .real(y), .text(objective), .integer(steps),
            .real(x * x + 2 * y * y + shift * x + shift / 3), .real(0.5 + x / 4),
          ])
        }
      }
    }
    try CSVWriter.write(
      columns: ["i", "j", "x", "y", "objective", "inner_steps", "loss", "accuracy"], rows: rows,
      to: plane.file("landscape.csv"))
  }
}
