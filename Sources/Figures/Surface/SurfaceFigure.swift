import Formats
import Foundation

/// Landscapes as shaded surfaces in a parallel view, with their contours on the floor below: the shape at a glance, beside
/// the heatmaps that values are read from.
public struct SurfaceFigure: Figure, Sendable {
  public var title: String
  /// On one scale of heights and colours.
  public var panels: [LandscapePanel]
  public var xLabel: Label
  public var yLabel: Label
  public var zLabel: Label
  public var caption: [String]
  /// Where values are not finite, in words: "first at 2 of 9 points". Empty for a count of them.
  public var gaps: [String] = []
  /// Degrees from the first direction, towards the second, to where the viewer stands, and above the ground.
  public var azimuth = -60.0
  public var elevation = 30.0
  public var colourMap = ColourMap.viridis
  /// Limits of heights and colours; nil for those that suit the values. What lies beyond is cut off there.
  public var range: ClosedRange<Double>?
  /// Heights and colours go by the logarithm.
  public var isLogarithmic = false
  /// The highest points are marked, not the lowest.
  public var seeksMaximum = false
  public var centre = Point(0, 0)
  /// Page width in points; nil for 3.5 inches with one panel, 7 with more.
  public var width: Double?

  public var name: String { title }

  /// - Throws: `InputError` where there is no panel, or one is not at least 2 × 2 points.
  public init(
    title: String, panels: [LandscapePanel], xLabel: Label = "direction 1", yLabel: Label = "direction 2",
    zLabel: Label = "validation loss", caption: [String] = [], width: Double? = nil
  ) throws {
    guard !panels.isEmpty else {
      throw InputError.undrawable("surface panels", found: "none", wanted: "at least one")
    }
    for panel in panels where panel.grid.columns < 2 || panel.grid.rows < 2 {
      throw InputError.undrawable(
        "surface \(panel.title.plain)", found: "\(panel.grid.columns) × \(panel.grid.rows) points",
        wanted: "at least 2 each way: a point has no surface")
    }
    if let width, !(180...2000).contains(width) {
      throw InputError.undrawable("surface width", found: "\(width)", wanted: "180 to 2000 points")
    }
    self.title = title
    self.panels = panels
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.zLabel = zLabel
    self.caption = caption
    self.width = width
  }

  func scale() -> ColourScale {
    let values = panels.flatMap(\.grid.values)
    if let range { return .fixed(range, values, map: colourMap, isLogarithmic: isLogarithmic) }
    return isLogarithmic ? .logarithmic(values, map: colourMap) : .sequential(values, map: colourMap)
  }

  public func pageSize() throws -> Size { try layout().size }

  public func draw(on canvas: Canvas) throws {
    let layout = try layout()
    for (panel, place) in zip(panels, layout.places) {
      let drawing = SurfaceDrawing(
        grid: panel.grid, scale: layout.scale, view: place.view, labels: (xLabel, yLabel, zLabel), centre: centre,
        seeksMaximum: seeksMaximum, ruler: layout.ruler)
      drawing.draw(on: canvas)
      let (text, size) = layout.ruler.fitted(panel.title, size: Theme.panelTitleSize, least: 6, room: place.room)
      canvas.text(text, at: Point(place.middle, place.titleBaseline), size: size, horizontal: .centre)
    }
    layout.bar.draw(on: canvas, x: layout.barX, top: layout.barTop, height: layout.barHeight, ruler: layout.ruler)
    drawLegend(on: canvas, layout)
    layout.text.draw(on: canvas, bottom: layout.bottom)
  }

  private func drawLegend(on canvas: Canvas, _ layout: Layout) {
    let best = seeksMaximum ? "maximum" : "minimum"
    let long = Label("\(best), above its place on the floor")
    let isNarrow = 60 + layout.ruler.width(long, size: Theme.tickSize) > layout.size.width - 40
    let signs: [(Marker, Label)] = [(.centre, "centre"), (.minimiser, isNarrow ? Label(best) : long)]
    let shown = panels.contains { $0.grid.clearBest(isHighest: seeksMaximum) != nil } ? signs : [signs[0]]
    let widths = shown.map { 14 + layout.ruler.width($0.1, size: Theme.tickSize) + 16 }
    var x = layout.size.width / 2 - (widths.reduce(0, +) - 16) / 2
    for ((marker, label), width) in zip(shown, widths) {
      marker.draw(on: canvas, at: Point(x + 5, layout.bottom - 5))
      canvas.text(label, at: Point(x + 14, layout.bottom - 5), size: Theme.tickSize, vertical: .middle)
      x += width
    }
  }

  private struct Place {
    var view: Projection
    var middle: Double
    var titleBaseline: Double
    var room: Double
  }

  private struct Layout {
    let ruler: Ruler
    let scale: ColourScale
    let text: PageText
    let bar: ColourBar
    let places: [Place]
    let barX: Double
    let barTop: Double
    let barHeight: Double
    /// End of all above the caption.
    let bottom: Double
    let size: Size
  }

  /// Room for tick labels and axis labels around a box.
  private static let (besideLeft, besideRight, below) = (30.0, 9.0, 24.0)
  private static let legendHeight = 14.0

  private func layout() throws -> Layout {
    let ruler = try Ruler()
    let scale = scale()
    let columns = panels.count == 4 ? 2 : min(panels.count, 3)
    let page = width ?? (columns == 1 ? 252 : 504)
    var sentences = caption
    if let note = scale.clippingNote(panels.flatMap(\.grid.values), of: "Heights and colours") { sentences.append(note) }
    let holes = panels.reduce(0) { $0 + $1.grid.values.count(where: \.isNaN) }
    let missing =
      gaps.isEmpty
      ? "\(holes) \(holes == 1 ? "value that is" : "values that are") not a number"
      : "not finite, \(gaps.joined(separator: ", "))"
    if holes > 0 { sentences.append("Holes: \(missing).") }
    let text = PageText(title: title, caption: sentences, width: page, ruler: ruler)
    let bar = ColourBar(scale: scale, label: zLabel)
    let barRoom = 8 + ([60, 90, 120, 150].map { bar.extent(height: $0, ruler: ruler) }.max() ?? 0) + Theme.margin
    let cell = (page - barRoom - Theme.margin) / Double(columns)
    let boxWidth = cell - Self.besideLeft - Self.besideRight
    guard boxWidth > 40 else {
      throw InputError.undrawable(
        "surface width", found: "\(page) points for \(columns) panels side by side", wanted: "a wider page")
    }
    var (places, y): ([Place], Double) = ([], text.top)
    let titleRoom = Theme.panelTitleSize * Theme.capHeight + 2
    let firstTop = y + titleRoom
    for start in stride(from: 0, to: panels.count, by: columns) {
      y += titleRoom
      var height = 0.0
      for column in 0..<min(columns, panels.count - start) {
        let left = Theme.margin + Double(column) * cell
        let view = Projection(
          azimuth: azimuth, elevation: elevation, floor: -0.55, left: left + Self.besideLeft, top: y, width: boxWidth)
        places.append(
          Place(
            view: view, middle: left + Self.besideLeft + boxWidth / 2, titleBaseline: y - 4,
            room: boxWidth + 2 * Self.besideRight))
        height = view.boxHeight
      }
      y += height + Self.below
    }
    let barHeight = min(y - Self.below - firstTop, 150)
    let barTop = firstTop + (y - Self.below - firstTop - barHeight) / 2
    let bottom = y + Self.legendHeight
    return Layout(
      ruler: ruler, scale: scale, text: text, bar: bar, places: places, barX: page - barRoom + 8, barTop: barTop,
      barHeight: barHeight, bottom: bottom,
      size: Size(width: page, height: (bottom + text.captionHeight + Theme.margin).rounded(.up)))
  }
}
