import Foundation

/// What `zarts diagnose` says of the runs.
enum VerdictSection {
  static func html(_ report: Report) throws -> HTML? {
    let diagnosed = zip(report.runs, report.runLabels).filter { $0.0.diagnosis != nil }
    guard !diagnosed.isEmpty else { return nil }
    return section(
      "Verdict", id: "verdict", try diagnosed.enumerated().map { try html($1.0, $1.1, isOnly: report.runs.count == 1, $0) })
  }

  private static func html(_ run: ReportRun, _ label: String, isOnly: Bool, _ index: Int) throws -> HTML {
    guard let diagnosis = run.diagnosis else { return .empty }
    var parts: [HTML] = isOnly ? [] : [.element("h3", [:], [.text(label)])]
    let entries = diagnosis.verdict?.entries ?? []
    if let verdict = entries.first(where: { $0.key == "verdict" }) ?? entries.first(where: { $0.key == "collapsed" }) {
      let text = verdict.key == "verdict" ? verdict.value : verdict.value == "true" ? "collapsed" : "not collapsed"
      let words = text.lowercased()
      let style = words.hasPrefix("collapsed") ? "verdict bad" : words.hasPrefix("suspect") ? "verdict doubt" : "verdict"
      let epoch = diagnosis.verdict?["epoch"].flatMap { Int($0) }.map { ", since epoch \($0)" } ?? ""
      parts.append(.element("p", ["class": style], [.text(text.prefix(1).uppercased() + text.dropFirst() + epoch)]))
    }
    if let text = diagnosis.text, !text.isEmpty {
      parts.append(
        .element("pre", ["class": "account", "tabindex": "0", "aria-label": "Diagnosis of \(label)"], [.text(text)]))
    }
    if !entries.isEmpty {
      parts.append(
        folded(
          "Evidence and thresholds", id: "evidence-\(index)", isOpen: diagnosis.text == nil,
          [ConfigurationSection.table(entries, caption: "Diagnosis of \(label)")]))
    }
    if let table = diagnosis.table {
      let charts = try CurvesSection.charts(ofDiagnosis: table)
      let panels = HTML.element("div", ["class": "panels"], charts)
      if !charts.isEmpty {
        parts.append(isOnly ? panels : folded("Quantities by epoch", id: "quantities-\(index)", [panels]))
      }
      parts.append(
        folded(
          "Every quantity by epoch", id: "diagnosis-\(index)",
          [DataTable(table, caption: "diagnosis.csv of \(label)").html()]))
    }
    return .element("div", ["class": "run"], parts)
  }
}
