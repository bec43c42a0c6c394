import Foundation
import TestSupport
import Testing

@Suite("exit statuses") struct UsageErrorTests {
  private static let data = "tensors:\(GoldenFile.path("s2_c16_l3_b4"))"
  private static let weights = ["--weights", GoldenFile.path("s2_c16_l3_b4"), "--dataset", data]
  private static let search = ["search", "--method", "darts1", "--dataset", data, "--out", "/nowhere/at/all"]

  @Test(
    "64 where the command line is wrong, with the flag named",
    arguments: [
      (search + ["--layers", "201"], "--layers"), (search + ["--threads", "4096"], "--threads"),
      (search + ["--epochs", "9223372036854775807"], "--epochs"), (search + ["--warmup", "51"], "--warmup"),
      (search + ["--partial-channels", "9223372036854775807"], "--partial-channels"),
      (search + ["--early-stop-window", "9223372036854775807"], "--early-stop-window"),
      (search + ["--early-stop-start", "-1"], "--early-stop-start"), (search + ["--sigma", "nan"], "--sigma"),
      (["search", "--method", "darts1", "--out", "x"], "--dataset"), (["search", "--resume", "x", "--seed", "1"], "--seed"),
      (["search", "--preset", "none", "--out", "x"], "--preset"), (["presets", "none"], "none"),
      (["landscape", "--out", "x"], "--run"), (["landscape"] + weights, "--out"),
      (["landscape"] + weights + ["--out", "x", "--objectives", "third"], "third"),
      (["landscape"] + weights + ["--out", "x", "--grid", "0"], "--grid"),
      (["landscape"] + weights + ["--out", "x", "--validation-batches", "2147483648"], "--validation-batches"),
      (["landscape"] + weights + ["--dataset", "moon:1", "--out", "x"], "moon"),
      (["landscape"] + weights + ["--out", "x", "--points", "5"], "--points: goes with "),
      (["landscape"] + weights + ["--out", "x", "--recalibration-batches", "4"], "--recalibration-batches: goes with "),
      (["landscape"] + weights, "missing flag: found no --out, wanted --out DIR, or --dry-run"),
      (["fidelity"] + weights + ["--out", "x", "--radii", "1,1"], "--radii"),
      (["fidelity"] + weights + ["--out", "x", "--replicates", "1"], "--replicates"),
      (["fidelity"] + weights + ["--out", "x", "--confidence", "nan"], "--confidence"),
      (["spectrum"] + weights + ["--out", "x", "--probes", "-1"], "--probes"),
      (["estimators"] + weights + ["--out", "x", "--repeats", "1000000"], "--repeats"),
      (["gradients"] + weights + ["--out", "x", "--estimators", "third"], "third"),
      (["diagnose", "x", "--eigenvalue-window", "9223372036854775807"], "--eigenvalue-window"),
      (["diagnose", "x", "--persistence", "0"], "--persistence"),
      (["diagnose", "x", "--report-every", "inf"], "--report-every"),
      (["genotype", "x", "--channels", "6"], "--channels"),
      (["genotype", "x", "--image-size", "9223372036854775807"], "--image-size"),
      (["genotype", "no-such-file"], "no-such-file"), (["compare", "--methods", "darts1", "--datasets", data], "--out"),
      (["compare", "--methods", "darts1", "--datasets", data, "--epochs", "0", "--out", "x"], "--epochs"),
      (["retrain", "--dataset", data, "--out", "x"], "--genotype"),
      (["bench", "--batch", "9223372036854775807"], "--batch"),
      (search + ["--engine", "abacus"], "cpu"), (["landscape"] + weights + ["--out", "x", "--engine", "abacus"], "cpu"),
      (["retrain", "--engine", "abacus"], "cpu"), (["diagnose", "x", "--engine", "abacus"], "cpu"),
      (["bench", "--engine", "abacus"], "cpu"), (["compare", "--engine", "abacus"], "cpu"),
      (["diagnose", "x", "--quick", "--engine", "cpu"], "--engine"),
      (["bench", "--partial-channels", "3"], "--partial-channels"),
      (["data", "check", data, "--threads", "9223372036854775807"], "--threads"),
      (["watch", "x", "--port", "65536"], "--port"),
      (["plot", "x", "--objective", "third"], "--objective"), (["curves", "x", "--out", "x.jpg"], "--out"),
    ])
  func wrongCommandLine(arguments: [String], mention: String) throws {
    let result = try CommandLineRunner.run(arguments)
    #expect(result.status == 64 && result.errors.contains(mention), "\(result.status): \(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: "x"))
  }

  @Test(
    "1 where files or data are",
    arguments: [
      (["summary", "no-such-run"], "no-such-run"), (["search", "--resume", "no-such-run"], "no-such-run"),
      (["search", "--config", "no-such.yaml", "--out", "x"], "no-such.yaml"),
      (["landscape", "--weights", "no-such.safetensors", "--dataset", data, "--out", "x"], "no-such.safetensors"),
      (["search", "--method", "darts1", "--dataset", "cifar10:no-such-folder", "--out", "x"], "no-such-folder"),
      (["data", "check", "cifar10:no-such-folder"], "no-such-folder"),
    ])
  func wrongFiles(arguments: [String], mention: String) throws {
    let result = try CommandLineRunner.run(arguments)
    #expect(result.status == 1 && result.errors.contains(mention), "\(result.status): \(result.errors)")
  }

  @Test("a setting of a file that is out of bounds is named with the file, and is no wrong command line") func settings()
    throws
  {
    let scratch = try ScratchFolder()
    let path = try scratch.write(
      "method: darts1\nspace: s2\ndataset: fashion-mnist\nlayers: 1000\n", to: "config.yaml")
    for arguments in [
      ["search", "--config", path, "--out", "x"], ["search", "--config", path, "--layers", "3", "--out", "x"],
    ] {
      let result = try CommandLineRunner.run(arguments)
      #expect(result.status == 1 && result.errors.contains("\(path): setting layers") && result.errors.contains("3 to 200"))
    }
  }

  @Test("a network that does not fit says what it needs and what there is, and leaves nothing") func memory() throws {
    let result = try CommandLineRunner.run(Self.search + ["--channels", "1024", "--layers", "200", "--batch", "65536"])
    #expect(result.status == 1 && result.errors.contains("needs ") && result.errors.contains("GB of memory, has "))
  }

  @Test("a limit of the process is one too", arguments: ["400000", "700000", "1000000"]) func limit(kilobytes: String) throws
  {
    let program = try #require(CommandLineRunner.process([]).executableURL).path
    let words = Self.search + ["--channels", "256", "--threads", "2"]
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = ["-c", "ulimit -v \(kilobytes); exec \"$0\" \"$@\"", program] + words
    let errors = Pipe()
    shell.standardError = errors
    shell.standardOutput = FileHandle.nullDevice
    try shell.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    shell.waitUntilExit()
    #expect(shell.terminationReason == .exit && shell.terminationStatus == 1, "\(text)")
    #expect(text.contains("GB of memory, has "), "\(text)")
  }
}
