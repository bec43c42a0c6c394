import Foundation
import TestSupport
import Testing

/// Every option of every command with values that nobody means: no crash, no hang, and a message that says which option it was.
@Suite("options with values beyond reason") struct OptionSweepTests {
  private static let values = [
    "", "-1", "0", "nan", "inf", "1e309", "9223372036854775807", "99999999999999999999", "2147483648", "abc",
    "../../etc/passwd", "-9223372036854775808",
  ]
  private static var isLong: Bool { ProcessInfo.processInfo.environment["ZARTS_LONG_TESTS"] == "1" }
  private static let patience = 300.0

  private struct Case {
    let command: [String]
    let flag: String
    let value: String
  }

  private static let genotype =
    "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 1), "
    + "('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], normal_concat=range(2, 6), "
    + "reduce=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 2), ('sep_conv_3x3', 0), ('skip_connect', 2), "
    + "('sep_conv_3x3', 0), ('skip_connect', 2), ('sep_conv_3x3', 1)], reduce_concat=range(2, 6))"

  /// A command line that is right, and small, whatever option comes behind it. `scratch` is a folder of the case's own.
  private static func base(_ command: [String], run: String, scratch: String) -> [String] {
    let data = "tensors:\(GoldenFile.path("s2_c16_l3_b4"))"
    let search = [
      "--method", "zarts-mgs", "--space", "s2", "--dataset", data, "--channels", "4", "--layers", "3", "--epochs", "1",
      "--warmup", "0", "--inner-steps", "1", "--candidates", "1", "--threads", "1",
    ]
    let weights = ["--weights", GoldenFile.path("s2_c16_l3_b4"), "--dataset", data, "--inner-lr", "0.01", "--threads", "1"]
    let out = ["--out", "\(scratch)/out"]
    switch command {
    case ["search"]: return command + search + out
    case ["derive"]:
      return command
        + [
          "--weights", GoldenFile.path("s2_c16_l3_b4"), "--dataset", data, "--threads", "1", "--tune-epochs", "0",
          "--validation-batches", "1",
        ] + out
    case ["compare"]:
      return command
        + [
          "--methods", "darts1", "--spaces", "s2", "--datasets", data, "--channels", "4", "--layers", "3", "--epochs", "1",
          "--warmup", "0", "--print-config",
        ]
    case ["retrain"]: return command + ["--genotype", genotype, "--dataset", data, "--print-config"]
    case ["select"]: return command + ["--resume", "\(scratch)/none"]
    case ["suite", "run"]:
      return command + ["--methods", "darts1", "--spaces", "s2", "--datasets", data, "--print-config"]
    case ["suite", "status"]: return command + ["\(scratch)/none"]
    case ["evaluate"]: return command + weights + ["--batch-norm", "batch"]
    case ["landscape"]: return command + weights + ["--grid", "1", "--objectives", "first"] + out
    case ["fidelity"]:
      return command + weights
        + [
          "--objectives", "first,true:1", "--directions", "2", "--radii", "1", "--plane", "0", "--no-gradients",
          "--no-eigenvalue", "--replicates", "2",
        ] + out
    case ["spectrum"]: return command + weights + ["--eigenvalues", "1", "--probes", "0", "--batches", "1"] + out
    case ["estimators"]:
      return command + weights
        + [
          "--estimators", "darts1", "--inner-steps", "1", "--candidates", "1", "--sigmas", "0.1", "--repeats", "1",
          "--places", "1", "--replicates", "2",
        ] + out
    case ["diagnose"]: return command + [run, "--quick"] + out
    case ["gradients"]: return command + weights + ["--estimators", "first", "--out", "\(scratch)/out.safetensors"]
    case ["plot"]: return command + [run, "--kind", "curves"] + out
    case ["curves"]: return command + [run, "--out", "\(scratch)/out.png"]
    case ["draw"]: return command + [genotype, "--out", "\(scratch)/out.png"]
    case ["report"]: return command + [run, "--out", "\(scratch)/out.html"]
    // Of a folder that is not there, or it would serve for ever.
    case ["watch"]: return command + ["\(scratch)/none"]
    case ["genotype"]: return command + [genotype]
    case ["data", "check"]: return command + [data] + out
    case ["bench"]:
      return command
        + [
          "--channels", "4", "--layers", "3", "--batch", "2", "--repeats", "1", "--rounds", "1", "--quantities", "forward",
          "--threads", "1",
        ]
    case ["presets"]: return command
    case ["summary"]: return command + [run]
    default: return command
    }
  }

  @Test("end with 0, or with a message and status 1 or 64") func sweep() throws {
    let place = try ScratchFolder()
    let scratch = place.path
    let run = "\(scratch)/run"
    let made = try CommandLineRunner.run([
      "search", "--method", "darts1", "--space", "s2", "--dataset", "tensors:\(GoldenFile.path("s2_c16_l3_b4"))",
      "--channels",
      "4", "--layers", "3", "--epochs", "1", "--threads", "1", "--out", run,
    ])
    try #require(made.status == 0, "\(made.errors)")
    let options = try CommandCatalogue.read().options
    #expect(
      options.count >= 17 && options.allSatisfy { Self.base($0.command, run: "", scratch: "").count >= $0.command.count })
    let all = options.flatMap { command, flags in
      flags.flatMap { flag in Self.values.map { Case(command: command, flag: flag, value: $0) } }
    }
    // The sample takes one value an option; which one goes round, so that each value meets many options.
    let cases = Self.isLong ? all : stride(from: 0, to: all.count, by: Self.values.count + 1).map { all[$0] }
    let failures = Failures()
    DispatchQueue.concurrentPerform(iterations: cases.count) { index in
      let folder = "\(scratch)/\(index)"
      do {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        if let failure = try Self.failure(of: cases[index], run: run, scratch: folder) { failures.add(failure) }
        try FileManager.default.removeItem(atPath: folder)
      } catch {
        failures.add("\(cases[index]): \(error)")
      }
    }
    #expect(cases.count >= 200 && failures.all.isEmpty, "\(failures.all.joined(separator: "\n"))")
  }

  /// What is wrong with how a command ended; nil where nothing is.
  private static func failure(of one: Case, run: String, scratch: String) throws -> String? {
    let arguments = base(one.command, run: run, scratch: scratch) + ["\(one.flag)=\(one.value)"]
    let process = CommandLineRunner.process(arguments)
    // Deep enough that no value leads out of the scratch folder.
    let inner = "\(scratch)/a/b/c"
    try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
    process.currentDirectoryURL = URL(fileURLWithPath: inner)
    let log = "\(scratch)/errors.txt"
    try Data().write(to: URL(fileURLWithPath: log))
    process.standardError = FileHandle(forWritingAtPath: log)
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let deadline = Date().addingTimeInterval(patience)
    while process.isRunning, Date() < deadline { usleep(5000) }
    let words = "zarts \(one.command.joined(separator: " ")) \(one.flag)='\(one.value)'"
    guard !process.isRunning else {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      return "\(words): still running after \(patience) s"
    }
    let errors = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    guard process.terminationReason == .exit else {
      return "\(words): signal \(process.terminationStatus)\n\(errors.prefix(600))"
    }
    switch process.terminationStatus {
    case 0: return nil
    case 1, 3:
      return errors.isEmpty || errors.contains("Fatal error")
        ? "\(words): status \(process.terminationStatus): '\(errors)'" : nil
    case 64:
      // A list may go by the name of its entries, and the other way round.
      let isNamed = [one.flag, one.flag + "s", String(one.flag.dropLast())].contains { errors.contains($0) }
      return isNamed ? nil : "\(words): 64 without the option's name: \(errors.prefix(300))"
    default: return "\(words): status \(process.terminationStatus): \(errors.prefix(300))"
    }
  }

  private final class Failures: @unchecked Sendable {
    private let lock = NSLock()
    private var list: [String] = []

    func add(_ text: String) { lock.withLock { list.append(text) } }
    var all: [String] { lock.withLock { list } }
  }
}
