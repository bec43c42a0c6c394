import CCairo
import CPNG
import Formats
import Foundation

/// An opaque 8-bit RGB picture and its way into a PNG file.
struct PNGImage {
  var width: Int
  var height: Int
  /// Rows from the top, three bytes a pixel.
  var rgb: [UInt8]
  var pixelsPerInch: Double

  /// Draws `figure` on white at `scale` × 96 pixels per inch.
  static func rasterise(_ figure: some Figure, size: Size, scale: Double) throws -> PNGImage {
    let pixelsPerInch = FigureFile.pixelsPerInch * scale
    let pixelsPerPoint = pixelsPerInch / 72
    let width = (size.width * pixelsPerPoint).rounded(.up)
    let height = (size.height * pixelsPerPoint).rounded(.up)
    guard scale > 0, width <= 32767, height <= 32767 else {
      throw InputError.undrawable(
        "scale", found: "\(scale), \(width) × \(height) pixels", wanted: "above 0, at most 32767 pixels each way")
    }
    let surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(width), Int32(height))
    defer { cairo_surface_destroy(surface) }
    try Canvas.check(cairo_surface_status(surface))
    guard let surface else { throw InputError("drawing failed", at: "figure", found: "no surface") }
    let canvas = Canvas(surface: surface, size: size, pixelsPerPoint: pixelsPerPoint)
    // Whole pixels, not the page: a page that ends inside a pixel must not leave a dark edge.
    canvas.fill(Rectangle(x: 0, y: 0, width: size.width + 1, height: size.height + 1), .white)
    try figure.draw(on: canvas)
    try canvas.check()
    cairo_surface_flush(surface)
    guard let pixels = cairo_image_surface_get_data(surface) else {
      throw InputError("drawing failed", at: "figure", found: "no pixels")
    }
    let stride = Int(cairo_image_surface_get_stride(surface))
    var image = PNGImage(
      width: Int(width), height: Int(height), rgb: [], pixelsPerInch: pixelsPerInch)
    image.rgb.reserveCapacity(3 * image.width * image.height)
    for y in 0..<image.height {
      // Cairo keeps a pixel as one native 32-bit word, 0x00RRGGBB.
      UnsafeMutableRawPointer(pixels + y * stride).withMemoryRebound(to: UInt32.self, capacity: image.width) { row in
        for x in 0..<image.width {
          image.rgb.append(UInt8(truncatingIfNeeded: row[x] >> 16))
          image.rgb.append(UInt8(truncatingIfNeeded: row[x] >> 8))
          image.rgb.append(UInt8(truncatingIfNeeded: row[x]))
        }
      }
    }
    return image
  }

  /// The PNG file of `image` with `entries` as text chunks: tEXt where Latin-1 can hold them, iTXt elsewhere.
  static func encode(_ image: PNGImage, _ entries: [FigureMetadata.Entry]) throws -> [UInt8] {
    var texts: [zarts_png_text] = []
    defer {
      for text in texts {
        free(UnsafeMutablePointer(mutating: text.key))
        free(UnsafeMutablePointer(mutating: text.text))
      }
    }
    for entry in entries {
      let latin = entry.value.unicodeScalars.allSatisfy { $0.value <= 0xFF }
      let value =
        latin ? entry.value.unicodeScalars.map { CChar(truncatingIfNeeded: $0.value) } + [0] : Array(entry.value.utf8CString)
      texts.append(zarts_png_text(key: strdup(entry.key), text: strdup(value), utf8: latin ? 0 : 1))
    }
    var buffer = zarts_png_buffer()
    let perMetre = UInt32((image.pixelsPerInch / 0.0254).rounded())
    let outcome = zarts_png_encode(
      image.rgb, UInt32(image.width), UInt32(image.height), perMetre, texts, Int32(texts.count), &buffer)
    guard outcome == 0, let bytes = buffer.bytes else {
      let message = withUnsafeBytes(of: buffer.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      throw InputError("PNG encoding failed", at: "figure", found: message)
    }
    defer { zarts_png_release(&buffer) }
    return Array(UnsafeBufferPointer(start: bytes, count: buffer.count))
  }
}
