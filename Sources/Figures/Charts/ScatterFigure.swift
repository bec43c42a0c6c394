import Formats
import Foundation

/// One quantity against what it stands for: points, coloured by a third number.
public struct ScatterPanel: Equatable, Sendable {
  public struct Line: Equatable, Sendable {
    public var slope: Double
    public var intercept: Double

    public init(slope: Double, intercept: Double) {
      self.slope = slope
      self.intercept = intercept
    }
  }

  /// As `Label` markup.
  public var title: Label
  /// What y approximates.
  public var x: [Double]
  public var y: [Double]
  /// What the colours say: one a point, or none at all.
  public var shade: [Double]
  /// Lines of text set into the panel, such as coefficients with their intervals.
  public var notes: [Label]
  /// The regression of y on x; nil to leave it out.
  public var regression: Line?

  /// - Throws: `InputError` where the lists are not equally long.
  public init(
    title: Label, x: [Double], y: [Double], shade: [Double] = [], notes: [Label] = [], regression: Line? = nil
  ) throws {
    guard x.count == y.count, shade.isEmpty || shade.count == x.count else {
      throw InputError.undrawable(
        "scatter \(title.plain)", found: "\(x.count), \(y.count) and \(shade.count) values",
        wanted: "as many of each, or no shades")
    }
    self.title = title
    self.x = x
    self.y = y
    self.shade = shade
    self.notes = notes
    self.regression = regression
  }

  /// The line of least squares through the points with two finite coordinates; nil where it is not determined.
  public static func leastSquares(_ x: [Double], _ y: [Double]) -> Line? {
    let pairs = zip(x, y).filter { $0.isFinite && $1.isFinite }
    let count = Double(pairs.count)
    guard pairs.count > 1 else { return nil }
    let (meanX, meanY) = (pairs.reduce(0) { $0 + $1.0 } / count, pairs.reduce(0) { $0 + $1.1 } / count)
    let square = pairs.reduce(0) { $0 + ($1.0 - meanX) * ($1.0 - meanX) }
    let product = pairs.reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
    guard square > 0, (product / square).isFinite else { return nil }
    return Line(slope: product / square, intercept: meanY - product / square * meanX)
  }
}

/// Approximations against the truth, side by side on the same axes, with the line on which both agree.
public struct ScatterFigure: Figure, Sendable {
  public var title: String
  public var panels: [ScatterPanel]
  public var xLabel: Label
  public var yLabel: Label
  public var shadeLabel: Label
  public var caption: [String]
  public var colourMap = ColourMap.viridis
  /// Limits of both axes; nil for those that suit the values.
  public var range: ClosedRange<Double>?
  public var isLogarithmic = false
  /// Page width in points; nil for 3.5 inches with one panel, 5.5 with two, 7 with more.
  public var width: Double?

  public var name: String { title }

  /// - Throws: `InputError` where there is no panel, or no point with two finite coordinates.
  public init(
    title: String, panels: [ScatterPanel], xLabel: Label, yLabel: Label, shadeLabel: Label = "radius",
    caption: [String] = [], width: Double? = nil
  ) throws {
    guard !panels.isEmpty else {
      throw InputError.undrawable("scatter panels", found: "none", wanted: "at least one")
    }
    guard panels.contains(where: { zip($0.x, $0.y).contains { $0.isFinite && $1.isFinite } }) else {
      throw InputError.undrawable("scatter", found: "no point to show", wanted: "at least one with two finite coordinates")
    }
    if let width, !(216...2000).contains(width) {
      throw InputError.undrawable("scatter width", found: "\(width)", wanted: "216 to 2000 points")
    }
    self.title = title
    self.panels = panels
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.shadeLabel = shadeLabel
    self.caption = caption
    self.width = width
  }

  public func pageSize() throws -> Size { try ScatterLayout(self).size }

  public func draw(on canvas: Canvas) throws { try ScatterLayout(self).draw(on: canvas) }

  /// The limits of both axes: those of the bulk of the values, so that a few that explode don't flatten the rest.
  func limits() throws -> (low: Double, high: Double) {
    if let range { return (range.lowerBound, range.upperBound) }
    let values = panels.flatMap { $0.x + $0.y }.filter { $0.isFinite && (!isLogarithmic || $0 > 0) }
    guard let least = values.min(), let most = values.max() else {
      throw InputError.undrawable("scatter", found: "no value above 0", wanted: "at least one, for a logarithmic axis")
    }
    if isLogarithmic { return (least, most) }
    let bulk = ColourScale.sequential(values)
    return (max(least, bulk.low), min(most, bulk.high))
  }

  /// What the caption has to say about points that are not where they are drawn, or not drawn.
  func notes(_ axis: Axis) -> [String] {
    let points = panels.flatMap { zip($0.x, $0.y) }
    let lost = points.count { !$0.isFinite || !$1.isFinite || (isLogarithmic && ($0 <= 0 || $1 <= 0)) }
    let beyond = points.filter { $0.isFinite && $1.isFinite && !(isLogarithmic && ($0 <= 0 || $1 <= 0)) }
      .filter { !(axis.low...axis.high).contains($0.0) || !(axis.low...axis.high).contains($0.1) }
    var notes: [String] = []
    if !beyond.isEmpty {
      let most = beyond.flatMap { [$0.0, $0.1] }.max { abs($0) < abs($1) } ?? 0
      notes.append(
        "Triangles on the border: \(beyond.count) \(beyond.count == 1 ? "point" : "points") farther out "
          + "(up to \(Numeral.short(most))).")
    }
    if lost > 0 { notes.append("Left out: \(lost) \(lost == 1 ? "point" : "points") without two finite losses.") }
    return notes
  }
}
