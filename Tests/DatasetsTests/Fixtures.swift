import CZlib
import Datasets
import Formats
import Foundation
import Testing

/// Files as NumPy, SciPy and Pillow write them, and what they read from them; made by Fixtures/make_fixtures.py.
enum Fixtures {
  private static let file = Result {
    let url = try #require(
      Bundle.module.url(forResource: "fixtures", withExtension: "safetensors", subdirectory: "Fixtures"))
    return try TensorFile(readingFrom: url.path)
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    guard case .uint8(let values) = try file.get().tensor(name).values else {
      throw InputError("not bytes", at: .file(name))
    }
    return values
  }

  /// An image [height, width, 3].
  static func image(_ name: String) throws -> RGBImage {
    let shape = try file.get().tensor(name).shape
    return try RGBImage(width: shape[1], height: shape[0], pixels: bytes(name))
  }

  /// Names that begin so.
  static func names(_ prefix: String) throws -> [String] {
    try file.get().tensors.keys.filter { $0.hasPrefix(prefix) }.sorted()
  }
}

/// A tar file (POSIX ustar) of regular files.
func tar(_ entries: [(name: String, bytes: [UInt8])]) -> [UInt8] {
  func field(_ text: String, _ length: Int) -> [UInt8] {
    Array(text.utf8.prefix(length)) + [UInt8](repeating: 0, count: max(0, length - text.utf8.count))
  }
  func octal(_ value: Int, _ length: Int) -> [UInt8] {
    let digits = String(value, radix: 8)
    return field(String(repeating: "0", count: length - 1 - digits.count) + digits, length)
  }
  var result: [UInt8] = []
  for (name, bytes) in entries {
    var header = field(name, 100) + octal(0o644, 8) + octal(0, 8) + octal(0, 8) + octal(bytes.count, 12) + octal(0, 12)
    header += Array(repeating: UInt8(ascii: " "), count: 8) + [UInt8(ascii: "0")] + field("", 100)
    header += field("ustar", 6) + Array("00".utf8) + field("", 247)
    header.replaceSubrange(148..<156, with: octal(header.reduce(0) { $0 + Int($1) }, 7) + [UInt8(ascii: " ")])
    result += header + bytes + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
  }
  return result + [UInt8](repeating: 0, count: 1024)
}

/// A PNG file of an image, unfiltered.
func png(_ image: RGBImage) throws -> [UInt8] {
  func word(_ value: Int) -> [UInt8] { stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) } }
  func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + content
    return word(content.count) + body + word(Int(crc32(0, body, UInt32(body.count))))
  }
  var rows: [UInt8] = []
  for row in 0..<image.height {
    rows.append(0)
    rows += image.pixels[row * image.width * 3..<(row + 1) * image.width * 3]
  }
  var packed = [UInt8](repeating: 0, count: Int(compressBound(UInt(rows.count))))
  var count = UInt(packed.count)
  let status = compress(&packed, &count, rows, UInt(rows.count))
  try #require(status == Z_OK)
  let header = word(image.width) + word(image.height) + [8, 2, 0, 0, 0]
  let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10]
  return signature + chunk("IHDR", header) + chunk("IDAT", Array(packed.prefix(Int(count)))) + chunk("IEND", [])
}
