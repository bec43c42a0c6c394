import Cells
import Figures
import Formats
import Foundation
import Search

extension PlotKind {
  static let alphas = PlotKind(name: "alphas", sources: [AlphaHistory.fileName], fileName: "alphas") {
    try AlphasPlot.figure($0, $1)
  }
}

/// The course of α, from `alphas.npy`.
enum AlphasPlot {
  /// Mixing weights by epoch: a panel an operation, a row an edge; the normal cell above, the reduction cell below.
  static func figure(_ folder: PlotFolder, _ style: PlotStyle) throws -> StripFigure {
    try RunPlot.check(folder)
    let run = try SearchRunFolder(existing: folder.path)
    let (shape, history) = (try run.configuration().alphaShape, try run.alphaHistory())
    guard !history.isEmpty else {
      throw InputError("no α to draw", at: .file(run.alphasPath), found: "no epoch", wanted: "one at least")
    }
    let epochs = history.count
    let kinds = shape.operations.kinds
    let cells = kinds.enumerated().map { index, kind in
      (name: kind.word, edges: shape.operations.candidates[index], matrices: history.map { $0.matrices[index] })
    }
    var panels: [StripPanel] = []
    let operations = cells.flatMap { $0.edges.flatMap { $0 } }.unique()
    for (name, edges, matrices) in cells {
      let weights = matrices.map { $0.softmaxRows() }
      let perEdge = shape.operations.operationsPerEdge
      for operation in operations {
        let rows = edges.enumerated().map { edge, candidates -> [Double] in
          guard let column = candidates.firstIndex(of: operation) else { return Array(repeating: .nan, count: epochs) }
          return weights.map { $0[edge * perEdge + column] }
        }
        panels.append(StripPanel(title: Label(plain: "\(name): \(operation.rawValue)"), values: rows))
      }
      if shape.hasEdgeColumn {
        let edgeWeights = matrices.map { $0.edgeWeights() }
        panels.append(
          StripPanel(
            title: Label(plain: "\(name): edge (β)"), values: edges.indices.map { edge in edgeWeights.map { $0[edge] } }))
      }
    }
    let isMany = operations.count > 4
    // The colours are those of the operations, so what they hide of β is said.
    let beta = shape.hasEdgeColumn ? history.flatMap { $0.normal.edgeWeights() + $0.reduce.edgeWeights() } : []
    let betaRange =
      if let least = beta.min(), let most = beta.max() {
        ", \(PlotText.decimal(least)) to \(PlotText.decimal(most))"
      } else { "" }
    var figure = try StripFigure(
      title: RunPlot.title(folder, "Mixing weights", style), panels: panels,
      rows: kinds[0].topology.edges.map { Label("\($0.source) → \($0.target)") }, epochs: Array(1...epochs),
      columns: isMany ? 4 : operations.count + (shape.hasEdgeColumn ? 1 : 0), valueLabel: "mixing weight",
      caption: style.showsCaption
        ? [
          PlotText(folder: folder).network,
          "Softmax over the operations of an edge; rows are edges from one state to another, 0 and 1 being the cell's inputs."
            + (shape.hasEdgeColumn ? " β: softmax over the edges into a node\(betaRange)." : ""),
        ].compactMap { $0 } : [], width: style.width ?? (isMany ? 504 : 432))
    figure.colourMap = style.maps.sequential
    figure.range = style.range
    figure.isLogarithmic = style.isLogarithmic
    return figure
  }
}
