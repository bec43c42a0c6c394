import Cells
import Figures
import Foundation

extension CellFigure {
  /// A supernet's cells: each edge with its strongest operation other than `none` and that operation's mixing weight, as
  /// wide and as opaque as the weight is large; the edges that derivation keeps in bold. Where β weighs the edges, a weight
  /// is that of the operation times that of its edge, which is what derivation compares. Edges that α switches off are left out.
  ///
  /// - Throws: `InputError` for a title that can't be drawn.
  public init(_ alphas: ArchitectureParameters, of shape: AlphaShape, keeping genotype: Genotype, title: String) throws {
    let operations = shape.operations
    // Weights of edges make products so small that two digits would not tell them apart.
    let digits = shape.hasEdgeColumn ? 3 : 2
    func diagram(
      _ matrix: ArchitectureParameters.Matrix, _ candidates: [[CellOperation]], _ derived: Genotype.Cell
    ) throws -> CellDiagram {
      let topology = derived.kind.topology
      let keepsNone = derived.kind.derivation.keepsNone || matrix.isChosen
      let kept = Array(zip(derived.rows, derived.edges.map(\.operation)))
      let (weights, columns) = (matrix.strengths(), matrix.operationColumns)
      let edges = topology.edges.enumerated().compactMap { row, edge -> CellDiagram.Edge? in
        guard !matrix.isOff(row: row) else { return nil }
        let mixing = zip(candidates[row], weights[row * columns..<(row + 1) * columns])
        var strongest: (operation: CellOperation, weight: Double)?
        // Of equals the earlier one, as derivation has it.
        for (operation, weight) in mixing where (keepsNone || operation != .none) && weight > strongest?.weight ?? -1 {
          strongest = (operation, weight)
        }
        guard let (operation, weight) = strongest else { return nil }
        return CellDiagram.Edge(
          from: edge.source, to: edge.target,
          label: Label("\(operation.rawValue) \(String(format: "%.\(digits)f", weight))"),
          kind: operation.kind, strength: weight, isBold: kept.contains { $0 == (row, operation) })
      }
      return try CellDiagram(of: derived.kind, edges: edges, joined: derived.concat)
    }
    let keepsNone = genotype.kinds.allSatisfy(\.derivation.keepsNone) || alphas.matrices.contains(where: \.isChosen)
    try self.init(
      title: title,
      cells: zip(zip(alphas.matrices, operations.candidates), genotype.cells).map { try diagram($0.0, $0.1, $1) },
      caption: [
        "Each edge: its strongest operation\(keepsNone ? "" : " other than none"), and the mixing weight of that operation"
          + (shape.hasEdgeColumn ? " times the weight of its edge" : "")
          + ", which width and opacity show too. Bold: what derivation keeps."
      ])
  }
}
