/// A laid-out cell as boxes and lines, in points with y downwards.
package struct CellShapes: Sendable {
  package struct Box: Sendable {
    package let area: Rectangle
    package let label: Label
    /// Index of the diagram's edge that the box names; nil for a state.
    package let edge: Int?
    /// Whether anything takes the state.
    package let isUsed: Bool
  }

  package struct Line: Sendable {
    /// From state to label and from label to state; the last one ends in the tip of an arrow.
    package let strokes: [Path]
    /// Index of the diagram's edge; nil for a state that the output joins.
    package let edge: Int?
  }

  package let size: Size
  package let boxes: [Box]
  package let lines: [Line]
}

extension CellDiagram {
  /// Where everything of the cell stands.
  ///
  /// - Throws: `InputError` where texts cannot be measured.
  package func shapes() throws -> CellShapes { CellDrawing(self, ruler: try Ruler()).shapes }
}

extension Path {
  /// The path as the `d` of an SVG path.
  package var svg: String {
    func pair(_ point: Point) -> String {
      "\(Numeral.fixed(point.x, decimals: 2)) \(Numeral.fixed(point.y, decimals: 2))".replacing("\u{2212}", with: "-")
    }
    return steps.reduce("M" + pair(start)) { text, step in
      switch step {
      case .line(let point): text + "L" + pair(point)
      case .curve(let a, let b, let c): text + "C" + pair(a) + " " + pair(b) + " " + pair(c)
      }
    }
  }

  /// Its last point.
  package var tip: Point { end }

  /// The path without the last few points of its way, where an arrow head takes over.
  package func shortened(by length: Double) -> Path {
    var path = self
    path.end(at: Point(end.x, end.y - length))
    return path
  }
}
