/// An 8-bit colour image, rows from the top, red, green and blue of a pixel together.
package struct RGBImage: Equatable, Sendable {
  package var width: Int
  package var height: Int
  /// [height, width, 3].
  package var pixels: [UInt8]

  package init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(pixels.count == width * height * 3, "three bytes a pixel")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// A part of it.
  package func cropped(row: Int, column: Int, height: Int, width: Int) -> RGBImage {
    precondition(row >= 0 && column >= 0 && row + height <= self.height && column + width <= self.width, "a part")
    if height == self.height && width == self.width { return self }
    var part: [UInt8] = []
    part.reserveCapacity(height * width * 3)
    for line in row..<row + height {
      let start = (line * self.width + column) * 3
      part += pixels[start..<start + width * 3]
    }
    return RGBImage(width: width, height: height, pixels: part)
  }

  /// The planes of a batch: [3, height, width].
  package var planar: [UInt8] {
    let plane = width * height
    return [UInt8](unsafeUninitializedCapacity: 3 * plane) { target, initialized in
      pixels.withUnsafeBufferPointer { source in
        for index in 0..<plane {
          for channel in 0..<3 { target[channel * plane + index] = source[3 * index + channel] }
        }
      }
      initialized = 3 * plane
    }
  }
}
