import Figures
import Foundation

/// The mixing weights of a cell's edges by epoch: a small table of coloured cells for each edge, operations downwards and
/// epochs to the right.
enum AlphaStrips {
  /// Every mixing weight there can be: runs and edges can be compared.
  private static let whole = ColourScale(map: .viridis, low: 0, high: 1)

  /// All strips of a run, in the colours of its own range or of all weights there can be.
  static func html(_ history: AlphaCourse, id: String) -> HTML {
    let weights = history.cells.flatMap { $0.edges.flatMap { $0.weights.flatMap { $0 } + $0.edgeWeights } }.filter(
      \.isFinite)
    let (least, most) = (weights.min() ?? 0, weights.max() ?? 1)
    // A search that has not moved α yet has no range of its own.
    let margin = most - least > 1e-6 ? 0 : 1e-6
    let range = ColourScale(map: .viridis, low: least - margin, high: most + margin)
    return .element(
      "div", ["class": "scaled", "role": "group", "aria-labelledby": "\(id)-scale"],
      ScaleSwitch.html(id: id, shared: "range of this run", own: "0 to 1")
        + [
          ColourBar.html(
            range, low: LineChart.short(range.low), high: LineChart.short(range.high), title: "mixing weight",
            class: "bar shared"),
          ColourBar.html(whole, low: "0", high: "1", title: "mixing weight", class: "bar own"),
        ] + history.cells.map { html($0, epochs: history.epochs, range: range) })
  }

  private static func html(_ cell: AlphaCourse.Cell, epochs: Int, range: ColourScale) -> HTML {
    let title = "\(cell.name.prefix(1).uppercased())\(cell.name.dropFirst()) cell"
    return .element(
      "figure", ["class": "panel strips", "data-roving": "true"],
      [
        .element("figcaption", [:], [.text("\(title): mixing weights, epoch 1 to \(epochs) from left to right")]),
        .element(
          "div", ["class": "edges"],
          cell.edges.enumerated().map { index, edge in
            html(edge, in: title, epochs: epochs, range: range, isFirst: index == 0)
          }),
        betas(cell, title, epochs, range),
      ])
  }

  private static func html(
    _ edge: AlphaCourse.Edge, in title: String, epochs: Int, range: ColourScale, isFirst: Bool
  ) -> HTML {
    let name = Label(edge.name).unicode
    let last = edge.operations.indices.map { "\(edge.operations[$0]) \(weight(edge.weights[$0].last ?? .nan))" }
    return .element(
      "div", ["class": "edge-strip"],
      [
        .element("p", ["class": "edge-name"], [.text(name)]),
        .element(
          "div", ["class": "strip"],
          [
            .element(
              "ul", ["class": "operations", "aria-hidden": "true"],
              edge.operations.map { .element("li", [:], [.text(short($0))]) }),
            heat(
              edge.weights, label: "\(title), edge \(name). Mixing weights at the end: " + last.joined(separator: ", "),
              name: name, rows: edge.operations, epochs: epochs,
              values: edge.alphas.map { $0.map { "\($0)" } }, more: edge.weights.map { $0.map(weight) },
              valueName: "α", moreName: "mixing weight", range: range, isFirst: isFirst),
          ]),
      ])
  }

  /// β of each edge, where the search weighs edges.
  private static func betas(_ cell: AlphaCourse.Cell, _ title: String, _ epochs: Int, _ range: ColourScale) -> HTML {
    guard cell.edges.contains(where: { !$0.edgeWeights.isEmpty }) else { return .empty }
    let names = cell.edges.map { Label($0.name).unicode }
    return .element(
      "div", ["class": "edge-strip"],
      [
        .element("p", ["class": "edge-name"], ["β: weights of the edges into a node"]),
        .element(
          "div", ["class": "strip"],
          [
            .element("ul", ["class": "operations", "aria-hidden": "true"], names.map { .element("li", [:], [.text($0)]) }),
            heat(
              cell.edges.map(\.edgeWeights), label: "\(title), weights of the edges into a node", name: "β", rows: names,
              epochs: epochs, values: cell.edges.map { $0.betas.map { "\($0)" } },
              more: cell.edges.map { $0.edgeWeights.map(weight) }, valueName: "β", moreName: "edge weight", range: range,
              isFirst: false),
          ]),
      ])
  }

  private static func heat(
    _ weights: [[Double]], label: String, name: String, rows: [String], epochs: Int, values: [[String]], more: [[String]],
    valueName: String, moreName: String, range: ColourScale, isFirst: Bool
  ) -> HTML {
    let svg = HTML.element(
      "svg",
      [
        "class": "heat", "viewBox": "0 0 \(epochs) \(rows.count)", "preserveAspectRatio": "none", "role": "img",
        "tabindex": isFirst ? "0" : "-1", "aria-label": label, "data-kind": "strip",
        "data-columns": "\(epochs)", "data-rows": "\(rows.count)", "data-name": name,
        "data-row-names": rows.joined(separator: " "),
        "data-value-name": valueName, "data-more-name": moreName,
        "data-values": values.map { $0.joined(separator: " ") }.joined(separator: " "),
        "data-more": more.map { $0.joined(separator: " ") }.joined(separator: " "),
      ],
      [
        HeatCells(values: weights, scale: range).group(class: "cells shared"),
        HeatCells(values: weights, scale: whole).group(class: "cells own"),
        .element("rect", ["class": "cursor", "width": "1", "height": "1", "vector-effect": "non-scaling-stroke"]),
      ])
    return .element("div", ["class": "heat-box"], [svg])
  }

  static func weight(_ value: Double) -> String { String(format: "%.4f", value) }

  /// Names that fit beside a strip.
  static func short(_ operation: String) -> String {
    let names = [
      "none": "none", "max_pool_3x3": "max 3", "avg_pool_3x3": "avg 3", "skip_connect": "skip", "sep_conv_3x3": "sep 3",
      "sep_conv_5x5": "sep 5", "dil_conv_3x3": "dil 3", "dil_conv_5x5": "dil 5", "noise": "noise",
    ]
    return names[operation] ?? operation
  }

  /// The weights at the end as a table: what the strips show, without a pointer.
  static func table(_ cell: AlphaCourse.Cell) -> HTML {
    guard let first = cell.edges.first else { return .empty }
    let isUniform = cell.edges.allSatisfy { $0.operations == first.operations }
    let header = isUniform ? ["edge"] + first.operations : ["edge"] + first.operations.indices.map { "operation \($0 + 1)" }
    let rows = cell.edges.map { edge in
      [Label(edge.name).unicode]
        + edge.operations.indices.map { index in
          let value = weight(edge.weights[index].last ?? .nan)
          return isUniform ? value : "\(edge.operations[index]) \(value)"
        }
    }
    return DataTable(caption: "\(cell.name) cell: mixing weights after the last epoch", columns: header, rows: rows).html()
  }
}

/// A strip of colours with the values at its ends.
enum ColourBar {
  static func html(_ scale: ColourScale, low: String, high: String, title: String, class name: String) -> HTML {
    let values = [(0..<64).map { scale.low + (scale.high - scale.low) * (Double($0) + 0.5) / 64 }]
    return .element(
      "div", ["class": name],
      [
        .element("span", [:], [.text(low)]),
        .element(
          "svg",
          [
            "viewBox": "0 0 64 1", "preserveAspectRatio": "none", "role": "img",
            "aria-label": "Colours of \(title) from \(low) to \(high)",
          ],
          [HeatCells(values: values, scale: scale).group(class: "cells")]),
        .element("span", [:], [.text(high)]), .element("span", ["class": "bar-title"], [.text(title)]),
      ])
  }
}
