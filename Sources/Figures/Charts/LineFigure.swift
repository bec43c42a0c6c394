import Formats

/// One line of a chart, with an optional band around it.
public struct LineSeries: Equatable, Sendable {
  /// As `Label` markup.
  public var label: Label
  /// Empty for a line that is not there: it keeps its place in the order of colours and is left out of the legend.
  public var x: [Double]
  /// As many as `x`; the line breaks at values that aren't finite.
  public var y: [Double]
  /// Lower and upper edge of the band, as many as `x` each; nil for no band.
  public var band: Band?
  /// Which colour and dash of the chart the line has; nil for those of its place in it. Lines of one thing in several
  /// figures can keep their looks so.
  public var style: Int?
  /// Points stand out on the line, with their band as bars: for few points that were each measured.
  public var marksPoints = false

  public struct Band: Equatable, Sendable {
    public var lower: [Double]
    public var upper: [Double]

    public init(lower: [Double], upper: [Double]) {
      self.lower = lower
      self.upper = upper
    }
  }

  /// - Throws: `InputError` when the lengths differ.
  public init(label: Label, x: [Double], y: [Double], band: Band? = nil) throws {
    let counts = [y.count] + (band.map { [$0.lower.count, $0.upper.count] } ?? [])
    guard counts.allSatisfy({ $0 == x.count }) else {
      throw InputError.undrawable(
        "series \(label.plain)", found: "\(counts.map(String.init).joined(separator: ", ")) values",
        wanted: "\(x.count), one for each x")
    }
    self.label = label
    self.x = x
    self.y = y
    self.band = band
  }
}

/// A straight line across a chart at one value, with a name beside it: a threshold, the epoch of a decision.
public struct ReferenceLine: Equatable, Sendable {
  public enum Direction: Sendable { case across, upright }

  public var value: Double
  public var direction: Direction
  /// Empty for none.
  public var label: Label

  public init(_ direction: Direction, at value: Double, label: Label = "") {
    self.value = value
    self.direction = direction
    self.label = label
  }
}

/// Lines over one axis: loss curves, entropy of α, losses along a direction.
public struct LineFigure: Figure, Sendable {
  public var title: String
  public var series: [LineSeries]
  public var xLabel: Label
  public var yLabel: Label
  public var xScale: Axis.Scale
  public var yScale: Axis.Scale
  /// Limits of the y axis; nil for what suits the values.
  public var yRange: ClosedRange<Double>?
  /// Ticks of x at whole numbers only, as for epochs.
  public var isWholeX = false
  /// The same of y, as for counts.
  public var isWholeY = false
  public var references: [ReferenceLine] = []
  /// Sentences below the figure, as `Label` markup.
  public var caption: [String]
  /// Page width in points.
  public var width: Double
  /// Height of the plotting area in units of its width.
  public var aspect = 0.62
  /// Whether a legend is drawn where lines have labels.
  public var showsLegend = true

  public var name: String { title }

  /// - Throws: `InputError` when nothing can be drawn: no series, or no point that its scales can show.
  public init(
    title: String, series: [LineSeries], xLabel: Label, yLabel: Label, xScale: Axis.Scale = .linear,
    yScale: Axis.Scale = .linear, caption: [String] = [], width: Double = 252
  ) throws {
    guard (144...2000).contains(width) else {
      throw InputError.undrawable("line figure width", found: "\(width)", wanted: "144 to 2000 points")
    }
    self.title = title
    self.series = series
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.xScale = xScale
    self.yScale = yScale
    self.caption = caption
    self.width = width
    _ = try axes()
  }

  var hasLegend: Bool { showsLegend && series.contains { !$0.label.isEmpty && !$0.x.isEmpty } }

  public func pageSize() throws -> Size { try LineLayout(self).size }

  public func draw(on canvas: Canvas) throws { try LineLayout(self).draw(on: canvas) }

  /// Axes around everything that is drawn, with a little air.
  func axes() throws -> (x: Axis, y: Axis) {
    let shown = series.flatMap { line in line.x.indices.filter { line.x[$0].isFinite }.map { (line, $0) } }
    let xs = shown.filter { $0.0.y[$0.1].isFinite }.map { $0.0.x[$0.1] }
    let ys = shown.flatMap { line, index in
      [line.y[index]] + (line.band.map { [$0.lower[index], $0.upper[index]] } ?? [])
    }
    let marked = references.filter { $0.direction == .across }.map(\.value)
    let y =
      if let yRange {
        try Axis(label: yLabel, low: yRange.lowerBound, high: yRange.upperBound, scale: yScale)
      } else {
        try Self.axis(yLabel, ys + marked, yScale, air: 0.06)
      }
    // Points that stand out are set apart from their x.
    let air = series.count > 1 && series.contains(where: \.marksPoints) ? 0.1 : 0.02
    return (try Self.axis(xLabel, xs, xScale, air: air), y)
  }

  private static func axis(_ label: Label, _ values: [Double], _ scale: Axis.Scale, air: Double) throws -> Axis {
    let usable = values.filter(scale.shows)
    guard let least = usable.min(), let most = usable.max() else {
      throw InputError.undrawable(
        "axis \(label.plain)", found: "no value to show",
        wanted: scale == .logarithmic ? "at least one finite value above 0" : "at least one finite value")
    }
    return try Axis.around(least, most, label: label, scale: scale, air: air)
  }
}
