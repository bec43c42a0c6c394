import Cells
import Compute
import Formats
import Foundation
import Problems
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// Comparisons in which a method has variants, on the closed-form problem.
@Suite("Variants of a method in a comparison") struct ComparisonVariantTests {
  private typealias Observed = ObservedProblem<QuadraticBilevelProblem>

  private static let three = "[{weight_decay: 0.0003}, {weight_decay: 0.05}, {alpha_learning_rate: 0.01}]"
  private static let names = ["weight_decay=0.0003", "weight_decay=0.05", "alpha_learning_rate=0.01"]

  private func plan(
    _ variants: String, methods: [SearchMethod] = [.darts1, .darts2], seeds: [UInt64] = [5],
    budget: ComparisonPlan.Budget = .epochs
  ) throws -> ComparisonPlan {
    try ComparisonPlan(
      yaml: """
        datasets: [closed-form]
        settings: {epochs: 4, warmup: 2, inner_steps: 4, learning_rate: 0.1}
        \(variants)
        """, from: "test", lists: .init(methods: methods, seeds: seeds, spaces: [.s2], budget: budget))
  }

  @Sendable private static func problem(_ configuration: SearchConfiguration) throws -> Observed {
    let problem = try ObservedProblem(quadratic(space: configuration.space, seed: configuration.seed))
    problem.hasStatistics = true
    return problem
  }

  private func compare(_ plan: ComparisonPlan, in path: String, jobs: Int = 1) throws -> [ComparisonRow] {
    let folder = try FileManager.default.fileExists(atPath: path) ? OutputFolder.existing(at: path) : .create(at: path)
    return try ComparisonRun(of: plan, in: folder, jobs: jobs, makeProblem: Self.problem).run()
  }

  private func expectSame(_ run: SearchRunFolder, _ other: SearchRunFolder) throws {
    for epoch in 0...4 {
      #expect(try bytes(run.checkpointPath(epoch: epoch)) == bytes(other.checkpointPath(epoch: epoch)), "epoch \(epoch)")
    }
    for path in [\SearchRunFolder.configurationPath, \.alphasPath, \.genotypesPath, \.genotypePath] {
      #expect(try bytes(run[keyPath: path]) == bytes(other[keyPath: path]), "\(run[keyPath: path])")
    }
  }

  @Test("Each variant is a run of its own, named by its settings, in the place of its method's") func runs() throws {
    let plan = try plan("variants: {darts1: \(Self.three)}", seeds: [5, 6])
    let expected = [5, 6].flatMap { seed in Self.names.map { "s2-darts1-\($0)-\(seed)" } + ["s2-darts2-\(seed)"] }
    #expect(plan.runs.map(\.name) == expected && plan.runs.map(\.path) == expected.map { "runs/\($0)" })
    let first = plan.runs[0..<4].map(\.configuration)
    #expect(first.map(\.weightDecay) == [3e-4, 0.05, 3e-4, 3e-4])
    #expect(first.map(\.alphaLearningRate) == [3e-4, 3e-4, 0.01, 3e-4])
    #expect(first.map(\.method) == [.darts1, .darts1, .darts1, .darts2] && first.allSatisfy { $0.learningRate == 0.1 })
    #expect(plan.runs.map { $0.variant?.name }.prefix(4) == [Self.names[0], Self.names[1], Self.names[2], nil])
    #expect(plan.runs.allSatisfy { $0.cellName == "s2-\($0.configuration.method)" })
  }

  @Test("A variant wins over every layer of settings, flags win over it") func rank() throws {
    let yaml = """
      method_settings: {darts1: {weight_decay: 0.1, momentum: 0.8}}
      run_settings: {s2/darts1: {weight_decay: 0.2}}
      variants: {darts1: [{weight_decay: 0.3}, {momentum: 0.5}]}
      """
    let plan = try plan(yaml, methods: [.darts1])
    #expect(plan.runs.map(\.configuration.weightDecay) == [0.3, 0.2])
    #expect(plan.runs.map(\.configuration.momentum) == [0.8, 0.5])
    let flagged = try ComparisonPlan(
      yaml: "variants: {darts1: [{weight_decay: 0.3}, {momentum: 0.5}]}", from: "test",
      lists: .init(methods: [.darts1], datasets: ["a"]),
      overrides: .init(keys: ["weight_decay"]) { $0.weightDecay = 0.7 })
    #expect(flagged.runs.map(\.configuration.weightDecay) == [0.7, 0.7])
  }

  @Test("Keys of a variant stand in its name in one order; lists and what is long are named by a checksum") func naming()
    throws
  {
    let plan = try plan("variants: {darts1: [{momentum: 0.5, epochs: 5}, {epochs: 5, momentum: 0.25}]}", methods: [.darts1])
    #expect(plan.runs.map { $0.variant?.name } == ["epochs=5+momentum=0.5", "epochs=5+momentum=0.25"])
    let long = try self.plan(
      """
      variants:
        darts1:
          - {alpha_learning_rate: 0.001, alpha_beta1: 0.25, alpha_beta2: 0.99, alpha_epsilon: 1.0e-7, alpha_weight_decay: 0.01}
          - {alpha_learning_rate: 0.001, alpha_beta1: 0.25, alpha_beta2: 0.99, alpha_epsilon: 1.0e-7, alpha_weight_decay: 0.02}
      """, methods: [.darts1])
    let names = long.runs.compactMap { $0.variant?.name }
    #expect(Set(names).count == 2)
    for name in names { #expect(name.wholeMatch(of: /alpha_learning_rate=[0-9a-f]{1,8}/) != nil, "\(name)") }
  }

  @Test("The file that is written repeats the runs, and a plan without variants says nothing of them") func written() throws
  {
    let plan = try plan("variants: {darts1: \(Self.three), zarts-mgs: [{sigma: 0.1}]}", seeds: [0, 1])
    #expect(
      plan.yaml.hasSuffix(
        """
        variants:
          darts1:
            - {weight_decay: 0.0003}
            - {weight_decay: 0.05}
            - {alpha_learning_rate: 0.01}

        """), "those of methods that are not in the plan are left out: \(plan.yaml)")
    let again = try ComparisonPlan(yaml: plan.yaml, from: "written")
    #expect(again.runs == plan.runs && again.yaml == plan.yaml && again.variants == plan.variants)
    #expect(try !self.plan("").yaml.contains("variants"))
    #expect(try self.plan("variants: null").yaml == self.plan("").yaml)
    // What another method has in common with them stays what it was.
    let grown = try ComparisonPlan(yaml: plan.yaml, from: "written", lists: .init(methods: [.darts1, .darts2, .rdartsL2]))
    #expect(grown.runs.last?.configuration.weightDecay == 0.0081)
  }

  @Test(
    "What is wrong with variants is named with file, method and what was found",
    arguments: [
      ("3", "test: setting variants: no mapping"), ("{darts: [{momentum: 0.5}]}", "test: setting variants: 'darts'"),
      ("{darts1: {momentum: 0.5}}", "test: setting variants darts1: no list"),
      ("{darts1: []}", "test: setting variants darts1: []"), ("{darts1: [3]}", "test: setting variants darts1: no mapping"),
      ("{darts1: [{}]}", "test: setting variants darts1: {}"),
      ("{darts1: [{sigma: 0.1}]}", "test: setting variants darts1: 'sigma'"),
      ("{darts1: [{momentum: 0.5, threads: 2}]}", "test: setting variants darts1: 'threads'"),
      ("{darts1: [{momentum: 0.5}, {seed: 2}]}", "test: variants: darts1: 2: 'seed'"),
      ("{darts1: [{momentom: 2}]}", "test: variants: darts1: 1: 'momentom'"),
      ("{darts1: [{momentum: x}]}", "test: variants: darts1: 1: setting momentum: 'x'"),
      ("{darts1: [{momentum: 1.5}]}", "setting momentum: 1.5"),
      (
        "{darts1: [{momentum: 0.5}, {epochs: 3}, {momentum: 5.0e-1}]}",
        "test: setting variants darts1: {momentum: 0.5} twice"
      ),
      (
        "{darts1: [{momentum: 0.9}, {weight_decay: 0.0003}]}",
        "test: setting variants darts1: {momentum: 0.9} and {weight_decay: 0.0003}"
      ),
    ])
  func refused(text: String, expected: String) throws {
    #expect(refusal { try plan("variants: \(text)") } == expected)
  }

  @Test("A variant whose weight decay grows may set the rule by which it does; others that have no such rule may not")
  func growing() throws {
    let grown = try plan("variants: {darts1: [{adaptive_decay_factor: 3, eigenvalue_every: 1, early_stop_start: 0}]}")
    #expect(grown.runs.first?.configuration.adaptiveRegularisation?.rule.start == 0)
    #expect(
      refusal { try plan("variants: {darts1: [{early_stop_start: 0}]}") }
        == "test: setting variants darts1: 'early_stop_start'")
  }

  @Test("Variants that differ in their epochs alone are one search where a budget of steps says how many") func budget()
    throws
  {
    let text = "variants: {darts1: [{epochs: 4}, {epochs: 5}]}"
    #expect(try plan(text).runs.count == 3)
    #expect(
      refusal { try plan(text, budget: .steps(nil)) } == "test: setting variants darts1: {epochs: 4} and {epochs: 5}")
  }

  @Test("Each run has the bytes of a search by itself, warm-ups are shared where they are the same")
  func bytesOfEach() throws {
    let folder = try ScratchFolder()
    let plan = try plan("variants: {darts1: \(Self.three)}")
    let rows = try compare(plan, in: folder.file("all"))
    #expect(rows.map(\.status) == [.finished, .finished, .finished, .finished], "\(rows.map(\.error))")
    let files = try ComparisonFolder(existing: folder.file("all"))
    for (index, run) in plan.runs.enumerated() {
      let alone = try search(Self.problem(run.configuration), run.configuration, in: folder.file("\(index)"))
      try expectSame(files.run(run), alone)
    }
    let ends = try plan.runs.map { try bytes(files.run($0).checkpointPath(epoch: 4)) }
    #expect(Set(ends).count == 4, "each setting has an effect")
    // Another weight decay is another warm-up; another rate of α is not.
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("all/warmups")).count == 2)
  }

  @Test("Tables tell variants apart, and have the column that says which only where there are any") func tables() throws {
    let folder = try ScratchFolder()
    let plan = try plan("variants: {darts1: \(Self.three)}", seeds: [1, 2, 3])
    let rows = try compare(plan, in: folder.file("all"))
    let files = try ComparisonFolder(existing: folder.file("all"))
    let table = try CSVTable(readingFrom: files.tablePath)
    #expect(table.columns == ComparisonRow.columns + ["variant"])
    #expect(try table.column("variant") == (0..<3).flatMap { _ in Self.names + [""] })
    let contenders = Self.names.map { "darts1 \($0)" } + ["darts2"]
    let summary = try CSVTable(readingFrom: files.summaryPath)
    let methods = try summary.column("method")
    #expect(methods.reduce(into: []) { if $0.last != $1 { $0.append($1) } } == contenders)
    #expect(try summary.integers("runs").allSatisfy { $0 == 3 })
    let tests = try ComparisonStatistics(of: rows).tests.filter { $0.quantity == .validationLoss }
    #expect(tests.map { "\($0.contender.name) - \($0.reference.name)" }.count == 6)
    let pair = try #require(tests.first { $0.contender.variant == Self.names[1] && $0.reference.variant == Self.names[0] })
    let differences = try [1, 2, 3].map { (seed: UInt64) -> Double in
      let losses = try Self.names[0...1].map { name in
        try #require(rows.first { $0.variant == name && $0.seed == seed }?.result?.record.validationLoss)
      }
      return losses[1] - losses[0]
    }
    #expect(pair.pairs == 3 && close(pair.difference, differences.reduce(0, +) / 3, .relative(1e-12)))
    _ = try compare(self.plan(""), in: folder.file("plain"))
    let plain = try ComparisonFolder(existing: folder.file("plain"))
    #expect(try CSVTable(readingFrom: plain.tablePath).columns == ComparisonRow.columns)
  }

  @Test("Jobs and ranks leave no trace", arguments: [1, 2]) func ranks(jobs: Int) throws {
    let folder = try ScratchFolder()
    let plan = try plan("variants: {darts1: \(Self.three)}", seeds: [1, 2])
    _ = try compare(plan, in: folder.file("one"))
    let rows = try ThreadTeam(size: 2).run { team in
      let crew = Crew(team: team, workers: jobs)
      return try ComparisonRun(of: plan, in: .create(at: folder.file("two")), jobs: jobs, makeProblem: Self.problem)
        .run(on: crew)
    } server: { team in
      try ComparisonServer(team: team, jobs: jobs, patience: 1, makeProblem: Self.problem).serve()
    }
    #expect(rows.allSatisfy { $0.status == .finished }, "\(rows.map(\.error))")
    let files = try ["one", "two"].map { try ComparisonFolder(existing: folder.file($0)) }
    for run in plan.runs { try expectSame(files[0].run(run), files[1].run(run)) }
    for path in [\ComparisonFolder.planPath, \.testsPath] {
      #expect(try bytes(files[0][keyPath: path]) == bytes(files[1][keyPath: path]))
    }
  }

  @Test("A comparison may grow by variants, whose runs join; without one that it has it is another") func growth() throws {
    let folder = try ScratchFolder()
    let small = try plan("variants: {darts1: [{weight_decay: 0.05}]}", methods: [.darts1])
    _ = try compare(small, in: folder.file("c"))
    let files = try ComparisonFolder(existing: folder.file("c"))
    let before = try bytes(files.run(small.runs[0]).metricsPath)
    let large = try plan("variants: {darts1: \(Self.three)}", methods: [.darts1])
    #expect(try compare(large, in: folder.file("c")).map(\.status) == [.finished, .finished, .finished])
    #expect(try bytes(files.run(small.runs[0]).metricsPath) == before)
    let place = "\(files.planPath): setting variants darts1: "
    #expect(
      refusal { try compare(small, in: folder.file("c")) } == place + "\(Self.names)")
    #expect(refusal { try compare(plan("", methods: [.darts1]), in: folder.file("c")) } == place + "\(Self.names)")
  }

  @Test("A comparison that goes on keeps what its variants set, whatever it was begun with") func goingOn() throws {
    let begun = try plan("method_settings: {darts1-es: {hessian: exact}}", methods: [.darts1ES])
    let plan = try plan("variants: {darts1-es: [{hessian: difference}, {momentum: 0.5}]}", methods: [.darts1ES])
    #expect(plan.runs.map(\.configuration.hessian) == [.difference, .difference], "what a file without it means")
    let continued = plan.goingOn(from: begun)
    #expect(continued.runs.map(\.configuration.hessian) == [.difference, .exact])
    #expect(continued.yaml.contains(" hessian: exact"), "and what they have in common is as it was begun")
  }
}
