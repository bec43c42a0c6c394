import Cells
import TestSupport
import Testing

@Suite("Stages of a progressive search, by their tensors") struct StageEvidenceTests {
  /// Shapes of what a network of three cells (normal, reduction, reduction) shows of its operations, by the rules of the public
  /// state_dict: depthwise kernels of convolutions, factorised reductions, batch norms of pools.
  private func shapes(of operations: EdgeOperations, pools: Bool = true) -> [String: [Int]] {
    var result: [String: [Int]] = pools ? ["cells.0.preprocess0.op.2.running_mean": [4]] : [:]
    for cell in 0..<3 {
      let isReduction = cell > 0
      for (edge, candidates) in operations.candidates[isReduction ? 1 : 0].enumerated() {
        let isStrided = isReduction && CellTopology.darts.edges[edge].source < 2
        for (column, operation) in candidates.enumerated() {
          let name = "cells.\(cell)._ops.\(edge)._ops.\(column)"
          switch operation {
          case .separableConv3x3, .separableConv5x5:
            let kernel = operation == .separableConv3x3 ? 3 : 5
            result["\(name).op.1.weight"] = [4, 1, kernel, kernel]
            result["\(name).op.5.weight"] = [4, 1, kernel, kernel]
          case .dilatedConv3x3, .dilatedConv5x5:
            let kernel = operation == .dilatedConv3x3 ? 3 : 5
            result["\(name).op.1.weight"] = [4, 1, kernel, kernel]
          case .maxPool3x3, .averagePool3x3: if pools { result["\(name).1.running_mean"] = [4] }
          case .skipConnect: if isStrided { result["\(name).conv_1.weight"] = [2, 4, 1, 1] }
          default: break
          }
        }
      }
    }
    return result
  }

  private func every(_ normal: [CellOperation], _ reduce: [CellOperation]? = nil) throws -> EdgeOperations {
    try EdgeOperations(
      normal: Array(repeating: normal, count: 14), reduce: Array(repeating: reduce ?? normal, count: 14))
  }

  @Test("are told where the order of the space leaves no choice") func inferred() throws {
    let cases: [[CellOperation]] = [
      [.none, .maxPool3x3, .averagePool3x3], [.maxPool3x3, .averagePool3x3, .skipConnect],
      [.none, .maxPool3x3, .averagePool3x3, .skipConnect, .dilatedConv5x5],
      [.none, .skipConnect, .separableConv3x3], [.separableConv3x3, .dilatedConv3x3, .dilatedConv5x5],
    ]
    for operations in cases {
      let kept = try every(operations)
      let stage = try #require(StageEvidence(shapes: shapes(of: kept), of: .s5))
      #expect(stage.operations == kept && stage.openEdge == nil && stage.operationsPerEdge == operations.count)
    }
  }

  @Test("are left open where pools, or none and a skip connection, look alike, and a log's switches decide") func open()
    throws
  {
    let kept = try every([.maxPool3x3, .separableConv3x3, .dilatedConv3x3])
    let stage = try #require(StageEvidence(shapes: shapes(of: kept), of: .s5))
    #expect(stage.operations == nil)
    #expect(
      stage.openEdge == "edge 0 of the normal cell may be max_pool_3x3 sep_conv_3x3 dil_conv_3x3, "
        + "or avg_pool_3x3 sep_conv_3x3 dil_conv_3x3")
    #expect(stage.allows(kept))
    #expect(try stage.allows(every([.averagePool3x3, .separableConv3x3, .dilatedConv3x3])))
    #expect(try !stage.allows(every([.maxPool3x3, .separableConv5x5, .dilatedConv3x3])))
    #expect(try !stage.allows(every([.maxPool3x3, .separableConv3x3])))
    // A skip connection that halves the resolution has weights; the normal cell's has none.
    let skip = try every([.skipConnect, .separableConv3x3])
    let stageOfSkips = try #require(StageEvidence(shapes: shapes(of: skip), of: .s5))
    #expect(stageOfSkips.operations == nil && stageOfSkips.allows(skip))
    #expect(try !stageOfSkips.allows(every([.none, .separableConv3x3])))
    #expect(try stageOfSkips.allows(every([.none, .separableConv3x3], [.skipConnect, .separableConv3x3])))
  }

  @Test("are none where the tensors are of a whole space, of other operations, or none at all") func others() throws {
    #expect(StageEvidence(shapes: shapes(of: SearchSpace.s5.operations), of: .s5) == nil)
    #expect(StageEvidence(shapes: [:], of: .s5) == nil && StageEvidence(shapes: [:], of: .nb201) == nil)
    var strange = try shapes(of: every([.separableConv3x3, .dilatedConv3x3]))
    strange["cells.0._ops.0._ops.0.op.1.weight"] = [4, 1, 7, 7]
    #expect(StageEvidence(shapes: strange, of: .s5) == nil)
    // Without running statistics a pool shows nothing, as none does.
    let bare = try #require(StageEvidence(shapes: shapes(of: every([.none, .separableConv3x3]), pools: false), of: .s5))
    #expect(bare.operations == nil)
    #expect(try bare.allows(every([.maxPool3x3, .separableConv3x3])))
    // α says how many columns there are where the last of them have no weights.
    var pools = try shapes(of: every([.maxPool3x3, .skipConnect], [.maxPool3x3, .skipConnect]))
    pools["alphas_normal"] = [14, 2]
    #expect(StageEvidence(shapes: pools, of: .s5)?.operationsPerEdge == 2)
  }

  /// A line of the log of P-DARTS.
  private func line(_ cell: String, _ kept: [[CellOperation]]) -> String {
    let rows = kept.map { edge in
      "[" + SearchSpace.s5.normal[0].map { edge.contains($0) ? "True" : "False" }.joined(separator: ", ") + "]"
    }
    return "07/01 10:00:00 AM switches_\(cell) = [\(rows.joined(separator: ", "))]\n"
  }

  @Test("have their switches in the log of P-DARTS, stage by stage; others' logs are refused by line") func switches() throws
  {
    let five = try every([.none, .maxPool3x3, .skipConnect, .separableConv3x3, .dilatedConv5x5])
    let three = try every([.maxPool3x3, .skipConnect, .separableConv3x3], [.none, .skipConnect, .separableConv3x3])
    var text = "epoch 0\n"
    for stage in [five, three] {
      text +=
        "------Dropping 3 paths------\n" + line("normal", stage.normal) + "edge 0: none\n" + line("reduce", stage.reduce)
    }
    // The derived cells: edges without an operation.
    let last = Array(repeating: [CellOperation.skipConnect], count: 13) + [[]]
    text += line("normal", last) + line("reduce", last)
    #expect(try EdgeOperations.switches(inLog: text, of: .s5, path: "log.txt") == [five, three])
    #expect(
      refusal { try EdgeOperations.switches(inLog: "epoch 0", of: .s5, path: "log.txt") }?
        .hasPrefix("log.txt: no line with 'switches_normal = [[") == true)
    let short = "a\n" + line("normal", Array(repeating: [.none], count: 13))
    #expect(
      refusal { try EdgeOperations.switches(inLog: short, of: .s5, path: "log.txt") }
        == "log.txt: line 2: 13 edges of 8 operations")
  }
}
