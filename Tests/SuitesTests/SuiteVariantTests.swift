import Datasets
import Formats
import Foundation
import Retraining
import Runs
import Search
import SearchSupport
import Suites
import TestSupport
import Testing

/// Suites that choose among the variants of a method.
@Suite("Variants of a method in a suite") struct SuiteVariantTests {
  private let folder: ScratchFolder
  init() throws { folder = try ScratchFolder() }

  /// The second moves α a thousand times as far, so that it finds something else.
  private static let variants = "variants: {darts1: [{alpha_learning_rate: 0.0003}, {alpha_learning_rate: 0.3}]}"
  private static let names = ["alpha_learning_rate=0.0003", "alpha_learning_rate=0.3"]

  private func plan() throws -> SuitePlan { try SuiteSamples.plan(more: Self.variants) }

  private func begin(_ plan: SuitePlan, _ name: String) throws -> SuiteFolder {
    try SuiteFolder.begin(plan, at: folder.file(name)).files
  }

  private func whole() throws -> SuiteFolder {
    let plan = try plan()
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

  @Test("Each variant is searched on each seed, and one choice is made among them all") func jobs() throws {
    let plan = try plan()
    let jobs = plan.jobs
    let warmups = jobs.filter { $0.kind == .warmup }.map(\.path)
    #expect(warmups.count == 2, "another rate of α shares the warm-up of the seed")
    let expected: [(SuiteJob.Kind, String, [Int], UInt64)] = [
      (.warmup, warmups[0], [], 0), (.search, "runs/s2-darts1-\(Self.names[0])-0", [0], 0),
      (.search, "runs/s2-darts1-\(Self.names[1])-0", [0], 0), (.warmup, warmups[1], [], 1),
      (.search, "runs/s2-darts1-\(Self.names[0])-1", [3], 1), (.search, "runs/s2-darts1-\(Self.names[1])-1", [3], 1),
      (.choose, "choices/s2-darts1", [1, 2, 4, 5], 0), (.retrain, "retrainings/s2-darts1-0", [6], 0),
      (.retrain, "retrainings/s2-darts1-1", [6], 1), (.search, "runs/s2-zarts-mgs-0", [0], 0),
      (.search, "runs/s2-zarts-mgs-1", [3], 1), (.choose, "choices/s2-zarts-mgs", [9, 10], 0),
      (.retrain, "retrainings/s2-zarts-mgs-0", [11], 0), (.retrain, "retrainings/s2-zarts-mgs-1", [11], 1),
    ]
    #expect(jobs.map(\.kind) == expected.map(\.0) && jobs.map(\.path) == expected.map(\.1))
    #expect(jobs.map(\.needs) == expected.map(\.2) && jobs.map(\.seed) == expected.map(\.3))
    #expect(plan.cells.map(\.name) == ["s2-darts1", "s2-zarts-mgs"] && plan.cells.map(\.runs.count) == [4, 2])
    #expect(Set(jobs.map(\.key)).count == jobs.count)
  }

  @Test("Where each network is trained, each variant's is, in a folder of its own") func each() throws {
    let yaml = SuiteSamples.yaml.replacing("retraining_seeds: [0, 1]", with: "retrain: each")
    let jobs = try SuiteSamples.plan(yaml, more: Self.variants).jobs
    let trained = jobs.filter { $0.kind == .retrain }
    #expect(
      trained.map(\.path).prefix(4) == [
        "retrainings/s2-darts1-\(Self.names[0])-0", "retrainings/s2-darts1-\(Self.names[1])-0",
        "retrainings/s2-darts1-\(Self.names[0])-1", "retrainings/s2-darts1-\(Self.names[1])-1",
      ])
    #expect(trained.map { jobs[$0.needs[0]].path } == jobs.filter { $0.kind == .search }.map(\.path))
    #expect(trained.map(\.seed) == [0, 0, 1, 1, 0, 1])
  }

  @Test("The file that is written has the variants, and the same text without them is what it was before") func written()
    throws
  {
    let plan = try plan()
    let again = try SuitePlan(yaml: plan.yaml, from: "written")
    try again.require(sameAs: plan, in: "written")
    #expect(try again.yaml == plan.yaml && again.jobs == plan.jobs)
    #expect(try plan.yaml.contains("variants:\n  darts1:\n    - {alpha_learning_rate: 0.0003}\n"))
    #expect(try !SuiteSamples.plan().yaml.contains("variant"))
  }

  @Test("A file's variants of a method take the place of a preset's, and those of other methods stay") func merged() throws {
    let preset = try SuitePreset(named: "paper-table", at: "")
    let plan = try SuitePlan(
      yaml: "methods: [darts2, rdarts-l2]\nvariants: {darts2: [{momentum: 0.5}]}", from: "f", preset: preset)
    #expect(plan.searches.variants[.darts2]?.map(\.name) == ["momentum=0.5"])
    #expect(plan.searches.variants[.rdartsL2]?.count == 5)
    let own = try SuitePlan(
      yaml: "methods: [rdarts-l2]\nvariants: {rdarts-l2: [{weight_decay: 0.1}]}", from: "f", preset: preset)
    #expect(own.searches.variants[.rdartsL2]?.map(\.name) == ["weight_decay=0.1"])
  }

  @Test("Another list of variants is another suite, and variants are candidates of one choice on the same images")
  func refused() throws {
    let plan = try plan()
    let found = "f: setting variants darts1: \(Self.names)"
    #expect(refusal { try plan.require(sameAs: SuiteSamples.plan(), in: "f") } == found)
    let other = try SuiteSamples.plan(more: "variants: {darts1: [{alpha_learning_rate: 0.0003}]}")
    #expect(refusal { try plan.require(sameAs: other, in: "f") } == found)
    #expect(
      refusal { try SuiteSamples.plan(more: "variants: {darts1: [{split: file-order}, {split: seeded}]}") }
        == "suite.yaml: setting variants darts1: split seeded and file-order")
    #expect(
      refusal { try SuiteSamples.plan(more: "variants: {darts1: [{sigma: 0.3}]}") }
        == "suite.yaml: setting variants darts1: 'sigma'")
    #expect(
      refusal { try SuiteSamples.plan(more: "variants: {darts1: [{epochs: 3}, {momentum: 0.9}]}") }
        == "suite.yaml: setting variants darts1: {epochs: 3} and {momentum: 0.9}")
  }

  @Test("The candidates of a choice are of all variants, and rows, records and tables name the one that was chosen")
  func results() throws {
    let files = try whole()
    let plan = try files.plan()
    let cell = plan.cells[0]
    let found = try cell.runs.map { index -> (variant: String, genotype: String, folder: String) in
      let run = plan.searches.runs[index]
      let genotype = try #require(SearchRunFolder(existing: files.folder.file(run.path)).result()?.genotype)
      return (try #require(run.variant?.name), genotype.line, run.path)
    }
    #expect(Set(found[0..<2].map(\.genotype)).count == 2, "the variants of a seed find different networks")
    let selection = try CSVTable(readingFrom: files.folder.file("choices/s2-darts1/selection.csv"))
    let distinct = found.enumerated().filter { index, entry in !found[..<index].contains { $0.genotype == entry.genotype } }
    #expect(try selection.column("source") == distinct.map(\.element.folder))
    let chosen = try #require(try selection.integers("chosen").firstIndex(of: 1))
    let expected = distinct[chosen].element
    let tables = try SuiteTables(of: plan, in: files)
    #expect(tables.hasVariants && tables.rows.map(\.variant) == [expected.variant, ""])
    #expect(tables.rows[0].genotype == expected.genotype && tables.rows[0].searches == 4 && tables.rows[0].errors.count == 2)
    let cells = try CSVTable(readingFrom: files.tablePath)
    #expect(cells.columns == SuiteRow.columns + ["variant"])
    #expect(try cells.column("variant") == [expected.variant, ""])
    let jobs = try CSVTable(readingFrom: files.jobsTablePath)
    #expect(jobs.columns.last == "variant")
    let names = try Dictionary(uniqueKeysWithValues: zip(jobs.column("job"), jobs.column("variant")))
    for entry in found { #expect(names[entry.folder.replacing("/", with: ".")] == entry.variant) }
    for job in ["choices.s2-darts1", "retrainings.s2-darts1-0", "retrainings.s2-darts1-1"] {
      #expect(names[job] == expected.variant, "\(job)")
    }
    #expect(names["choices.s2-zarts-mgs"] == "" && names["runs.s2-zarts-mgs-0"] == "")
    let tex = try String(decoding: bytes(files.latexPath), as: UTF8.self)
    #expect(tex.hasSuffix("\\end{tabular}\n% chosen: shades, s2, darts1: \(expected.variant)\n"))
    let text = try String(decoding: bytes(files.markdownPath), as: UTF8.self)
    #expect(text.contains("| Variant |\n") && text.contains("| \(expected.variant) |\n"))
    // 3 epochs of 6 steps and 12 gradients of α, by four searches.
    #expect(tables.rows[0].searchSteps == 4 * (18 + 12))
  }

  @Test("A suite without variants has the tables that it always had") func without() throws {
    let plan = try SuiteSamples.plan()
    let files = try begin(plan, "plain")
    _ = try SuiteSamples.work(plan, in: files)
    #expect(try CSVTable(readingFrom: files.tablePath).columns == SuiteRow.columns)
    for path in [files.jobsTablePath, files.recordPath(of: plan.jobs[1])] {
      #expect(try CSVTable(readingFrom: path).columns.last == "search_seed")
    }
    #expect(try SuiteStatus(of: plan, in: files).csv.hasPrefix(SuiteStatus.columns.joined(separator: ",") + "\n"))
    #expect(try !String(decoding: bytes(files.markdownPath), as: UTF8.self).contains("Variant"))
  }

  @Test("Several processes work off its variants to the bits and the tables of one") func several() throws {
    let expected = try whole()
    let plan = try plan()
    let path = folder.file("shared")
    let failures = SuiteSamples.workTogether(plan, at: path)
    #expect(failures.isEmpty, "\(failures)")
    try expectSame(SuiteFolder(existing: path), expected)
  }

  @Test("Stopped again and again it ends as if it never was") func stopped() throws {
    let expected = try whole()
    let plan = try plan()
    let files = try begin(plan, "stopped")
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
            if count == 41 { stop.request(signal: SIGTERM) }
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

  @Test("A variant that diverges is no candidate; where its others do not, they are chosen among") func diverged() throws {
    let plan = try plan()
    let files = try begin(plan, "diverged")
    let state = try SuiteSamples.work(plan, in: files) { settings in
      let problem = try SuiteSamples.problem(settings)
      if settings.alphaLearningRate == 0.3 { problem.interfere = { _ in .nan } }
      return problem
    }
    #expect(state.count(.diverged) == 2 && state.count(.finished) == 12)
    let row = try SuiteTables(of: plan, in: files).rows[0]
    #expect(row.diverged == 2 && row.searches == 2 && row.variant == Self.names[0] && row.errors.count == 2)
  }

  @Test("Estimates count every variant's search and candidate, and the status names the variant of a search")
  func statusAndEstimate() throws {
    let plan = try plan()
    let pace = SuiteEstimate.Pace(search: { _ in 2 }, retraining: { _ in 10 })
    func estimate(_ plan: SuitePlan) throws -> [String: Double] {
      let rows = try SuiteEstimate(of: plan, images: { _ in .init(training: 100, test: 20) }, pace: pace).rows
      return Dictionary(uniqueKeysWithValues: rows.map { ($0.job, $0.steps) })
    }
    let (found, plain) = (try estimate(plan), try estimate(SuiteSamples.plan()))
    let choice = try #require(plain["choices.s2-darts1"])
    #expect(found["choices.s2-darts1"] == 2 * choice && choice > 0, "four candidates in place of two")
    for name in Self.names { #expect(found["runs.s2-darts1-\(name)-0"] == plain["runs.s2-darts1-0"]) }
    let status = try SuiteStatus(of: plan, in: begin(plan, "status"))
    let table = try CSVTable(readingFrom: folder.write(status.csv, to: "status.csv"))
    #expect(table.columns == SuiteStatus.columns + ["variant"])
    let expected = plan.jobs.map { job in
      job.kind == .search ? job.run.flatMap { plan.searches.runs[$0].variant?.name } ?? "" : ""
    }
    #expect(try table.column("variant") == expected && expected.count(where: { !$0.isEmpty }) == 4)
    let object = try JSONSerialization.jsonObject(with: Data(status.json.utf8)) as? [String: Any]
    let rows = object?["rows"] as? [[String: Any]]
    #expect(rows?[1]["variant"] as? String == Self.names[0] && rows?[6]["variant"] is NSNull)
  }

  @Test("Preset paper-table has every method on the twelve benchmarks, in every strength that its authors searched with")
  func paperTable() throws {
    let plan = try SuitePlan(yaml: "", from: nil, preset: SuitePreset(named: "paper-table", at: ""))
    let paper = try SuitePlan(yaml: "", from: nil, preset: SuitePreset(named: "paper", at: ""))
    #expect(plan.searches.methods == SearchMethod.all && plan.searches.seeds == [0, 1, 2, 3])
    #expect(plan.searches.spaces == paper.searches.spaces && plan.searches.datasets == paper.searches.datasets)
    #expect(plan.briefEpochs == 100 && plan.retrainingSeeds == [0, 1, 2] && plan.retraining == paper.retraining)
    // 12 benchmarks of 4 seeds.
    let strengths = SearchMethod.all.map { max(1, $0.definition.publishedVariants.count) }
    func count(_ kind: SuiteJob.Kind) -> Int { plan.jobs.count { $0.kind == kind } }
    #expect(count(.search) == 48 * strengths.reduce(0, +) && count(.choose) == 12 * SearchMethod.all.count)
    #expect(count(.retrain) == 36 * SearchMethod.all.count)
    let cell = try #require(plan.cells.first { $0.method == .rdartsL2 })
    #expect(cell.runs.count == 20 && cell.name == "cifar10/s1-rdarts-l2")
    let decays = cell.runs.prefix(5).map { plan.searches.runs[$0].configuration.weightDecay }
    #expect(decays == [0.0003, 0.0009, 0.0027, 0.0081, 0.0243])
    #expect(plan.searches.runs[cell.runs[1]].path == "runs/cifar10/s1-rdarts-l2-weight_decay=0.0009-0")
    let benchmark = try SearchPreset(named: "paper-rdarts-s1-cifar10", at: "")
    for run in plan.searches.runs where run.configuration.seed == 0 && run.configuration.space == .s1 {
      let found = run.configuration
      guard DatasetSpecification.kind(of: found.dataset) == "cifar10" else { continue }
      let own = benchmark.ownSettings(of: found.method)
      for (key, value) in own { #expect(found.text(of: key) == value, "\(run.name) \(key)") }
      #expect(found.epochs == 50 && found.sigma == 0.2 && found.split == .fileOrder, "\(run.name)")
      let isPlain = [.darts1, .darts2, .darts2ES, .zartsRS, .zartsMGS, .zartsGLD].contains(found.method)
      if isPlain { #expect(found.weightDecay == 3e-4 && found.batch == 64, "\(run.name)") }
    }
    let early = try #require(plan.searches.runs.first { $0.configuration.method == .darts2ES }).configuration
    #expect(early.earlyStopping == .robustDARTSCode && early.validationSampling == .fresh)
  }
}
