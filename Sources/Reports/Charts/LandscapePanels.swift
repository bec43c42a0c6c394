import Figures
import Formats
import Foundation
import Landscape

/// The planes of a landscape side by side, and what the approximations miss; colours on one scale or on one each.
struct LandscapePanels {
  let landscape: ReportLandscape
  /// Tells the switches of several landscapes on a page apart.
  let id: String

  /// Side of the plane in the units of the drawing.
  private static let side = 1000.0
  private static let origin = (x: 190.0, y: 24.0)

  private struct Panel {
    let title: String
    let explanation: String
    let plane: ReportLandscape.Plane
    /// By j and i.
    let values: [[Double]]
    let own: ColourScale
    let shared: ColourScale
    let isDifference: Bool
  }

  func html() -> HTML? {
    let panels = self.panels
    guard let plane = panels.first?.plane, !plane.x.isEmpty, !plane.y.isEmpty else { return nil }
    let hasChoice = landscape.planes.count > 1
    let choice = hasChoice ? ScaleSwitch.html(id: id, shared: "shared by all", own: "each its own") : []
    let isSurface = plane.x.count > 1 && plane.y.count > 1
    let turning = TurningSurface.html(
      id: id, names: panels.map(\.title), directions: directionNames,
      maps: (panels[0].shared.map, panels.last?.shared.map ?? .blueWhiteRed))
    return .element(
      "div",
      ["class": "landscape scaled", "role": hasChoice ? "group" : nil, "aria-labelledby": hasChoice ? "\(id)-scale" : nil],
      choice + [.element("div", ["class": "panels"], panels.map(html))] + (isSurface ? [turning] : []))
  }

  private var panels: [Panel] {
    let planes = landscape.planes
    let values = planes.map { plane in plane.y.indices.map { j in plane.x.indices.map { plane.loss(j, $0) } } }
    // Values of one quantity share a scale.
    func shared(_ quantity: ObjectiveQuantity) -> ColourScale {
      .sequential(zip(planes, values).filter { $0.0.quantity == quantity }.flatMap { $0.1.flatMap { $0 } })
    }
    var panels = zip(planes, values).map { plane, values in
      Panel(
        title: plane.name, explanation: ObjectiveName.explanation(plane.objective, plane.innerSteps), plane: plane,
        values: values, own: .sequential(values.flatMap { $0 }), shared: shared(plane.quantity), isDifference: false)
    }
    // The true loss of the most inner steps is what the others are measured against.
    guard
      let truth = planes.indices.filter({ planes[$0].trueSteps != nil }).max(by: {
        planes[$0].trueSteps ?? 0 < planes[$1].trueSteps ?? 0
      })
    else { return panels }
    let compared = planes.indices.filter { $0 != truth && planes[$0].quantity == planes[truth].quantity }
    let differences = compared.map { index in
      (index, zip(values[index], values[truth]).map { zip($0, $1).map { $0 - $1 } })
    }
    let common = ColourScale.symmetric(differences.flatMap { $0.1.flatMap { $0 } })
    panels += differences.map { index, values in
      Panel(
        title: "\(planes[index].name) − \(planes[truth].name)",
        explanation: "what \(planes[index].name) misses", plane: planes[index], values: values,
        own: .symmetric(values.flatMap { $0 }), shared: common, isDifference: true)
    }
    return panels
  }

  private func html(_ panel: Panel) -> HTML {
    let plane = panel.plane
    let (columns, rows) = (plane.x.count, plane.y.count)
    // The second direction points up.
    let flipped = Array(panel.values.reversed())
    let transform =
      "translate(\(number(Self.origin.x)) \(number(Self.origin.y))) scale(\(Self.side / Double(columns)) \(Self.side / Double(rows)))"
    let texts = plane.y.indices.reversed().map { j in
      plane.x.indices.map { i -> String in
        guard !plane.losses[j][i].isEmpty else { return "·" }
        return panel.isDifference ? "\(panel.values[j][i])" : plane.losses[j][i]
      }
    }
    let accuracies = plane.y.indices.reversed().map { j in
      plane.x.indices.map { plane.accuracies[j][$0].isEmpty ? "·" : plane.accuracies[j][$0] }
    }
    let summary = self.summary(panel)
    let svg = HTML.element(
      "svg",
      [
        "class": "plane", "viewBox": "0 0 1210 1150", "role": "img", "tabindex": "0",
        "aria-label": "\(panel.title). \(summary)",
        "data-kind": "plane", "data-columns": "\(columns)", "data-rows": "\(rows)", "data-name": panel.title,
        "data-x": plane.x.joined(separator: " "), "data-y": plane.y.reversed().joined(separator: " "),
        "data-values": texts.map { $0.joined(separator: " ") }.joined(separator: " "),
        "data-more": panel.isDifference ? nil : accuracies.map { $0.joined(separator: " ") }.joined(separator: " "),
        "data-value-name": panel.isDifference ? "difference" : plane.quantity.word,
        "data-value-label": panel.isDifference
          ? "difference (nats)" : plane.quantity.word + (plane.quantity.unit.map { " (\($0))" } ?? ""),
        "data-scale": "\(panel.shared.low) \(panel.shared.high) \(panel.own.low) \(panel.own.high)",
        "data-more-name": panel.isDifference ? nil : "accuracy",
      ],
      [
        .element("title", [:], [.text(panel.title)]), .element("desc", [:], [.text(summary)]),
        HeatCells(values: flipped, scale: panel.shared).group(class: "cells shared", transform: transform),
        HeatCells(values: flipped, scale: panel.own).group(class: "cells own", transform: transform),
      ] + contours(panel) + axes(plane) + way(plane) + marks(plane)
        + [
          .element(
            "rect",
            [
              "class": "cursor", "x": number(Self.origin.x), "y": number(Self.origin.y),
              "width": number(Self.side / Double(columns)), "height": number(Self.side / Double(rows)),
            ])
        ])
    func bar(_ scale: ColourScale, _ name: String) -> HTML {
      ColourBar.html(
        scale, low: (scale.extendsBelow ? "≤ " : "") + LineChart.short(scale.low),
        high: (scale.extendsAbove ? "≥ " : "") + LineChart.short(scale.high),
        title: panel.isDifference ? "nats" : plane.quantity.word + (plane.quantity.unit.map { " (\($0))" } ?? ""),
        class: "bar \(name)")
    }
    return .element(
      "figure", ["class": "panel"],
      [
        .element(
          "figcaption", [:],
          [.element("b", [:], [.text(panel.title)]), .text(panel.explanation.isEmpty ? "" : " " + panel.explanation)]),
        svg, bar(panel.shared, "shared"), bar(panel.own, "own"),
      ])
  }

  /// Lines at round values of the scale that is shown.
  private func contours(_ panel: Panel) -> [HTML] {
    // Differences are palest where they are least, losses darkest.
    let tone = panel.isDifference ? " dark" : ""
    return [("contours shared", panel.shared), ("contours own", panel.own)].compactMap { name, scale in
      ContourPaths(values: panel.values, scale: scale) { place($1, $0, panel.plane) }.group(class: name + tone)
    }
  }

  /// Centre of a cell in the drawing; j counts from below.
  private func place(_ j: Double, _ i: Double, _ plane: ReportLandscape.Plane) -> (x: Double, y: Double) {
    (
      Self.origin.x + (i + 0.5) / Double(plane.x.count) * Self.side,
      Self.origin.y + (1 - (j + 0.5) / Double(plane.y.count)) * Self.side
    )
  }

  private func axes(_ plane: ReportLandscape.Plane) -> [HTML] {
    func ticks(_ texts: [String]) -> [(index: Int, text: String)] {
      let places = texts.count < 3 ? Array(texts.indices) : [0, (texts.count - 1) / 2, texts.count - 1]
      return places.map { ($0, Double(texts[$0]).map { LineChart.short(abs($0) < 1e-9 ? 0 : $0) } ?? "") }
    }
    func text(_ style: String, _ x: Double, _ y: Double, _ text: String) -> HTML {
      .element("text", ["class": style, "x": number(x), "y": number(y)], [.text(text)])
    }
    let names = directionNames
    let bottom = Self.origin.y + Self.side
    return ticks(plane.x).map { text("tick middle", place(0, Double($0.index), plane).x, bottom + 52, $0.text) }
      + ticks(plane.y).map { text("tick end", Self.origin.x - 16, place(Double($0.index), 0, plane).y + 14, $0.text) }
      + [
        text("tick middle", Self.origin.x + Self.side / 2, bottom + 110, names.0),
        .element(
          "text",
          ["class": "tick middle", "transform": "translate(46 \(number(Self.origin.y + Self.side / 2))) rotate(-90)"],
          [.text(names.1)]),
        .element(
          "rect",
          [
            "class": "frame", "x": number(Self.origin.x), "y": number(Self.origin.y), "width": number(Self.side),
            "height": number(Self.side),
          ]),
      ]
  }

  /// The kinds of the two directions; `weights:` stands before those of ω, `alpha:` before those of α beside them.
  private var directionNames: (String, String) {
    let kinds = landscape.settings["directions"]?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } ?? []
    let ofWeights = landscape.settings["over"] == "weights"
    func name(_ kind: String) -> String {
      let words = kind.replacing("alpha:", with: "α ").replacing("weights:", with: "ω ")
      return ofWeights ? "ω \(words)" : words
    }
    let names = kinds.count >= 2 ? (name(kinds[0]), name(kinds[1])) : ("first", "second")
    return ("along \(names.0) direction", "along \(names.1 == names.0 ? "second \(names.1)" : names.1) direction")
  }

  /// Runs through the plane, where their α was projected onto it, and methods that were held to it.
  private func way(_ plane: ReportLandscape.Plane) -> [HTML] {
    let runs = way(landscape.trajectory, of: "run", by: "epoch", after: 0, plane)
    return runs + way(landscape.paths, of: "path", by: "update", after: runs.count, plane)
  }

  /// - Parameters:
  ///   - name: the column with a path's name.
  ///   - count: the column that counts its points.
  ///   - places: of paths that are drawn before these.
  private func way(
    _ table: CSVTable?, of name: String, by count: String, after places: Int, _ plane: ReportLandscape.Plane
  ) -> [HTML] {
    guard let table, let x = try? table.doubles("x"), let y = try? table.doubles("y"),
      let runs = try? table.column(name), let epochs = try? table.column(count),
      let xs = Self.range(plane.x), let ys = Self.range(plane.y)
    else { return [] }
    var order: [String] = []
    for run in runs where !order.contains(run) { order.append(run) }
    return order.enumerated().map { index, run in
      let points = runs.indices.filter { runs[$0] == run }.map { row -> (x: Double, y: Double, epoch: String) in
        let i = (x[row] - xs.low) / max(xs.high - xs.low, 1e-300) * Double(plane.x.count - 1)
        let j = (y[row] - ys.low) / max(ys.high - ys.low, 1e-300) * Double(plane.y.count - 1)
        let spot = place(j, i, plane)
        return (spot.x, spot.y, epochs[row])
      }
      // What leaves the plane is cut off by the frame of the drawing.
      let inside = points.filter { $0.x > 0 && $0.x < 1210 && $0.y > 0 && $0.y < 1030 }
      let path = polyline(inside.map { ($0.x, $0.y) })
      let dots = inside.map { point in
        HTML.element(
          "circle", ["cx": number(point.x), "cy": number(point.y), "r": "9"],
          [.element("title", [:], [.text("\(run), \(count) \(point.epoch)")])])
      }
      return .element(
        "g", ["class": "way w\((places + index) % 3)"], [.element("path", ["d": path.isEmpty ? "M0 0" : path])] + dots)
    }
  }

  private static func range(_ texts: [String]) -> (low: Double, high: Double)? {
    let values = texts.compactMap(Double.init)
    guard let low = values.min(), let high = values.max() else { return nil }
    return (low, high)
  }

  /// A cross at the centre, a ring at the least loss.
  private func marks(_ plane: ReportLandscape.Plane) -> [HTML] {
    var marks: [HTML] = []
    if let x = plane.x.firstIndex(where: { abs(Double($0) ?? 1) < 1e-9 }),
      let y = plane.y.firstIndex(where: { abs(Double($0) ?? 1) < 1e-9 })
    {
      let spot = place(Double(y), Double(x), plane)
      let cross = "M\(number(spot.x - 18)) \(number(spot.y))h36M\(number(spot.x)) \(number(spot.y - 18))v36"
      // Light on dark on any colour.
      marks += ["centre halo", "centre"].map { .element("path", ["class": $0, "d": cross]) }
    }
    if let least = plane.minimiser {
      let spot = place(Double(least.j), Double(least.i), plane)
      marks += ["least halo", "least"].map {
        .element("circle", ["class": $0, "cx": number(spot.x), "cy": number(spot.y), "r": "17"])
      }
    }
    return marks
  }

  private func summary(_ panel: Panel) -> String {
    let finite = panel.values.flatMap { $0 }.filter(\.isFinite)
    guard let least = finite.min(), let most = finite.max() else { return "No finite value." }
    let plane = panel.plane
    let spot = panel.isDifference ? nil : plane.minimiser.map { "; the least at (\(plane.x[$0.i]), \(plane.y[$0.j]))" }
    let kind = panel.isDifference ? "Differences" : plane.quantity == .loss ? "Losses" : "Values"
    return
      "\(kind) on a grid of \(plane.x.count) by \(plane.y.count) points, from \(LineChart.short(least)) to \(LineChart.short(most))\(spot ?? "")."
  }
}
