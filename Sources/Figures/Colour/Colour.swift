import Foundation

/// A colour of the sRGB space, components in 0…1.
public struct Colour: Equatable, Sendable {
  public var red: Double
  public var green: Double
  public var blue: Double
  /// 1 hides what lies below.
  public var opacity: Double

  public init(red: Double, green: Double, blue: Double, opacity: Double = 1) {
    self.red = red
    self.green = green
    self.blue = blue
    self.opacity = opacity
  }

  /// From 0xRRGGBB.
  public init(hex: UInt32) {
    self.init(
      red: Double(hex >> 16 & 0xFF) / 255, green: Double(hex >> 8 & 0xFF) / 255, blue: Double(hex & 0xFF) / 255)
  }

  public static let white = Colour(red: 1, green: 1, blue: 1)
  public static let black = Colour(red: 0, green: 0, blue: 0)
  /// The soft black of text and frames.
  public static let ink = Colour(red: 0.1, green: 0.1, blue: 0.1)

  func with(opacity: Double) -> Colour { Colour(red: red, green: green, blue: blue, opacity: opacity) }
}

/// The perceptual colour space of B. Ottosson, "A perceptual color space for image processing" (2020):
/// lightness in 0…1 and two opponent axes.
struct OKLab: Equatable, Sendable {
  var lightness: Double
  var a: Double
  var b: Double

  init(lightness: Double, a: Double, b: Double) {
    self.lightness = lightness
    self.a = a
    self.b = b
  }

  init(_ colour: Colour) {
    func linear(_ c: Double) -> Double { c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4) }
    let (r, g, b) = (linear(colour.red), linear(colour.green), linear(colour.blue))
    let l = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    let m = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    let s = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    lightness = 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s
    a = 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s
    self.b = 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s
  }

  /// Nearest sRGB colour: components outside the gamut are cut off.
  var colour: Colour {
    let l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b)
    let m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b)
    let s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b)
    func encoded(_ c: Double) -> Double {
      let cut = min(max(c, 0), 1)
      return cut <= 0.0031308 ? 12.92 * cut : 1.055 * pow(cut, 1 / 2.4) - 0.055
    }
    return Colour(
      red: encoded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
      green: encoded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
      blue: encoded(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s))
  }

  func mixed(with other: OKLab, _ t: Double) -> OKLab {
    OKLab(
      lightness: lightness + (other.lightness - lightness) * t, a: a + (other.a - a) * t, b: b + (other.b - b) * t)
  }

  private func cube(_ x: Double) -> Double { x * x * x }
}
