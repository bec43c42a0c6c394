/// A map from 0…1 to colours in which equal steps look equally large.
public struct ColourMap: Sendable {
  public let name: String
  private let controls: [OKLab]

  /// - Parameter controls: at least two colours, evenly spaced over 0…1, joined by straight lines in OKLab.
  init(name: String, controls: [OKLab]) {
    self.name = name
    self.controls = controls
  }

  private init(name: String, hex: [UInt32]) {
    self.init(name: name, controls: hex.map { OKLab(Colour(hex: $0)) })
  }

  /// Colour at `position`; positions outside 0…1 give the end colours.
  public func colour(at position: Double) -> Colour { tone(at: position).colour }

  /// Perceived lightness in 0…1 at `position`.
  public func lightness(at position: Double) -> Double { tone(at: position).lightness }

  private func tone(at position: Double) -> OKLab {
    let last = Double(controls.count - 1)
    let scaled = min(max(position, 0), 1) * last
    let index = min(Int(scaled), controls.count - 2)
    return controls[index].mixed(with: controls[index + 1], scaled - Double(index))
  }

  /// Dark blue to yellow, for losses (N. Smith and S. van der Walt, 2015, CC0); within 2 % of the published table.
  public static let viridis = ColourMap(
    name: "viridis",
    hex: [
      0x440154, 0x481769, 0x472A7A, 0x433D84, 0x3D4E8A, 0x355E8D, 0x2E6D8E, 0x297B8E, 0x23898E, 0x1F978B, 0x21A585,
      0x2EB37C, 0x46C06F, 0x65CB5E, 0x89D548, 0xB0DD2F, 0xD8E219, 0xFDE725,
    ])

  /// Black through magenta to pale yellow (N. Smith and S. van der Walt, 2015, CC0).
  public static let magma = ColourMap(
    name: "magma",
    hex: [
      0x000004, 0x090720, 0x1A1042, 0x311165, 0x4A1079, 0x621980, 0x792282, 0x912B81, 0xAA337D, 0xC23B75, 0xD9466B,
      0xEC5860, 0xF7725C, 0xFC8E64, 0xFEAA74, 0xFEC68A, 0xFDE2A3, 0xFCFDBF,
    ])

  /// Black through red and orange to pale yellow (N. Smith and S. van der Walt, 2015, CC0), through ten of its colours.
  public static let inferno = ColourMap(
    name: "inferno",
    hex: [
      0x000004, 0x1B0C41, 0x4A0C6B, 0x781C6D, 0xA52C60, 0xCF4446, 0xED6925, 0xFB9B06, 0xF7D13D, 0xFCFFA4,
    ])

  /// Blue through magenta to yellow (N. Smith and S. van der Walt, 2015, CC0), through ten of its colours.
  public static let plasma = ColourMap(
    name: "plasma",
    hex: [
      0x0D0887, 0x46039F, 0x7201A8, 0x9C179E, 0xBD3786, 0xD8576B, 0xED7953, 0xFB9F3A, 0xFDCA26, 0xF0F921,
    ])

  /// Dark blue to yellow, nearly the same without red-green vision (Nuñez, Anderton and Renslow, 2018).
  public static let cividis = ColourMap(
    name: "cividis",
    hex: [
      0x00224E, 0x002D68, 0x163770, 0x2E416D, 0x3F4C6C, 0x4E566C, 0x5C616E, 0x696B71, 0x767676, 0x838179, 0x928C78,
      0xA09875, 0xAFA471, 0xBFB06B, 0xCFBD62, 0xDFCA57, 0xF0D846, 0xFEE838,
    ])

  /// Blue, near white, red, for differences: lightness falls alike and evenly on both sides of the middle.
  public static let blueWhiteRed = ColourMap(name: "blue-white-red", controls: diverging())

  /// The maps by name, sequential ones first.
  public static let all: [ColourMap] = [
    .viridis, .magma, .inferno, .plasma, .cividis, .grey, .blueWhiteRed, .purpleWhiteGreen,
  ]

  /// Dark to light grey, for print in black and white.
  public static let grey = ColourMap(
    name: "grey", controls: [0.18, 0.97].map { OKLab(lightness: $0, a: 0, b: 0) })

  /// Purple, near white, green, for differences beside red and blue lines.
  public static let purpleWhiteGreen = ColourMap(
    name: "purple-white-green", controls: diverging(below: (0.62, -0.78), above: (-0.80, 0.60)))

  /// Whether the middle stands out, for values on both sides of 0.
  public var isDiverging: Bool { lightness(at: 0.5) > max(lightness(at: 0), lightness(at: 1)) }

  private static func diverging(
    below: (Double, Double) = (-0.25, -0.97), above: (Double, Double) = (0.90, 0.43)
  ) -> [OKLab] {
    let half = 16
    return (-half...half).map { step in
      let depth = abs(Double(step)) / Double(half)
      // Chroma rises faster than lightness falls, so that small differences already show their sign.
      let chroma = 0.19 * depth * (1.5 - 0.75 * depth)
      let (a, b) = step < 0 ? below : above
      return OKLab(lightness: 0.97 - 0.50 * depth, a: chroma * a, b: chroma * b)
    }
  }
}
