import Cells
import Formats
import Foundation
import Problems
import Search
import TestSupport
import Testing

struct SearchCommandTests {
  private static let good = ["search", "--method", "darts1", "--dataset", "fashion-mnist", "--out", "/nonexistent/run"]

  @Test(arguments: [
    (["search", "--method", "darts3"], "darts3"), (["search", "--methods", "darts1"], "--methods"),
    (["search", "--dataset", "fashion-mnist", "--out", "x"], "--method"),
    (["search", "--method", "darts1", "--out", "x"], "--dataset"),
    (["search", "--method", "darts1", "--dataset", "fashion-mnist"], "--out"),
    (good + ["--channels", "6"], "multiple of 4"), (good + ["--layers", "2"], "layers"), (good + ["--batch", "0"], "batch"),
    (good + ["--epochs", "0"], "epochs"), (good + ["--epochs", "5", "--warmup", "6"], "warmup"),
    (good + ["--epochs", "five"], "five"), (good + ["--seed", "-1"], "--seed"), (good + ["--space", "s7"], "s7"),
    (good + ["--sigma", "0"], "sigma"), (good + ["--tau", "nan"], "tau"), (good + ["--lambda", "2"], "lambda"),
    (good + ["--proposal", "free"], "free"),
    (good + ["--mu", "0"], "mu"), (good + ["--xi", "-1"], "xi"), (good + ["--radius", "0"], "radius"),
    (good + ["--radii", "65"], "radii"), (good + ["--rs-distribution", "cauchy"], "cauchy"),
    (good + ["--sigma-decay", "slow"], "slow"),
    (
      [
        "search", "--method", "zarts-rs", "--dataset", "fashion-mnist", "--out", "x", "--antithetic", "--candidates", "3",
      ], "candidates"
    ), (["search", "--resume", "/tmp", "--no-antithetic"], "--antithetic"),
    (["search", "--resume", "/tmp", "--rs-distribution", "sphere"], "--rs-distribution"),
    (good + ["--train-limit", "1"], "--train-limit"),
    (["search", "--method", "darts1", "--dataset", "mnist", "--out", "x"], "mnist"),
    (["search", "--method", "darts1", "--dataset", "cifar10:/nonexistent", "--out", "x"], "/nonexistent"),
    (["search", "--config", "/nonexistent/config.yaml", "--out", "x"], "/nonexistent/config.yaml"),
    (good + ["--preset", "laptob"], "laptob"), (["search", "--resume", "/tmp", "--preset", "smoke"], "--preset"),
    (["search", "--preset", "smoke"], "--out"), (good + ["--eigenvalue-every", "-1"], "--eigenvalue-every"),
    (
      ["search", "--preset", "smoke", "--method", "darts1-es", "--early-stop-window", "4", "--out", "x"],
      "--early-stop-window"
    ),
    (good + ["--groups", "-1"], "--groups"), (good + ["--keep-last", "-2"], "--keep-last"),
    (good + ["--report-every", "nan"], "--report-every"),
    (["search", "--preset", "paper-cifar10", "--epochs", "5", "--out", "x"], "warmup"),
    (["presets", "tiny"], "tiny"),
    (["search", "--resume", "/nonexistent"], "/nonexistent"), (["search", "--resume", "/tmp", "--seed", "3"], "--seed"),
    (["summary"], "runs"), (["summary", "/nonexistent"], "/nonexistent"), (["serach"], "serach"),
  ])
  func badInputIsNamedAndEndsTheProgramWithAnError(arguments: [String], mention: String) throws {
    let result = try CommandLineRunner.run(arguments)
    #expect(result.status != 0)
    #expect(result.errors.contains(mention), "\(result.errors)")
    #expect(result.output.isEmpty)
  }

  @Test func summaryPrintsARowForEachRun() throws {
    let scratch = try ScratchFolder()
    let path = scratch.file("out")
    for method in SearchMethod.allCases {
      var configuration = SearchConfiguration(method: method, space: .s2, dataset: "closed-form")
      (configuration.epochs, configuration.warmup, configuration.innerSteps) = (2, 1, 2)
      let problem = try QuadraticBilevelProblem.random(
        seed: 1, weightCount: 3, alphas: SearchSpace.s2.zeroAlphas, stepsPerEpoch: 4)
      let folder = try OutputFolder.create(at: "\(path)/run-\(method.rawValue)")
      try SearchRun(starting: problem, configuration: configuration, folder: folder, space: .s2).run()
    }
    let runs = SearchMethod.allCases.map { "\(path)/run-\($0.rawValue)" }
    let result = try CommandLineRunner.run(["summary"] + runs)
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(lines.count == 2 + SearchMethod.allCases.count)
    for (line, run) in zip(lines.dropFirst(2), runs) {
      let files = try SearchRunFolder(existing: run)
      let last = try #require(files.metrics().last)
      #expect(line.contains(try files.configuration().method.rawValue))
      #expect(line.contains(String(format: "%.4f", last.validationLoss)))
      #expect(line.contains(" 2/2 "))
      #expect(line.hasSuffix(try #require(files.genotypes().last).pythonLine))
    }
  }

  @Test func summaryOfARunWithoutAFinishedEpochSaysSo() throws {
    let scratch = try ScratchFolder()
    let path = scratch.file("out")
    let problem = try QuadraticBilevelProblem.random(seed: 1, weightCount: 3, alphas: SearchSpace.s2.zeroAlphas)
    _ = try SearchRun(
      starting: problem, configuration: SearchConfiguration(method: .darts1, space: .s2, dataset: "closed-form"),
      folder: OutputFolder.create(at: path), space: .s2)
    let result = try CommandLineRunner.run(["summary", path])
    #expect(result.status == 0)
    #expect(result.output.contains("0/50") && result.output.contains("no epoch finished"))
  }
}
