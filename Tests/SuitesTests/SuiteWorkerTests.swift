import Cells
import Formats
import Foundation
import Problems
import Retraining
import Runs
import Search
import SearchSupport
import Suites
import TestSupport
import Testing

/// Suites worked off by one process after another, by several at once, and with what goes wrong.
struct SuiteWorkerTests {
  private let folder: ScratchFolder
  init() throws { folder = try ScratchFolder() }

  private func begin(_ plan: SuitePlan, _ name: String) throws -> SuiteFolder {
    try SuiteFolder.begin(plan, at: folder.file(name)).files
  }

  /// The suite of the samples from beginning to end.
  private func whole() throws -> SuiteFolder {
    let plan = try SuiteSamples.plan()
    let files = try begin(plan, "whole")
    let state = try SuiteSamples.work(plan, in: files)
    try #require(state.entries.allSatisfy { $0.status == .finished }, "\(state.entries.compactMap { $0.record?.reason })")
    return files
  }

  private func expectSame(_ found: SuiteFolder, _ expected: SuiteFolder) throws {
    let (left, right) = (try SuiteSamples.results(found), try SuiteSamples.results(expected))
    #expect(Set(left.keys) == Set(right.keys))
    for (path, content) in right { #expect(left[path] == content, "\(path)") }
    #expect(try SuiteSamples.timeless(found.tablePath) == SuiteSamples.timeless(expected.tablePath))
    #expect(try SuiteSamples.timeless(found.jobsTablePath) == SuiteSamples.timeless(expected.jobsTablePath))
  }

  @Test("Every job leaves a folder of its own command, and the tables hold what these say") func results() throws {
    let files = try whole()
    let plan = try files.plan()
    let rows = try SuiteTables(of: plan, in: files).rows
    #expect(rows.map(\.method) == ["darts1", "zarts-mgs"] && rows.allSatisfy { $0.finished == $0.jobs && $0.searches == 2 })
    for (cell, row) in zip(plan.cells, rows) {
      let errors = try [0, 1].map { seed in
        let records = try RetrainingRecord.read(from: files.folder.file("retrainings/\(cell.name)-\(seed)/metrics.csv"))
        return 1 - (try #require(records.last?.testAccuracy))
      }
      #expect(row.errors == errors && row.dataset == "shades" && row.space == "s2")
      // The candidates are the searches' networks; the chosen one has the highest accuracy on held-out images.
      let selection = try CSVTable(readingFrom: files.folder.file("choices/\(cell.name)/selection.csv"))
      let chosen = try #require(try selection.integers("chosen").firstIndex(of: 1))
      let accuracies = try selection.doubles("validation_accuracy")
      #expect(accuracies[chosen] == accuracies.max())
      #expect(try selection.optionalDoubles("test_accuracy") == [nil, nil])
      let source = try selection.column("source")[chosen]
      #expect(source == "runs/\(cell.name)-\(chosen)")
      let search = try SearchRunFolder(existing: files.folder.file(source))
      let line = try #require(try search.result()?.genotype)
      #expect(row.genotype == line.line && row.normalSkips == Double(line.skipConnectionCount))
      for seed in [0, 1] {
        let text = try String(
          decoding: bytes(files.folder.file("retrainings/\(cell.name)-\(seed)/genotype.txt")), as: UTF8.self)
        #expect(text == line.line + "\n")
      }
      let trainings = try String(
        decoding: bytes(files.folder.file("retrainings/\(cell.name)-1/config.yaml")), as: UTF8.self)
      #expect(trainings.contains("hold_out: false") && trainings.contains("seed: 1") && trainings.contains("test_every: 1"))
    }
    // 3 epochs of 6 steps, and after the warm-up 12 gradients of α; with M = 2 and N = 2 six updates of 4 steps and a gradient.
    #expect(rows.map(\.searchSteps) == [2 * (18 + 12), 2 * (18 + 6 * 4 + 6)])
    let tex = try String(decoding: bytes(files.latexPath), as: UTF8.self)
    #expect(tex == SuiteTables(rows).latex && tex.contains("shades & s2 & "))
  }

  @Test("A limit of test images beyond the held-out ones leaves a choice all of these, and the test its own")
  func testLimitBeyondHeldOutImages() throws {
    let limits = "{epochs: 1, train_limit: 16, test_limit: 9, batch: 8"
    let yaml = SuiteSamples.yaml.replacing("{epochs: 1, batch: 8", with: limits)
    let plan = try SuiteSamples.plan(yaml)
    let files = try begin(plan, "limited")
    let state = try SuiteSamples.work(plan, in: files)
    #expect(state.entries.allSatisfy { $0.status == .finished }, "\(state.entries.compactMap { $0.record?.reason })")
    func limit(_ folder: String) throws -> Int? {
      try RetrainingFolder(existing: files.folder.file(folder)).configuration().testLimit
    }
    for cell in plan.cells {
      let selection = try CSVTable(readingFrom: files.folder.file("choices/\(cell.name)/selection.csv"))
      let brief = try selection.column("folder").map { try limit("choices/\(cell.name)/\($0)") }
      #expect(brief.count == 2 && brief.allSatisfy { $0 == nil })
      #expect(try limit("retrainings/\(cell.name)-0") == 9)
    }
  }

  @Test("A search after a shared warm-up has the bytes of one by itself") func sharedWarmup() throws {
    let files = try whole()
    let run = try #require(try files.plan().searches.runs.first { $0.configuration.method == .zartsMGS })
    let alone = try search(SuiteSamples.problem(run.configuration), run.configuration, in: folder.file("alone"))
    let found = try SearchRunFolder(existing: files.folder.file(run.path))
    for path in [\SearchRunFolder.alphasPath, \.genotypesPath, \.configurationPath] {
      #expect(try bytes(found[keyPath: path]) == bytes(alone[keyPath: path]))
    }
    for epoch in 0...3 {
      #expect(try bytes(found.checkpointPath(epoch: epoch)) == bytes(alone.checkpointPath(epoch: epoch)))
    }
  }

  @Test("Each search is asked who evaluates its candidates, with the threads of the process") func crews() throws {
    let plan = try SuiteSamples.plan()
    var asked: [String] = []
    let state = try SuiteWorker(
      of: plan, in: begin(plan, "crews"), threads: 2, pause: 0.02, makeProblem: { try SuiteSamples.problem($0) },
      makeCrew: { settings, _ in
        asked.append("\(settings.method.rawValue) \(settings.seed) \(settings.threads)")
        return nil
      }, load: { _ in try SuiteSamples.shades() }
    ).work()
    #expect(state.count(.finished) == 12)
    #expect(asked == ["darts1 0 2", "darts1 1 2", "zarts-mgs 0 2", "zarts-mgs 1 2"])
  }

  @Test("Several processes work off a suite to the bits and the tables of one") func several() throws {
    let expected = try whole()
    let plan = try SuiteSamples.plan()
    let path = folder.file("shared")
    let failures = SuiteSamples.workTogether(plan, at: path)
    #expect(failures.isEmpty, "\(failures)")
    try expectSame(SuiteFolder(existing: path), expected)
  }

  @Test(
    "A suite that is stopped again and again, within searches and between jobs, ends as if it never was",
    arguments: [29, 61])
  func stopped(every calls: Int) throws {
    let expected = try whole()
    let plan = try SuiteSamples.plan()
    let files = try begin(plan, "stopped-\(calls)")
    var (rounds, isOver) = (0, false)
    while !isOver, rounds < 200 {
      let stop = StopRequest()
      var count = 0
      let state = try SuiteSamples.work(
        plan, in: files, stop: stop,
        problem: { settings in
          let problem = try SuiteSamples.problem(settings)
          problem.interfere = { _ in
            count += 1
            if count == calls { stop.request(signal: SIGTERM) }
            return nil
          }
          return problem
        })
      isOver = state.isOver
      rounds += 1
    }
    #expect(isOver && rounds > 2, "\(rounds)")
    try expectSame(files, expected)
  }

  @Test("A retraining that is stopped is interrupted, and goes on") func stoppedRetraining() throws {
    let expected = try whole()
    let plan = try SuiteSamples.plan()
    let files = try begin(plan, "halted")
    let stop = StopRequest()
    var loads = 0
    let state = try SuiteSamples.work(
      plan, in: files, stop: stop,
      load: { _ in
        loads += 1
        if loads == 2 { stop.request(signal: SIGINT) }
        return try SuiteSamples.shades()
      })
    #expect(!state.isOver && state.count(.interrupted) == 1 && state.count(.failed) == 0)
    #expect(try SuiteSamples.work(plan, in: files).isOver)
    try expectSame(files, expected)
  }

  @Test("A job that fails is recorded with its reason, stops what needs it and nothing else, and is tried again when asked")
  func failed() throws {
    let expected = try whole()
    let plan = try SuiteSamples.plan()
    let files = try begin(plan, "failed")
    let error = InputError("a damaged image", at: .file("7.png"), found: "half of it", wanted: "all")
    let state = try SuiteSamples.work(plan, in: files) { settings in
      if settings.method == .zartsMGS, settings.seed == 1 { throw error }
      return try SuiteSamples.problem(settings)
    }
    #expect(state.isOver && state.count(.failed) == 1 && state.count(.blocked) == 3 && state.count(.finished) == 8)
    let record = try #require(state.entries.first { $0.status == .failed }?.record)
    #expect(record.job == "runs.s2-zarts-mgs-1" && record.reason == "\(error)")
    #expect(try SuiteTables(of: plan, in: files).rows.map(\.reason) == ["", "\(error)"])
    #expect(try SuiteSamples.work(plan, in: files).count(.failed) == 1, "it is not tried again by itself")
    #expect(try files.forgetFailures(of: plan) == 1 && files.forgetFailures(of: plan) == 0)
    #expect(try SuiteSamples.work(plan, in: files).count(.finished) == 12)
    try expectSame(files, expected)
  }

  @Test("A search that diverges is no candidate; where all do, there is nothing to train, and the rest goes on")
  func diverged()
    throws
  {
    let plan = try SuiteSamples.plan()
    for (name, seeds, counts) in [("one", [1], [11, 1]), ("all", [0, 1], [7, 5])] as [(String, [UInt64], [Int])] {
      let files = try begin(plan, name)
      let state = try SuiteSamples.work(plan, in: files) { settings in
        let problem = try SuiteSamples.problem(settings)
        if settings.method == .zartsMGS, seeds.contains(settings.seed) { problem.interfere = { _ in .nan } }
        return problem
      }
      #expect([state.count(.finished), state.count(.diverged)] == counts, "\(name)")
      #expect(try files.forgetFailures(of: plan) == 0)
      let row = try SuiteTables(of: plan, in: files).rows[1]
      #expect(row.diverged == seeds.count && row.errors.count == (name == "one" ? 2 : 0) && !row.reason.isEmpty)
      guard name == "one" else { continue }
      let choice = try #require(state.entries.first { $0.job.path == "choices/s2-zarts-mgs" }?.record)
      #expect(choice.searchSeed == 0 && choice.validationAccuracy == nil, "one candidate needs no short training")
    }
  }

  @Test("What a killed process left is taken over, what a living one works on is not") func claims() throws {
    let plan = try SuiteSamples.plan()
    let files = try begin(plan, "claims")
    let (dead, alive) = (plan.jobs[0], plan.jobs[2])
    try AtomicFile.write(
      "host: h\nsystem: \(Claim.Holder.present().system)\nprocess: 1\nsince: s\nlocked: true\nnote: threads 1\n",
      to: "\(files.claimsPath)/\(dead.key).5")
    let claim = try #require(try Claim.take(alive.key, in: files.claimsPath, note: "threads 1"))
    let stop = StopRequest()
    let ender = Thread {
      // Long after everything else is done.
      while (try? files.record(of: plan.jobs[1])) ?? nil == nil { usleep(5000) }
      usleep(200_000)
      stop.request(signal: SIGTERM)
    }
    ender.start()
    let state = try SuiteSamples.work(plan, in: files, stop: stop)
    #expect(state.entries[0].status == .finished && state.entries[1].status == .finished)
    #expect(state.entries[2].status == .running && state.entries[2].holder?.process == getpid())
    #expect(state.entries[3].status == .waiting, "its warm-up is another's")
    claim.release()
    #expect(try SuiteSamples.work(plan, in: files).count(.finished) == 12)
  }

  @Test("A folder of another suite, or of something else, is refused by what differs") func otherFolder() throws {
    let files = try begin(SuiteSamples.plan(), "suite")
    let other = try SuiteSamples.plan(SuiteSamples.yaml.replacing("brief_epochs: 1", with: "brief_epochs: 2"))
    #expect(refusal { try SuiteFolder.begin(other, at: files.folder.path) } == "\(files.planPath): setting brief_epochs: 1")
    #expect(try SuiteFolder.begin(SuiteSamples.plan(), at: files.folder.path).isFirst == false)
    try folder.write("x", to: "taken/notes.txt")
    #expect(
      refusal { try SuiteFolder.begin(other, at: folder.file("taken")) } == "\(folder.file("taken")): the entry notes.txt")
    #expect(refusal { try SuiteFolder(existing: folder.file("taken")) } == "\(folder.file("taken")): no suite.yaml")
  }

  @Test("Status says what is done, running, waiting and failed, where, since when, in which epoch, and what is left")
  func status() throws {
    let plan = try SuiteSamples.plan()
    let files = try begin(plan, "status")
    let pace = SuiteEstimate.Pace(search: { _ in 2 }, retraining: { _ in 10 })
    let estimate = try SuiteEstimate(of: plan, images: { _ in .init(training: 100, test: 20) }, pace: pace)
    try estimate.write(to: files.estimatePath)
    // The warm-up of seed 0 took twice its estimate; the first search is at its second of three epochs.
    var record = SuiteRecord(job: plan.jobs[0].key, status: .finished)
    (record.threads, record.seconds, record.host) = (2, estimate.rows[0].coreSeconds, "h")
    try record.write(to: files.recordPath(of: plan.jobs[0]))
    var failed = SuiteRecord(job: plan.jobs[2].key, status: .failed)
    failed.reason = "a, \"b\""
    try failed.write(to: files.recordPath(of: plan.jobs[2]))
    try CSVWriter.write(columns: ["epoch"], rows: [[1]], to: folderFile(files, "runs/s2-darts1-0/metrics.csv"))
    let claim = try #require(try Claim.take(plan.jobs[1].key, in: files.claimsPath, note: "threads 4"))
    defer { claim.release() }
    let status = try SuiteStatus(of: plan, in: files)
    #expect(
      status.rows.map(\.status) == [
        .finished, .running, .failed, .blocked, .blocked, .blocked, .blocked, .ready, .blocked, .blocked, .blocked, .blocked,
      ])
    let running = status.rows[1]
    #expect(running.epochs == 1 && running.total == 3 && running.process == Int(getpid()) && running.method == "darts1")
    #expect(status.rows[3].reason == "\(plan.jobs[2].path) is failed")
    let left = estimate.rows[1].coreSeconds * 2 / 3 + estimate.rows[7].coreSeconds
    #expect(
      close(status.coreHoursLeft, left / 3600, .relative(1e-12)) && close(status.secondsLeft, left / 4, .relative(1e-12)))
    let table = try CSVTable(readingFrom: folder.write(status.csv, to: "status.csv"))
    #expect(table.columns == SuiteStatus.columns && table.rows.count == 12)
    #expect(try table.column("reason")[2] == "a, \"b\"" && table.column("status")[7] == "ready")
    let object = try JSONSerialization.jsonObject(with: Data(status.json.utf8)) as? [String: Any]
    #expect(object?["jobs"] as? Int == 12 && (object?["counts"] as? [String: Int])?["blocked"] == 8)
    let rows = object?["rows"] as? [[String: Any]]
    #expect(rows?.count == 12 && rows?[2]["reason"] as? String == "a, \"b\"" && rows?[7]["host"] is NSNull)
  }

  private func folderFile(_ files: SuiteFolder, _ name: String) throws -> String {
    let path = files.folder.file(name)
    try FileManager.default.createDirectory(
      at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
    return path
  }
}
