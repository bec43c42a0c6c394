import Formats
import Foundation
import Search
import TestSupport
import Testing

/// `zarts compare` and `zarts diagnose` on supernets and the eight images of a golden file.
struct CompareCommandTests {
  private static let data = "tensors:\(GoldenFile.path("s2_c16_l3_b4"))"

  private static let small = [
    "--dataset", data, "--channels", "4", "--layers", "3", "--batch", "4", "--epochs", "3", "--warmup", "1",
    "--inner-steps", "2", "--candidates", "2",
  ]

  private func expectSame(_ left: SearchRunFolder, _ right: SearchRunFolder) throws {
    for epoch in 0...3 {
      #expect(try FileBytes.read(left.checkpointPath(epoch: epoch)) == FileBytes.read(right.checkpointPath(epoch: epoch)))
    }
    #expect(try FileBytes.read(left.alphasPath) == FileBytes.read(right.alphasPath))
    #expect(try FileBytes.read(left.configurationPath) == FileBytes.read(right.configurationPath))
  }

  @Test func runsAreThoseOfSearchWhateverJobsAndThreads() throws {
    let folder = try ScratchFolder()
    let methods = SearchMethod.allCases
    for (jobs, threads, out) in [("1", "1", "one"), ("3", "4", "many")] {
      let result = try CommandLineRunner.run(
        ["compare", "--methods", methods.map(\.rawValue).joined(separator: ","), "--seeds", "0-1", "--space", "s2"]
          + Self.small + ["--jobs", jobs, "--threads", threads, "--out", folder.file(out)])
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("differences on the same seeds") == false, "two seeds give no interval")
      #expect(result.output.contains("mean ± sample deviation"))
    }
    for method in methods {
      for seed in 0...1 {
        let alone = folder.file("\(method.rawValue)-\(seed)")
        let result = try CommandLineRunner.run(
          ["search", "--method", method.rawValue, "--seed", "\(seed)", "--space", "s2"] + Self.small
            + ["--threads", "1", "--out", alone])
        #expect(result.status == 0, "\(result.errors)")
        let run = "runs/s2-\(method.rawValue)-\(seed)"
        let one = try SearchRunFolder(existing: folder.file("one/\(run)"))
        // The number of threads is a setting that is kept.
        try expectSame(one, SearchRunFolder(existing: alone))
        let many = try SearchRunFolder(existing: folder.file("many/\(run)"))
        #expect(try FileBytes.read(one.checkpointPath(epoch: 3)) == FileBytes.read(many.checkpointPath(epoch: 3)))
      }
    }
    let files = try ComparisonFolder(existing: folder.file("one"))
    let plan = try files.plan()
    let warmups = plan.runs.map { files.warmup(of: $0).folder.path }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("one/warmups")).count == Set(warmups).count)
    let plain = zip(plan.runs, warmups).filter { [.darts1, .random, .zartsMGS].contains($0.0.configuration.method) }
    #expect(Set(plain.map(\.1)).count == 2, "one a seed")
    let table = try CSVTable(readingFrom: folder.file("one/comparison.csv"))
    #expect(
      Array(table.columns.prefix(15)) == [
        "space", "dataset", "method", "seed", "status", "validation_loss", "validation_accuracy", "skips_normal",
        "skips_reduce", "entropy_normal", "entropy_reduce", "genotype", "weight_steps", "seconds", "error",
      ])
    #expect(table.rows.count == 2 * methods.count)
    #expect(try Set(table.column("status")) == ["finished"])
    // compare.yaml repeats it.
    let again = try CommandLineRunner.run(["compare", folder.file("one/compare.yaml"), "--out", folder.file("again")])
    #expect(again.status == 0, "\(again.errors)")
    try expectSame(
      SearchRunFolder(existing: folder.file("one/runs/s2-zarts-rs-1")),
      SearchRunFolder(existing: folder.file("again/runs/s2-zarts-rs-1")))
    #expect(
      try FileBytes.read(folder.file("one/comparison-tests.csv"))
        == FileBytes.read(folder.file("again/comparison-tests.csv")))
  }

  @Test("Variants of a plan are runs of their own, named in tables and goes on as it was begun") func variants() throws {
    let folder = try ScratchFolder()
    try folder.write(
      "methods: [rdarts-l2, darts1]\nspaces: [s2]\nvariants: {rdarts-l2: [{weight_decay: 0.0009}, {weight_decay: 0.2}]}\n",
      to: "compare.yaml")
    let plan = folder.file("compare.yaml")
    let result = try CommandLineRunner.run(["compare", plan] + Self.small + ["--jobs", "2", "--out", folder.file("c")])
    #expect(result.status == 0, "\(result.errors)")
    #expect(
      result.output.contains("rdarts-l2 weight_decay=0.0009 ") && result.output.contains("rdarts-l2 weight_decay=0.2 "))
    let names = ["s2-rdarts-l2-weight_decay=0.0009-0", "s2-rdarts-l2-weight_decay=0.2-0", "s2-darts1-0"]
    let table = try CSVTable(readingFrom: folder.file("c/comparison.csv"))
    #expect(try table.column("folder") == names.map { "runs/\($0)" })
    #expect(try table.column("variant") == ["weight_decay=0.0009", "weight_decay=0.2", ""])
    let alone = try CommandLineRunner.run(
      ["search", "--config", folder.file("c/runs/\(names[1])/config.yaml"), "--out", folder.file("alone")])
    #expect(alone.status == 0, "\(alone.errors)")
    try expectSame(
      SearchRunFolder(existing: folder.file("c/runs/\(names[1])")), SearchRunFolder(existing: folder.file("alone")))
    // The last epoch of one once more.
    let last = folder.file("c/runs/\(names[1])/checkpoints/epoch-003.safetensors")
    let expected = try bytes(last)
    for path in [last, folder.file("c/runs/\(names[1])/genotype.txt")] { try FileManager.default.removeItem(atPath: path) }
    let resumed = try CommandLineRunner.run(["compare", "--resume", folder.file("c")])
    #expect(try resumed.status == 0 && bytes(last) == expected, "\(resumed.errors)")
    try folder.write("methods: [darts1]\nvariants: {darts1: [{tau: 1}]}\n", to: "wrong.yaml")
    let wrong = try CommandLineRunner.run(
      ["compare", folder.file("wrong.yaml")] + Self.small + ["--out", folder.file("w")])
    #expect(wrong.status != 0 && wrong.errors.contains("\(folder.file("wrong.yaml")): setting variants darts1"))
    #expect(wrong.errors.contains("found 'tau'") && !FileManager.default.fileExists(atPath: folder.file("w")))
  }

  @Test func signalStopsAllAndResumeGoesOn() throws {
    let folder = try ScratchFolder()
    let flags = ["--methods", "darts1,zarts-mgs", "--seeds", "0,1", "--space", "s2"] + Self.small
    let process = CommandLineRunner.process(
      ["compare"] + flags + ["--epochs", "40", "--jobs", "2", "--out", folder.file("c")])
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let first = folder.file("c/runs/s2-darts1-0/checkpoints/epoch-002.safetensors")
    while process.isRunning, !FileManager.default.fileExists(atPath: first) { usleep(2000) }
    kill(process.processIdentifier, SIGINT)
    process.waitUntilExit()
    #expect(process.terminationStatus == 128 + SIGINT)
    #expect(try CSVTable(readingFrom: folder.file("c/comparison.csv")).rows.count == 4)
    let wrong = try CommandLineRunner.run(["compare", "--resume", folder.file("c"), "--tau", "3"])
    #expect(wrong.status == 64 && wrong.errors.contains("--tau"))
    let resumed = try CommandLineRunner.run(["compare", "--resume", folder.file("c"), "--jobs", "2"])
    #expect(resumed.status == 0, "\(resumed.errors)")
    let whole = try CommandLineRunner.run(["compare"] + flags + ["--epochs", "40", "--out", folder.file("w")])
    #expect(whole.status == 0, "\(whole.errors)")
    for name in ["s2-darts1-0", "s2-darts1-1", "s2-zarts-mgs-0", "s2-zarts-mgs-1"] {
      let runs = try ["c", "w"].map { try SearchRunFolder(existing: folder.file("\($0)/runs/\(name)")) }
      #expect(try FileBytes.read(runs[0].checkpointPath(epoch: 40)) == FileBytes.read(runs[1].checkpointPath(epoch: 40)))
    }
    // A method that joins later starts from the same warm-up.
    let grown = try CommandLineRunner.run([
      "compare", "--resume", folder.file("c"), "--methods", "darts1,zarts-mgs,random",
    ])
    #expect(grown.status == 0, "\(grown.errors)")
    #expect(try CSVTable(readingFrom: folder.file("c/comparison.csv")).rows.count == 6)
  }

  @Test func equalBudgetOfStepsIsKept() throws {
    let folder = try ScratchFolder()
    let result = try CommandLineRunner.run(
      ["compare", "--methods", "darts1,darts2,zarts-mgs", "--space", "s2", "--budget", "steps"] + Self.small
        + ["--out", folder.file("c")])
    #expect(result.status == 0, "\(result.errors)")
    let table = try CSVTable(readingFrom: folder.file("c/comparison.csv"))
    let steps = try table.integers("weight_steps")
    // One step an epoch: MGS 3 and one update of 2 · 2 inner ones, which darts1 has in 7 epochs, darts2 in 1 + 3.
    #expect(try table.integers("epochs") == [7, 4, 3])
    #expect(steps == [7, 7, 7])
  }

  @Test(arguments: [
    (["--methods", "darts1,darts"], "darts", Int32(64)), (["--seeds", "3-1"], "3-1", 64), (["--jobs", "0"], "--jobs", 64),
    (["--method", "darts1", "--methods", "darts2"], "--methods", 64), (["--budget-steps", "5"], "--budget", 64),
    (["--methods", "darts1", "--dataset", "nowhere"], "nowhere", 64), (["--dataset", "fashion-mnist"], "methods", 64),
    (["--methods", "darts1", "--dataset", "fashion-mnist", "--channels", "5"], "--channels", 64),
    (["nowhere.yaml"], "nowhere.yaml", 1),
  ])
  func badInputIsRefusedBeforeAFolderIsMade(flags: [String], named: String, status: Int32) throws {
    let folder = try ScratchFolder()
    let result = try CommandLineRunner.run(["compare"] + flags + ["--out", folder.file("c")])
    #expect(result.status == status, "\(result.errors)")
    #expect(result.errors.contains(named), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.file("c")))
  }

  @Test func printedConfigurationIsTheOneThatIsRun() throws {
    let folder = try ScratchFolder()
    let flags = ["--methods", "darts1", "--space", "s2"] + Self.small
    let printed = try CommandLineRunner.run(["compare"] + flags + ["--print-config"])
    #expect(printed.status == 0, "\(printed.errors)")
    #expect(try CommandLineRunner.run(["compare"] + flags + ["--out", folder.file("c")]).status == 0)
    #expect(try FileBytes.read(folder.file("c/compare.yaml")) == Array(printed.output.utf8))
  }

  @Test func diagnosisOfARunIsTheSameOnAnyNumberOfThreads() throws {
    let folder = try ScratchFolder()
    let search = try CommandLineRunner.run(
      ["search", "--method", "darts1", "--space", "s2"] + Self.small + ["--out", folder.file("run")])
    #expect(search.status == 0, "\(search.errors)")
    for threads in ["1", "3"] {
      let result = try CommandLineRunner.run([
        "diagnose", folder.file("run"), "--samples", "3", "--inner-steps", "2", "--threads", threads, "--out",
        folder.file(threads),
      ])
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("not collapsed"))
    }
    for name in ["diagnosis.csv", "diagnosis.yaml", "diagnosis.txt", "diagnosis-measurements.csv"] {
      #expect(try FileBytes.read(folder.file("1/\(name)")) == FileBytes.read(folder.file("3/\(name)")), "\(name)")
    }
    let table = try CSVTable(readingFrom: folder.file("1/diagnosis.csv"))
    #expect(try table.doubles("discretisation_gap").count == 3 && table.doubles("spearman_first").count == 3)
    let quick = try CommandLineRunner.run(["diagnose", folder.file("run"), "--quick"])
    #expect(quick.status == 0, "\(quick.errors)")
    #expect(try CSVTable(readingFrom: folder.file("run/diagnosis.csv")).column("discretisation_gap") == ["", "", ""])
    // The search's own files are as they were, so it still goes on, or rather has nothing left to do.
    #expect(try CommandLineRunner.run(["search", "--resume", folder.file("run")]).status == 0)
  }

  @Test(arguments: [
    (["--edges", "9"], "--edges", Int32(64)), (["--samples", "2"], "--samples", 64), (["--every", "0"], "--every", 64),
    (["--chance", "x"], "--chance", 64),
  ])
  func badDiagnosisIsRefused(flags: [String], named: String, status: Int32) throws {
    let folder = try ScratchFolder()
    let result = try CommandLineRunner.run(["diagnose", folder.path] + flags)
    #expect(result.status == status && result.errors.contains(named), "\(result.errors)")
  }
}
