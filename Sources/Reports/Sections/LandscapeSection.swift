import Figures
import Formats
import Foundation
import Landscape

/// Planes and lines of losses in α or ω.
enum LandscapeSection {
  static func html(_ report: Report) throws -> HTML? {
    guard !report.landscapes.isEmpty else { return nil }
    return section(
      "Loss landscapes", id: "landscapes",
      try report.landscapes.enumerated().map { index, landscape in
        try html(landscape, id: "landscape-\(index)", showsSettings: report.showsOrigin)
      })
  }

  private static func html(_ landscape: ReportLandscape, id: String, showsSettings: Bool) throws -> HTML {
    let settings = landscape.settings
    let data = settings["data"] ?? "validation"
    var facts = [
      settings["checkpoint"].map { "Around \($0)" }, settings["space"].map { "space \($0)" },
      settings["range"].map { range in
        let text = range.replacingOccurrences(of: ",", with: " and ")
        return range.contains(":")
          ? "over \(text) lengths of the directions" : "up to \(text) lengths of the directions away"
      },
      settings["batch_norm"].map { "batch norm: \($0)" },
      settings["validation_batches"].map { "each loss is the mean over \($0) \(data) batch\($0 == "1" ? "" : "es")" },
      settings["weight_normalisation"].map {
        "normalisation of directions of ω: \($0), ignoring \(settings["ignore"] ?? "none")"
      },
      settings["fresh_momentum"].map { _ in "steps begin at rest" },
      settings["batches"].map { "\($0) training batches at every point" },
    ].compactMap { $0 }.joined(separator: ", ")
    if !facts.isEmpty { facts += "." }
    var parts: [HTML] = [.element("h3", [:], [.text(landscape.name)]), .element("p", ["class": "note"], [.text(facts)])]
    if let panels = LandscapePanels(landscape: landscape, id: id).html() {
      parts.append(panels)
      let quantities = Set(landscape.planes.map(\.quantity))
      let word = quantities.count == 1 ? quantities.first?.word ?? "value" : "value"
      let unit = quantities.count == 1 ? quantities.first?.unit.map { ", in \($0)" } ?? "" : ""
      let isPartial = landscape.planes.contains { $0.losses.contains { $0.contains("") } }
      let note =
        "The cross is the checkpoint, a ring the least \(word) of its plane; lines join points of equal value\(unit)."
        + (isPartial ? " Hatched points are not computed yet." : "") + gaps(landscape)
      parts.append(.element("p", ["class": "note"], [.text(note)]))
    }
    if let lines = landscape.lines {
      let hasErrors = try lines.columns.contains("loss_error") && lines.column("loss_error").contains { !$0.isEmpty }
      if hasErrors {
        parts.append(
          .element("p", ["class": "note"], [.text("Bands of lines are ± 1 standard error over the \(data) batches.")]))
      }
      parts.append(.element("div", ["class": "panels"], try charts(of: lines)))
    }
    if let comparison = landscape.comparison {
      parts.append(DataTable(comparison, caption: "How well each follows the true loss over these points", digits: 5).html())
    }
    if let explained = settings["explained_variance_1"], let second = settings["explained_variance_2"] {
      parts.append(
        .element(
          "p", ["class": "note"], [.text("The plane explains \(explained) and \(second) of the trajectory's variance.")]))
    }
    for (table, name) in [
      (landscape.trajectory, "trajectory.csv"), (landscape.paths, "paths.csv"), (landscape.refinement, "refinement.csv"),
      (landscape.lines, "lines.csv"),
    ] {
      if let table {
        parts.append(
          folded(
            "\(name): \(table.rows.count) rows", id: "\(id)-\(name.prefix(5))", [DataTable(table, caption: name).html()]))
      }
    }
    if let values = values(landscape, id) { parts.append(values) }
    if showsSettings {
      parts.append(
        folded(
          "Settings of the landscape", id: "\(id)-settings",
          [ConfigurationSection.table(settings.entries, caption: "landscape.yaml")]))
    }
    return .element("div", ["class": "run"], parts)
  }

  /// Points whose losses left the finite range, in words; empty where there are none.
  private static func gaps(_ landscape: ReportLandscape) -> String {
    let gaps = landscape.planes.compactMap { plane -> String? in
      let cells = plane.losses.flatMap { $0 }.filter { !$0.isEmpty }
      let count = cells.count { Double($0)?.isFinite != true }
      return count == 0
        ? nil : "\(ObjectiveName.text(plane.objective, plane.innerSteps)) at \(count) of \(cells.count) points"
    }
    return gaps.isEmpty ? "" : " Hatched, since not finite: \(gaps.joined(separator: ", "))."
  }

  /// The losses of a plane as tables, where they are not too many to be read.
  private static func values(_ landscape: ReportLandscape, _ id: String) -> HTML? {
    guard let plane = landscape.planes.first, plane.x.count * plane.y.count <= 31 * 31 else { return nil }
    let tables = landscape.planes.map { plane in
      DataTable(
        caption: "\(plane.name): \(plane.quantity.word), the first direction to the right, the second downwards",
        columns: ["y \\ x"] + plane.x,
        rows: plane.y.indices.map { [plane.y[$0]] + plane.losses[$0] }
      ).html()
    }
    let isLoss = landscape.planes.allSatisfy { $0.quantity == .loss }
    return folded("The \(isLoss ? "losses" : "values") as tables", id: "\(id)-values", tables)
  }

  /// One chart a direction, one line an objective, with the standard error as a band.
  private static func charts(of table: CSVTable) throws -> [HTML] {
    let (directions, t, names) = (try table.column("direction"), try table.column("t"), try table.column("objective"))
    let (steps, losses) = (try table.integers("inner_steps"), try table.column("loss"))
    let errors = table.columns.contains("loss_error") ? try table.column("loss_error") : losses.map { _ in "" }
    var order: [String] = []
    for direction in directions where !order.contains(direction) { order.append(direction) }
    let quantities = names.indices.map { ObjectiveName.quantity(names[$0], steps[$0]) }
    var kinds: [ObjectiveQuantity] = []
    for quantity in quantities where !kinds.contains(quantity) { kinds.append(quantity) }
    return try order.flatMap { direction in kinds.map { (direction, $0) } }.compactMap { direction, quantity in
      var series: [(key: String, points: [LineChart.Point])] = []
      for row in directions.indices where directions[row] == direction && quantities[row] == quantity {
        guard let point = LineChart.Point(t[row], losses[row], error: errors[row]) else { continue }
        let key = ObjectiveName.text(names[row], steps[row])
        if let place = series.firstIndex(where: { $0.key == key }) {
          series[place].points.append(point)
        } else {
          series.append((key, [point]))
        }
      }
      return try LineChart(
        title: "\(quantity.word.prefix(1).uppercased() + quantity.word.dropFirst()) along direction \(direction)",
        xLabel: "t",
        yLabel: quantity.unit ?? quantity.word,
        series: series.map { LineChart.Series(label: $0.key, points: $0.points) }
      ).html()
    }
  }
}
