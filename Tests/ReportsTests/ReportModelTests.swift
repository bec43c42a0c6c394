import Formats
import Foundation
import Reports
import Runs
import Testing

@Suite("Models of reports")
struct ReportModelTests {
  @Test("A run's settings keep their order, values and remarks")
  func settings() throws {
    let samples = try Samples()
    let run = try Report(reading: [samples.search()]).runs[0]
    let text = try String(contentsOfFile: samples.path("run/config.yaml"), encoding: .utf8)
    let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") && $0.contains(":") && !$0.hasPrefix(" ") }
    #expect(run.settings.entries.map(\.key) == lines.map { String($0.prefix { $0 != ":" }) })
    #expect(run.settings["method"] == "zarts-mgs" && run.settings["dataset"] == "closed-form")
    let sigma = try #require(run.settings.entries.first { $0.key == "sigma" })
    #expect(sigma.value == "0.2" && sigma.remark.hasPrefix("standard deviation"))
    #expect(run.kind == .search && run.finishedEpochs == 3 && run.resultEpoch == 3 && run.log.end == .finished)
    #expect(run.log.commands.count == 1 && run.log.versions.first?.hasPrefix("zarts \(Provenance.version)") == true)
  }

  @Test("Files that cannot be used are named with what stands in them")
  func badFiles() throws {
    let cases: [(file: String, text: String, mention: String)] = [
      ("run/config.yaml", "- a\n- b\n", "config.yaml"), ("run/config.yaml", "a: [\n", "config.yaml"),
      ("run/metrics.csv", "epoch\nx\n", "metrics.csv"), ("run/metrics.csv", "epoch,a\n1\n", "metrics.csv"),
      ("run/alphas.npy", "no array", "alphas.npy"),
      ("run/l/landscape.csv", "i,j,x,y,objective,inner_steps,loss,accuracy\n0,0,0,0,first,0,low,0\n", "low"),
      ("run/l/landscape.csv", "i,j,x,y,objective,inner_steps,loss,accuracy\n0,9999999,0,0,first,0,1,0\n", "9999999"),
      ("run/l/landscape.yaml", "just text", "landscape.yaml"),
      ("run/spectrum.csv", "a,b\n\"1\n", "spectrum.csv"), ("run/diagnosis.yaml", "[1]", "diagnosis.yaml"),
    ]
    for (file, text, mention) in cases {
      let samples = try Samples()
      try samples.search()
      try samples.write("grid: 1\n", to: "run/l/landscape.yaml")
      try samples.write(text, to: file)
      let error = #expect(throws: (any Error).self, "\(file): \(text)") { try Report(reading: [samples.path("run")]) }
      #expect("\(error.map { "\($0)" } ?? "")".contains(mention), "\(error.map { "\($0)" } ?? "")")
    }
  }

  @Test("Folders with nothing to report are refused, whatever they are")
  func nothing() throws {
    let samples = try Samples()
    try samples.write("x", to: "file")
    try samples.write("x", to: "empty/note.txt")
    for path in ["absent", "file", "empty"] {
      let error = #expect(throws: InputError.self) { try Report(reading: [samples.path(path)]) }
      #expect(error?.place == .file(samples.path(path)))
    }
    let run = try samples.search()
    let error = #expect(throws: InputError.self) { try Report(reading: [run], landscapes: [samples.path("empty")]) }
    #expect(error?.place.setting == "landscape")
  }

  @Test("Links that leave a fenced folder are refused, others followed")
  func fence() throws {
    let samples = try Samples()
    let run = try samples.search("a/run")
    try samples.write("secret: 1\n", to: "outside/landscape.yaml")
    try FileManager.default.createSymbolicLink(
      atPath: "\(run)/diagnosis.txt", withDestinationPath: samples.path("outside/landscape.yaml"))
    let error = #expect(throws: InputError.self) { try Report(reading: [run], reach: .within(run)) }
    #expect(
      error?.place.file?.hasSuffix("diagnosis.txt") == true && "\(error.map { "\($0)" } ?? "")".contains("secret") == false)
    #expect(try Report(reading: [run]).runs[0].diagnosis?.text == "secret: 1\n")
    try FileManager.default.removeItem(atPath: "\(run)/diagnosis.txt")
    try FileManager.default.createSymbolicLink(atPath: "\(run)/diagnosis.txt", withDestinationPath: "genotype.txt")
    #expect(try Report(reading: [run], reach: .within(run)).runs[0].diagnosis?.text?.hasPrefix("Genotype(") == true)
  }

  @Test("A named pipe among the files does not stop a report for ever")
  func pipe() throws {
    let samples = try Samples()
    let run = try samples.search()
    #expect(mkfifo("\(run)/diagnosis.txt", 0o600) == 0)
    #expect(try Report(reading: [run]).runs[0].diagnosis == nil)
  }

  @Test("Progress counts epochs, and the time since the last line of the log while a process works")
  func progress() throws {
    let samples = try Samples()
    try samples.search()
    let done = RunProgress(of: try Report(reading: [samples.path("run")]), isWorking: { _ in false })
    #expect(done.fraction == 1 && done.isFinished && done.remaining == nil)
    let rows = ["1,10", "2,30", "3,30"]
    try samples.write("method: darts1\nepochs: 10\nwarmup: 1\n", to: "live/config.yaml")
    try samples.write("epoch,seconds\n" + rows.joined(separator: "\n") + "\n", to: "live/metrics.csv")
    try samples.write("2026-01-01T00:00:00Z info starts\n2026-01-01T00:01:00Z info epoch 3/10\n", to: "live/log.txt")
    let report = try Report(reading: [samples.path("live")])
    let now = try #require(try? Date("2026-01-01T00:01:15Z", strategy: .iso8601))
    let live = RunProgress(of: report, isWorking: { _ in true }, now: now)
    #expect(live.fraction == 0.35 && live.text == "epoch 4 of 10" && !live.isFinished)
    // 6.5 epochs of 30 seconds: the warm-up's ten say nothing of them.
    #expect(live.remaining == "about 3 min 15 s left")
    let still = RunProgress(of: report, isWorking: { _ in false }, now: now)
    #expect(still.fraction == 0.3 && still.remaining == nil && still.text.contains("No process"))
  }

  @Test("Progress of a comparison counts waiting runs, and shares what is left among those that go on")
  func comparisonProgress() throws {
    let samples = try Samples()
    func run(_ name: String, epochs: Int, seconds: Int) throws {
      try samples.write("method: darts1\nepochs: 10\nwarmup: 0\n", to: "c/runs/\(name)/config.yaml")
      let rows = (0..<epochs).map { "\($0 + 1),\(seconds)" }.joined(separator: "\n")
      try samples.write("epoch,seconds\n\(rows)\n", to: "c/runs/\(name)/metrics.csv")
      try samples.write("2026-01-01T00:00:00Z info epoch \(epochs)/10\n", to: "c/runs/\(name)/log.txt")
    }
    func table(_ states: [(String, String, String)]) throws {
      let rows = states.map { "s2,\($0.0),\($0.1),10,runs/\($0.2)" }.joined(separator: "\n")
      try samples.write("space,method,status,epochs,folder\n\(rows)\n", to: "c/comparison.csv")
    }
    try samples.write("methods: [darts1]\n", to: "c/compare.yaml")
    try run("a", epochs: 10, seconds: 10)
    try run("b", epochs: 5, seconds: 20)
    try run("d", epochs: 5, seconds: 40)
    let now = try #require(try? Date("2026-01-01T00:00:00Z", strategy: .iso8601))
    func progress(_ working: [String]) throws -> RunProgress {
      RunProgress(of: try Report(reading: [samples.path("c")]), isWorking: { working.contains($0.name) }, now: now)
    }
    try table([
      ("darts1", "finished", "a"), ("darts2", "unfinished", "b"), ("zarts-mgs", "unfinished", "d"),
      ("darts2", "waiting", "e"),
    ])
    // Left: 5 · 20 of b, 5 · 40 of d, 10 · 20 of e, which takes what darts2 takes: 500 s for two that go on; of 900 s in all.
    let two = try progress(["b", "d"])
    #expect(two.remaining == "about 4 min 10 s left" && abs((two.fraction ?? 0) - 1 + 500 / 900.0) < 1e-9)
    #expect(two.text == "1 of 4 runs done; b, epoch 6; d, epoch 6" && !two.isFinished)
    #expect(try progress(["b"]).remaining == "about 8 min 20 s left")
    let idle = try progress([])
    #expect(idle.remaining == nil && idle.text.contains("No process works"))
    // A method that nothing is known of takes what the others do.
    try table([("darts1", "finished", "a"), ("zarts-rs", "waiting", "e"), ("darts2", "unfinished", "b")])
    #expect(try progress(["b"]).remaining == "roughly 4 min 10 s left")
    try table([("darts1", "finished", "a"), ("darts2", "diverged", "b")])
    let done = try progress([])
    #expect(done.isFinished && done.fraction == 1 && done.text == "2 of 2 runs done.")
  }

  @Test("Words of a command line come back from a shell as they were")
  func quoting() throws {
    for word in ["plain", "", "two words", "it's", "$(rm)", "a\"b", "ω=1", "*"] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", "printf %s \(Provenance.shellQuoted(word))"]
      let pipe = Pipe()
      process.standardOutput = pipe
      try process.run()
      process.waitUntilExit()
      #expect(String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) == word)
    }
  }
}
