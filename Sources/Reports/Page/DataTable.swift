import Figures
import Formats
import Foundation

/// A table of texts; columns whose cells are all numbers stand flush right.
struct DataTable {
  var caption: String
  var columns: [String]
  var rows: [[String]]
  /// Long numbers are cut to so many significant digits; the whole stands in their `title`. 0 for none.
  var digits = 0

  init(caption: String, columns: [String], rows: [[String]], digits: Int = 0) {
    self.caption = caption
    self.columns = columns
    self.rows = rows
    self.digits = digits
  }

  init(_ table: CSVTable, caption: String, digits: Int = 0) {
    self.init(caption: caption, columns: table.columns, rows: table.rows, digits: digits)
  }

  /// The same without those of some columns that say the same in every row: the caption says it once.
  func sparing(_ names: [String]) -> DataTable {
    let same = columns.indices.filter { index in
      names.contains(columns[index]) && rows.count > 1 && Set(rows.map { $0[index] }).count == 1
    }
    guard !same.isEmpty else { return self }
    let kept = columns.indices.filter { !same.contains($0) }
    let said = same.map { "\(columns[$0]) \(rows[0][$0])" }.joined(separator: ", ")
    return DataTable(
      caption: "\(caption): \(said)", columns: kept.map { columns[$0] }, rows: rows.map { row in kept.map { row[$0] } },
      digits: digits)
  }

  /// - Parameter name: a class of the table; nil for none.
  func html(class name: String? = nil) -> HTML {
    let isNumber = columns.indices.map { column in
      rows.contains { !$0[column].isEmpty } && rows.allSatisfy { $0[column].isEmpty || Double($0[column]) != nil }
    }
    let head = columns.enumerated().map { index, name in
      HTML.element(
        "th", ["scope": "col", "class": isNumber[index] ? "number" : nil], [.text(name.replacing("_", with: " "))])
    }
    let body = rows.map { row in
      HTML.element(
        "tr", [:],
        row.enumerated().map { index, cell in
          let (text, whole) = shown(cell, isNumber: isNumber[index])
          if index == 0 { return .element("th", ["scope": "row", "class": isNumber[index] ? "number" : nil], [text]) }
          let style = isNumber[index] ? "number" : cell.count > 40 || cell.contains("\n") ? "long" : nil
          return .element("td", ["class": style, "title": whole], [text])
        })
    }
    // A scrolling area needs the focus to be scrolled by keys.
    return .element(
      "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": caption],
      [
        .element(
          "table", ["class": name],
          [
            .element("caption", [:], [.element("span", [:], [.text(caption)])]),
            .element("thead", [:], [.element("tr", [:], head)]), .element("tbody", [:], body),
          ])
      ])
  }

  private func shown(_ cell: String, isNumber: Bool) -> (HTML, String?) {
    guard digits > 0, isNumber, let value = Double(cell), value.isFinite, cell.count > digits + 2, Int(cell) == nil else {
      return (.text(cell), nil)
    }
    return (.text(Label(Numeral.short(value, digits: digits)).unicode), cell)
  }
}

/// A part that is folded away until it is wanted; open in print.
func folded(_ title: String, id: String? = nil, isOpen: Bool = false, _ content: [HTML]) -> HTML {
  .element(
    "details", ["id": id, "open": isOpen ? "open" : nil], [.element("summary", [:], [.text(title)])] + content)
}

/// A section with its heading.
func section(_ title: String, id: String, _ content: [HTML]) -> HTML {
  .element(
    "section", ["id": id, "aria-labelledby": "\(id)-title"],
    [.element("h2", ["id": "\(id)-title"], [.text(title)])] + content)
}
