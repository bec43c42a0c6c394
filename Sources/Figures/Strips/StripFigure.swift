import Formats

/// Values of several rows over epochs, such as the mixing weight of one operation on every edge.
public struct StripPanel: Equatable, Sendable {
  public var title: Label
  /// Rows × epochs, row by row from the top; NaN for what is not there.
  public var values: [[Double]]

  public init(title: Label, values: [[Double]]) {
    self.title = title
    self.values = values
  }
}

/// Heat strips: a row a panel row, a column an epoch, on one colour scale.
public struct StripFigure: Figure, Sendable {
  public var title: String
  public var panels: [StripPanel]
  /// Names of the rows, the same in every panel.
  public var rows: [Label]
  /// Ascending and evenly spaced: one for each column.
  public var epochs: [Int]
  /// Panels side by side.
  public var columns: Int
  public var xLabel: Label
  public var valueLabel: Label
  public var caption: [String]
  public var colourMap = ColourMap.viridis
  /// Limits of the colours; nil for the least and greatest value.
  public var range: ClosedRange<Double>?
  public var isLogarithmic = false
  /// Page width in points.
  public var width: Double

  public var name: String { title }

  /// - Throws: `InputError` where there is nothing to show, or panels are not rows × epochs.
  public init(
    title: String, panels: [StripPanel], rows: [Label], epochs: [Int], columns: Int, xLabel: Label = "epoch",
    valueLabel: Label, caption: [String] = [], width: Double = 504
  ) throws {
    guard !panels.isEmpty, !rows.isEmpty, !epochs.isEmpty, columns > 0 else {
      throw InputError.undrawable(
        "strips", found: "\(panels.count) panels of \(rows.count) rows and \(epochs.count) epochs",
        wanted: "at least one of each")
    }
    for panel in panels where panel.values.count != rows.count || panel.values.contains(where: { $0.count != epochs.count })
    {
      throw InputError.undrawable(
        "strips \(panel.title.plain)",
        found: "\(panel.values.count) rows of \(Set(panel.values.map(\.count)).sorted()) values",
        wanted: "\(rows.count) rows of \(epochs.count)")
    }
    guard (180...2000).contains(width) else {
      throw InputError.undrawable("strips width", found: "\(width)", wanted: "180 to 2000 points")
    }
    self.title = title
    self.panels = panels
    self.rows = rows
    self.epochs = epochs
    self.columns = min(columns, panels.count)
    self.xLabel = xLabel
    self.valueLabel = valueLabel
    self.caption = caption
    self.width = width
  }

  private static let rowHeight = 7.5
  private static let gap = 9.0

  private struct Layout {
    let ruler: Ruler
    let text: PageText
    let bar: ColourBar
    let frames: [Rectangle]
    let axis: Axis
    let bottom: Double
    let size: Size
  }

  private func scale() -> ColourScale {
    let values = panels.flatMap { $0.values.joined() }
    if let range { return .fixed(range, values, map: colourMap, isLogarithmic: isLogarithmic) }
    return isLogarithmic ? .logarithmic(values, map: colourMap) : .sequential(values, map: colourMap)
  }

  private func layout() throws -> Layout {
    let ruler = try Ruler()
    let scale = scale()
    let values = panels.flatMap { $0.values.joined() }
    let note = scale.clippingNote(values, of: "Colours")
    let missing = values.contains(where: \.isNaN) ? "Grey: not there." : nil
    let text = PageText(title: title, caption: caption + [note, missing].compactMap { $0 }, width: width, ruler: ruler)
    let bar = ColourBar(scale: scale, label: valueLabel)
    let names = rows.map { ruler.width($0, size: Theme.contourSize) }.max() ?? 0
    let left = Theme.margin + names + 4
    let barRoom = 8 + ([90, 120, 160].map { bar.extent(height: $0, ruler: ruler) }.max() ?? 0) + Theme.margin
    let panelWidth = (width - left - barRoom - Double(columns - 1) * Self.gap) / Double(columns)
    guard panelWidth > 20 else {
      throw InputError.undrawable(
        "strips width", found: "\(width) points for \(columns) panels side by side", wanted: "a wider page")
    }
    let height = Self.rowHeight * Double(rows.count)
    let titleRoom = Theme.tickSize * Theme.capHeight + 4
    var (frames, top): ([Rectangle], Double) = ([], text.top)
    for start in stride(from: 0, to: panels.count, by: columns) {
      let isLast = start + columns >= panels.count
      for column in 0..<min(columns, panels.count - start) {
        frames.append(
          Rectangle(
            x: left + Double(column) * (panelWidth + Self.gap), y: top + titleRoom, width: panelWidth, height: height))
      }
      top += titleRoom + height + (isLast ? Frame.belowWithLabel : Frame.belowTicksOnly) + 6
    }
    let step = epochs.count > 1 ? Double(epochs[1] - epochs[0]) : 1
    let (first, last) = (Double(epochs[0]), Double(epochs[epochs.count - 1]))
    let axis = try Axis(label: xLabel, low: first - step / 2, high: last + step / 2)
    return Layout(
      ruler: ruler, text: text, bar: bar, frames: frames, axis: axis, bottom: top - 6,
      size: Size(width: width, height: (top - 6 + text.captionHeight + Theme.margin).rounded(.up)))
  }

  public func pageSize() throws -> Size { try layout().size }

  public func draw(on canvas: Canvas) throws {
    let layout = try layout()
    for (index, panel) in panels.enumerated() {
      draw(panel, index, in: canvas.snapped(layout.frames[index]), layout, on: canvas)
    }
    let (top, bottom) = (layout.frames[0].y, layout.frames[layout.frames.count - 1].bottom)
    let height = min(bottom - top, 160)
    layout.bar.draw(
      on: canvas, x: layout.frames[columns - 1].right + 8, top: top + (bottom - top - height) / 2, height: height,
      ruler: layout.ruler)
    layout.text.draw(on: canvas, bottom: layout.bottom)
  }

  private func draw(_ panel: StripPanel, _ index: Int, in frame: Rectangle, _ layout: Layout, on canvas: Canvas) {
    let colours = panel.values.joined().map { layout.bar.scale.colour($0) ?? Theme.notFinite }
    canvas.cells(
      colours, edgesX: (0...epochs.count).map { frame.x + frame.width * Double($0) / Double(epochs.count) },
      edgesY: (0...rows.count).map { frame.y + frame.height * Double($0) / Double(rows.count) })
    canvas.stroke(frame, .ink, width: Theme.frameWidth)
    let (title, size) = layout.ruler.fitted(panel.title, size: Theme.tickSize, least: 5, room: frame.width + 4)
    canvas.text(title, at: Point(frame.centre.x, frame.y - 3), size: size, horizontal: .centre)
    let ticks = layout.axis.ticks(
      along: frame.width, size: Theme.tickSize, target: 5, ruler: layout.ruler, whole: true)
    let isLowest = index + columns >= panels.count
    Frame.drawX(layout.axis, ticks, on: canvas, frame: frame, ruler: layout.ruler, hasLabel: isLowest)
    guard index.isMultiple(of: columns) else { return }
    for (row, name) in rows.enumerated() {
      let y = frame.y + frame.height * (Double(row) + 0.5) / Double(rows.count)
      canvas.text(name, at: Point(frame.x - 3, y), size: Theme.contourSize, horizontal: .right, vertical: .middle)
    }
  }
}
