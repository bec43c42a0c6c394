import Cells
import Compute
import Datasets
import Engine
import Formats
import Foundation
import Problems
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// Selections by perturbation of small supernets, from their first evaluation to their genotype.
@Suite struct ProjectionRunTests {
  private static func search(_ space: SearchSpace = .s2, betas: Bool = false) -> SearchConfiguration {
    var result = SearchConfiguration(method: .darts1, space: space, dataset: "tensors:/a/x.safetensors")
    (result.seed, result.epochs, result.channels, result.layers, result.batch) = (7, 1, 4, 3, 4)
    (result.threads, result.alphaLearningRate) = (1, 0.05)
    if betas { (result.channels, result.partialChannels, result.edgeNormalisation) = (8, 2, true) }
    return result
  }

  /// A finished search's checkpoint, read anew at each call: a selection takes its vectors over.
  private static func checkpoint(_ settings: SearchConfiguration, in scratch: ScratchFolder) throws -> SearchCheckpoint {
    let path = scratch.file("search")
    if !FileManager.default.fileExists(atPath: path) {
      try SearchSupport.search(noiseSupernet(settings), settings, in: path, space: settings.space)
    }
    return try SearchCheckpoint(
      readingFrom: SearchRunFolder(existing: path).checkpointPath(epoch: 1), for: noiseSupernet(settings))
  }

  private static func settings(tuneEpochs: Int = 1) -> ProjectionSettings {
    var result = ProjectionSettings()
    (result.tuneEpochs, result.learningRate, result.criterion) = (tuneEpochs, 0.01, .loss)
    return result
  }

  private static func begin(
    _ problem: ObservedProblem<SupernetProblem>, _ settings: ProjectionSettings, of search: SearchConfiguration,
    named name: String, in scratch: ScratchFolder, copies: [ObservedProblem<SupernetProblem>] = [],
    stop: StopRequest = StopRequest()
  ) throws -> ProjectionRun<ObservedProblem<SupernetProblem>> {
    try ProjectionRun(
      starting: problem, from: checkpoint(search, in: scratch), search: search, settings: settings, copies: copies,
      folder: { try .create(at: scratch.file(name)) }, stop: stop)
  }

  @Test(
    "every decision is that of a double loop over removals at the weights of its round",
    arguments: [ProjectionSettings.Criterion.loss, .accuracy])
  func bruteForce(criterion: ProjectionSettings.Criterion) throws {
    let (scratch, search) = (try ScratchFolder(), Self.search(.s3))
    var settings = Self.settings(tuneEpochs: 0)
    settings.criterion = criterion
    let run = try Self.begin(noiseSupernet(search), settings, of: search, named: "selection", in: scratch)
    let genotype = try run.run()
    let rows = try run.files.rows()
    let (problem, checkpoint) = (try noiseSupernet(search), try Self.checkpoint(search, in: scratch))
    let alphas = try #require(checkpoint.alphas)
    var decisions = EdgeDecisions(like: alphas)
    func loss(_ removal: MixingRemoval) throws -> BatchLoss {
      var sum = BatchLoss(loss: 0, correct: 0, count: 0)
      for index in 0..<problem.validationSplitCount {
        let found = problem.base.evaluate(
          weights: checkpoint.weights, alphas: decisions.applied(to: alphas), without: removal,
          batch: try problem.validationSplitBatch(index))
        sum.loss += found.loss * Double(found.count)
        sum.correct += found.correct
        sum.count += found.count
      }
      return BatchLoss(loss: sum.loss / Double(sum.count), correct: sum.correct, count: sum.count)
    }
    let order = ProjectionOrder(of: .darts, .random, seed: 0)
    for round in 0..<17 {
      for kind in 0..<2 {
        let own = rows.filter { $0.round == round + 1 && $0.kind == CellKind.darts(kind).name && $0.edge != nil }
        switch try #require(order.decision(round: round, kind: kind)) {
        case .operation(let edge):
          // Without `none`, which no derived cell keeps.
          let results = try [1, 2].map { try loss(.operation(kind: kind, edge: edge, column: $0)) }
          #expect(own.compactMap(\.result) == results && own.allSatisfy { $0.edge == edge })
          let isSecondWorse =
            criterion == .loss ? results[1].loss > results[0].loss : results[1].correct < results[0].correct
          decisions.edges[kind][edge] = .operation(isSecondWorse ? 2 : 1)
          #expect(own.map(\.isChosen) == [!isSecondWorse, isSecondWorse])
        case .edges(let node):
          let edges = Array(CellTopology.darts.edgesInto(node: node))
          let results = try edges.map { try loss(.edge(kind: kind, edge: $0)) }
          #expect(own.compactMap(\.result) == results && own.map(\.edge) == edges)
          let kept = RemovalChoice.kept(2, of: results, by: criterion)
          #expect(own.indices.filter { own[$0].isChosen } == kept)
          for place in edges.indices where !kept.contains(place) { decisions.edges[kind][edges[place]] = .removed }
        }
      }
    }
    #expect(try genotype == Genotype(alphas: decisions.applied(to: alphas), space: .s3))
    #expect(try run.files.genotype() == genotype)
    #expect(try run.files.argmax() == Genotype(alphas: alphas, space: .s3))
    #expect(!FileManager.default.fileExists(atPath: scratch.file("selection/removals-journal.csv")))
  }

  @Test(
    "by magnitude and without training the architecture is the argmax rule's",
    arguments: [
      SearchSpace.s1, .s3, .s6, .nb201,
    ])
  func magnitude(space: SearchSpace) throws {
    let (scratch, search) = (try ScratchFolder(), Self.search(space))
    var settings = Self.settings(tuneEpochs: 0)
    settings.selection = .magnitude
    let problem = try noiseSupernet(search)
    let run = try Self.begin(problem, settings, of: search, named: "selection", in: scratch)
    let genotype = try run.run()
    #expect(SelectionDifference(argmax: try run.files.argmax(), selected: genotype).edges.isEmpty)
    #expect(problem.evaluations == 0)
  }

  @Test("NAS-Bench-201 keeps every edge, with an operation of its own that may be none")
  func everyEdge() throws {
    let (scratch, search) = (try ScratchFolder(), Self.search(.nb201))
    let run = try Self.begin(
      noiseSupernet(search), Self.settings(tuneEpochs: 0), of: search, named: "selection", in: scratch)
    let genotype = try run.run()
    let rows = try run.files.rows()
    #expect(rows.map(\.round).max() == 6 && rows.count { $0.edge == nil } == 6 && rows.count == 36)
    #expect(genotype.cells[0].edges.count == 6)
    for (edge, operation) in zip(genotype.cells[0].rows, genotype.cells[0].edges.map(\.operation)) {
      #expect(rows.first { $0.edge == edge && $0.isChosen }?.operation == operation)
    }
  }

  @Test(
    "a selection that is stopped anywhere and goes on ends with the same bytes",
    arguments: [
      // Calls of the problem: within the first round and at its end, in the training after it, in the validation after that,
      // in later rounds, and in the last of 486, which nothing follows.
      3, 17, 20, 25, 60, 330, 470,
    ])
  func stopped(calls: Int) throws {
    let (scratch, search) = (try ScratchFolder(), Self.search())
    let settings = Self.settings()
    let whole = try Self.begin(noiseSupernet(search), settings, of: search, named: "whole", in: scratch)
    let genotype = try whole.run()
    let problem = try noiseSupernet(search)
    let stop = StopRequest()
    problem.interfere = {
      if $0 == calls { stop.request(signal: SIGINT) }
      return nil
    }
    let broken = try Self.begin(problem, settings, of: search, named: "broken", in: scratch, stop: stop)
    let error = #expect(throws: Interruption.self) { try broken.run() }
    #expect(FileManager.default.fileExists(atPath: try #require(error).checkpoint))
    let again = try noiseSupernet(search)
    let run = try ProjectionRun(continuing: again, folder: broken.files.folder, search: search)
    #expect(try run.run() == genotype)
    for name in ["removals.csv", "genotype.txt", "argmax.txt", "config.yaml", "search.yaml"] {
      #expect(try bytes(whole.files.folder.file(name)) == bytes(broken.files.folder.file(name)), "\(name)")
    }
    for epoch in [0, 1, 8, 16] {
      let (first, second) = (whole.files.checkpointPath(epoch: epoch), broken.files.checkpointPath(epoch: epoch))
      let (a, b) = (try TensorFile(readingFrom: first), try TensorFile(readingFrom: second))
      #expect(a.tensors.mapValues(\.values) == b.tensors.mapValues(\.values), "epoch \(epoch)")
      #expect(a.metadata["selection_rounds"] == b.metadata["selection_rounds"])
    }
    let (rows, other) = (try whole.files.metrics(), try broken.files.metrics())
    #expect(rows.map(\.trainingLoss) == other.map(\.trainingLoss) && rows.count == 16)
    #expect(rows.map(\.validationLoss) == other.map(\.validationLoss))
    #expect(rows.last?.decidedEdges == 28)
  }

  @Test("evaluations that were made are not made again") func journal() throws {
    let (scratch, search) = (try ScratchFolder(), Self.search())
    let settings = Self.settings(tuneEpochs: 0)
    let problem = try noiseSupernet(search)
    let whole = try Self.begin(problem, settings, of: search, named: "whole", in: scratch)
    let genotype = try whole.run()
    let all = problem.evaluations
    // A round has 2 × 3 evaluations of 3 batches for each kind of cell: 14 of them, then 4, 5 and 6.
    #expect(all == 3 * 2 * (14 * 3 + 4 + 5 + 6))
    let stop = StopRequest()
    let first = try noiseSupernet(search)
    first.interfere = {
      if $0 == 100 { stop.request() }
      return nil
    }
    let broken = try Self.begin(first, settings, of: search, named: "broken", in: scratch, stop: stop)
    #expect(throws: Interruption.self) { try broken.run() }
    let second = try noiseSupernet(search)
    #expect(try ProjectionRun(continuing: second, folder: broken.files.folder, search: search).run() == genotype)
    // The evaluation of three batches that the stop came into is made anew.
    #expect(first.evaluations + second.evaluations <= all + 3 && second.evaluations < all)
    // A finished one has nothing left to evaluate.
    let third = try noiseSupernet(search)
    #expect(try ProjectionRun(continuing: third, folder: whole.files.folder, search: search).run() == genotype)
    #expect(third.evaluations == 0)
  }

  @Test("copies of the problem that evaluate side by side, on other threads, change no byte") func copies() throws {
    let (scratch, search) = (try ScratchFolder(), Self.search(.s3, betas: true))
    let settings = Self.settings()
    let alone = try Self.begin(noiseSupernet(search), settings, of: search, named: "alone", in: scratch)
    let genotype = try alone.run()
    let copies = try (0..<3).map { _ in try noiseSupernet(search, threads: 1) }
    let together = try Self.begin(
      noiseSupernet(search, threads: 2), settings, of: search, named: "together", in: scratch, copies: copies)
    #expect(try together.run() == genotype)
    #expect(copies.count { $0.evaluations > 0 } > 0)
    #expect(try bytes(alone.files.tablePath) == bytes(together.files.tablePath))
    #expect(try bytes(alone.files.checkpointPath(epoch: 16)) == bytes(together.files.checkpointPath(epoch: 16)))
  }

  @Test("training between decisions changes what is decided on, and α moves only where it is open") func tuning() throws {
    let (scratch, search) = (try ScratchFolder(), Self.search())
    let tuned = try Self.begin(noiseSupernet(search), Self.settings(), of: search, named: "tuned", in: scratch)
    try tuned.run()
    let plain = try Self.begin(
      noiseSupernet(search), Self.settings(tuneEpochs: 0), of: search, named: "plain", in: scratch)
    try plain.run()
    let (first, second) = (try tuned.files.rows(), try plain.files.rows())
    #expect(first.count == second.count)
    #expect(zip(first, second).allSatisfy { $0.round > 1 || $0.result == $1.result }, "nothing is trained before the first")
    #expect(zip(first, second).contains { $0.round == 2 && $0.result != $1.result })
    var fixed = Self.settings()
    fixed.alphaUpdates = .none
    let still = try Self.begin(noiseSupernet(search), fixed, of: search, named: "still", in: scratch)
    try still.run()
    let start = try #require(try Self.checkpoint(search, in: scratch).alphas)
    let last = try TensorFile(readingFrom: still.files.checkpointPath(epoch: 16))
    #expect(try last.floats("selection.alphas_normal") == start.normal.values)
    let moved = try TensorFile(readingFrom: tuned.files.checkpointPath(epoch: 16))
    #expect(try moved.floats("selection.alphas_normal") != start.normal.values)
    // What the network has: one operation at 0 in the rows that are decided, and removed edges off.
    #expect(try moved.floats("alphas_normal").allSatisfy { $0 == 0 || $0 == ArchitectureParameters.Matrix.offLogit })
    let rates = try tuned.files.metrics().map(\.learningRate)
    #expect(rates == [Double](repeating: 0.01, count: 16))
  }

  @Test("weights are tuned with the weight decay that a search ended with, not that of its settings, resumed too")
  func raisedWeightDecay() throws {
    let (scratch, search) = (try ScratchFolder(), Self.search())
    var settings = Self.settings()
    settings.selection = .magnitude
    func raised() throws -> SearchCheckpoint {
      let file = try Self.checkpoint(search, in: scratch).file
      return try SearchCheckpoint(
        TensorFile(
          path: file.path, metadata: file.metadata.merging(["weight_decay": "0.5"]) { $1 },
          tensors: Array(file.tensors.values)), for: noiseSupernet(search))
    }
    func select(
      _ checkpoint: SearchCheckpoint, _ search: SearchConfiguration, _ name: String, stop: StopRequest = StopRequest()
    ) throws -> ProjectionRun<ObservedProblem<SupernetProblem>> {
      let problem = try noiseSupernet(search)
      // Within the training between the first decisions.
      problem.interfere = {
        if $0 == 10, name == "broken" { stop.request(signal: SIGINT) }
        return nil
      }
      return try ProjectionRun(
        starting: problem, from: checkpoint, search: search, settings: settings,
        folder: { try .create(at: scratch.file(name)) }, stop: stop)
    }
    func last(_ name: String) throws -> [String: NamedTensor.Values] {
      let folder = ProjectionFolder(try .existing(at: scratch.file(name)))
      return try TensorFile(readingFrom: folder.checkpointPath(epoch: 16)).tensors.mapValues(\.values)
    }
    var strong = search
    strong.weightDecay = 0.5
    try select(raised(), search, "raised").run()
    try select(Self.checkpoint(search, in: scratch), strong, "strong").run()
    try select(Self.checkpoint(search, in: scratch), search, "plain").run()
    #expect(try last("raised") == last("strong") && last("raised") != last("plain"))
    let broken = try select(raised(), search, "broken")
    #expect(throws: Interruption.self) { try broken.run() }
    try ProjectionRun(continuing: noiseSupernet(search), folder: broken.files.folder, search: search).run()
    #expect(try last("broken") == last("raised"))
  }

  @Test("the learning rate falls along a cosine where it is to") func cosine() throws {
    let (scratch, search) = (try ScratchFolder(), Self.search(.nb201))
    var settings = Self.settings()
    (settings.learningRateDecay, settings.minimumLearningRate, settings.alphaUpdates) = (.cosine, 0.002, .none)
    let run = try Self.begin(noiseSupernet(search), settings, of: search, named: "selection", in: scratch)
    try run.run()
    let expected = (0..<5).map { 0.002 + 0.008 * (1 + cos(Double.pi * Double($0) / 5)) / 2 }
    #expect(close(try run.files.metrics().map(\.learningRate), expected, .ulps(8)))
  }

  @Test("the gradient of decided rows of α is exactly 0") func decidedGradient() throws {
    let (scratch, search) = (try ScratchFolder(), Self.search(.s3))
    let (problem, checkpoint) = (try noiseSupernet(search), try Self.checkpoint(search, in: scratch))
    let alphas = try #require(checkpoint.alphas)
    var decisions = EdgeDecisions(like: alphas)
    decisions.edges[0][4] = .operation(1)
    decisions.edges[1][2] = .removed
    let found = problem.base.gradient(
      weights: checkpoint.weights, alphas: decisions.applied(to: alphas), batch: try problem.validationSplitBatch(0),
      weightGradient: nil, wantsAlphaGradient: true, statistics: nil)
    let gradient = try #require(found.alphas)
    #expect(gradient.normal.values[12..<15].allSatisfy { $0 == 0 } && gradient.reduce.values[6..<9].allSatisfy { $0 == 0 })
    #expect(gradient.normal.values.contains { $0 != 0 })
  }

  @Test("an architecture that is chosen already, settings out of range, and other settings at the checkpoint are refused")
  func refusals() throws {
    let (scratch, search) = (try ScratchFolder(), Self.search())
    let checkpoint = try Self.checkpoint(search, in: scratch)
    var stream = RandomStream(seed: 1, purpose: .test)
    let chosen = SearchSpace.s2.randomArchitecture(from: &stream)
    let problem = try noiseSupernet(search)
    let nothing = #expect(throws: InputError.self) {
      try ProjectionRun(
        starting: problem, from: checkpoint, alphas: chosen, search: search, settings: Self.settings(),
        folder: { try .create(at: scratch.file("chosen")) })
    }
    #expect(nothing?.found == "an architecture whose other edges are switched off")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("chosen")))
    // There every edge is kept, so that none is switched off.
    let (elsewhere, stages) = (try ScratchFolder(), Self.search(.nb201))
    let drawn = SearchSpace.nb201.randomArchitecture(from: &stream)
    let single = #expect(throws: InputError.self) {
      try ProjectionRun(
        starting: noiseSupernet(stages), from: Self.checkpoint(stages, in: elsewhere), alphas: drawn, search: stages,
        settings: Self.settings(), folder: { try .create(at: scratch.file("chosen")) })
    }
    #expect(single?.found == "an architecture, a single operation on every edge")
    for (key, change) in [
      ("tune_epochs", { $0.tuneEpochs = -1 }), ("validation_batches", { $0.validationBatches = -2 }),
      ("learning_rate", { $0.learningRate = 0 }),
      ("minimum_learning_rate", { $0.minimumLearningRate = .nan }),
      ("minimum_learning_rate", { ($0.learningRateDecay, $0.minimumLearningRate) = (.cosine, 1) }),
    ] as [(String, (inout ProjectionSettings) -> Void)] {
      var settings = Self.settings()
      change(&settings)
      let error = #expect(throws: InputError.self) { try settings.validate() }
      #expect(error?.place == .setting(key), "\(key)")
    }
    let run = try Self.begin(problem, Self.settings(tuneEpochs: 0), of: search, named: "selection", in: scratch)
    let unfinished = #expect(throws: InputError.self) { try run.files.genotype() }
    #expect(unfinished?.found == "a selection that is not finished")
    try run.run()
    let path = run.files.configurationPath
    let text = try String(contentsOfFile: path, encoding: .utf8)
    func goOn() -> InputError? {
      let error = #expect(throws: InputError.self) {
        try ProjectionRun(continuing: noiseSupernet(search), folder: run.files.folder, search: search)
      }
      return error
    }
    try text.replacing("criterion: loss", with: "criterion: accuracy").write(toFile: path, atomically: true, encoding: .utf8)
    let other = goOn()
    #expect(other?.place == .setting("criterion", in: path) && other?.found == "accuracy")
    try text.replacing("criterion: loss", with: "criterion: luck").write(toFile: path, atomically: true, encoding: .utf8)
    let wrong = goOn()
    #expect(wrong?.place == .setting("criterion", in: path) && wrong?.found == "'luck'")
    try (text + "colour: red\n").write(toFile: path, atomically: true, encoding: .utf8)
    #expect(goOn()?.found == "'colour'")
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    var changed = search
    changed.weightDecay = 0.5
    let moved = #expect(throws: InputError.self) {
      try ProjectionRun(continuing: noiseSupernet(search), folder: run.files.folder, search: changed)
    }
    #expect(moved?.place.setting == "weight_decay")
  }

  @Test("rows that a checkpoint has behind it must be in the table") func missingRows() throws {
    let (scratch, search) = (try ScratchFolder(), Self.search())
    let run = try Self.begin(noiseSupernet(search), Self.settings(), of: search, named: "selection", in: scratch)
    try run.run()
    let lines = try String(contentsOfFile: run.files.tablePath, encoding: .utf8).split(separator: "\n")
    try (lines.filter { !$0.hasPrefix("3,") }.joined(separator: "\n") + "\n")
      .write(toFile: run.files.tablePath, atomically: true, encoding: .utf8)
    let error = #expect(throws: InputError.self) {
      try ProjectionRun(continuing: noiseSupernet(search), folder: run.files.folder, search: search)
    }
    #expect(error?.place == .file(run.files.tablePath) && error?.found == "no rows of round 3")
  }

  @Test("a loss that is not finite ends the selection with the cells and the edge") func divergence() throws {
    let (scratch, search) = (try ScratchFolder(), Self.search())
    let problem = try noiseSupernet(search)
    problem.interfere = { $0 == 4 ? .nan : nil }
    let run = try Self.begin(problem, Self.settings(), of: search, named: "selection", in: scratch)
    let error = #expect(throws: Divergence.self) { try run.run() }
    #expect("\(try #require(error))".contains("of the normal cells removed"))
  }
}

extension CellKind {
  fileprivate static func darts(_ index: Int) -> CellKind { [CellKind].darts[index] }
}
