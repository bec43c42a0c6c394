import Cells
import Compute
import Formats
import Foundation
import TestSupport
import Testing

@Suite struct EdgeOperationsTests {
  private func alphas(_ space: SearchSpace, edges: Bool = false, seed: UInt64 = 1) -> ArchitectureParameters {
    var stream = RandomStream(seed: seed, purpose: .test)
    var result = space.operations.zeroAlphas(edgeNormalisation: edges)
    result.flat = stream.normals(result.count).map(Float.init)
    return result
  }

  @Test("operations that are kept are the strongest, in their order", arguments: [1, 3, 5, 8])
  func strongest(count: Int) throws {
    let alphas = alphas(.s5)
    let kept = try SearchSpace.s5.operations.strongest(count, alphas: alphas)
    #expect(kept.operationsPerEdge == count && kept.normal.count == 14)
    for (cell, matrix) in [(kept.normal, alphas.normal), (kept.reduce, alphas.reduce)] {
      for (row, operations) in cell.enumerated() {
        let all = SearchSpace.s5.normal[row]
        let columns = operations.compactMap { all.firstIndex(of: $0) }
        #expect(columns == columns.sorted())
        let least = columns.map { matrix[row, $0] }.min() ?? 0
        #expect(all.indices.filter { !columns.contains($0) }.allSatisfy { matrix[row, $0] <= least })
      }
    }
    // Of equals the later stay.
    let equal = try SearchSpace.s5.operations.strongest(count, alphas: SearchSpace.s5.zeroAlphas)
    #expect(equal.normal[0] == Array(SearchSpace.s5.normal[0].suffix(count)))
  }

  @Test("operations that no supernet can have are refused")
  func refusals() throws {
    let operations = SearchSpace.s2.operations
    let uneven = [[CellOperation.skipConnect]] + operations.normal.dropFirst()
    let twice = [[CellOperation.skipConnect, .skipConnect]] + operations.normal.dropFirst()
    for (normal, place) in [
      (uneven, "[1]: skip_connect, sep_conv_3x3"), (twice, "[0]: skip_connect, skip_connect"),
      (Array(operations.normal.dropFirst()), ": 13"), (Array(repeating: [], count: 14), "[0]: none"),
    ] {
      #expect(refusal { try EdgeOperations(normal: normal, reduce: operations.reduce) } == "operations, normal\(place)")
    }
    for count in [0, 3] {
      #expect(
        refusal { try operations.strongest(count, alphas: SearchSpace.s2.zeroAlphas) } == "operations of an edge: \(count)")
    }
    #expect(refusal { try operations.strongest(1, alphas: SearchSpace.s3.zeroAlphas) } == "alphas_normal: [14, 3]")
    for ways in [0, 3, 8] {
      var variant = SupernetVariant()
      (variant.partialChannels, variant.edgeNormalisation) = (ways, true)
      #expect(
        refusal {
          try SupernetArchitecture(space: .s2, channels: 8, layers: 3, variant: variant)
        }?.contains("partial") == true, "\(ways)")
    }
  }

  @Test("β decides which edges stay")
  func edgeWeightsDecide() throws {
    var alphas = alphas(.s2, edges: true)
    alphas.normal.values = alphas.normal.values.map { _ in 0 }
    // The last node has edges 9 to 13: only β tells them apart.
    for (edge, beta) in zip(9..<14, [0, 2, 1, -1, 0.5] as [Float]) { alphas.normal[edge, 2] = beta }
    let genotype = try Genotype(alphas: alphas, operations: SearchSpace.s2.operations)
    #expect(genotype.normal.suffix(2).map(\.source) == [1, 2])
    // An operation that dominates a weaker edge outweighs a larger β: 0.5 · e² against e¹ · 1.
    alphas.normal[11, 1] = 20
    alphas.normal[10, 2] = 1.5
    #expect(try Genotype(alphas: alphas, operations: SearchSpace.s2.operations).normal.suffix(2).map(\.source) == [2, 1])
  }

  @Test("the softmax of β and its weights are those of the definition")
  func edgeWeights() {
    let alphas = alphas(.s3, edges: true).normal
    let weights = alphas.edgeWeights()
    for node in 0..<CellTopology.darts.nodeCount {
      let edges = CellTopology.darts.edgesInto(node: node)
      #expect(abs(edges.reduce(0.0) { $0 + weights[$1] } - 1) < 1e-12)
      for edge in edges.dropFirst() {
        let ratio = Double(alphas[edge, 3]) - Double(alphas[edges.lowerBound, 3])
        #expect(abs(weights[edge] / weights[edges.lowerBound] / exp(ratio) - 1) < 1e-12)
      }
    }
    let (mixing, strengths) = (alphas.softmaxRows(), alphas.strengths())
    #expect(mixing.count == 14 * 3 && strengths == mixing.indices.map { mixing[$0] * weights[$0 / 3] })
    #expect(SearchSpace.s3.zeroAlphas.normal.edgeWeights() == [Double](repeating: 1, count: 14))
  }

  @Test("a normal cell has no more skip connections than it may, and the weakest are ruled out", arguments: 0...8)
  func maximumSkips(limit: Int) throws {
    for seed in 0..<20 as Range<UInt64> {
      var alphas = alphas(.s6, seed: seed)
      // Skip connections lead everywhere.
      for row in 0..<14 { alphas.normal[row, 2] += 4 }
      let free = try Genotype(alphas: alphas, operations: SearchSpace.s6.operations)
      let limited = try Genotype(alphas: alphas, operations: SearchSpace.s6.operations, maximumSkips: limit)
      #expect(limited.skipConnectionCount <= limit)
      #expect(limited.reduce == free.reduce)
      if free.skipConnectionCount <= limit { #expect(limited == free) }
      // The strongest of all is ruled out last.
      let weights = alphas.normal.softmaxRows()
      var strongest = 0
      for row in 1..<14 where weights[row * 7 + 2] > weights[strongest * 7 + 2] { strongest = row }
      let (source, node) = (CellTopology.darts.edges[strongest].source, CellTopology.darts.edges[strongest].node)
      if limit > 0 {
        #expect(limited.normal[(2 * node)..<(2 * node + 2)].contains(Genotype.Edge(.skipConnect, from: source)))
      }
    }
    // Where nothing else is left, a skip connection stays.
    let either = Array(repeating: [CellOperation.none, .skipConnect], count: 14)
    let only = try EdgeOperations(normal: either, reduce: either)
    #expect(
      try Genotype(alphas: only.zeroAlphas(), operations: only, maximumSkips: limit).skipConnectionCount == 8)
  }
}
