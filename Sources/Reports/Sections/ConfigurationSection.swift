import Foundation
import Runs

/// Every setting, the programs that ran, and the commands that repeat it all.
enum ConfigurationSection {
  static func html(_ report: Report) -> HTML? {
    guard !report.runs.isEmpty else { return nil }
    let parts = zip(report.runs, report.runLabels).enumerated().map { index, run in
      let table = Self.table(run.0.settings.entries, caption: "config.yaml of \(run.1)")
      return report.runs.count == 1 ? table : folded(run.1, id: "configuration-\(index)", [table])
    }
    return section("Configuration", id: "configuration", parts)
  }

  /// Keys, values and remarks.
  static func table(_ entries: [Settings.Entry], caption: String) -> HTML {
    let hasRemarks = entries.contains { !$0.remark.isEmpty }
    return DataTable(
      caption: caption, columns: ["setting", "value"] + (hasRemarks ? ["meaning"] : []),
      rows: entries.map { [$0.key, $0.value] + (hasRemarks ? [$0.remark] : []) }
    ).html(class: "settings")
  }

  static func origin(_ report: Report, command: String?) -> HTML {
    var rows: [HTML] = []
    func add(_ name: String, _ lines: [String]) {
      guard !lines.isEmpty else { return }
      rows.append(.element("h3", [:], [.text(name)]))
      rows += lines.map {
        .element("pre", ["class": "command", "tabindex": "0", "aria-label": "Command line"], [.text($0)])
      }
    }
    for (run, label) in zip(report.runs, report.runLabels) {
      add(label, run.log.commands.isEmpty ? [run.repetition] : run.log.commands)
    }
    for landscape in report.landscapes { add(landscape.name, [landscape.command].compactMap { $0 }) }
    add("This report", [command].compactMap { $0 })
    let versions = report.runs.reduce(into: [String]()) { list, run in
      for version in run.log.versions where !list.contains(version) { list.append(version) }
    }
    let made = "This page was made by zarts \(Provenance.version)."
    let computed = versions.isEmpty ? "" : " The runs were computed by \(versions.joined(separator: "; "))."
    return section("Versions and command lines", id: "origin", [.element("p", [:], [.text(made + computed)])] + rows)
  }
}
