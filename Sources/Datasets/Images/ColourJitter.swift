import Compute
import Formats

/// Random brightness, contrast, saturation and hue, as torchvision's `ColorJitter` on Pillow images: the four in random
/// order, each rounded to bytes.
public struct ColourJitter: Equatable, Sendable {
  /// Factors are uniform in 1 − value … 1 + value, not below 0.
  public var brightness: Double
  public var contrast: Double
  public var saturation: Double
  /// Shifts are uniform in −value … value of the colour circle; at most ½.
  public var hue: Double

  public init(brightness: Double, contrast: Double, saturation: Double, hue: Double) {
    self.brightness = brightness
    self.contrast = contrast
    self.saturation = saturation
    self.hue = hue
  }

  /// Of the ImageNet script of the DARTS repository (`train_imagenet.py`).
  public static let darts = ColourJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.2)

  /// - Throws: `InputError` where a value is out of range.
  func check() throws {
    let values = [("brightness", brightness), ("contrast", contrast), ("saturation", saturation), ("hue", hue)]
    let half = RealBounds(0...0.5, "0 to 0.5")
    for (name, value) in values {
      try (name == "hue" ? half : .fraction).require(value, at: "jitter of \(name)", "out of range")
    }
  }

  /// What happens to one image.
  package struct Draw: Equatable, Sendable {
    /// Order of brightness 0, contrast 1, saturation 2 and hue 3.
    package var order: [Int]
    package var brightness: Float
    package var contrast: Float
    package var saturation: Float
    package var hue: Double

    package init(order: [Int], brightness: Float, contrast: Float, saturation: Float, hue: Double) {
      self.order = order
      self.brightness = brightness
      self.contrast = contrast
      self.saturation = saturation
      self.hue = hue
    }
  }

  package func draw(from stream: inout RandomStream) -> Draw {
    let order = stream.permutation(4)
    func factor(_ spread: Double) -> Float { Float(1 - spread + 2 * spread * stream.uniform()) }
    return Draw(
      order: order, brightness: factor(brightness), contrast: factor(contrast), saturation: factor(saturation),
      hue: hue * (2 * stream.uniform() - 1))
  }
}

extension ColourJitter.Draw {
  package func apply(to image: inout RGBImage) {
    for step in order {
      switch step {
      case 0: ColourAdjustment.brightness(&image, brightness)
      case 1: ColourAdjustment.contrast(&image, contrast)
      case 2: ColourAdjustment.saturation(&image, saturation)
      default: ColourAdjustment.hue(&image, hue)
      }
    }
  }
}
