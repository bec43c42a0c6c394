import Cells
import Compute
import Datasets
import Engine
import Formats
import Problems
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// Selections by perturbation against those of PyTorch in float64 (examples/pytorch/make_robust_golden.py, `selection_SPACE`): two
/// batches as one held-out set, nothing trained between decisions, `none` a candidate as in the public code.
@Suite struct ProjectionGoldenTests {
  struct Golden: CustomTestStringConvertible {
    let space: SearchSpace
    var testDescription: String { "\(space)" }
    static let all = [Golden(space: .s1), Golden(space: .s3)]

    func file() throws -> TensorFile { try TensorFile(readingFrom: GoldenFile.path("robust/selection_\(space)")) }

    var search: SearchConfiguration {
      var result = SearchConfiguration(method: .darts1, space: space, dataset: "tensors:/a/x.safetensors")
      (result.channels, result.layers, result.batch, result.threads) = (4, 3, 8, 2)
      return result
    }

    /// Both batches judge.
    func problem(_ file: TensorFile) throws -> ObservedProblem<SupernetProblem> {
      let loader = try BatchLoader(dataset: TensorDataset.load(file: file.path), seed: 0, batchSize: 8, threads: 2)
      let problem = ObservedProblem(
        try SupernetProblem(space: space, channels: 4, layers: 3, loader: loader, seed: 0, threads: 2))
      problem.splitBatches = try ["train", "valid"].map { split in
        ImageBatch(
          images: try file.floats("\(split).images"), labels: try file.integers("\(split).labels").map(Int32.init),
          channels: 3, height: 8, width: 8, noiseKey: 0)
      }
      return problem
    }

    /// The order of decisions of a file.
    func order(_ file: TensorFile) throws -> ProjectionOrder {
      ProjectionOrder(
        try ["normal", "reduce"].map { cell in
          try file.integers("order.\(cell)").map { .operation(edge: $0) }
            + file.integers("node_order.\(cell)").map { .edges(node: $0) }
        })
    }
  }

  @Test(
    "losses and right answers without each operation and each edge are PyTorch's", arguments: Golden.all)
  func removals(golden: Golden) throws {
    let file = try golden.file()
    let problem = try golden.problem(file)
    let checkpoint = try SearchCheckpoint(file, for: problem)
    let alphas = try #require(checkpoint.alphas)
    func found(_ removal: MixingRemoval?) throws -> BatchLoss {
      try problem.evaluateValidationSplit(weights: checkpoint.weights, alphas: alphas, without: removal)
    }
    let whole = try found(nil)
    #expect(close(whole.loss, try file.doubles("expect.loss")[0], .relative(1e-5)))
    #expect(try [whole.correct] == file.integers("expect.correct"))
    let width = golden.space.operations.operationsPerEdge
    for (kind, cell) in ["normal", "reduce"].enumerated() {
      let operations = try (0..<14 * width).map {
        try found(.operation(kind: kind, edge: $0 / width, column: $0 % width))
      }
      #expect(close(operations.map(\.loss), try file.doubles("expect.operations.loss.\(cell)"), .relative(1e-5)))
      #expect(try operations.map(\.correct) == file.integers("expect.operations.correct.\(cell)"))
      let edges = try (0..<14).map { try found(.edge(kind: kind, edge: $0)) }
      #expect(close(edges.map(\.loss), try file.doubles("expect.edges.loss.\(cell)"), .relative(1e-5)))
      #expect(try edges.map(\.correct) == file.integers("expect.edges.correct.\(cell)"))
    }
  }

  @Test(
    "a whole selection without training makes PyTorch's decisions, from PyTorch's numbers", arguments: Golden.all,
    [ProjectionSettings.Criterion.loss, .accuracy])
  func selection(golden: Golden, criterion: ProjectionSettings.Criterion) throws {
    let file = try golden.file()
    let problem = try golden.problem(file)
    let scratch = try ScratchFolder()
    var settings = ProjectionSettings()
    (settings.criterion, settings.tuneEpochs, settings.none) = (criterion, 0, true)
    let run = try ProjectionRun(
      starting: problem, from: SearchCheckpoint(file, for: problem), alphas: nil, search: golden.search, settings: settings,
      order: golden.order(file), copies: [], folder: { try .create(at: scratch.file("selection")) }, progress: .silent,
      stop: StopRequest())
    let genotype = try run.run()
    let rows = try run.files.rows()
    let prefix = "expect.by_\(criterion.rawValue)."
    let width = golden.space.operations.operationsPerEdge
    for (kind, cell) in golden.space.kinds.enumerated() {
      func values(_ rows: [RemovalRow]) -> [Double] {
        rows.compactMap { row in row.result.map { criterion == .loss ? $0.loss : Double($0.correct) } }
      }
      let own = rows.filter { $0.kind == cell.name }
      let tolerance = criterion == .loss ? Tolerance.relative(1e-5) : .absolute(0)
      // Of an edge in the order of its operations already.
      let operations = (0..<14).flatMap { edge -> [RemovalRow] in own.filter { $0.edge == edge && $0.operation != nil } }
      #expect(close(values(operations), try file.doubles(prefix + "operation_values.\(cell.name)"), tolerance))
      let chosen = operations.enumerated().filter { $1.isChosen }.map { $0.offset % width }
      #expect(try chosen == file.integers(prefix + "chosen.\(cell.name)"))
      let names = golden.space.operations.candidates[kind]
      #expect(operations.allSatisfy { names[$0.edge ?? 0].contains($0.operation ?? .none) })
      let edges = own.filter { $0.edge != nil && $0.operation == nil }.sorted { ($0.edge ?? 0) < ($1.edge ?? 0) }
      let expected = try file.doubles(prefix + "edge_values.\(cell.name)")
      #expect(edges.map(\.edge) == (2..<14).map { $0 } && expected.prefix(2).allSatisfy { $0 == -1 })
      #expect(close(values(edges), Array(expected.dropFirst(2)), tolerance))
      let kept = [0, 1] + edges.filter(\.isChosen).compactMap(\.edge)
      #expect(try kept == file.integers(prefix + "kept.\(cell.name)"))
    }
    let end = try problem.splitBatches?.map {
      try problem.evaluate(weights: SearchCheckpoint(file, for: problem).weights, genotype: genotype, batch: $0)
    }
    let batches = try #require(end)
    #expect(close(batches.reduce(0) { $0 + $1.loss } / 2, try file.doubles(prefix + "loss")[0], .relative(1e-5)))
    #expect(try [batches.reduce(0) { $0 + $1.correct }] == file.integers(prefix + "correct"))
  }
}
