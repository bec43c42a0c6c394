import Cells
import Compute
import Formats
import Foundation
import TestSupport
import Testing

/// Edges that α switches off, in the arithmetic of mixing weights, in derivation and in files.
@Suite struct SwitchedOffEdgeTests {
  private static let off = ArchitectureParameters.Matrix.offLogit

  /// α of s3 with β, random but for edge 3 of node 1 and both edges of node 0 of the normal cell, which are switched off.
  private func partlyOff() -> ArchitectureParameters.Matrix {
    var matrix = SearchSpace.s3.operations.zeroAlphas(edgeNormalisation: true).normal
    var stream = RandomStream(seed: 3, purpose: .test)
    matrix.values = matrix.values.map { _ in Float(stream.normal()) }
    for edge in [0, 1, 3] { for column in 0..<3 { matrix[edge, column] = Self.off } }
    return matrix
  }

  @Test("an edge is switched off where e^α of every operation is 0 in float32, and nowhere else")
  func border() {
    #expect(Float(exp(-104.0)) == 0 && Float(exp(-103.0)) > 0)
    var matrix = SearchSpace.s2.zeroAlphas.normal
    #expect(!matrix.isChosen && (0..<14).allSatisfy { !matrix.isOff(row: $0) })
    (matrix[3, 0], matrix[3, 1]) = (-104, -200)
    #expect(matrix.isChosen && (0..<14).filter(matrix.isOff) == [3])
    matrix[3, 0] = -103
    #expect(!matrix.isChosen && Array(matrix.softmaxRows()[6..<8]) == [1, exp(-97)])
  }

  @Test("an edge that is switched off has no weights, and those of the others are as they were")
  func weights() {
    let matrix = partlyOff()
    var without = matrix
    for edge in [0, 1, 3] { for column in 0..<3 { without[edge, column] = 0 } }
    let (mixing, usual) = (matrix.softmaxRows(), without.softmaxRows())
    let strengths = matrix.strengths()
    for edge in 0..<14 {
      let range = edge * 3..<edge * 3 + 3
      if [0, 1, 3].contains(edge) {
        #expect(mixing[range].allSatisfy { $0 == 0 } && strengths[range].allSatisfy { $0 == 0 })
      } else {
        #expect(mixing[range] == usual[range])
      }
    }
    // β: nothing is left of node 0; node 1 has edges 2 and 4; other nodes are whole.
    let (edges, whole) = (matrix.edgeWeights(), without.edgeWeights())
    #expect(edges[0] == 0 && edges[1] == 0 && edges[3] == 0)
    let (a, b) = (exp(Double(matrix[2, 3])), exp(Double(matrix[4, 3])))
    #expect(abs(edges[2] - a / (a + b)) < 1e-12 && abs(edges[4] - b / (a + b)) < 1e-12)
    #expect(edges[5...] == whole[5...])
    // Without β an edge that is on counts 1.
    var plain = SearchSpace.s3.zeroAlphas.normal
    for column in 0..<3 { plain[9, column] = Self.off }
    #expect(plain.edgeWeights() == (0..<14).map { $0 == 9 ? 0 : 1 })
    #expect(abs(plain.meanEntropy - 13.0 / 14 * log(3)) < 1e-12)
  }

  @Test("derivatives through the softmax are those of the weights, and zero on edges that are switched off")
  func derivatives() {
    let matrix = partlyOff()
    var stream = RandomStream(seed: 4, purpose: .test)
    let gradient = stream.normals(14 * 3)
    let bypass = stream.normals(14)
    func value(_ matrix: ArchitectureParameters.Matrix) -> Double {
      zip(matrix.strengths(), gradient).reduce(0) { $0 + $1.0 * $1.1 }
        + zip(matrix.edgeWeights(), bypass).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let found = matrix.throughSoftmax(strengthGradient: gradient, bypassGradient: bypass)
    // A power of two, so that α ± h is exact to rounding of α; h²/6 times a third derivative of order 1 is 4e-5.
    let step = 1.0 / 64
    for index in matrix.values.indices {
      var (up, down) = (matrix, matrix)
      up.values[index] += Float(step)
      down.values[index] -= Float(step)
      let slope = (value(up) - value(down)) / (2 * step)
      #expect(abs(Double(found.values[index]) - slope) < 5e-4, "\(index)")
      if [0, 1, 3].contains(index / 4) { #expect(found.values[index] == 0) }
    }
    let direction = stream.normals(matrix.values.count)
    func moved(_ length: Double) -> ArchitectureParameters.Matrix {
      var result = matrix
      result.values = zip(matrix.values, direction).map { Float(Double($0) + length * $1) }
      return result
    }
    let tangents = matrix.mixingTangents(along: direction[...])
    let (up, down) = (moved(step), moved(-step))
    for (index, tangent) in tangents.strengths.enumerated() {
      #expect(abs(tangent - (up.strengths()[index] - down.strengths()[index]) / (2 * step)) < 5e-3)
      if [0, 1, 3].contains(index / 3) { #expect(tangent == 0) }
    }
    for (edge, tangent) in tangents.edges.enumerated() {
      #expect(abs(tangent - (up.edgeWeights()[edge] - down.edgeWeights()[edge]) / (2 * step)) < 5e-3)
      if [0, 1, 3].contains(edge) { #expect(tangent == 0) }
    }
  }

  /// Of s3: node by node what its two edges are and where they come from.
  private static let edges: [Genotype.Edge] = [
    .init(.skipConnect, from: 0), .init(.none, from: 1), .init(.none, from: 1), .init(.none, from: 2),
    .init(.separableConv3x3, from: 0), .init(.skipConnect, from: 3), .init(.none, from: 2),
    .init(.separableConv3x3, from: 4),
  ]

  private func chosen() -> ArchitectureParameters {
    var alphas = SearchSpace.s3.zeroAlphas
    for kind in 0..<2 {
      alphas.matrices[kind].values = alphas.matrices[kind].values.map { _ in Self.off }
      for (index, edge) in Self.edges.enumerated() {
        let row = CellTopology.darts.edgesInto(node: index / 2).lowerBound + edge.source
        let column = SearchSpace.s3.operations.candidates[kind][row].firstIndex(of: edge.operation)
        alphas.matrices[kind][row, column ?? 0] = 0
      }
    }
    return alphas
  }

  @Test("α that chose its edges is derived to what it chose, none among it, and comes back from files")
  func derivation() throws {
    let alphas = chosen()
    let genotype = try Genotype(alphas: alphas, space: .s3)
    #expect(genotype.normal == Self.edges && genotype.reduce == Self.edges)
    #expect(alphas.normal.meanEntropy < 1e-50)
    #expect(try Genotype(parsing: genotype.pythonLine) == genotype)
    let file = TensorFile(path: "memory", metadata: [:], tensors: alphas.tensors)
    #expect(try ArchitectureParameters(from: file, like: SearchSpace.s3.zeroAlphas) == alphas)
    let folder = try ScratchFolder()
    try AlphaHistory([alphas]).write(to: folder.file("alphas.npy"))
    let history = try AlphaHistory(readingFrom: folder.file("alphas.npy"), like: SearchSpace.s3.zeroAlphas)
    #expect(history.entries == [alphas] && history.firstBadValue == nil)
  }

  @Test("an edge of none costs a derived network what an identity does, nothing")
  func cost() throws {
    func cost(_ operation: CellOperation) throws -> DerivedCost {
      let edges = Self.edges.map { $0.operation == .none ? Genotype.Edge(operation, from: $0.source) : $0 }
      // The reduction cell has no none: an identity of stride 2 costs a factorised reduction.
      let reduce = Self.edges.map { Genotype.Edge(.separableConv3x3, from: $0.source) }
      let genotype = try Genotype(normal: edges, normalConcat: [2, 3, 4, 5], reduce: reduce, reduceConcat: [2, 3, 4, 5])
      return try DerivedArchitecture(genotype: genotype, channels: 16, layers: 8).cost
    }
    let (none, skip) = (try cost(.none), try cost(.skipConnect))
    #expect(none.parameters == skip.parameters && none.multiplyAdds == skip.multiplyAdds && none.parameters > 0)
  }
}
