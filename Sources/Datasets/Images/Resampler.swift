/// Resizes images as Pillow's `Image.resize` with `BILINEAR` does, bit for bit: a triangle of the width of a target pixel,
/// so that shrinking averages (antialias), in fixed point, rows first, then columns. The public training scripts resize with
/// Pillow, and what a network saw in training is what it should be tested on.
package enum Resampler {
  /// Bits after the point of a coefficient (Pillow, `PRECISION_BITS`).
  private static let precision = 22

  /// Which source pixels a target pixel is the weighted sum of.
  private struct Window {
    var first: Int
    var coefficients: [Int32]
  }

  package static func resize(_ image: RGBImage, width: Int, height: Int) -> RGBImage {
    precondition(width > 0 && height > 0 && image.width > 0 && image.height > 0, "an image has pixels")
    var result = image
    if width != image.width { result = horizontally(result, windows(from: image.width, to: width)) }
    if height != image.height { result = vertically(result, windows(from: image.height, to: height)) }
    return result
  }

  private static func windows(from source: Int, to target: Int) -> [Window] {
    let scale = Double(source) / Double(target)
    let support = max(scale, 1)
    return (0..<target).map { place in
      let centre = (Double(place) + 0.5) * scale
      let first = max(0, Int(centre - support + 0.5))
      let end = min(source, Int(centre + support + 0.5))
      let weights = (first..<end).map { max(0, 1 - abs((Double($0) - centre + 0.5) * (1 / support))) }
      let sum = weights.reduce(0, +)
      return Window(
        first: first,
        coefficients: weights.map { Int32(0.5 + (sum == 0 ? $0 : $0 / sum) * Double(1 << precision)) })
    }
  }

  private static func byte(_ sum: Int32) -> UInt8 { UInt8(clamping: sum >> precision) }

  private static func horizontally(_ image: RGBImage, _ windows: [Window]) -> RGBImage {
    let width = windows.count
    let pixels = [UInt8](unsafeUninitializedCapacity: image.height * width * 3) { target, initialized in
      image.pixels.withUnsafeBufferPointer { source in
        for (place, window) in windows.enumerated() {
          window.coefficients.withUnsafeBufferPointer { coefficients in
            for row in 0..<image.height {
              var sums = SIMD3<Int32>(repeating: 1 << (precision - 1))
              var from = (row * image.width + window.first) * 3
              for coefficient in coefficients {
                sums.x &+= Int32(source[from]) &* coefficient
                sums.y &+= Int32(source[from + 1]) &* coefficient
                sums.z &+= Int32(source[from + 2]) &* coefficient
                from += 3
              }
              let to = (row * width + place) * 3
              for channel in 0..<3 { target[to + channel] = byte(sums[channel]) }
            }
          }
        }
      }
      initialized = image.height * width * 3
    }
    return RGBImage(width: width, height: image.height, pixels: pixels)
  }

  private static func vertically(_ image: RGBImage, _ windows: [Window]) -> RGBImage {
    let stride = image.width * 3
    let pixels = [UInt8](unsafeUninitializedCapacity: windows.count * stride) { target, initialized in
      image.pixels.withUnsafeBufferPointer { source in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: stride) { sums in
          for (row, window) in windows.enumerated() {
            sums.initialize(repeating: 1 << (precision - 1))
            for (line, coefficient) in window.coefficients.enumerated() {
              let from = (window.first + line) * stride
              for index in 0..<stride { sums[index] &+= Int32(source[from + index]) &* coefficient }
            }
            for index in 0..<stride { target[row * stride + index] = byte(sums[index]) }
          }
        }
      }
      initialized = windows.count * stride
    }
    return RGBImage(width: image.width, height: windows.count, pixels: pixels)
  }
}
