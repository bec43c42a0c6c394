import CCairo

/// Measures text before there is a page to draw on, as layout needs.
final class Ruler {
  private let surface: OpaquePointer
  private let canvas: Canvas

  init() throws {
    surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1)
    canvas = Canvas(surface: surface, size: Size(width: 1, height: 1), pixelsPerPoint: 1)
    try canvas.check()
  }

  deinit {
    cairo_surface_destroy(surface)
  }

  func width(_ label: Label, size: Double, bold: Bool = false) -> Double {
    canvas.width(label, size: size, bold: bold)
  }

  /// The largest size between `size` and `least` in quarter points at which `label` is at most `room` wide; a label
  /// too long even then loses its end to an ellipsis.
  func fitted(_ label: Label, size: Double, least: Double, bold: Bool = false, room: Double) -> (Label, Double) {
    var current = size
    while current > least, width(label, size: current, bold: bold) > room { current = max(least, current - 0.25) }
    var short = label
    while width(short, size: current, bold: bold) > room, let last = short.runs.indices.last {
      let kept = short.runs[last].text.dropLast(short.runs[last].text.hasSuffix("…") ? 2 : 1)
      if kept.isEmpty, last > 0 {
        short.runs.removeLast()
      } else if kept.isEmpty {
        break
      } else {
        short.runs[last].text = kept + "…"
      }
    }
    return (short, current)
  }

  /// Breaks `text` at spaces into lines at most `room` wide.
  func wrapped(_ text: String, size: Double, room: Double) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      let longer = line.isEmpty ? String(word) : line + " " + word
      if !line.isEmpty, width(Label(longer), size: size) > room {
        lines.append(line)
        line = String(word)
      } else {
        line = longer
      }
    }
    if !line.isEmpty { lines.append(line) }
    return lines
  }
}
