import CJPEG
import CPNG
import Formats

/// Decodes JPEG and PNG files to RGB through libjpeg and libpng; which one it is, the content says, not the name (a few
/// .JPEG files of ImageNet are PNG).
///
/// Grey is repeated in three channels; CMYK becomes RGB by (255 − ink)·(255 − black)/255; palettes are looked up, 16 bits
/// rounded to 8, opacity is dropped as torchvision's loader does. Colour profiles, gamma and EXIF orientation are left
/// alone.
package enum ImageDecoder {
  /// Most pixels of an image, so that a damaged header cannot fill the memory.
  static let mostPixels: UInt64 = 1 << 28

  /// - Parameter source: How errors call the file.
  /// - Throws: `InputError` where the bytes are neither, truncated, corrupt, or of a kind that has no RGB.
  package static func decode(_ bytes: [UInt8], source: String) throws -> RGBImage {
    if bytes.starts(with: [0xFF, 0xD8]) { return try jpeg(bytes, source: source) }
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return try png(bytes, source: source) }
    throw InputError(
      "neither JPEG nor PNG", at: .file(source),
      found: bytes.isEmpty ? "an empty file" : "the first bytes \(Array(bytes.prefix(4)))",
      wanted: "[255, 216, …] or [137, 80, 78, 71, …]")
  }

  private static func jpeg(_ bytes: [UInt8], source: String) throws -> RGBImage {
    var image = zarts_jpeg_image()
    guard zarts_jpeg_decode(bytes, bytes.count, mostPixels, &image) == 0, let pixels = image.pixels else {
      throw damaged(source, "JPEG", withUnsafeBytes(of: image.message) { text($0) })
    }
    defer { zarts_jpeg_release(&image) }
    let (width, height) = (Int(image.width), Int(image.height))
    let count = width * height
    guard image.channels == 4 else {
      return RGBImage(width: width, height: height, pixels: Array(UnsafeBufferPointer(start: pixels, count: 3 * count)))
    }
    let isInverted = image.is_inverted != 0
    let rgb = [UInt8](unsafeUninitializedCapacity: 3 * count) { target, initialized in
      for index in 0..<count {
        func light(_ channel: Int) -> Int {
          let value = Int(pixels[4 * index + channel])
          return isInverted ? value : 255 - value
        }
        for channel in 0..<3 {
          // (a·b)/255, rounded to nearest.
          let product = light(channel) * light(3) + 128
          target[3 * index + channel] = UInt8(((product >> 8) + product) >> 8)
        }
      }
      initialized = 3 * count
    }
    return RGBImage(width: width, height: height, pixels: rgb)
  }

  private static func png(_ bytes: [UInt8], source: String) throws -> RGBImage {
    var image = zarts_png_image()
    guard zarts_png_decode(bytes, bytes.count, mostPixels, &image) == 0, let pixels = image.rgb else {
      throw damaged(source, "PNG", withUnsafeBytes(of: image.message) { text($0) })
    }
    defer { zarts_png_release_image(&image) }
    let (width, height) = (Int(image.width), Int(image.height))
    return RGBImage(
      width: width, height: height, pixels: Array(UnsafeBufferPointer(start: pixels, count: 3 * width * height)))
  }

  private static func text(_ message: UnsafeRawBufferPointer) -> String {
    String(decoding: message.prefix { $0 != 0 }, as: UTF8.self)
  }

  private static func damaged(_ source: String, _ format: String, _ reason: String) -> InputError {
    InputError("a damaged \(format) image", at: .file(source), found: reason.isEmpty ? nil : "\"\(reason)\"")
  }
}
