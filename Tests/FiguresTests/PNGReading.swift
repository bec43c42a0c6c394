import CPNG
import Foundation
import TestSupport

/// A decoded PNG: RGB rows from the top.
struct DecodedPNG {
  var width: Int
  var height: Int
  var rgb: [UInt8]

  subscript(x: Int, y: Int) -> [UInt8] { Array(rgb[(3 * (y * width + x))..<(3 * (y * width + x) + 3)]) }

  /// Decodes with libpng's simplified interface, which the writer does not use.
  init?(_ bytes: [UInt8]) {
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    // libpng keeps the pointer from the first call to the second.
    let pixels = bytes.withUnsafeBufferPointer { file -> [UInt8]? in
      guard png_image_begin_read_from_memory(&image, file.baseAddress, file.count) != 0 else { return nil }
      image.format = 2  // PNG_FORMAT_RGB
      var pixels = [UInt8](repeating: 0, count: 3 * Int(image.width) * Int(image.height))
      return png_image_finish_read(&image, nil, &pixels, 0, nil) != 0 ? pixels : nil
    }
    guard let pixels else { return nil }
    width = Int(image.width)
    height = Int(image.height)
    rgb = pixels
  }

  /// Pixels of exactly this colour: how many, and their mean position.
  func find(_ colour: [UInt8]) -> (count: Int, x: Double, y: Double) {
    var (count, sumX, sumY) = (0, 0, 0)
    for y in 0..<height {
      for x in 0..<width {
        let base = 3 * (y * width + x)
        guard rgb[base] == colour[0], rgb[base + 1] == colour[1], rgb[base + 2] == colour[2] else { continue }
        count += 1
        sumX += x
        sumY += y
      }
    }
    return (count, Double(sumX) / Double(max(count, 1)), Double(sumY) / Double(max(count, 1)))
  }
}

/// The chunks of a PNG file, read by hand from its specification.
func pngChunks(_ bytes: [UInt8]) -> [(type: String, data: [UInt8])] {
  var chunks: [(String, [UInt8])] = []
  var at = 8
  while at + 12 <= bytes.count {
    let length = bytes[at..<(at + 4)].reduce(0) { $0 << 8 | Int($1) }
    guard at + 12 + length <= bytes.count else { break }
    chunks.append((String(decoding: bytes[(at + 4)..<(at + 8)], as: UTF8.self), Array(bytes[(at + 8)..<(at + 8 + length)])))
    at += 12 + length
  }
  return chunks
}

/// A folder that is gone when the test ends.
func withScratchFolder<T>(_ body: (String) throws -> T) throws -> T {
  let folder = try ScratchFolder()
  return try body(folder.path)
}

func contents(_ folder: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
