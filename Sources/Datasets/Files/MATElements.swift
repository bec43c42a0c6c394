import Formats

/// Checks what a MATLAB file of version 5 says of itself, before libmatio, which looks at no checksum, reads it: every
/// element lies within the file, one after another to its end, and every compressed one is a whole zlib stream whose
/// Adler-32 is right (MATLAB's *MAT-File Format*, chapter 1).
enum MATElements {
  private static let headerSize = 128
  private static let matrix = 14
  private static let compressed = 15
  private static let version5 = 0x0100
  /// Of version 7.3, which is HDF5 and is left to its own library.
  private static let version7 = 0x0200

  /// - Throws: `InputError` where the file is no MATLAB file, cut short or damaged.
  static func verify(_ path: String) throws {
    try FileBytes.read(path).withUnsafeBytes { try verify($0, path: path) }
  }

  private static func verify(_ bytes: UnsafeRawBufferPointer, path: String) throws {
    func failure(_ problem: String, _ found: String, _ expected: String) -> InputError {
      InputError(problem, at: .file(path), found: found, wanted: expected)
    }
    guard bytes.count >= headerSize else {
      throw failure("damaged, or no MATLAB file", "\(bytes.count) bytes", "a MAT file of version 5")
    }
    let isLittle = bytes[126] == UInt8(ascii: "I") && bytes[127] == UInt8(ascii: "M")
    let isBig = bytes[126] == UInt8(ascii: "M") && bytes[127] == UInt8(ascii: "I")
    let version = isLittle ? Int(bytes[125]) << 8 | Int(bytes[124]) : Int(bytes[124]) << 8 | Int(bytes[125])
    guard isLittle || isBig, version == version5 || version == version7 else {
      throw failure(
        "damaged, or no MATLAB file", "the bytes \(Array(bytes[124..<128])) at 124",
        "[0, 1, 73, 77] or [1, 0, 77, 73], a MAT file of version 5")
    }
    guard version == version5 else { return }
    func word(_ offset: Int) -> Int {
      let value = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
      return Int(isLittle ? UInt32(littleEndian: value) : UInt32(bigEndian: value))
    }
    var offset = headerSize
    while offset < bytes.count {
      guard bytes.count - offset >= 8 else {
        throw failure(
          "cut short, or bytes after its end", "\(bytes.count - offset) bytes at \(offset)", "an element of data")
      }
      let (type, size) = (word(offset), word(offset + 4))
      guard type == matrix || type == compressed else {
        throw failure("damaged at byte \(offset)", "an element of type \(type)", "\(matrix) or \(compressed), a matrix")
      }
      let start = offset + 8
      guard size <= bytes.count - start else {
        throw failure(
          "cut short or damaged", "an element of \(size) bytes at \(offset)", "at most \(bytes.count - start)")
      }
      if type == compressed {
        try Zlib.verify(
          UnsafeRawBufferPointer(rebasing: bytes[start..<start + size]), limit: MATFile.mostBytes + 4096, path: path,
          item: "element at byte \(offset)")
      }
      offset = start + size
    }
  }
}
