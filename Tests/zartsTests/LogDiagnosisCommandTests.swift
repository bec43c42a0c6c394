import Cells
import Diagnosis
import Formats
import Foundation
import TestSupport
import Testing

/// `zarts diagnose --log` on logs of another program.
struct LogDiagnosisCommandTests {
  /// Of s2, with so many skip connections in the normal cell.
  private static func genotype(skips: Int) throws -> String {
    func edges(_ skips: Int) -> [Genotype.Edge] {
      (0..<8).map { Genotype.Edge($0 < skips ? .skipConnect : .separableConv3x3, from: $0 % 2) }
    }
    return try Genotype(
      normal: edges(skips), normalConcat: [2, 3, 4, 5], reduce: edges(0), reduceConcat: [2, 3, 4, 5]
    ).pythonLine
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let scratch = try ScratchFolder()
    let folder = scratch.path
    try body(folder)
  }

  /// Twenty epochs from 0 on; `bad` has eight skip connections from epoch 5 on, `good` never. Eigenvalues every second epoch,
  /// doubled from epoch 8 on in `bad`.
  private static func write(_ runs: [String], to path: String, cell: String? = nil) throws {
    let rows: [[CSVField]] = try runs.flatMap { run in
      try (0..<20).map { epoch in
        let isBad = run == "bad"
        let eigenvalue: CSVField = epoch.isMultiple(of: 2) ? (isBad && epoch >= 8 ? 0.5 : 0.25) : .text("")
        return [
          .text(run), .integer(epoch), .text(try cell ?? genotype(skips: isBad && epoch >= 5 ? 8 : 1)), eigenvalue, 3,
        ]
      }
    }
    try CSVWriter.write(columns: ["run", "epoch", "genotype", "dominant_eigenvalue", "mood"], rows: rows, to: path)
  }

  @Test func oneCommandFromALogToVerdicts() throws {
    try withFolder { folder in
      try Self.write(["bad", "good"], to: "\(folder)/log.csv")
      let command = ["diagnose", "--log", "\(folder)/log.csv", "--space", "s2"]
      let result = try CommandLineRunner.run(command + ["--eigenvalue-start", "0", "--out", "\(folder)/out"])
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.errors.contains("columns that are not read: mood"))
      let lines = result.output.split(separator: "\n").map(String.init)
      #expect(
        lines[0].hasPrefix("run") && lines[2].hasPrefix("bad   collapsed") && lines[3].hasPrefix("good  not collapsed"))
      let table = try CSVTable(readingFrom: "\(folder)/out/log-diagnosis.csv")
      #expect(try table.column("verdict") == ["collapsed", "not collapsed"] && table.column("epoch") == ["5", ""])
      // The spacing of the eigenvalues is the log's own, two epochs, so the only averages five of them apart lie around
      // epoch 4, of 0.25 four times and 0.5, and around 14, of 0.5 alone.
      #expect(try table.column("eigenvalue_epoch") == ["14", ""] && table.column("stop_epoch") == ["4", ""])
      #expect(try table.optionalDoubles("eigenvalue_ratio") == [0.3 / 0.5, nil])
      let words = try String(contentsOfFile: "\(folder)/out/log-diagnosis.txt", encoding: .utf8)
      #expect(
        words.hasPrefix("COLLAPSED since epoch 5: bad on s2, 20 epochs") && words.contains("not collapsed: good on s2"))
      // The same again with the start of the public code, which both rules have: nothing is returned from before epoch 10.
      for rule in ["paper", "code"] {
        let found = try CommandLineRunner.run(command + ["--eigenvalue-rule", rule, "--out", "\(folder)/out"])
        #expect(found.status == 0, "\(found.errors)")
        #expect(try CSVTable(readingFrom: "\(folder)/out/log-diagnosis.csv").column("stop_epoch") == ["", ""], "\(rule)")
      }
    }
  }

  @Test func logOfOneRunIsJudgedInWords() throws {
    try withFolder { folder in
      try Self.write(["bad"], to: "\(folder)/log.csv")
      let result = try CommandLineRunner.run(["diagnose", "--log", "\(folder)/log.csv", "--space", "s2"])
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.hasPrefix("COLLAPSED since epoch 5: bad on s2, 20 epochs"))
      #expect(result.output.contains("8 of 8 edges of the normal cell are skip connections"))
    }
  }

  @Test func outcomesAreSetAgainstVerdicts() throws {
    try withFolder { folder in
      try Self.write(["bad", "good"], to: "\(folder)/log.csv")
      try AtomicFile.write("run,test_error\nbad,4.5\ngood,3.0\n", to: "\(folder)/errors.csv")
      let result = try CommandLineRunner.run([
        "diagnose", "--log", "\(folder)/log.csv", "--space", "s2", "--outcomes", "\(folder)/errors.csv", "--outcome",
        "test_error", "--out", "\(folder)/out",
      ])
      #expect(result.status == 0, "\(result.errors)")
      let table = try CSVTable(readingFrom: "\(folder)/out/log-separation.csv")
      #expect(try table.column("criterion")[0] == "collapsed" && table.doubles("area")[0] == 1)
      #expect(try table.column("lower")[0] == "" && table.column("resampled")[0] == "runs")
      #expect(result.output.contains("collapsed") && result.output.contains("test_error"))
    }
  }

  @Test func badLogIsRefusedByRowAndColumn() throws {
    try withFolder { folder in
      try Self.write(["bad"], to: "\(folder)/log.csv", cell: "Genotype(")
      let result = try CommandLineRunner.run(["diagnose", "--log", "\(folder)/log.csv", "--space", "s2"])
      #expect(result.status == 1 && result.errors.contains("log.csv: row 1, column genotype"), "\(result.errors)")
    }
  }

  @Test(arguments: [
    (["--log", "x.csv"], "--space"), (["--log", "x.csv", "run", "--space", "s1"], "--log"), ([], "--log"),
    (["run", "--space", "s1"], "--space"), (["run", "--warmup", "1"], "--warmup"),
    (["run", "--outcome", "e"], "--outcome"), (["--log", "x.csv", "--space", "s1", "--outcome", "e"], "--outcomes"),
    (["--log", "x.csv", "--space", "s1", "--outcomes", "e.csv"], "--outcome"),
    (["--log", "x.csv", "--space", "s1", "--outcome-groups", "e"], "--outcome-groups"),
    (["--log", "x.csv", "--space", "s1", "--every", "2"], "--every"),
    (["--log", "x.csv", "--space", "s1", "--eigenvalue-every", "0"], "--eigenvalue-every"),
    (["--log", "x.csv", "--space", "s1", "--eigenvalue-distance", "-1"], "--eigenvalue-distance"),
  ])
  func flagsThatDoNotGoTogetherAreRefused(flags: [String], named: String) throws {
    let result = try CommandLineRunner.run(["diagnose"] + flags)
    #expect(result.status == 64 && result.errors.contains(named), "\(result.errors)")
  }
}
