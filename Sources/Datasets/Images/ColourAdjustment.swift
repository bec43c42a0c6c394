/// Changes of colour as Pillow's `ImageEnhance` and torchvision's `adjust_hue` make them, byte for byte.
package enum ColourAdjustment {
  /// Towards black below 1, away from it above.
  package static func brightness(_ image: inout RGBImage, _ factor: Float) {
    let table = (0..<256).map { blend(0, $0, factor) }
    map(&image) { table[Int($0)] }
  }

  /// Towards the mean grey below 1, away from it above.
  package static func contrast(_ image: inout RGBImage, _ factor: Float) {
    var sum = 0
    let count = image.width * image.height
    image.pixels.withUnsafeBufferPointer { pixels in
      for index in 0..<count { sum += grey(pixels, 3 * index) }
    }
    let mean = Int(Double(sum) / Double(count) + 0.5)
    let table = (0..<256).map { blend(mean, $0, factor) }
    map(&image) { table[Int($0)] }
  }

  /// Towards the pixel's own grey below 1, away from it above.
  package static func saturation(_ image: inout RGBImage, _ factor: Float) {
    image.pixels.withUnsafeMutableBufferPointer { pixels in
      for start in stride(from: 0, to: pixels.count, by: 3) {
        let level = grey(UnsafeBufferPointer(pixels), start)
        for channel in start..<start + 3 { pixels[channel] = blend(level, Int(pixels[channel]), factor) }
      }
    }
  }

  /// Turns the colour circle by a share of it, in −½…½.
  package static func hue(_ image: inout RGBImage, _ share: Double) {
    // Cut off towards zero and taken modulo 256, as NumPy casts.
    let shift = UInt8(truncatingIfNeeded: Int(share * 255))
    image.pixels.withUnsafeMutableBufferPointer { pixels in
      for start in stride(from: 0, to: pixels.count, by: 3) {
        let (h, s, v) = hsv(pixels[start], pixels[start + 1], pixels[start + 2])
        (pixels[start], pixels[start + 1], pixels[start + 2]) = rgb(h &+ shift, s, v)
      }
    }
  }

  private static func map(_ image: inout RGBImage, _ value: (UInt8) -> UInt8) {
    image.pixels.withUnsafeMutableBufferPointer { pixels in
      for index in pixels.indices { pixels[index] = value(pixels[index]) }
    }
  }

  /// ITU-R 601-2 luma in 16-bit fixed point.
  private static func grey(_ pixels: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    (Int(pixels[start]) * 19595 + Int(pixels[start + 1]) * 38470 + Int(pixels[start + 2]) * 7471 + 0x8000) >> 16
  }

  /// From one level to another and beyond, cut off to a byte.
  private static func blend(_ from: Int, _ to: Int, _ factor: Float) -> UInt8 {
    let value = Float(from) + factor * Float(to - from)
    return value <= 0 ? 0 : value >= 255 ? 255 : UInt8(value)
  }

  /// Hue, saturation and value, each 0…255.
  package static func hsv(_ r: UInt8, _ g: UInt8, _ b: UInt8) -> (h: UInt8, s: UInt8, v: UInt8) {
    let (most, least) = (max(r, g, b), min(r, g, b))
    guard most != least else { return (0, 0, most) }
    let range = Float(most - least)
    let saturation = range / Float(most)
    let (rc, gc, bc) = (Float(most - r) / range, Float(most - g) / range, Float(most - b) / range)
    let sector: Float
    if r == most {
      sector = bc - gc
    } else if g == most {
      sector = Float(2 + Double(rc) - Double(bc))
    } else {
      sector = Float(4 + Double(gc) - Double(rc))
    }
    let turned = Double(sector) / 6 + 1
    let hue = Float(turned >= 1 ? turned - 1 : turned)
    return (UInt8(min(255, Int(Double(hue) * 255))), UInt8(min(255, Int(Double(saturation) * 255))), most)
  }

  package static func rgb(_ h: UInt8, _ s: UInt8, _ v: UInt8) -> (UInt8, UInt8, UInt8) {
    guard s != 0 else { return (v, v, v) }
    let turned = Double(h) * 6 / 255
    let sector = Int(turned)
    let fraction = Float(turned - Double(sector))
    let saturation = Float(Double(s) / 255)
    // Between 0 and v, so adding a half and cutting off rounds as C's `round` does.
    func level(_ share: Double) -> UInt8 { UInt8(truncatingIfNeeded: Int(Double(v) * (1 - share) + 0.5)) }
    let p = level(Double(saturation))
    let q = level(Double(saturation * fraction))
    let t = level(Double(saturation) * (1 - Double(fraction)))
    switch sector % 6 {
    case 0: return (v, t, p)
    case 1: return (q, v, p)
    case 2: return (p, v, t)
    case 3: return (p, q, v)
    case 4: return (t, p, v)
    default: return (v, p, q)
    }
  }
}
