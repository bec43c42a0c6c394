extension TensorFile {
  /// The metadata key under which a writer may leave `checksum`.
  public static let checksumKey = "checksum"

  /// Writes tensors with their checksum among the metadata, for `verifyChecksum`, whole or not at all.
  public static func writeChecked(_ tensors: [NamedTensor], metadata: [String: String], to path: String) throws {
    let checked = metadata.merging([checksumKey: checksum(tensors, metadata: metadata)]) { $1 }
    try write(tensors, metadata: checked, to: path)
  }

  /// CRC-32C, in hexadecimal, of the metadata but for the checksum itself and of every tensor's name, type, shape and bytes,
  /// each in the order of names.
  public static func checksum(_ tensors: [NamedTensor], metadata: [String: String]) -> String {
    var check = CRC32C()
    func add(_ text: String) { check.add(Array(text.utf8) + [0]) }
    for (key, value) in metadata.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
    where key != checksumKey {
      add(key)
      add(value)
    }
    for tensor in tensors.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
      add(tensor.name)
      add("\(tensor.values.typeName) \(tensor.shape)")
      // Bytes as they lie in memory, which is the order of the file on every machine that this runs on.
      switch tensor.values {
      case .float32(let values): values.withUnsafeBytes { check.add($0) }
      case .float64(let values): values.withUnsafeBytes { check.add($0) }
      case .int64(let values): values.withUnsafeBytes { check.add($0) }
      case .uint8(let values): values.withUnsafeBytes { check.add($0) }
      }
    }
    return check.hexadecimal
  }

  /// - Throws: `InputError` where the file carries a checksum that its content does not have.
  public func verifyChecksum() throws {
    guard let expected = metadata[Self.checksumKey] else { return }
    let found = Self.checksum(Array(tensors.values), metadata: metadata)
    guard found == expected else {
      throw InputError(
        "the content is damaged or was changed", at: .file(path, "metadata \(Self.checksumKey)"), found: found,
        wanted: expected)
    }
  }
}
