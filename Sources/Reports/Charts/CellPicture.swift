import Cells
import Figures
import Foundation
import Plots

/// A cell of a genotype as SVG that takes the page's type and colours.
enum CellPicture {
  static func html(_ genotype: Genotype) throws -> HTML {
    let figure = try CellFigure(genotype, title: "")
    return .element(
      "div", ["class": "cells"], try zip(figure.cells, genotype.cells).map { try html($0, description: sentence($1)) })
  }

  private static func html(_ cell: CellDiagram, description: String) throws -> HTML {
    let shapes = try cell.shapes()
    let lines = shapes.lines.map { line -> HTML in
      let kind = line.edge.map { style(cell.edges[$0].kind) } ?? "join"
      guard let last = line.strokes.last else { return .empty }
      let tip = last.tip
      let strokes = line.strokes.dropLast() + [last.shortened(by: 4.5)]
      let head = "M\(number(tip.x)) \(number(tip.y))l-2.3 -5.5h4.6z"
      return .element(
        "g", ["class": "edge \(kind)"],
        [
          .element("path", ["class": "way", "d": strokes.map(\.svg).joined()]),
          .element("path", ["class": "head", "d": head]),
        ])
    }
    let boxes = shapes.boxes.map { box -> HTML in
      let kind = box.edge.map { "operation " + style(cell.edges[$0].kind) } ?? (box.isUsed ? "state" : "state unused")
      let area = box.area
      return .element(
        "g", ["class": kind],
        [
          .element(
            "rect",
            [
              "x": number(area.x), "y": number(area.y), "width": number(area.width), "height": number(area.height),
              "rx": box.edge == nil ? "4" : "3",
            ]),
          .element(
            "text", ["x": number(area.centre.x), "y": number(area.centre.y + (box.edge == nil ? 2.9 : 2.4))],
            [.text(box.label.unicode)]),
        ])
    }
    let margin = 4.0
    let size = (width: shapes.size.width + 2 * margin, height: shapes.size.height + 2 * margin)
    return .element(
      "figure", ["class": "panel cell"],
      [
        .element("figcaption", [:], [.text(cell.title.plain)]),
        .element(
          "svg",
          [
            "class": "cell", "role": "img", "aria-label": description,
            "viewBox": "\(number(-margin)) \(number(-margin)) \(number(size.width)) \(number(size.height))",
            "width": number(size.width * 1.7),
          ],
          [.element("title", [:], [.text(cell.title.plain)]), .element("desc", [:], [.text(description)])] + lines + boxes),
      ])
  }

  private static func style(_ kind: CellDiagram.Kind) -> String {
    switch kind {
    case .convolution: "convolution"
    case .pool: "pool"
    case .skip: "skip"
    case .noise: "noise"
    case .none: "zero"
    }
  }

  /// The cell in words, for those who cannot see it.
  private static func sentence(_ cell: Genotype.Cell) -> String {
    let topology = cell.kind.topology
    func state(_ index: Int) -> String {
      guard index < topology.inputCount else { return "node \(index - topology.inputCount)" }
      return "the output of the \(topology.cellsBack(toInput: index) == 1 ? "last cell" : "cell before the last")"
    }
    let nodes = cell.edgesByNode.enumerated().map { node, edges in
      "Node \(node) adds "
        + edges.map { "\($0.operation.rawValue) of \(state($0.source))" }.joined(separator: " and ")
    }
    let output =
      cell.concat.count == 1
      ? "The output is \(state(cell.concat[0]))" : "The output joins \(cell.concat.map(state).joined(separator: ", "))"
    return "\(cell.kind.title). " + nodes.joined(separator: ". ") + ". \(output)."
  }
}
