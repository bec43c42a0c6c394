import Foundation

/// An array as numpy's NPY files hold it, row-major (https://numpy.org/doc/stable/reference/generated/numpy.lib.format).
public struct NPYFile: Equatable, Sendable {
  /// Extent of each dimension; empty for a scalar.
  public var shape: [Int]
  public var values: NamedTensor.Values

  public init(shape: [Int], values: NamedTensor.Values) {
    self.shape = shape
    self.values = values
  }

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// Writes a version 1.0 file, whole or not at all; its bytes are those that `numpy.save` writes.
  ///
  /// - Throws: `InputError` when the values don't fill the shape or the file cannot be written.
  public func write(to path: String) throws {
    try AtomicFile.write(encoded(for: path), to: path)
  }

  /// The bytes of the file.
  ///
  /// - Parameter path: what they are for, for messages.
  func encoded(for path: String) throws -> [UInt8] {
    guard NamedTensor.count(of: shape) == values.count else {
      throw InputError(
        "the values do not fill the shape", at: .file(path), found: "\(values.count) values",
        wanted: "the values of shape \(shape)")
    }
    let extents = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var header = Array("{'descr': '\(values.numpyType)', 'fortran_order': False, 'shape': (\(extents)), }".utf8)
    // Room for the first extent to grow in place to 21 digits, as numpy leaves it.
    if let first = shape.first { header += Array(repeating: 0x20, count: 21 - String(first).count) }
    // Magic, version, length, header and the final newline end on a multiple of 64 bytes.
    header += Array(repeating: 0x20, count: 64 - (Self.magic.count + 4 + header.count + 1) % 64) + [0x0A]
    guard let length = UInt16(exactly: header.count) else {
      throw InputError("the shape is too long for a version 1.0 file", at: .file(path), found: "\(shape.count) extents")
    }
    var bytes = Self.magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + header
    values.appendLittleEndian(to: &bytes)
    return bytes
  }

  /// Reads a file of version 1 to 3 that holds little-endian float32, float64, int64 or uint8 in row-major order.
  ///
  /// - Throws: `InputError` when the file is absent, not NPY, truncated, too long, or of another type or order.
  public init(readingFrom path: String) throws {
    try self.init(bytes: FileBytes.read(path), path: path)
  }

  /// - Parameter path: where the bytes come from, for messages.
  init(bytes: [UInt8], path: String) throws {
    guard bytes.count >= 10, bytes.starts(with: Self.magic) else {
      throw InputError("not an NPY file", at: .file(path))
    }
    let wide = bytes[6] > 1
    guard (1...3).contains(bytes[6]), bytes.count >= (wide ? 12 : 10) else {
      throw InputError(
        "unknown or truncated NPY version", at: .file(path), found: "\(bytes[6]).\(bytes[7])", wanted: "1.0 to 3.0")
    }
    let start = wide ? 12 : 10
    let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= bytes.count - start else {
      throw InputError("truncated", at: .file(path, "header"), found: "\(bytes.count - start) bytes", wanted: "\(length)")
    }
    let header = String(decoding: bytes[start..<start + length], as: UTF8.self)
    let (type, shape) = try Self.parse(header: header, path: path)
    let size = ["<f4": 4, "<f8": 8, "<i8": 8, "|u1": 1][type] ?? 0
    guard size > 0 else {
      throw InputError("type not supported", at: .file(path, "descr"), found: type, wanted: "<f4, <f8, <i8 or |u1")
    }
    guard let count = NamedTensor.count(of: shape), !count.multipliedReportingOverflow(by: size).overflow else {
      throw InputError("the shape overflows", at: .file(path, "shape"), found: "\(shape)")
    }
    let data = bytes.count - start - length
    guard data == count * size else {
      throw InputError(
        data < count * size ? "truncated" : "too long", at: .file(path), found: "\(data) bytes of values",
        wanted: "\(count * size) for shape \(shape)")
    }
    let values: NamedTensor.Values = bytes.withUnsafeBytes { raw in
      func load<Stored: FixedWidthInteger, Value>(_ convert: (Stored) -> Value) -> [Value] {
        (0..<count).map { index in
          let offset = start + length + index * size
          return convert(Stored(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: Stored.self)))
        }
      }
      switch type {
      case "<f4": return .float32(load { (bits: UInt32) in Float(bitPattern: bits) })
      case "<f8": return .float64(load { (bits: UInt64) in Double(bitPattern: bits) })
      case "<i8": return .int64(load { (bits: Int64) in bits })
      default: return .uint8(Array(raw[(start + length)...]))
      }
    }
    self.init(shape: shape, values: values)
  }

  /// Reads the Python dictionary of the header; numpy writes it in one fixed form.
  private static func parse(header: String, path: String) throws -> (type: String, shape: [Int]) {
    func failure(_ item: String, _ found: String?, _ expected: String) -> InputError {
      InputError("malformed NPY header", at: .file(path, item), found: found, wanted: expected)
    }
    func text(after key: String) -> Substring? {
      guard let range = header.range(of: "'\(key)':") else { return nil }
      return header[range.upperBound...].drop { $0 == " " }
    }
    guard let description = text(after: "descr"), description.first == "'" else {
      throw failure("descr", text(after: "descr").map { String($0.prefix(12)) }, "a type in quotes")
    }
    let type = String(description.dropFirst().prefix { $0 != "'" })
    guard let order = text(after: "fortran_order"), order.hasPrefix("False") else {
      throw failure("fortran_order", text(after: "fortran_order").map { String($0.prefix(5)) }, "False (row-major)")
    }
    guard let tuple = text(after: "shape"), tuple.first == "(", let end = tuple.firstIndex(of: ")") else {
      throw failure("shape", text(after: "shape").map { String($0.prefix(12)) }, "a tuple")
    }
    let parts = tuple[..<end].dropFirst().split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    let extents = try parts.filter { !$0.isEmpty }.map { part in
      guard let extent = Int(part), extent >= 0 else { throw failure("shape", part, "a non-negative integer") }
      return extent
    }
    return (type, extents)
  }
}

extension NamedTensor.Values {
  fileprivate var numpyType: String {
    switch self {
    case .float32: "<f4"
    case .float64: "<f8"
    case .int64: "<i8"
    case .uint8: "|u1"
    }
  }
}
