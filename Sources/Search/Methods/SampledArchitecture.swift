import Cells
import Compute

/// Discrete architectures of a space and the α that put them into the supernet.
extension SearchSpace {
  /// α of an architecture drawn as the public code of random search with weight sharing draws it (Li and Talwalkar, UAI 2019;
  /// liamcli/randomNAS_release, benchmarks/cnn/darts/darts_wrapper_discrete.py, lines 258–272): at each node of every kind of
  /// cell as many of its incoming edges as the derivation rule keeps, two in DARTS, uniformly without replacement, and on each
  /// of them one of its operations uniformly, `none` among them where the space has it. `Genotype(alphas:space:)` gives the
  /// architecture back.
  ///
  /// A chosen edge is its operation alone, α = log p: 0 for it, `offLogit` for the others. An edge that is not chosen is
  /// switched off (`ArchitectureParameters.Matrix.isOff`). So the supernet computes the architecture and nothing else, as that
  /// code does with mixing weights of 1 and 0 in place of a softmax (lines 227–251).
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
    cell.values = cell.values.map { _ in ArchitectureParameters.Matrix.offLogit }
    for node in 0..<kind.topology.nodeCount {
      let edges = kind.topology.edgesInto(node: node)
      let kept = kind.derivation.kept(of: edges.count)
      for edge in stream.permutation(edges.count).prefix(kept).map({ edges.lowerBound + $0 }).sorted() {
        cell[edge, stream.integer(below: candidates[edge].count)] = 0
      }
    }
    return cell
  }
}
