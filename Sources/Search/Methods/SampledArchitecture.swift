import Cells
import Compute

/// Discrete architectures of a space and the α that put them into the supernet.
extension SearchSpace {
  /// The logit of a chosen operation: beside it the mixing weights of the others vanish in float32.
  static let decidedLogit: Float = 128

  /// α of an architecture drawn uniformly from those that the derivation rule of each kind of cell can give: in DARTS at each
  /// node of both cells two of its incoming edges, on each of them an operation other than `none`. `Genotype(alphas:space:)` gives the architecture back.
  ///
  /// A chosen edge is its operation alone. An edge that is not chosen is `none` alone in a space that has it (s3, s5), so
  /// that the supernet computes exactly the architecture; elsewhere the supernet cannot switch an edge off, and it keeps
  /// the equal mixture of its operations.
  public func randomArchitecture(from stream: inout RandomStream) -> ArchitectureParameters {
    var alphas = zeroAlphas
    for (index, kind) in kinds.enumerated() {
      alphas.matrices[index] = Self.randomCell(kind, operations.candidates[index], from: &stream)
    }
    return alphas
  }

  private static func randomCell(
    _ kind: CellKind, _ candidates: [[CellOperation]], from stream: inout RandomStream
  ) -> ArchitectureParameters.Matrix {
    var cell = ArchitectureParameters.Matrix(rows: candidates.count, columns: candidates[0].count)
    for node in 0..<kind.topology.nodeCount {
      let edges = kind.topology.edgesInto(node: node)
      let kept = kind.derivation.kept(of: edges.count)
      let chosen = Set(stream.permutation(edges.count).prefix(kept).map { edges.lowerBound + $0 })
      for edge in edges {
        let columns = candidates[edge].indices.filter {
          chosen.contains(edge) && kind.derivation.keepsNone || (candidates[edge][$0] == .none) != chosen.contains(edge)
        }
        if chosen.contains(edge) {
          cell[edge, columns[stream.integer(below: columns.count)]] = decidedLogit
        } else if let none = columns.first {
          cell[edge, none] = decidedLogit
        }
      }
    }
    return cell
  }
}
