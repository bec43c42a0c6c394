import Figures
import Formats
import Foundation

/// Tables of fidelity, spectra and estimators, with charts where a number has something to depend on.
enum StatisticsSection {
  static func html(_ report: Report) throws -> HTML? {
    guard !report.studies.isEmpty else { return nil }
    return section(
      "Statistics", id: "statistics",
      try report.studies.enumerated().map { index, study in
        var parts: [HTML] = [.element("h3", [:], [.text("\(title(study.kind)): \(study.name)")])]
        if let text = study.text {
          parts.append(
            .element("pre", ["class": "account", "tabindex": "0", "aria-label": "Text of \(study.name)"], [.text(text)]))
        }
        if let account = try intervals(study) { parts.append(.element("p", ["class": "note"], [.text(account)])) }
        let charts = try charts(study)
        if !charts.isEmpty { parts.append(.element("div", ["class": "panels"], charts)) }
        let table = DataTable(study.table, caption: "\(study.kind.rawValue).csv", digits: 5).html()
        parts.append(
          study.table.rows.count <= 24
            ? table : folded("\(study.kind.rawValue).csv: \(study.table.rows.count) rows", id: "study-\(index)", [table]))
        if let settings = study.settings {
          parts.append(
            folded(
              "Settings", id: "study-\(index)-settings",
              [ConfigurationSection.table(settings.entries, caption: "\(study.kind.rawValue).yaml")]))
        }
        return .element("div", ["class": "run"], parts)
      })
  }

  private static func title(_ kind: ReportStudy.Kind) -> String {
    switch kind {
    case .fidelity: "Fidelity of the approximations"
    case .spectrum: "Spectrum of the Hessian"
    case .estimators: "Gradient estimators"
    }
  }

  /// What bands and the columns `lower` and `upper` are; nil for tables that don't say (of earlier versions, and spectra).
  private static func intervals(_ study: ReportStudy) throws -> String? {
    let columns = ["interval", "resampled", "units"]
    guard columns.allSatisfy(study.table.columns.contains) else { return nil }
    let cells = try columns.map { try study.table.column($0) }
    var found: [String] = []
    for row in study.table.rows.indices where !cells[1][row].isEmpty {
      let words = "\(cells[0][row]) over \(cells[2][row]) \(cells[1][row])"
      if !found.contains(words) { found.append(words) }
    }
    guard !found.isEmpty else { return nil }
    let level = study.settings?.entries.first { $0.key == "confidence" }.flatMap { Double($0.value) }
    let share = level.map { String(format: "%.3g %% ", 100 * $0) } ?? ""
    return "Bands, lower and upper: \(share)intervals, \(found.joined(separator: "; "))."
  }

  /// What charts of a study are over, and what tells their lines apart.
  private static func charts(_ study: ReportStudy) throws -> [HTML] {
    switch study.kind {
    case .fidelity: try charts(study.table, by: ["name"], x: "radius", lines: ["objective", "inner_steps"])
    case .spectrum: try charts(study.table, by: ["quantity"], x: "epoch", lines: ["index"])
    case .estimators:
      try charts(study.table, by: ["statistic"], x: varying(study.table), lines: ["estimator", "inner_steps", "candidates"])
    }
  }

  /// What the line of each row is called; empty where one line holds them all.
  private static func lineLabels(_ table: CSVTable, _ lines: [String], _ telling: [[String]]) throws -> [String] {
    if lines == ["objective", "inner_steps"] {
      let (objectives, steps) = (try table.column("objective"), try table.column("inner_steps"))
      return zip(objectives, steps).map { ObjectiveName.text($0, Int($1) ?? 0) }
    }
    guard !telling.isEmpty else { return [] }
    return table.rows.indices.map { row in telling.map { $0[row] }.filter { !$0.isEmpty }.joined(separator: " ") }
  }

  /// The quantity that most of an estimator study varies.
  private static func varying(_ table: CSVTable) -> String {
    let counts = ["candidates", "inner_steps", "sigma"].map { name in (name, Set((try? table.column(name)) ?? []).count) }
    return counts.max { $0.1 < $1.1 }?.0 ?? "candidates"
  }

  private static func charts(_ table: CSVTable, by groups: [String], x: String, lines: [String]) throws -> [HTML] {
    let wanted = groups + [x, "value"]
    guard wanted.allSatisfy(table.columns.contains) else { return [] }
    let (keys, xs, values) = (try table.column(groups[0]), try table.column(x), try table.column("value"))
    let names = try lines.filter { $0 != x && table.columns.contains($0) }.map { try table.column($0) }
    // A name that is the same everywhere tells nothing.
    let telling = names.filter { Set($0).count > 1 }
    let labels = try lineLabels(table, lines, telling)
    let (lower, upper) = (try? table.column("lower"), try? table.column("upper"))
    var order: [String] = []
    for key in keys where !order.contains(key) { order.append(key) }
    return try order.prefix(24).compactMap { key in
      var series: [(key: String, points: [LineChart.Point])] = []
      for row in keys.indices where keys[row] == key {
        guard let point = LineChart.Point(xs[row], values[row], lower: lower?[row], upper: upper?[row]) else { continue }
        let label = labels.isEmpty ? key : labels[row]
        if let place = series.firstIndex(where: { $0.key == label }) {
          series[place].points.append(point)
        } else {
          series.append((label, [point]))
        }
      }
      // Lines need something to run along.
      guard Set(series.flatMap { $0.points.map(\.x) }).count > 1 else { return nil }
      let sorted = series.map { LineChart.Series(label: $0.key, points: $0.points.sorted { $0.x < $1.x }) }
      let title = key.replacing("_", with: " ")
      return try LineChart(
        title: title.prefix(1).uppercased() + title.dropFirst(), xLabel: x.replacing("_", with: " "),
        series: Array(sorted.prefix(18))
      ).html()
    }
  }
}

/// The tables of comparisons of methods.
enum ComparisonSection {
  static func html(_ report: Report) -> HTML? {
    guard !report.comparisons.isEmpty else { return nil }
    return section(
      "Comparison", id: "comparison",
      report.comparisons.enumerated().map { index, comparison in
        var parts: [HTML] = report.comparisons.count > 1 ? [.element("h3", [:], [.text(comparison.name)])] : []
        if let table = comparison.summary {
          parts.append(DataTable(table, caption: "Over the seeds", digits: 5).sparing(["space", "dataset"]).html())
        }
        if let table = comparison.tests {
          parts.append(DataTable(table, caption: "Paired tests", digits: 5).sparing(["space", "dataset"]).html())
        }
        if let table = comparison.runs {
          let part = DataTable(table, caption: "Every run", digits: 5).sparing(["space", "dataset"]).html()
          parts.append(
            table.rows.count <= 24 ? part : folded("Every run: \(table.rows.count)", id: "comparison-\(index)", [part]))
        }
        if let settings = comparison.settings {
          parts.append(
            folded(
              "Configuration of the comparison", id: "compare-\(index)",
              [ConfigurationSection.table(settings.entries, caption: "compare.yaml")]))
        }
        return .element("div", ["class": "run"], parts)
      })
  }
}
