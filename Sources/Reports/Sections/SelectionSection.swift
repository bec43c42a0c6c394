import Cells
import Diagnosis
import Formats
import Search

/// What `zarts derive` has selected, beside what the argmax rule derives.
enum SelectionSection {
  static func html(_ report: Report) throws -> HTML? {
    guard !report.selections.isEmpty else { return nil }
    return section(
      "Selections", id: "selections",
      try report.selections.enumerated().map { index, selection in
        var parts: [HTML] = report.selections.count > 1 ? [.element("h3", [:], [.text(selection.name)])] : []
        if let selected = selection.selected {
          let difference = SelectionDifference(argmax: selection.argmax, selected: selected)
          let account = DiagnosisSupplement.account(difference, rule: selection.rule, in: selection.path)
          parts += account.lines.map { .element("p", [:], [.text($0)]) }
          parts += [.element("p", ["class": "note"], [.text("By \(selection.rule):")]), try CellPicture.html(selected)]
        } else {
          parts.append(.element("p", ["class": "note"], [.text("The selection is not finished.")]))
        }
        parts.append(
          folded("By the argmax rule", id: "selection-\(index)-argmax", [try CellPicture.html(selection.argmax)]))
        if let table = selection.removals {
          let rows = DataTable(table, caption: "removals.csv of \(selection.name)", digits: 5).html()
          parts.append(folded("Every removal: \(table.rows.count)", id: "selection-\(index)-removals", [rows]))
        }
        if let settings = selection.settings {
          parts.append(
            folded(
              "Settings of the selection", id: "selection-\(index)",
              [ConfigurationSection.table(settings.entries, caption: "config.yaml of \(selection.name)")]))
        }
        return .element("div", ["class": "run"], parts)
      })
  }
}
