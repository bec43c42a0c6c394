/// What the signs in a landscape mean.
struct LandscapeLegend {
  private enum Sign {
    case marker(Marker)
    case hatched
    case path(Int)
  }

  private struct Entry {
    var sign: Sign
    var text: Label
  }

  private let entries: [Entry]

  static let lineHeight = 12.0
  private static let signWidth = 14.0
  private static let pathSign = 20.0
  private static let entryGap = 16.0

  init(figure: LandscapeFigure) {
    var entries: [Entry] = []
    if !figure.centreLabel.isEmpty { entries.append(Entry(sign: .marker(.centre), text: figure.centreLabel)) }
    let (isHighest, best) = (figure.seeksMaximum, figure.seeksMaximum ? "maximum" : "minimum")
    if figure.losses.contains(where: { $0.grid.clearBest(isHighest: isHighest) != nil }) {
      entries.append(Entry(sign: .marker(.minimiser), text: "\(best) of the panel"))
    }
    if let reference = figure.reference, figure.losses.count > 1,
      figure.panels[reference].grid.clearBest(isHighest: isHighest) != nil
    {
      entries.append(Entry(sign: .marker(.reference), text: "\(best) of " + figure.panels[reference].title))
    }
    for (index, path) in figure.paths.enumerated() { entries.append(Entry(sign: .path(index), text: path.label)) }
    if figure.panels.contains(where: { $0.grid.values.contains(where: \.isNaN) }) {
      entries.append(Entry(sign: .hatched, text: "not a number"))
    }
    self.entries = entries
  }

  private static func signWidth(_ entry: Entry) -> Double {
    if case .path = entry.sign { return pathSign + 9 }
    return signWidth
  }

  private func width(_ entry: Entry, _ ruler: Ruler) -> Double {
    Self.signWidth(entry) + ruler.width(entry.text, size: Theme.tickSize)
  }

  func listSize(_ ruler: Ruler) -> Size {
    Size(
      width: entries.map { width($0, ruler) }.max() ?? 0, height: Double(entries.count) * Self.lineHeight)
  }

  func drawList(on canvas: Canvas, at origin: Point) {
    for (index, entry) in entries.enumerated() {
      draw(entry, on: canvas, at: Point(origin.x, origin.y + (Double(index) + 0.5) * Self.lineHeight))
    }
  }

  /// Indices of the entries of each line, filled up to `room`.
  func lines(room: Double, _ ruler: Ruler) -> [[Int]] {
    var lines: [[Int]] = []
    var used = 0.0
    for index in entries.indices {
      let needed = width(entries[index], ruler)
      if let last = lines.indices.last, used + Self.entryGap + needed <= room {
        lines[last].append(index)
        used += Self.entryGap + needed
      } else {
        lines.append([index])
        used = needed
      }
    }
    return lines
  }

  func drawLines(_ lines: [[Int]], on canvas: Canvas, centre: Double, top: Double, _ ruler: Ruler) {
    for (number, line) in lines.enumerated() {
      let widths = line.map { width(entries[$0], ruler) }
      var x = centre - (widths.reduce(0, +) + Double(line.count - 1) * Self.entryGap) / 2
      for (index, width) in zip(line, widths) {
        draw(entries[index], on: canvas, at: Point(x, top + (Double(number) + 0.5) * Self.lineHeight))
        x += width + Self.entryGap
      }
    }
  }

  private func draw(_ entry: Entry, on canvas: Canvas, at point: Point) {
    let sign = Point(point.x + 5, point.y)
    switch entry.sign {
    case .marker(let marker):
      marker.draw(on: canvas, at: sign)
    case .path(let index):
      PathDrawing.drawSign(index, on: canvas, from: Point(point.x + 2, point.y), length: Self.pathSign)
    case .hatched:
      let swatch = Rectangle(x: sign.x - 4, y: sign.y - 3.5, width: 8, height: 7)
      canvas.fill(swatch, Theme.notFinite)
      HeatmapPanel.hatch(on: canvas, [swatch], within: swatch)
      canvas.stroke(swatch, .ink, width: 0.4)
    }
    canvas.text(entry.text, at: Point(point.x + Self.signWidth(entry), point.y), size: Theme.tickSize, vertical: .middle)
  }
}
