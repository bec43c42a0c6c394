import Formats
import Foundation
import TestSupport
import Testing

@Suite("zarts fidelity, spectrum and estimators") struct StudyCommandTests {
  private static let source = [
    "--weights", GoldenFile.path("s2_c16_l3_b4"), "--dataset", "tensors:\(GoldenFile.path("s2_c16_l3_b4"))", "--inner-lr",
    "0.01",
  ]
  private static let fidelity =
    ["fidelity"] + source + [
      "--objectives", "first,second,true:2", "--directions", "4", "--radii", "0.5,1", "--plane", "3", "--length", "unit",
      "--no-gradients", "--replicates", "50",
    ]
  private static let estimators =
    ["estimators"] + source + [
      "--estimators", "darts1,darts2,rs,mgs,gld", "--inner-steps", "1", "--candidates", "2", "--sigmas", "0.1", "--repeats",
      "3", "--places", "1", "--replicates", "50",
    ]
  private static let spectrum = ["spectrum"] + source + ["--eigenvalues", "2", "--probes", "2", "--batches", "1"]

  private static let spectrumOfWeights =
    spectrum + [
      "--over", "weights", "--density-steps", "6", "--density-starts", "2",
    ]

  private func expectSame(_ one: String, _ other: String) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: one).sorted()
    #expect(try FileManager.default.contentsOfDirectory(atPath: other).sorted() == names)
    for name in names {
      #expect(try FileBytes.read("\(one)/\(name)") == FileBytes.read("\(other)/\(name)"), "\(name)")
    }
  }

  @Test(
    "leave the same bytes on any number of threads and after a kill",
    arguments: [
      (fidelity, ["fidelity-plane.csv", "fidelity-samples.csv", "fidelity.csv", "fidelity.txt", "fidelity.yaml"]),
      (estimators, ["estimators.csv", "estimators.yaml", "gradients.safetensors"]),
      (spectrum, ["spectrum.csv", "spectrum.yaml"]),
      (
        spectrumOfWeights + ["--vectors"],
        [
          "density.png", "eigenvectors.safetensors", "spectrum-curve.csv", "spectrum-density.csv", "spectrum.csv",
          "spectrum.npz", "spectrum.yaml",
        ]
      ),
    ])
  func sameBytes(arguments: [String], files: [String]) throws {
    let scratch = try ScratchFolder()
    let one = try CommandLineRunner.run(arguments + ["--threads", "1", "--out", scratch.file("a")])
    #expect(one.status == 0, "\(one.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.file("a")).sorted() == files)
    #expect(one.output.contains(scratch.file("a/\(arguments[0]).csv")))
    let killed = CommandLineRunner.process(arguments + ["--threads", "2", "--out", scratch.file("b")])
    (killed.standardOutput, killed.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try killed.run()
    while killed.isRunning {
      let text = (try? String(contentsOfFile: scratch.file("b/journal.csv"), encoding: .utf8)) ?? ""
      if text.count(where: { $0 == "\n" }) > (arguments[0] == "spectrum" ? 0 : 10) {
        kill(killed.processIdentifier, SIGKILL)
        break
      }
      usleep(2000)
    }
    killed.waitUntilExit()
    #expect(killed.terminationReason == .uncaughtSignal, "it was to be killed while it ran")
    let resumed = try CommandLineRunner.run(arguments + ["--threads", "2", "--resume", "--out", scratch.file("b")])
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(resumed.output.replacingOccurrences(of: scratch.file("b"), with: scratch.file("a")) == one.output)
    try expectSame(scratch.file("a"), scratch.file("b"))
    let again = try CommandLineRunner.run(arguments + ["--out", scratch.file("a")])
    #expect(again.status != 0 && again.errors.contains("holds results already"))
    let other = try CommandLineRunner.run(arguments + ["--inner-lr", "0.02", "--resume", "--out", scratch.file("a")])
    #expect(arguments[0] == "spectrum" || (other.status != 0 && other.errors.contains("0.01")), "\(other.errors)")
  }

  @Test("SIGTERM stops a study with a journal and its exit code") func termination() throws {
    let scratch = try ScratchFolder()
    let process = CommandLineRunner.process(Self.fidelity + ["--directions", "500", "--out", scratch.file("a")])
    let errors = Pipe()
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, errors)
    try process.run()
    while process.isRunning {
      let text = (try? String(contentsOfFile: scratch.file("a/journal.csv"), encoding: .utf8)) ?? ""
      if text.count(where: { $0 == "\n" }) > 3 { break }
      usleep(2000)
    }
    process.terminate()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 128 + SIGTERM)
    #expect(text.contains("--resume") && text.contains(scratch.file("a/journal.csv")), "\(text)")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("a/fidelity.csv")))
  }

  @Test("an estimate of a spectrum over weights says how many vectors of ω are held, and a spectrum what it found")
  func estimate() throws {
    let scratch = try ScratchFolder()
    let estimate = try CommandLineRunner.run(Self.spectrumOfWeights + ["--dry-run"])
    #expect(estimate.status == 0, "\(estimate.errors)")
    #expect(estimate.output.contains("points: 1, each") && estimate.output.contains("points: 2, each"))
    // 60 + 4 · 2 products at most for the eigenvalues, and four vectors more.
    #expect(estimate.output.contains("vectors of ω: 72 at a time on each copy"))
    let made = try CommandLineRunner.run(Self.spectrumOfWeights + ["--out", scratch.file("out"), "--svg"])
    #expect(made.status == 0, "\(made.errors)")
    #expect(made.output.contains("trace by the density") && made.output.contains(scratch.file("out/density.svg")))
    let rows = try CSVTable(readingFrom: scratch.file("out/spectrum.csv")).column("quantity")
    #expect(rows == ["eigenvalue", "eigenvalue", "smallest", "trace", "trace_density", "asymmetry"])
  }

  @Test("a run's checkpoints are measured one after the other") func epochs() throws {
    let scratch = try ScratchFolder()
    let search = try CommandLineRunner.run([
      "search", "--method", "darts1", "--space", "s2", "--channels", "4", "--layers", "3", "--epochs", "2", "--dataset",
      "tensors:\(GoldenFile.path("s2_c16_l3_b4"))", "--eigenvalue-every", "1", "--eigenvalue-batches", "1", "--seed", "3",
      "--out", scratch.file("run"),
    ])
    #expect(search.status == 0, "\(search.errors)")
    let common = ["spectrum", "--run", scratch.file("run"), "--eigenvalues", "1", "--probes", "0", "--batches", "1"]
    let all = try CommandLineRunner.run(common + ["--epochs", "all", "--out", scratch.file("all")])
    #expect(all.status == 0, "\(all.errors)")
    let table = try CSVTable(readingFrom: scratch.file("all/spectrum.csv"))
    let largest = zip(try table.column("quantity"), zip(try table.integers("epoch"), try table.doubles("value"))).filter {
      $0.0 == "eigenvalue"
    }.map(\.1)
    #expect(largest.map(\.0) == [0, 1, 2])
    let metrics = try CSVTable(readingFrom: scratch.file("run/metrics.csv")).doubles("dominant_eigenvalue")
    #expect(largest.dropFirst().map(\.1) == metrics, "the search has measured the same numbers")
    let bad: [([String], String)] = [
      (["--epochs", "1,1"], "twice"), (["--epochs", "x"], "x"), (["--epochs", "3-1"], "3-1"),
      (["--epochs", "0-9"], "epoch-003"), (["--epochs", "all", "--epoch", "1"], "--epoch and --epochs"),
    ]
    for (flags, mention) in bad {
      let result = try CommandLineRunner.run(common + flags + ["--out", scratch.file("bad")])
      #expect(result.status != 0 && result.errors.contains(mention), "\(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: scratch.file("bad")))
    }
  }

  @Test("a new spectrum has exact products, and one of differences goes on as it was begun") func kinds() throws {
    let scratch = try ScratchFolder()
    func run(_ folder: String, _ flags: [String]) throws -> (result: CommandLineRunner.Result, settings: String) {
      let result = try CommandLineRunner.run(Self.spectrum + flags + ["--out", scratch.file(folder)])
      return (result, try String(contentsOfFile: scratch.file("\(folder)/spectrum.yaml"), encoding: .utf8))
    }
    let exact = try run("exact", ["--mixing"])
    #expect(exact.result.status == 0 && exact.result.output.contains("by exact products"), "\(exact.result.errors)")
    #expect(exact.settings.contains("\nhessian: exact\n") && !exact.settings.contains("displacement"))
    let table = try CSVTable(readingFrom: scratch.file("exact/spectrum.csv"))
    #expect(try Set(table.column("hessian")) == ["exact"] && table.column("quantity").contains("eigenvalue_mixing"))
    let differences = try run("differences", ["--displacement", "0.25"])
    #expect(differences.result.status == 0 && differences.result.output.contains("by differences over ε = 0.25"))
    #expect(differences.settings.contains("\ndisplacement: 0.25\n") && !differences.settings.contains("hessian"))
    // As a command of an earlier version resumes it, and with the default distance of one that had no flag for it.
    #expect(try run("differences", ["--displacement", "0.25", "--resume"]).result.status == 0)
    #expect(try run("plain", ["--hessian", "difference"]).result.status == 0)
    #expect(try run("plain", ["--resume"]).result.status == 0)
    let other = try run("exact", ["--hessian", "difference", "--resume"]).result
    #expect(other.status != 0 && other.errors.contains("of other settings"), "\(other.errors)")
  }

  @Test(
    "flags that cannot be meant are named",
    arguments: [
      (fidelity, ["--objectives", "first"], "--objectives"), (fidelity, ["--radii", "1,x"], "--radii"),
      (fidelity, ["--radii", "1,1"], "--radii"), (fidelity, ["--directions", "1"], "--directions"),
      (fidelity, ["--plane", "2"], "--plane"), (fidelity, ["--length", "long"], "long"),
      (fidelity, ["--confidence", "1"], "confidence"), (fidelity, ["--replicates", "0"], "replicates"),
      (fidelity, ["--sigma", "0"], "--sigma:"), (fidelity, ["--validation-batches", "0"], "--validation-batches"),
      (fidelity, ["--resume"], "cannot be opened"), (fidelity, ["--inner-lr", "0"], "--inner-lr"),
      (estimators, ["--estimators", "sgd"], "sgd"), (estimators, ["--inner-steps", "5,1"], "--inner-steps"),
      (estimators, ["--inner-steps", "1,"], "--inner-steps"), (estimators, ["--candidates", "0"], "--candidates"),
      (estimators, ["--sigmas", "-1"], "--sigmas"), (estimators, ["--displacement", "0"], "--displacement"),
      (estimators, ["--repeats", "0"], "--repeats"), (estimators, ["--places", "0"], "--places"),
      (estimators, ["--lambda", "2"], "--lambda"),
      (estimators, ["--compare-displacements", "a"], "--compare-displacements"),
      (spectrum, ["--eigenvalues", "0"], "--eigenvalues"), (spectrum, ["--batches", "0"], "--batches"),
      (spectrum, ["--displacement", "0"], "--displacement"), (spectrum, ["--epochs", "all"], "--epochs"),
      (spectrum, ["--hessian", "close"], "close"), (spectrum, ["--hessian", "difference", "--mixing"], "--hessian"),
      (spectrum, ["--hessian", "exact", "--displacement", "1"], "--displacement 1.0 beside --hessian exact"),
      (spectrum, ["--density-steps", "5", "--vectors"], "found --density-steps, --vectors"),
      (spectrum, ["--over", "both"], "both"),
      (spectrumOfWeights, ["--mixing", "--hessian", "exact"], "found --hessian, --mixing"),
      (spectrumOfWeights, ["--density-steps", "0"], "--density-steps"),
      (spectrumOfWeights, ["--density-width", "0"], "--density-width"),
      (
        spectrumOfWeights, ["--density-starts", "0", "--density-width", "0.1"],
        "found --density-steps, --density-width, --density-starts 0"
      ),
      (spectrumOfWeights, ["--data", "tests"], "'tests' is invalid for '--data"),
    ])
  func badFlags(command: [String], flags: [String], mention: String) throws {
    let scratch = try ScratchFolder()
    let result = try CommandLineRunner.run(command + flags + ["--out", scratch.file("out")])
    #expect(result.status != 0)
    #expect(result.errors.contains(mention), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("out")))
  }
}
