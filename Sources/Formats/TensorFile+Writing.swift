extension TensorFile {
  /// Writes a safetensors file whose bytes depend on the content alone: 8-byte types first, then 4-byte, then 1-byte, by
  /// name within a type; metadata by name; the header padded with spaces to a multiple of 8 bytes. The file appears whole
  /// or not at all.
  ///
  /// - Throws: `InputError` when a name repeats or is reserved, when a tensor's values don't fill its shape, or when the
  ///   file cannot be written.
  public static func write(_ tensors: [NamedTensor], metadata: [String: String], to path: String) throws {
    try check(tensors, path: path)
    let ordered = tensors.sorted { first, second in
      let (a, b) = (first.values.fileRank, second.values.fileRank)
      return a != b ? a < b : first.name.utf8.lexicographicallyPrecedes(second.name.utf8)
    }
    var fields: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      let texts = pairs.map { "\(JSONText.quoted($0.key)):\(JSONText.quoted($0.value))" }
      fields.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
    }
    var offset = 0
    for tensor in ordered {
      let end = offset + tensor.values.byteCount
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      fields.append(
        "\(JSONText.quoted(tensor.name)):{\"dtype\":\"\(tensor.values.fileType)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    var header = Array("{\(fields.joined(separator: ","))}".utf8)
    header += Array(repeating: 0x20, count: (8 - header.count % 8) % 8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + header.count + offset)
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes += header
    for tensor in ordered { tensor.values.appendLittleEndian(to: &bytes) }
    try AtomicFile.write(bytes, to: path)
  }

  private static func check(_ tensors: [NamedTensor], path: String) throws {
    var seen: Set<String> = []
    for tensor in tensors {
      guard tensor.name != "__metadata__" else {
        throw InputError("the name is reserved by the format", at: .file(path, tensor.name))
      }
      guard seen.insert(tensor.name).inserted else {
        throw InputError("two tensors of one name cannot be written", at: .file(path, tensor.name))
      }
      guard NamedTensor.count(of: tensor.shape) == tensor.values.count else {
        throw InputError(
          "the values do not fill the shape", at: .file(path, tensor.name), found: "\(tensor.values.count) values",
          wanted: "the values of shape \(tensor.shape)")
      }
    }
  }
}

extension NamedTensor.Values {
  fileprivate var fileType: String {
    switch self {
    case .int64: "I64"
    case .float64: "F64"
    case .float32: "F32"
    case .uint8: "U8"
    }
  }

  /// Position in the file: wide types first, so that every tensor is aligned.
  fileprivate var fileRank: Int {
    switch self {
    case .int64: 0
    case .float64: 1
    case .float32: 2
    case .uint8: 3
    }
  }

  package var byteCount: Int {
    switch self {
    case .int64, .float64: count * 8
    case .float32: count * 4
    case .uint8: count
    }
  }

  package func appendLittleEndian(to bytes: inout [UInt8]) {
    switch self {
    case .float32(let values): append(values, to: &bytes) { $0.bitPattern }
    case .float64(let values): append(values, to: &bytes) { $0.bitPattern }
    case .int64(let values): append(values, to: &bytes) { $0 }
    case .uint8(let values): bytes += values
    }
  }

  private func append<Value, Stored: FixedWidthInteger>(
    _ values: [Value], to bytes: inout [UInt8], _ bits: (Value) -> Stored
  ) {
    let size = MemoryLayout<Stored>.size
    bytes += [UInt8](unsafeUninitializedCapacity: values.count * size) { buffer, initialized in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      for index in values.indices {
        raw.storeBytes(of: bits(values[index]).littleEndian, toByteOffset: index * size, as: Stored.self)
      }
      initialized = values.count * size
    }
  }
}
