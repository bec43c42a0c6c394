import Cells
import Formats
import Foundation
import Problems
import Search
import TestSupport
import Testing

@Suite("zarts curves")
struct CurvesCommandTests {
  private let scratch: ScratchFolder
  private var folder: String { scratch.path }

  init() throws { scratch = try ScratchFolder() }

  /// Two methods on two seeds of the closed-form problem.
  private func searches() throws -> [String] {
    try [SearchMethod.darts1, .zartsMGS].flatMap { method in
      try [UInt64(0), 1].map { seed in
        var configuration = SearchConfiguration(method: method, space: .s2, dataset: "closed-form")
        (configuration.epochs, configuration.warmup, configuration.innerSteps, configuration.seed) = (3, 1, 2, seed)
        let problem = try QuadraticBilevelProblem.random(
          seed: seed, weightCount: 3, alphas: SearchSpace.s2.zeroAlphas, stepsPerEpoch: 4)
        let path = "\(folder)/\(method.rawValue)-\(seed)"
        try SearchRun(
          starting: problem, configuration: configuration, folder: OutputFolder.create(at: path), space: .s2
        ).run()
        return path
      }
    }
  }

  @Test("The files hold the runs' own numbers, and the figure names every line")
  func files() throws {
    let runs = try searches()
    let (png, svg, pdf) = ("\(folder)/out.png", "\(folder)/out.svg", "\(folder)/out.pdf")
    let result = try CommandLineRunner.run(
      ["curves"] + runs + [
        "--column", "validation_loss,ess", "--by", "method", "--title", "Losses", "--out", png, "--out", svg, "--out", pdf,
      ])
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    #expect(try Data(contentsOf: URL(fileURLWithPath: png)).starts(with: [0x89, 0x50, 0x4E, 0x47]))
    #expect(try Data(contentsOf: URL(fileURLWithPath: pdf)).starts(with: Data("%PDF".utf8)))
    #expect(try String(contentsOfFile: svg, encoding: .utf8).hasSuffix("</svg>\n"))
    let table = try CSVTable(readingFrom: "\(folder)/out.csv")
    #expect(table.columns == ["column", "method", "epoch", "runs", "mean", "deviation", "least", "greatest"])
    // 3 epochs of 2 methods; updates, and with them ess, only in the 2 epochs of zarts-mgs after the warm-up.
    #expect(table.rows.count == 3 * 2 + 2)
    let last = try runs.map { try #require(SearchRunFolder(existing: $0).metrics().last).validationLoss }
    let row = try #require(table.rows.first { $0[..<3] == ["validation_loss", "zarts-mgs", "3"] })
    #expect(row[3] == "2" && Double(row[4]) == (last[2] + last[3]) / 2)
    #expect(Double(row[6]) == min(last[2], last[3]) && Double(row[7]) == max(last[2], last[3]))
    let mean = String(format: "%.4f ±", (last[0] + last[1]) / 2)
    let line = try #require(result.output.split(separator: "\n").first { $0.hasPrefix("darts1 ") })
    #expect(line.contains(mean) && line.hasSuffix("-"), "darts1 has no ess: \(line)")
    let difference = try CommandLineRunner.run(
      ["curves"] + runs + ["--minus", "darts1", "--from-epoch", "2", "--band", "range", "--out", png])
    #expect(difference.status == 0, "\(difference.errors)")
    let rows = try CSVTable(readingFrom: "\(folder)/out.csv").rows
    #expect(rows.map { $0[2] } == ["2", "3", "2", "3"] && rows[0][0] == "validation_loss minus darts1")
    #expect(rows[..<2].allSatisfy { $0[4] == "0.0" })
    #expect(Double(rows[3][4]) == (last[2] - last[0] + (last[3] - last[1])) / 2)
  }

  @Test("Searches that another program logged are a line beside the runs")
  func log() throws {
    let runs = try searches()
    let cell =
      "[('sep_conv_3x3', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1), ('sep_conv_3x3', 0), "
      + "('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1)]"
    let genotype = "Genotype(normal=\(cell), normal_concat=range(2, 6), reduce=\(cell), reduce_concat=range(2, 6))"
    let rows = ["seed1", "seed2"].flatMap { run in
      (0..<4).map { "\(run),\($0),\(0.5 + 0.1 * Double($0)),\"\(genotype)\"" }
    }
    let log = "\(folder)/log.csv"
    try AtomicFile.write((["run,epoch,validation_accuracy,genotype"] + rows).joined(separator: "\n") + "\n", to: log)
    let svg = "\(folder)/out.svg"
    let result = try CommandLineRunner.run(
      ["curves"] + runs + [
        "--column", "skip_connections,validation_accuracy_running,ess", "--log", log, "--log-runs", "seed*", "--log-name",
        "theirs", "--log-running", "--out", svg,
      ])
    #expect(result.status == 0 && result.errors.contains("the log has no values of ess"), "\(result.errors)")
    let table = try CSVTable(readingFrom: "\(folder)/out.csv")
    let theirs = table.rows.filter { $0[1] == "theirs" }
    #expect(
      theirs.map { $0[0] } == Array(repeating: "skip_connections", count: 4)
        + Array(repeating: "validation_accuracy_running", count: 4))
    #expect(theirs.allSatisfy { $0[3] == "2" } && theirs.map { $0[2] } == ["1", "2", "3", "4", "1", "2", "3", "4"])
    #expect(theirs.prefix(4).allSatisfy { $0[4] == "4.0" } && theirs[4][4] == "0.5")
    let cases: [([String], String)] = [
      (["--log-name", "theirs"], "--log-name: found theirs without --log"),
      (["--log", "\(folder)/none.csv"], "none.csv"), (["--log", log, "--log-runs", "seed3"], "found seed3"),
      (["--log", log, "--log-name", "darts1"], "--log-name: a log has the name of a group of runs"),
      (["--log", log, "--log-name", "theirs", "--by", "run"], "--log-name: found theirs beside --by run"),
      (["--log", log, "--minus", "darts1"], "--minus: nothing to subtract from a log"),
      (["--log", log, "--log-space", "s3", "--column", "ess"], "none of the columns"),
    ]
    for (arguments, mention) in cases {
      let result = try CommandLineRunner.run(
        ["curves"] + runs + ["--out", "\(folder)/bad.png"] + arguments
          + (arguments.contains("--column") ? [] : ["--column", "skip_connections"]))
      #expect(result.status != 0 && result.errors.contains(mention), "\(arguments): \(result.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/bad.png"))
  }

  @Test("Bad input is named and leaves no figure")
  func badInput() throws {
    let runs = try searches()
    let out = "\(folder)/out.png"
    let cases: [([String], String)] = [
      (["curves", "--out", out], "runs"), (["curves"] + runs, "--out"), (["curves"] + runs + ["--out", "x.jpg"], "x.jpg"),
      (["curves", "/nonexistent", "--out", out], "/nonexistent"),
      (["curves"] + runs + ["--column", "los", "--out", out], "darts1-0/metrics.csv: los"),
      (["curves"] + runs + ["--column", "ess,", "--out", out], "--column"),
      (["curves"] + runs + ["--column", "epoch", "--out", out], "--column"),
      (["curves"] + runs + ["--by", "colour", "--out", out], "colour"),
      (["curves"] + runs + ["--minus", "darts2", "--out", out], "darts2"),
      (["curves"] + runs + ["--by", "space", "--out", out], "different settings in one group"),
      (["curves"] + runs + ["--from-epoch", "9", "--out", out], "epoch 9"),
      (["curves", runs[0], "--out", "\(runs[0])/metrics.png"], "would be replaced"),
    ]
    for (arguments, mention) in cases {
      let result = try CommandLineRunner.run(arguments)
      #expect(result.status != 0 && result.errors.contains(mention), "\(arguments.suffix(3)): \(result.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: out) && !FileManager.default.fileExists(atPath: "\(folder)/out.csv"))
  }
}
