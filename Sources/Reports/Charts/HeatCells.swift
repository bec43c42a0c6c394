import Figures

/// Coloured cells of a table as few paths: those of one colour are one path, neighbours in a row one rectangle.
struct HeatCells {
  /// Values by row, from the top; NaN for a cell without one.
  let values: [[Double]]
  let scale: ColourScale

  /// Colours that a scale is divided into.
  static let steps = 256

  /// Place of a value on the scale, 0…255; nil for one that is not finite.
  static func step(_ value: Double, _ scale: ColourScale) -> Int? {
    if !value.isFinite { return nil }
    if value <= scale.low { return 0 }
    if value >= scale.high { return steps - 1 }
    let fraction = (value / 2 - scale.low / 2) / (scale.high / 2 - scale.low / 2)
    return min(steps - 1, Int(fraction * Double(steps)))
  }

  /// "#rrggbb" of a place on the scale.
  static func colour(_ step: Int, _ map: ColourMap) -> String {
    let colour = map.colour(at: (Double(step) + 0.5) / Double(steps))
    let digits = [colour.red, colour.green, colour.blue].map { part -> String in
      let text = String(Int((part * 255).rounded()), radix: 16)
      return text.count == 1 ? "0" + text : text
    }
    return "#" + digits.joined()
  }

  /// A group of paths in which a cell has width and height 1, or `unit`.
  func group(class name: String, transform: String? = nil) -> HTML {
    var runs: [Int: String] = [:]
    for (row, cells) in values.enumerated() {
      var start = 0
      let places = cells.map { Self.step($0, scale) ?? -1 }
      while start < places.count {
        var end = start + 1
        while end < places.count, places[end] == places[start] { end += 1 }
        runs[places[start], default: ""] += "M\(start) \(row)h\(end - start)v1h-\(end - start)z"
        start = end
      }
    }
    let paths = runs.sorted { $0.key < $1.key }.map { place, path -> HTML in
      place < 0
        ? .element("path", ["class": "void", "d": path])
        : .element("path", ["fill": Self.colour(place, scale.map), "d": path])
    }
    return .element("g", ["class": name, "transform": transform, "shape-rendering": "crispEdges"], paths)
  }
}
