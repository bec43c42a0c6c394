import Foundation

/// A text as it was set on a page, for documents that keep texts as texts.
struct SetText {
  struct Run {
    let text: String
    let isItalic: Bool
    let size: Double
    /// From the anchor, along the text and down, in points.
    let x: Double
    let y: Double
    let width: Double
  }

  var runs: [Run] = []
  /// The anchor on the page in points.
  let anchor: Point
  /// Clockwise, in radians.
  let angle: Double
  let isBold: Bool
  let colour: Colour
  let halo: Colour?

  /// Faces like DejaVu Sans come first: each run keeps the width that it was laid out with, whatever face there is.
  static let families = "'DejaVu Sans', 'Bitstream Vera Sans', Verdana, sans-serif"

  /// The texts as elements of an SVG document, one `<text>` each, in drawing order.
  static func svg(_ texts: [SetText]) -> String {
    guard !texts.isEmpty else { return "" }
    return "<g font-family=\"\(families)\" xml:space=\"preserve\">\n" + texts.map(\.element).joined() + "</g>\n"
  }

  private var element: String {
    var place = "translate(\(Self.number(anchor.x)) \(Self.number(anchor.y)))"
    if angle != 0 { place += " rotate(\(Self.number(angle * 180 / .pi)))" }
    let opacity = colour.opacity < 1 ? " fill-opacity=\"\(Self.number(colour.opacity))\"" : ""
    let look = "fill=\"\(Self.hexadecimal(colour))\"\(opacity)"
    let weight = isBold ? " font-weight=\"bold\"" : ""
    let spans = runs.map { run in
      "<tspan x=\"\(Self.number(run.x))\" y=\"\(Self.number(run.y))\" font-size=\"\(Self.number(run.size))\""
        + (run.isItalic ? " font-style=\"italic\"" : "")
        + " textLength=\"\(Self.number(run.width))\" lengthAdjust=\"spacingAndGlyphs\">\(VectorPage.escaped(run.text))</tspan>"
    }.joined()
    var outline = ""
    if let halo, let size = runs.first?.size {
      outline = " stroke=\"\(Self.hexadecimal(halo))\" stroke-width=\"\(Self.number(0.3 * size))\" paint-order=\"stroke\""
    }
    return "<text transform=\"\(place)\" \(look)\(weight)\(outline)>\(spans)</text>\n"
  }

  private static func number(_ value: Double) -> String {
    let text = String(format: "%.3f", value)
    let short = text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed()
    return short.isEmpty || String(short) == "-0" ? "0" : String(short)
  }

  private static func hexadecimal(_ colour: Colour) -> String {
    let bytes = [colour.red, colour.green, colour.blue].map { Int((min(max($0, 0), 1) * 255).rounded()) }
    return "#" + bytes.map { String(format: "%02x", $0) }.joined()
  }
}
