import Foundation

extension TensorFile {
  /// Reads a safetensors file: 8 bytes of header length (little endian), a JSON header, then the values.
  ///
  /// F16 and BF16 are widened to float32 and I32 to int64, both exactly; BOOL is read as uint8.
  /// Format: https://github.com/huggingface/safetensors.
  ///
  /// - Throws: `InputError` when the file is absent, truncated, or breaks any rule of the format: the header is JSON
  ///   without repeated names, every extent is non-negative, every tensor's bytes are its shape times its type, and
  ///   together the tensors cover the rest of the file without gap or overlap.
  public init(readingFrom path: String) throws {
    let bytes = try FileBytes.read(path)
    guard bytes.count >= 8 else {
      throw InputError(
        "too short for a safetensors file", at: .file(path), found: "\(bytes.count) bytes",
        wanted: "at least 8 bytes of header length")
    }
    let length = bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    guard length <= UInt64(bytes.count - 8) else {
      throw InputError(
        "longer than the file (truncated, or not a safetensors file)", at: .file(path, "header"),
        found: "a header of \(length) bytes", wanted: "at most \(bytes.count - 8)")
    }
    let dataStart = 8 + Int(length)
    let (entries, metadata) = try Self.parseHeader(bytes[8..<dataStart], path: path)
    try Self.checkLayout(entries, dataSize: bytes.count - dataStart, path: path)
    let tensors = bytes.withUnsafeBytes { raw in
      entries.map { entry in
        let range = dataStart + entry.start..<dataStart + entry.end
        return NamedTensor(
          name: entry.name, shape: entry.shape, values: entry.type.values(UnsafeRawBufferPointer(rebasing: raw[range])))
      }
    }
    self.init(path: path, metadata: metadata, tensors: tensors)
  }

  /// The metadata of a safetensors file; its tensors are neither read nor checked.
  ///
  /// - Throws: `InputError` when the file is absent, or its header is truncated or no header.
  public static func metadata(readingFrom path: String) throws -> [String: String] {
    let start = try FileBytes.read(path, atMost: 8)
    let length = start.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard start.count == 8, length <= UInt64(Int.max - 8) else {
      throw InputError("not a safetensors file", at: .file(path, "header"))
    }
    let bytes = try FileBytes.read(path, atMost: 8 + Int(length))
    guard bytes.count == 8 + Int(length) else {
      throw InputError("truncated", at: .file(path, "header"), found: "\(bytes.count) bytes", wanted: "\(8 + Int(length))")
    }
    return try parseHeader(bytes[8...], path: path).metadata
  }

  /// One tensor as the header describes it; offsets count from the end of the header.
  private struct HeaderEntry {
    var name: String
    var type: ElementType
    var shape: [Int]
    var start: Int
    var end: Int
  }

  private static func parseHeader(
    _ bytes: ArraySlice<UInt8>, path: String
  ) throws -> (entries: [HeaderEntry], metadata: [String: String]) {
    guard bytes.first == UInt8(ascii: "{") else {
      throw InputError("does not begin with '{' (not a safetensors file)", at: .file(path, "header"))
    }
    let json: JSONText
    do {
      json = try JSONText(parsing: bytes)
    } catch {
      throw InputError("not valid JSON", at: .file(path, "header, byte \(error.offset)"), found: error.problem)
    }
    guard case .object(let fields) = json else {
      throw InputError("not a JSON object", at: .file(path, "header"))
    }
    var seen: Set<String> = []
    var entries: [HeaderEntry] = []
    var metadata: [String: String] = [:]
    for field in fields {
      guard seen.insert(field.key).inserted else {
        throw InputError("the name stands in the header twice", at: .file(path, field.key))
      }
      if field.key == "__metadata__" {
        metadata = try parseMetadata(field.value, path: path)
      } else {
        entries.append(try parseEntry(field.key, field.value, path: path))
      }
    }
    return (entries, metadata)
  }

  private static func parseMetadata(_ value: JSONText, path: String) throws -> [String: String] {
    guard case .object(let fields) = value else {
      throw InputError("not an object of strings", at: .file(path, "__metadata__"))
    }
    var metadata: [String: String] = [:]
    for field in fields {
      guard case .string(let text) = field.value else {
        throw InputError("not a string", at: .file(path, "__metadata__.\(field.key)"))
      }
      guard metadata.updateValue(text, forKey: field.key) == nil else {
        throw InputError("the name stands in the header twice", at: .file(path, "__metadata__.\(field.key)"))
      }
    }
    return metadata
  }

  private static func parseEntry(_ name: String, _ value: JSONText, path: String) throws -> HeaderEntry {
    func failure(_ problem: String, found: String? = nil, expected: String? = nil) -> InputError {
      InputError(problem, at: .file(path, name), found: found, wanted: expected)
    }
    guard case .object(let fields) = value else { throw failure("its header entry is not an object") }
    var type: ElementType?
    var shape: [Int]?
    var offsets: [Int]?
    for field in fields {
      switch (field.key, field.value) {
      case ("dtype", .string(let text)) where type == nil:
        guard let known = ElementType(rawValue: text) else {
          let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
          throw failure("unknown dtype", found: text, expected: "one of \(known)")
        }
        type = known
      case ("shape", .array(let values)) where shape == nil:
        shape = try values.map { try naturalNumber($0, of: "shape", failure) }
      case ("data_offsets", .array(let values)) where offsets == nil:
        offsets = try values.map { try naturalNumber($0, of: "data_offsets", failure) }
      case ("dtype", _), ("shape", _), ("data_offsets", _):
        throw failure("repeated or malformed \(field.key) in its header entry")
      default:
        throw failure("unexpected field in its header entry", found: field.key, expected: "dtype, shape, data_offsets")
      }
    }
    guard let type, let shape, let offsets else {
      throw failure("incomplete header entry", expected: "dtype, shape and data_offsets")
    }
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw failure("malformed data_offsets", found: "\(offsets)", expected: "[begin, end] with begin not after end")
    }
    guard let count = NamedTensor.count(of: shape) else { throw failure("its shape overflows", found: "\(shape)") }
    let (size, overflow) = count.multipliedReportingOverflow(by: type.size)
    guard !overflow else { throw failure("its shape overflows", found: "\(shape)") }
    guard size == offsets[1] - offsets[0] else {
      throw failure(
        "data_offsets do not fit the shape", found: "\(offsets[1] - offsets[0]) bytes",
        expected: "\(size) bytes for \(type.rawValue) of shape \(shape)")
    }
    return HeaderEntry(name: name, type: type, shape: shape, start: offsets[0], end: offsets[1])
  }

  private static func naturalNumber(
    _ value: JSONText, of field: String, _ failure: (String, String?, String?) -> InputError
  ) throws -> Int {
    guard case .number(let digits) = value else {
      throw failure("\(field) holds something that is not a number", nil, nil)
    }
    guard let number = Int(digits), number >= 0 else {
      throw failure("\(field) holds a number out of range", digits, "a non-negative integer below 2⁶³")
    }
    return number
  }

  private static func checkLayout(_ entries: [HeaderEntry], dataSize: Int, path: String) throws {
    var position = 0
    for entry in entries.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
      guard entry.end <= dataSize else {
        throw InputError(
          "its values lie beyond the end of the file (truncated?)", at: .file(path, entry.name),
          found: "\(dataSize) bytes of values", wanted: "at least \(entry.end)")
      }
      guard entry.start == position else {
        throw InputError(
          entry.start < position ? "its values overlap another tensor's" : "there is a gap before its values",
          at: .file(path, entry.name), found: "begin \(entry.start)", wanted: "begin \(position)")
      }
      position = entry.end
    }
    guard position == dataSize else {
      throw InputError(
        "the file has bytes that belong to no tensor", at: .file(path), found: "\(dataSize) bytes of values",
        wanted: "\(position)")
    }
  }
}

/// Element types of a safetensors file that can be read.
private enum ElementType: String, CaseIterable {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case brainFloat16 = "BF16"
  case int64 = "I64"
  case int32 = "I32"
  case uint8 = "U8"
  case bool = "BOOL"

  var size: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .float16, .brainFloat16: 2
    case .uint8, .bool: 1
    }
  }

  func values(_ raw: UnsafeRawBufferPointer) -> NamedTensor.Values {
    switch self {
    case .float64: .float64(load(raw, UInt64.self) { Double(bitPattern: $0) })
    case .float32: .float32(load(raw, UInt32.self) { Float(bitPattern: $0) })
    case .float16: .float32(load(raw, UInt16.self) { HalfPrecision.float(fromHalf: $0) })
    case .brainFloat16: .float32(load(raw, UInt16.self) { HalfPrecision.float(fromBrain: $0) })
    case .int64: .int64(load(raw, Int64.self) { $0 })
    case .int32: .int64(load(raw, Int32.self) { Int64($0) })
    case .uint8, .bool: .uint8(Array(raw))
    }
  }

  private func load<Stored: FixedWidthInteger, Value>(
    _ raw: UnsafeRawBufferPointer, _ type: Stored.Type, _ convert: (Stored) -> Value
  ) -> [Value] {
    let count = raw.count / MemoryLayout<Stored>.size
    return [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
      for index in 0..<count {
        let stored = raw.loadUnaligned(fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self)
        (buffer.baseAddress! + index).initialize(to: convert(Stored(littleEndian: stored)))
      }
      initialized = count
    }
  }
}
