/// Columns of text, padded to line up.
enum TextTable {
  /// The header, a rule and the rows, without a line end at the end.
  static func text(header: [String], rows: [[String]], rightAligned: Set<Int> = []) -> String {
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    func line(_ cells: [String]) -> String {
      let padded = cells.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        if rightAligned.contains(column) { return space + cell }
        // Nothing stands to the right of the last column, so it needs no padding.
        return column == cells.count - 1 ? cell : cell + space
      }
      return padded.joined(separator: "  ")
    }
    // The last column may be far wider than a screen.
    let rule = (widths.dropLast() + [header.last?.count ?? 0]).map { String(repeating: "─", count: $0) }
    return ([line(header), rule.joined(separator: "  ")] + rows.map(line)).joined(separator: "\n")
  }
}
