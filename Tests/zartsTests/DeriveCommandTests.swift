import Cells
import Formats
import Foundation
import Search
import TestSupport
import Testing

/// The built program selecting by perturbation, and what other commands make of it.
@Suite("zarts derive") struct DeriveCommandTests {
  private static let golden = GoldenFile.path("s2_c16_l3_b4")
  private static let data = "tensors:\(golden)"

  /// A search of an epoch of one step.
  private func search(_ path: String, seed: Int = 1) throws {
    let made = try CommandLineRunner.run([
      "search", "--method", "darts1", "--space", "s2", "--dataset", Self.data, "--channels", "4", "--layers", "3",
      "--epochs", "1", "--threads", "1", "--seed", "\(seed)", "--out", path,
    ])
    try #require(made.status == 0, "\(made.errors)")
  }

  @Test("A search's supernet becomes an architecture that genotype, retrain and diagnose read, and that --resume repeats")
  func whole() throws {
    let scratch = try ScratchFolder()
    let run = scratch.file("run")
    try search(run)
    let made = try CommandLineRunner.run(["derive", "--run", run, "--tune-epochs", "1", "--criterion", "loss"])
    try #require(made.status == 0, "\(made.errors)")
    let folder = "\(run)/selection"
    let line = String(made.output.prefix { $0 != "\n" })
    let lines = made.output.split(separator: "\n")
    #expect(lines.count == 4 && lines[1].hasPrefix("normal cell: ") && lines[3] == "results in \(folder)")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    for name in ["config.yaml", "search.yaml", "genotype.txt", "argmax.txt", "removals.csv", "metrics.csv", "log.txt"] {
      #expect(names.contains(name), "\(name)")
    }
    #expect(!names.contains("removals-journal.csv"))
    let argmax = try CommandLineRunner.run(["genotype", run, "--format", "python"]).output
    #expect(try String(contentsOfFile: "\(folder)/argmax.txt", encoding: .utf8) == argmax)
    let read = try CommandLineRunner.run(["genotype", folder, "--format", "python"])
    #expect(read.status == 0 && read.output == line + "\n", "\(read.errors)")
    let retrain = try CommandLineRunner.run(["retrain", "--genotype", folder, "--dataset", Self.data, "--print-config"])
    #expect(retrain.status == 0 && retrain.output.contains(line), "\(retrain.errors)")
    let again = try CommandLineRunner.run(["derive", "--resume", folder, "--threads", "2"])
    #expect(again.status == 0 && again.output == made.output, "\(again.errors)")
    // The state after the last epoch is a supernet as others are.
    let checkpoint = try #require(
      FileManager.default.contentsOfDirectory(atPath: "\(folder)/checkpoints").filter { $0.hasSuffix(".safetensors") }.max())
    let evaluated = try CommandLineRunner.run([
      "evaluate", "--weights", "\(folder)/checkpoints/\(checkpoint)", "--dataset", Self.data, "--threads", "1",
    ])
    #expect(evaluated.status == 0, "\(evaluated.errors)")

    let diagnosis = try CommandLineRunner.run([
      "diagnose", run, "--samples", "0", "--no-eigenvalues", "--removals", "1", "--threads", "1",
    ])
    #expect(diagnosis.status == 0, "\(diagnosis.errors)")
    #expect(diagnosis.output.contains("Selection by perturbation beside the argmax rule (selection)"), "\(diagnosis.output)")
    #expect(
      diagnosis.output.contains("Mixing weights beside what operations contribute, at epoch 1, on 4 validation images"))
    let yaml = try String(contentsOfFile: "\(run)/diagnosis.yaml", encoding: .utf8)
    #expect(yaml.contains("\nselection:\n") && yaml.contains("\ncontribution:\n"))
    #expect(try CSVTable(readingFrom: "\(run)/diagnosis-removals.csv").rows.count == 56)
    let report = try CommandLineRunner.run(["report", run, "--out", scratch.file("report.html")])
    #expect(report.status == 0, "\(report.errors)")
    #expect(try String(contentsOfFile: scratch.file("report.html"), encoding: .utf8).contains("id=\"selections\""))
    let alone = try CommandLineRunner.run(["report", folder, "--out", scratch.file("alone.html")])
    #expect(alone.status == 0, "\(alone.errors)")

    try search(scratch.file("other"), seed: 2)
    let foreign = try CommandLineRunner.run(["diagnose", scratch.file("other"), "--quick", "--selection", folder])
    #expect(
      foreign.status == 1 && foreign.errors.contains("a selection of another search: found 1, wanted 2"), "\(foreign.errors)"
    )
  }

  @Test("Weights of others with their α are a supernet too, and magnitude without training is the argmax rule")
  func weights()
    throws
  {
    let scratch = try ScratchFolder()
    let made = try CommandLineRunner.run([
      "derive", "--weights", Self.golden, "--dataset", Self.data, "--selection", "magnitude", "--tune-epochs", "0",
      "--threads", "1", "--out", scratch.file("out"),
    ])
    #expect(made.status == 0 && made.output.contains("normal cell: 0 of 14 edges differ"), "\(made.errors)")
    #expect(made.output.contains("reduction cell: 0 of 14 edges differ"))
    let folder = try ProjectionFolder(existing: scratch.file("out"))
    #expect(try SelectionDifference(argmax: folder.argmax(), selected: folder.genotype()).edges.isEmpty)
  }

  @Test(
    "Wrong command lines end with 64 and name what is wrong",
    arguments: [
      (["derive"], "no checkpoint named"), (["derive", "--weights", golden, "--dataset", data], "no --out"),
      (["derive", "--weights", golden, "--dataset", data, "--tune-epochs", "-1", "--out", "x"], "--tune-epochs"),
      (["derive", "--weights", golden, "--dataset", data, "--learning-rate", "0", "--out", "x"], "--learning-rate"),
      (["derive", "--weights", golden, "--dataset", data, "--criterion", "luck", "--out", "x"], "luck"),
      (["derive", "--weights", golden, "--dataset", data, "--inner-lr", "0.1", "--out", "x"], "--inner-lr"),
      (
        ["derive", "--weights", golden, "--dataset", data, "--validation-batches", "-3", "--out", "x"],
        "--validation-batches"
      ),
      (["derive", "--weights", golden, "--dataset", data, "--groups", "-1", "--out", "x"], "--groups"),
      (["derive", "--resume", "/tmp", "--seed", "3"], "--seed"),
      (["derive", "--resume", "/tmp", "--auxiliary-skip", "0.5"], "--auxiliary-skip"),
      (["derive", "--resume", "/tmp", "--criterion", "loss"], "settings of the selection"),
      (["diagnose", "/tmp", "--quick", "--removals", "2"], "--removals"),
    ])
  func usage(arguments: [String], mention: String) throws {
    let result = try CommandLineRunner.run(arguments)
    #expect(result.status == 64 && result.errors.contains(mention), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: "x"))
  }

  @Test("A selection that a signal stops says how to go on") func signal() throws {
    let scratch = try ScratchFolder()
    let process = CommandLineRunner.process([
      "derive", "--weights", Self.golden, "--dataset", Self.data, "--tune-epochs", "1000", "--threads", "1", "--out",
      scratch.file("out"),
    ])
    let errors = Pipe()
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let deadline = Date().addingTimeInterval(30)
    // Made after the first round.
    while Date() < deadline, !FileManager.default.fileExists(atPath: scratch.file("out/removals.csv")) { usleep(2000) }
    process.interrupt()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 130, "\(text)")
    #expect(text.contains("go on with zarts derive --resume \(scratch.file("out"))"), "\(text)")
    #expect(FileManager.default.fileExists(atPath: scratch.file("out/removals.csv")))
  }
}
