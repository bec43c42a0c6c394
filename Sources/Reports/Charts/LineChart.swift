import Figures
import Foundation

/// A chart of lines whose points say what the file says.
struct LineChart {
  struct Point {
    /// As in the file.
    let xText: String
    let yText: String
    let x: Double
    let y: Double
    /// Ends of an interval around y; nil for none.
    private(set) var interval: (low: Double, high: Double)?

    /// nil where either is not a finite number: those have no place in a chart.
    init?(_ x: String, _ y: String) {
      guard let xValue = Double(x), let yValue = Double(y), xValue.isFinite, yValue.isFinite else { return nil }
      (xText, yText, self.x, self.y) = (x, y, xValue, yValue)
    }

    /// With a standard error.
    init?(_ x: String, _ y: String, error: String) {
      self.init(x, y)
      if let error = Double(error), error.isFinite { interval = (self.y - error, self.y + error) }
    }

    /// With the ends of an interval.
    init?(_ x: String, _ y: String, lower: String?, upper: String?) {
      self.init(x, y)
      if let low = lower.flatMap(Double.init), let high = upper.flatMap(Double.init), low.isFinite, high.isFinite {
        interval = (low, high)
      }
    }

    var low: Double { interval?.low ?? y }
    var high: Double { interval?.high ?? y }
  }

  struct Series {
    let label: String
    let points: [Point]
    /// Which colour and dash it has; nil for its place in the chart.
    var style: Int?
  }

  let title: String
  let xLabel: String
  var yLabel = ""
  let series: [Series]
  /// Whether y has a logarithmic axis.
  var isLogarithmic = false
  /// Whether lines are named below the chart.
  var hasLegend = true

  static let styles = 6
  private static let size = (width: 480.0, height: 250.0)

  /// nil where there is nothing to draw.
  func html() throws -> HTML? {
    let drawn = series.filter { !$0.points.isEmpty }
    guard !drawn.isEmpty else { return nil }
    let all = drawn.flatMap(\.points)
    let (left, right) = Self.ends(all.map(\.x), air: 0)
    let spread = all.flatMap { [$0.y, $0.low, $0.high] }
    let canBeLogarithmic = isLogarithmic && spread.allSatisfy { $0 > 0 }
    let (bottom, top) = canBeLogarithmic ? Self.logarithmicEnds(spread) : Self.ends(spread, air: 0.06)
    let y = try Axis(label: "", low: bottom, high: top, scale: canBeLogarithmic ? .logarithmic : .linear)
    let x = try Axis(label: "", low: left, high: right)
    let isWhole = all.allSatisfy { $0.x == $0.x.rounded() }
    let xTicks = x.ticks(target: min(6, Set(all.map(\.x)).count))
    let shownTicks = zip(xTicks.values, xTicks.labels).filter { !isWhole || $0.0 == $0.0.rounded() }
    let yTicks = y.ticks(target: 5)
    let labels = yTicks.labels.map(\.unicode)
    // A digit of the page's font at 12 is about 7 wide.
    let margin = 14 + 7.2 * Double(labels.map(\.count).max() ?? 1)
    let plot = Rectangle(
      x: margin, y: 26, width: Self.size.width - margin - 12, height: Self.size.height - 26 - 40)
    func place(_ point: Point) -> (Double, Double) { (px(point.x), py(point.y)) }
    func px(_ value: Double) -> Double { plot.x + x.fraction(value) * plot.width }
    func py(_ value: Double) -> Double { plot.bottom - y.fraction(value) * plot.height }

    var shapes: [HTML] = []
    for (value, label) in zip(yTicks.values, labels) {
      shapes.append(Self.line("grid", plot.x, py(value), plot.right, py(value)))
      shapes.append(Self.text("tick end", plot.x - 7, py(value) + 4, label))
    }
    for (value, label) in shownTicks {
      shapes.append(Self.line("mark", px(value), plot.bottom, px(value), plot.bottom + 4))
      shapes.append(Self.text("tick middle", px(value), plot.bottom + 18, label.unicode))
    }
    shapes.append(Self.line("axis", plot.x, plot.bottom, plot.right, plot.bottom))
    let unit = [yLabel, yTicks.annotation?.unicode ?? ""].filter { !$0.isEmpty }.joined(separator: " ")
    if !unit.isEmpty { shapes.append(Self.text("tick", 2, 12, unit)) }
    shapes.append(Self.text("tick end", plot.right, plot.bottom + 34, xLabel))
    for (index, line) in series.enumerated() where !line.points.isEmpty {
      shapes.append(group(line, line.style ?? index, px, py, dots: all.count <= 400))
    }
    shapes.append(.element("line", ["class": "cross", "y1": number(plot.y), "y2": number(plot.bottom)]))
    let summary = description(drawn)
    let svg = HTML.element(
      "svg",
      [
        "class": "chart", "viewBox": "0 0 \(Int(Self.size.width)) \(Int(Self.size.height))", "role": "img", "tabindex": "0",
        "aria-label": "\(title). \(summary)", "data-kind": "lines", "data-x-name": xLabel,
      ], [.element("title", [:], [.text(title)]), .element("desc", [:], [.text(summary)])] + shapes)
    let legend =
      hasLegend && series.count > 1
      ? Self.legend(
        series.enumerated().filter { !$0.element.points.isEmpty }.map { ($0.element.label, $0.element.style ?? $0.offset) })
      : .empty
    return .element("figure", ["class": "panel"], [.element("figcaption", [:], [.text(title)]), svg, legend])
  }

  /// The names of lines beside pieces of them.
  static func legend(_ entries: [(label: String, style: Int)]) -> HTML {
    .element(
      "ul", ["class": "legend"],
      entries.map { label, style in
        .element(
          "li", [:],
          [
            .element(
              "svg", ["class": "swatch", "viewBox": "0 0 26 10", "aria-hidden": "true"],
              [.element("path", ["class": Self.style(style), "d": "M1 5H25"])]), .text(label),
          ])
      })
  }

  private static func style(_ index: Int) -> String { "s\(index % styles) d\(index / styles % 3)" }

  private func group(
    _ line: Series, _ style: Int, _ px: (Double) -> Double, _ py: (Double) -> Double, dots: Bool
  ) -> HTML {
    let path = polyline(line.points.map { (px($0.x), py($0.y)) })
    var parts: [HTML] = []
    if line.points.contains(where: { $0.interval != nil }) {
      let upper = line.points.map { "\(number(px($0.x))) \(number(py($0.high)))" }
      let lower = line.points.reversed().map { "\(number(px($0.x))) \(number(py($0.low)))" }
      parts.append(.element("path", ["class": "band", "d": "M" + (upper + lower).joined(separator: "L") + "Z"]))
    }
    parts.append(.element("path", ["class": "line", "d": path]))
    let radius = !dots && line.points.count > 1 ? "0" : line.points.count > 40 ? "1.6" : "2.6"
    parts += line.points.map { point in
      .element("circle", ["cx": number(px(point.x)), "cy": number(py(point.y)), "r": radius])
    }
    return .element(
      "g",
      [
        "class": "series " + Self.style(style), "data-name": line.label,
        "data-x": line.points.map(\.xText).joined(separator: " "),
        "data-y": line.points.map(\.yText).joined(separator: " "),
      ], parts)
  }

  private func description(_ drawn: [Series]) -> String {
    let parts = drawn.prefix(12).map { line in
      let (first, last) = (line.points[0], line.points[line.points.count - 1])
      return line.points.count == 1
        ? "\(line.label): \(Self.short(first.y)) at \(xLabel) \(first.xText)"
        : "\(line.label): from \(Self.short(first.y)) at \(xLabel) \(first.xText) to \(Self.short(last.y)) at \(last.xText)"
    }
    return parts.joined(separator: "; ") + (drawn.count > 12 ? "; and \(drawn.count - 12) more." : ".")
  }

  static func short(_ value: Double) -> String { Label(Numeral.short(value)).unicode }

  private static func ends(_ values: [Double], air: Double) -> (Double, Double) {
    let (least, most) = (values.min() ?? 0, values.max() ?? 1)
    guard most - least > 1e-9 * max(abs(least), abs(most)) else {
      let margin = least == 0 ? 1 : 0.1 * abs(least)
      return (least - margin, most + margin)
    }
    return (least - air * (most - least), most + air * (most - least))
  }

  private static func logarithmicEnds(_ values: [Double]) -> (Double, Double) {
    let (least, most) = (values.min() ?? 1, values.max() ?? 1)
    return most / least > 1 + 1e-9 ? (least / 1.1, most * 1.1) : (least / 2, most * 2)
  }

  private static func line(_ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> HTML {
    .element("path", ["class": style, "d": "M\(number(x1)) \(number(y1))L\(number(x2)) \(number(y2))"])
  }

  private static func text(_ style: String, _ x: Double, _ y: Double, _ text: String) -> HTML {
    .element("text", ["class": style, "x": number(x), "y": number(y)], [.text(text)])
  }
}

/// A coordinate of a drawing, to a hundredth.
func number(_ value: Double) -> String {
  var text = String(format: "%.2f", value)
  while text.hasSuffix("0") { text.removeLast() }
  if text.hasSuffix(".") { text.removeLast() }
  return text == "-0" ? "0" : text
}

/// The path through some points, as an SVG's `d`.
func polyline(_ points: [(x: Double, y: Double)]) -> String {
  points.enumerated().map { ($0.offset == 0 ? "M" : "L") + "\(number($0.element.x)) \(number($0.element.y))" }.joined()
}
