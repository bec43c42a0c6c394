/// How the lines of a chart are told apart.
package enum LineStyle {
  static let width = 1.2
  static let bandOpacity = 0.2
  /// Lines differ in dashes as well as in colour, for print without colour.
  private static let dashes: [[Double]] = [[], [4, 1.5], [1.2, 1.2], [5, 1.5, 1.2, 1.5]]

  package static func colour(_ index: Int) -> Colour { Theme.series[index % Theme.series.count] }
  /// With each round through all colours and dashes these meet otherwise.
  package static func dash(_ index: Int) -> [Double] { dashes[(index + index / round) % dashes.count] }

  /// Lines that differ in colour or dash, all those before the first that looks like another.
  package static var distinct: Int { Theme.series.count * dashes.count }
  /// After so many lines colours and dashes would meet as before: their least common multiple.
  private static let round = 12
}

/// Signs and names of the lines of a chart, as a column or in lines.
struct LineLegend {
  private struct Entry {
    let index: Int
    let label: Label
    let hasBand: Bool
  }

  private let entries: [Entry]

  private static let lineHeight = 10.0
  private static let signLength = 14.0
  private static let signWidth = 18.0
  private static let gap = 12.0

  /// Lines without points or without a name are left out.
  init(_ series: [LineSeries]) {
    entries = series.indices.filter { !series[$0].x.isEmpty && !series[$0].label.isEmpty }.map {
      Entry(
        index: series[$0].style ?? $0, label: series[$0].label, hasBand: series[$0].band != nil && !series[$0].marksPoints)
    }
  }

  private static func width(_ entry: Entry, _ ruler: Ruler) -> Double {
    signWidth + ruler.width(entry.label, size: Theme.tickSize)
  }

  func columnSize(_ ruler: Ruler) -> Size {
    Size(
      width: 8 + (entries.map { Self.width($0, ruler) }.max() ?? 0), height: 4 + Double(entries.count) * Self.lineHeight)
  }

  /// Height of the entries in lines at most `room` wide.
  func height(room: Double, _ ruler: Ruler) -> Double { Double(lines(room: room, ruler).count) * Self.lineHeight }

  private func lines(room: Double, _ ruler: Ruler) -> [[Entry]] {
    var lines: [[Entry]] = []
    var used = 0.0
    for entry in entries {
      let needed = Self.width(entry, ruler) + Self.gap
      if let last = lines.indices.last, used + needed <= room {
        lines[last].append(entry)
        used += needed
      } else {
        lines.append([entry])
        used = needed
      }
    }
    return lines
  }

  func drawColumn(in box: Rectangle, on canvas: Canvas) {
    canvas.fill(box, Colour.white.with(opacity: 0.85))
    canvas.stroke(box, Theme.grid, width: 0.5)
    for (row, entry) in entries.enumerated() {
      Self.draw(entry, at: Point(box.x + 4, box.y + 2 + (Double(row) + 0.5) * Self.lineHeight), on: canvas)
    }
  }

  /// Lines centred on a page of width `width`.
  func drawLines(from top: Double, across width: Double, room: Double, on canvas: Canvas, _ ruler: Ruler) {
    for (row, line) in lines(room: room, ruler).enumerated() {
      let widths = line.map { Self.width($0, ruler) + Self.gap }
      var x = width / 2 - (widths.reduce(0, +) - Self.gap) / 2
      for (entry, width) in zip(line, widths) {
        Self.draw(entry, at: Point(x, top + (Double(row) + 0.5) * Self.lineHeight), on: canvas)
        x += width
      }
    }
  }

  private static func draw(_ entry: Entry, at point: Point, on canvas: Canvas) {
    let colour = LineStyle.colour(entry.index)
    if entry.hasBand {
      canvas.fill(
        Rectangle(x: point.x, y: point.y - 3, width: signLength, height: 6), colour.with(opacity: LineStyle.bandOpacity))
    }
    canvas.stroke(
      [point, Point(point.x + signLength, point.y)], colour, width: LineStyle.width, dash: LineStyle.dash(entry.index))
    canvas.text(entry.label, at: Point(point.x + signWidth, point.y), size: Theme.tickSize, vertical: .middle)
  }
}
