import Cells
import Compute
import Engine
import Formats
import Problems
import Search
import TestSupport
import Testing

/// Orders, decisions and choices of a selection by perturbation, without a run.
@Suite struct ProjectionChoiceTests {
  private func result(_ loss: Double, _ correct: Int) -> BatchLoss { BatchLoss(loss: loss, correct: correct, count: 10) }

  @Test("the removal that hurts most has the least accuracy or the largest loss, and of equals is the first")
  func worst() {
    let results = [result(1, 5), result(3, 4), result(3, 4), result(2, 4)]
    #expect(RemovalChoice.worst(results, by: .accuracy) == 1)
    #expect(RemovalChoice.worst(results, by: .loss) == 1)
    #expect(RemovalChoice.worst([result(2, 7), result(1, 6)], by: .accuracy) == 1)
    #expect(RemovalChoice.worst([result(2, 7), result(1, 6)], by: .loss) == 0)
    #expect(RemovalChoice.worst([], by: .loss) == nil)
  }

  /// The public code's loop, written out: while there are too many, the last of those whose removal hurts least goes.
  private func loop(_ count: Int, _ results: [BatchLoss], _ criterion: ProjectionSettings.Criterion) -> [Int] {
    var left = Array(results.indices)
    while left.count > count {
      var gone = left[0]
      for place in left {
        let isNoWorse =
          criterion == .accuracy
          ? results[place].correct >= results[gone].correct : results[place].loss <= results[gone].loss
        if isNoWorse { gone = place }
      }
      left.removeAll { $0 == gone }
    }
    return left
  }

  @Test(
    "edges that stay are those of the public code's loop, equals included",
    arguments: [
      ProjectionSettings.Criterion.accuracy, .loss,
    ])
  func kept(criterion: ProjectionSettings.Criterion) {
    var stream = RandomStream(seed: 1, purpose: .test)
    for _ in 0..<200 {
      let results = (0..<3 + stream.integer(below: 3)).map { _ in
        result(Double(stream.integer(below: 3)), stream.integer(below: 3))
      }
      #expect(RemovalChoice.kept(2, of: results, by: criterion) == loop(2, results, criterion))
    }
    #expect(RemovalChoice.kept(2, of: [result(1, 1), result(1, 1), result(1, 1)], by: criterion) == [0, 1])
  }

  @Test("every edge has its turn once, then every node with edges to lose, in an order of each kind of cell's own")
  func order() {
    let kinds = SearchSpace.s1.kinds
    let numbered = ProjectionOrder(of: kinds, .number, seed: 1)
    let edges = (0..<14).map { ProjectionOrder.Decision.operation(edge: $0) }
    let nodes = (1..<4).map { ProjectionOrder.Decision.edges(node: $0) }
    #expect(numbered.decisions == [edges + nodes, edges + nodes] && numbered.count == 17)
    let random = ProjectionOrder(of: kinds, .random, seed: 1)
    for decisions in random.decisions {
      #expect(edges.allSatisfy(decisions.prefix(14).contains) && nodes.allSatisfy(decisions.dropFirst(14).contains))
    }
    #expect(random.decisions[0] != edges + nodes && random.decisions[0] != random.decisions[1])
    #expect(random == ProjectionOrder(of: kinds, .random, seed: 1))
    #expect(random != ProjectionOrder(of: kinds, .random, seed: 2))
    #expect(random.decision(round: 17, kind: 0) == nil)
    // Every edge of NAS-Bench-201 stays.
    let table = ProjectionOrder(of: SearchSpace.nb201.kinds, .random, seed: 1)
    #expect(table.count == 6 && !table.decisions[0].contains { if case .edges = $0 { true } else { false } })
  }

  @Test("a decided edge mixes with 1 and 0 exactly, a removed one with 0, others as before")
  func decisions() throws {
    var alphas = SearchSpace.s3.zeroAlphas
    var stream = RandomStream(seed: 2, purpose: .test)
    alphas.flat = alphas.flat.map { _ in Float(stream.normal()) }
    var decisions = EdgeDecisions(like: alphas)
    #expect(decisions.applied(to: alphas) == alphas && decisions.decidedCount == 0)
    decisions.edges[0][3] = .operation(2)
    decisions.edges[1][13] = .removed
    let found = decisions.applied(to: alphas)
    let (normal, reduce) = (found.normal.strengths().map(Float.init), found.reduce.strengths().map(Float.init))
    #expect(normal[9..<12].elementsEqual([0, 0, 1]) && reduce[39..<42].allSatisfy { $0 == 0 })
    let (before, after) = (alphas.normal.strengths(), found.normal.strengths())
    #expect(before.indices.allSatisfy { (9..<12).contains($0) || before[$0] == after[$0] })
    #expect(decisions.decidedCount == 2)
    let file = TensorFile(path: "memory", metadata: [:], tensors: decisions.tensors(alphas.kinds))
    #expect(try EdgeDecisions(from: file, like: alphas) == decisions)
  }

  @Test("a checkpoint that names no operation of an edge is refused with the tensor and the number")
  func damagedDecisions() throws {
    let alphas = SearchSpace.s2.zeroAlphas
    var tensors = EdgeDecisions(like: alphas).tensors(alphas.kinds)
    tensors[1] = NamedTensor(name: tensors[1].name, shape: [14], values: .int64([2] + [Int64](repeating: -1, count: 13)))
    let error = #expect(throws: InputError.self) {
      try EdgeDecisions(from: TensorFile(path: "memory", metadata: [:], tensors: tensors), like: alphas)
    }
    #expect(error?.place == .file("memory", "selection.decided_reduce") && error?.found == "2")
  }

  @Test("two architectures differ where an edge has another operation, or only one of them keeps it")
  func difference() throws {
    func genotype(_ first: String) throws -> Genotype {
      let rest =
        "('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1), "
        + "('skip_connect', 0), ('skip_connect', 1)], "
      return try Genotype(
        parsing: "Genotype(normal=[\(first), \(rest)normal_concat=range(2, 6), reduce=[('skip_connect', 0), \(rest)"
          + "reduce_concat=range(2, 6))")
    }
    let argmax = try genotype("('skip_connect', 0)")
    #expect(SelectionDifference(argmax: argmax, selected: argmax).edges.isEmpty)
    let other = SelectionDifference(argmax: argmax, selected: try genotype("('sep_conv_3x3', 0)"))
    #expect(other.edges.count == 1 && other.count(in: .normal) == 1 && other.count(in: .reduce) == 0)
    let edge = try #require(other.edges.first)
    #expect(edge.row == 0 && edge.node == 0 && edge.argmax == .skipConnect && edge.selected == .separableConv3x3)
    // The order of a node's edges says nothing.
    var turned = argmax
    turned.cells[0].edges.swapAt(0, 1)
    #expect(SelectionDifference(argmax: argmax, selected: turned).edges.isEmpty)
    var moved = argmax
    moved.cells[0].edges[3].source = 2
    let kept = SelectionDifference(argmax: argmax, selected: moved).edges
    #expect(
      kept.map(\.row) == [3, 4] && kept.map(\.argmax) == [.skipConnect, nil] && kept.map(\.selected) == [nil, .skipConnect])
  }
}
