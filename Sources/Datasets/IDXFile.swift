import Formats
import Foundation

/// Unsigned bytes of an IDX file (LeCun's MNIST format): big-endian magic 0x0000_08dd for dd dimensions, the extents as
/// 32-bit integers, then the values.
struct IDXFile {
  let path: String
  let extents: [Int]
  let values: ArraySlice<UInt8>

  /// `name`.gz in a folder, or `name` where only the unpacked file is there; nil where neither is.
  static func path(folder: String, name: String) -> String? {
    ["\(folder)/\(name).gz", "\(folder)/\(name)"].first { FileManager.default.fileExists(atPath: $0) }
  }

  /// Reads `name`.gz from a folder, or `name` where only the unpacked file is there.
  ///
  /// - Throws: `InputError` when the file is absent, not IDX of bytes, of other dimensions, truncated or too long.
  init(folder: String, name: String, dimensions: Int, hint: String) throws {
    guard let path = Self.path(folder: folder, name: name) else {
      throw InputError("there is no such file", at: .file("\(folder)/\(name).gz"), wanted: hint)
    }
    self.path = path
    let bytes = path.hasSuffix(".gz") ? try Gzip.read(path) : try FileBytes.read(path)
    let header = 4 + 4 * dimensions
    func word(_ index: Int) -> Int { bytes[4 * index..<4 * index + 4].reduce(0) { $0 << 8 | Int($1) } }
    guard bytes.count >= 4 else {
      throw InputError("truncated", at: .file(path), found: "\(bytes.count) bytes", wanted: "an IDX header")
    }
    let magic = 0x0800 | dimensions
    guard word(0) == magic else {
      throw InputError(
        "wrong magic number", at: .file(path), found: Self.hexadecimal(word(0)),
        wanted: "\(Self.hexadecimal(magic)) (IDX, unsigned bytes, \(dimensions) dimension\(dimensions == 1 ? "" : "s"))")
    }
    guard bytes.count >= header else {
      throw InputError("truncated", at: .file(path), found: "\(bytes.count) bytes", wanted: "a header of \(header)")
    }
    extents = (1...dimensions).map(word)
    // Three extents below 2³² can overflow 64 bits.
    var size = 1
    for extent in extents {
      let product = size.multipliedReportingOverflow(by: extent)
      guard !product.overflow else {
        throw InputError("the size overflows", at: .file(path), found: "extents \(extents)")
      }
      size = product.partialValue
    }
    guard bytes.count - header == size else {
      throw InputError(
        bytes.count - header < size ? "truncated" : "longer than its header says", at: .file(path),
        found: "\(bytes.count - header) bytes of values", wanted: "\(size) for extents \(extents)")
    }
    values = bytes[header...]
  }

  private static func hexadecimal(_ word: Int) -> String {
    let digits = String(word, radix: 16)
    return "0x" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
  }
}
