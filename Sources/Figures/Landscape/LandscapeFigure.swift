import Formats

/// One panel of a landscape: a loss, or a difference between two losses.
public struct LandscapePanel: Equatable, Sendable {
  /// As `Label` markup: "L_{M}(α)".
  public var title: Label
  public var grid: Grid
  /// Drawn on the diverging scale around 0 that all differences share.
  public var isDifference: Bool

  public init(title: Label, grid: Grid, isDifference: Bool = false) {
    self.title = title
    self.grid = grid
    self.isDifference = isDifference
  }
}

/// Heatmaps of losses over two directions, side by side on one colour scale, and their differences below on another.
public struct LandscapeFigure: Figure, Sendable {
  public var title: String
  /// In order; losses fill the upper rows, differences the lower ones.
  public var panels: [LandscapePanel]
  public var xLabel: Label
  public var yLabel: Label
  public var lossLabel: Label
  public var differenceLabel: Label
  /// Sentences below the figure, as `Label` markup: space, data, epoch, M, seed. Notes on clipped and missing values
  /// are added.
  public var caption: [String]
  /// Where values are not finite, in words: "first at 2 of 9 points". Empty for a count of them.
  public var gaps: [String] = []
  /// The point that the directions start from.
  public var centre: Point
  /// Index into `panels` of the loss whose minimiser is marked in the other losses too; nil for none.
  public var reference: Int?
  /// Cells bilinear between the points, instead of one flat cell a point.
  public var smooth: Bool
  /// Ways of α or ω, drawn over every panel.
  public var paths: [LandscapePath] = []
  /// What the point where paths and directions meet is, for the legend; empty for no mark there.
  public var centreLabel: Label = "centre: the checkpoint"
  /// Panels show something that is to be high, such as an accuracy: their highest points are marked.
  public var seeksMaximum = false
  /// What panels show that are no differences, in the plural.
  public var values = "losses"
  public var colourMap = ColourMap.viridis
  public var differenceMap = ColourMap.blueWhiteRed
  /// Limits of the colours of losses; nil for those that suit the values.
  public var range: ClosedRange<Double>?
  /// Largest difference that the colours reach to on both sides; nil for what suits the values.
  public var differenceRange: Double?
  /// Colours of losses go by the logarithm.
  public var isLogarithmic = false
  /// Page width in points; nil for 3.5 inches with one column, 5.5 with two, 7 with more.
  public var width: Double?

  public var name: String { title }

  /// - Throws: `InputError` when there is no panel or `reference` names none, or names a difference.
  public init(
    title: String, panels: [LandscapePanel], reference: Int? = nil, caption: [String] = [],
    xLabel: Label = "direction 1 (‖α‖ per cell)", yLabel: Label = "direction 2 (‖α‖ per cell)",
    lossLabel: Label = "validation loss", differenceLabel: Label = "difference of validation losses",
    centre: Point = Point(0, 0), smooth: Bool = false, width: Double? = nil
  ) throws {
    guard !panels.isEmpty else {
      throw InputError.undrawable("landscape panels", found: "none", wanted: "at least one")
    }
    if let reference, !panels.indices.contains(reference) || panels[reference].isDifference {
      throw InputError.undrawable(
        "landscape reference", found: "\(reference)", wanted: "the index of a panel that shows a loss")
    }
    if let width, !(144...2000).contains(width) {
      throw InputError.undrawable("landscape width", found: "\(width)", wanted: "144 to 2000 points")
    }
    self.title = title
    self.panels = panels
    self.reference = reference
    self.caption = caption
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.lossLabel = lossLabel
    self.differenceLabel = differenceLabel
    self.centre = centre
    self.smooth = smooth
    self.width = width
  }

  /// The usual comparison: every loss, the last one being the truth, and below what the others miss it by.
  ///
  /// - Parameter losses: title as markup and grid of each loss, all on the same points; the reference comes last.
  /// - Throws: `InputError` when there is no loss or the grids differ in their points.
  public static func comparison(
    title: String, losses: [(title: String, grid: Grid)], caption: [String] = []
  ) throws -> LandscapeFigure {
    guard let truth = losses.last else {
      throw InputError.undrawable("landscape losses", found: "none", wanted: "at least one")
    }
    let differences = try losses.dropLast().map { loss in
      LandscapePanel(
        title: Label("\(loss.title) \u{2212} \(truth.title)"), grid: try loss.grid.minus(truth.grid), isDifference: true)
    }
    return try LandscapeFigure(
      title: title, panels: losses.map { LandscapePanel(title: Label($0.title), grid: $0.grid) } + differences,
      reference: losses.count > 1 ? losses.count - 1 : nil, caption: caption)
  }

  public func pageSize() throws -> Size { try LandscapeLayout(self).size }

  public func draw(on canvas: Canvas) throws { try LandscapeLayout(self).draw(on: canvas) }

  /// The scale of losses.
  func lossScale() -> ColourScale {
    let values = losses.flatMap(\.grid.values)
    if let range { return .fixed(range, values, map: colourMap, isLogarithmic: isLogarithmic) }
    return isLogarithmic ? .logarithmic(values, map: colourMap) : .sequential(values, map: colourMap)
  }

  func differenceScale() -> ColourScale {
    let values = differences.flatMap(\.grid.values)
    guard let differenceRange, differenceRange > 0 else { return .symmetric(values, map: differenceMap) }
    return .fixed(-differenceRange...differenceRange, values, map: differenceMap)
  }

  var losses: [LandscapePanel] { panels.filter { !$0.isDifference } }
  var differences: [LandscapePanel] { panels.filter(\.isDifference) }

  /// One sentence for each thing about the colours that a reader must know.
  func notes(loss: ColourScale, difference: ColourScale) -> [String] {
    func clipping(_ scale: ColourScale, _ panels: [LandscapePanel], _ what: String) -> String? {
      scale.clippingNote(panels.flatMap(\.grid.values), of: "Colours of \(what)")
    }
    let holes = panels.reduce(0) { $0 + $1.grid.values.count(where: \.isNaN) }
    let missing =
      gaps.isEmpty
      ? "\(holes) \(holes == 1 ? "value that is" : "values that are") not a number"
      : "not finite, \(gaps.joined(separator: ", "))"
    let hatched = holes == 0 ? nil : "Hatched: \(missing)."
    return [
      clipping(loss, losses, seeksMaximum ? "accuracies" : values), clipping(difference, differences, "differences"),
      hatched,
    ]
    .compactMap { $0 } + pathNotes()
  }

  private func pathNotes() -> [String] {
    let leaving = paths.filter { path in
      !panels.contains { panel in
        let (x, y) = (HeatmapPanel.edges(panel.grid.x), HeatmapPanel.edges(panel.grid.y))
        return path.points.allSatisfy { $0.x >= x[0] && $0.x <= x[x.count - 1] && $0.y >= y[0] && $0.y <= y[y.count - 1] }
      }
    }
    let counts = Set(paths.map(\.counts)).sorted().joined(separator: " or ")
    let reading = paths.isEmpty ? [] : ["Paths lead from the circle to the square; numbers on them are \(counts)."]
    guard !leaving.isEmpty else { return reading }
    return reading + ["Outside of what is drawn in part: \(leaving.map(\.label.plain).joined(separator: ", "))."]
  }
}
