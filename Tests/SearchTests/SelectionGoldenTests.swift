import Cells
import Compute
import Datasets
import Engine
import Formats
import Problems
import Search
import TestSupport
import Testing

/// Removals and whole selections by perturbation on two batches, against PyTorch in float64
/// (examples/pytorch/make_robust_golden.py), whose values and choices are those of the public program on the same weights
/// (scripts/judge_robust.py). Choices differ by 3e-4 in the loss or more, logits that decide by 1e-4; PyTorch itself in float32
/// is within 3e-7 of the losses.
@Suite("Selections by perturbation against PyTorch") struct SelectionGoldenTests {
  private struct Golden {
    let file: TensorFile
    let model: SupernetModel
    let weights: ParameterVector
    let alphas: ArchitectureParameters
    let batches: [ImageBatch]

    init(_ space: SearchSpace) throws {
      let file = try TensorFile(readingFrom: GoldenFile.path("robust/selection_\(space.rawValue)"))
      func number(_ key: String) throws -> Int { try #require(file.metadata[key].flatMap { Int($0) }) }
      let side = try number("image")
      model = try SupernetModel(
        architecture: SupernetArchitecture(
          space: space, channels: number("channels"), layers: number("layers"), imageSize: side),
        batch: number("batch"), threads: 2, kernels: Kernels.select())
      weights = try model.importVector(from: file, prefix: "")
      alphas = try ArchitectureParameters(from: file, like: space.zeroAlphas)
      batches = try ["train", "valid"].map { split in
        ImageBatch(
          images: try file.floats("\(split).images"), labels: try file.integers("\(split).labels").map(Int32.init),
          channels: 3, height: side, width: side, noiseKey: 0)
      }
      self.file = file
    }

    func values(_ name: String) throws -> [[Double]] { try alphas.kinds.map { try file.doubles("\(name).\($0.name)") } }
    func integers(_ name: String) throws -> [[Int]] { try alphas.kinds.map { try file.integers("\(name).\($0.name)") } }

    /// Over both batches, each with its own statistics.
    func evaluate(_ alphas: ArchitectureParameters, without removal: MixingRemoval? = nil) -> BatchLoss {
      batches.reduce(into: BatchLoss(loss: 0, correct: 0, count: 0)) { sum, batch in
        let found =
          removal.map { model.evaluate(weights: weights, alphas: alphas, without: $0, batch: batch) }
          ?? model.evaluate(weights: weights, alphas: alphas, batch: batch)
        sum.loss += found.loss / Double(batches.count)
        sum.correct += found.correct
        sum.count += batch.count
      }
    }
  }

  @Test(
    "Losses and correct images without each operation and each edge are those of PyTorch",
    arguments: [SearchSpace.s1, .s3])
  func removals(space: SearchSpace) throws {
    let golden = try Golden(space)
    let whole = golden.evaluate(golden.alphas)
    #expect(close(whole.loss, try golden.file.doubles("expect.loss", shape: [])[0], .absolute(2e-6)))
    #expect(whole.correct == (try golden.file.integers("expect.correct", shape: [])[0]))
    let operations = try (golden.values("expect.operations.loss"), golden.integers("expect.operations.correct"))
    let edges = try (golden.values("expect.edges.loss"), golden.integers("expect.edges.correct"))
    for (kind, matrix) in golden.alphas.matrices.enumerated() {
      for edge in 0..<matrix.rows {
        for column in 0..<matrix.operationColumns {
          let found = golden.evaluate(golden.alphas, without: .operation(kind: kind, edge: edge, column: column))
          let place = edge * matrix.operationColumns + column
          #expect(close(found.loss, operations.0[kind][place], .absolute(2e-6)), "\(kind), \(edge), \(column)")
          #expect(found.correct == operations.1[kind][place], "\(kind), \(edge), \(column)")
        }
        let found = golden.evaluate(golden.alphas, without: .edge(kind: kind, edge: edge))
        #expect(close(found.loss, edges.0[kind][edge], .absolute(2e-6)), "\(kind), \(edge)")
        #expect(found.correct == edges.1[kind][edge], "\(kind), \(edge)")
      }
    }
  }

  @Test(
    "A selection without training between chooses the operations and edges that the public program chooses",
    arguments: [SearchSpace.s1, .s3], [ProjectionSettings.Criterion.loss, .accuracy])
  func whole(space: SearchSpace, criterion: ProjectionSettings.Criterion) throws {
    let golden = try Golden(space)
    let by = "expect.by_\(criterion == .loss ? "loss" : "accuracy")"
    func value(_ result: BatchLoss) -> Double { criterion == .loss ? result.loss : Double(result.correct) }
    var alphas = golden.alphas
    let (order, chosen) = try (golden.integers("order"), golden.integers("\(by).chosen"))
    let seen = try golden.values("\(by).operation_values")
    for round in order[0].indices {
      for kind in alphas.kinds.indices {
        let (edge, columns) = (order[kind][round], alphas.matrices[kind].operationColumns)
        let results = (0..<columns).map {
          golden.evaluate(alphas, without: .operation(kind: kind, edge: edge, column: $0))
        }
        #expect(
          close(results.map(value), Array(seen[kind][edge * columns..<(edge + 1) * columns]), .absolute(2e-6)),
          "\(kind), \(edge)")
        let best = try #require(RemovalChoice.worst(results, by: criterion))
        #expect(best == chosen[kind][edge], "\(kind), \(edge)")
        for column in 0..<columns {
          alphas.matrices[kind][edge, column] = column == best ? 0 : ArchitectureParameters.Matrix.offLogit
        }
      }
    }
    let (nodes, kept) = try (golden.integers("node_order"), golden.integers("\(by).kept"))
    let lost = try golden.values("\(by).edge_values")
    for round in nodes[0].indices {
      for (kind, cell) in alphas.kinds.enumerated() {
        let node = nodes[kind][round]
        let edges = Array(cell.topology.edgesInto(node: node))
        let results = edges.map { golden.evaluate(alphas, without: .edge(kind: kind, edge: $0)) }
        #expect(close(results.map(value), edges.map { lost[kind][$0] }, .absolute(2e-6)), "\(kind), \(node)")
        let stay = RemovalChoice.kept(2, of: results, by: criterion).map { edges[$0] }
        #expect(stay == Array(kept[kind][2 * node..<2 * node + 2]), "\(kind), \(node)")
        for edge in edges where !stay.contains(edge) {
          for column in 0..<alphas.matrices[kind].operationColumns {
            alphas.matrices[kind][edge, column] = ArchitectureParameters.Matrix.offLogit
          }
        }
      }
    }
    let end = golden.evaluate(alphas)
    #expect(close(end.loss, try golden.file.doubles("\(by).loss", shape: [])[0], .absolute(2e-6)))
    #expect(end.correct == (try golden.file.integers("\(by).correct", shape: [])[0]))
  }
}
