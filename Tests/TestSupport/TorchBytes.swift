import Formats

/// Files as `torch.save` writes them in its older format, made opcode by opcode.
package enum TorchBytes {
  package static func text(_ text: String) -> [UInt8] { [UInt8(ascii: "X")] + word(text.utf8.count) + Array(text.utf8) }

  package static func integer(_ value: Int) -> [UInt8] { [0x8A, 8] + long(value) }

  package static func tuple(_ items: [[UInt8]]) -> [UInt8] { Array("(".utf8) + items.joined() + Array("t".utf8) }

  package static func list(_ items: [[UInt8]]) -> [UInt8] { Array("](".utf8) + items.joined() + Array("e".utf8) }

  package static func dictionary(_ entries: [(key: String, value: [UInt8])]) -> [UInt8] {
    Array("}(".utf8) + entries.flatMap { text($0.key) + $0.value } + Array("u".utf8)
  }

  package static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }

  package static func call(_ module: String, _ name: String, _ items: [[UInt8]]) -> [UInt8] {
    global(module, name) + tuple(items) + Array("R".utf8)
  }

  package static func storage(_ type: String = "FloatStorage", key: String, count: Int) -> [UInt8] {
    tuple([text("storage"), global("torch", type), text(key), text("cpu"), integer(count), Array("N".utf8)])
      + Array("Q".utf8)
  }

  package static func tensor(
    _ storage: [UInt8], offset: Int = 0, shape: [Int], strides: [Int]? = nil
  ) -> [UInt8] {
    let rowMajor = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
    return call(
      "torch._utils", "_rebuild_tensor_v2",
      [
        storage, integer(offset), tuple(shape.map(integer)), tuple((strides ?? rowMajor).map(integer)), [0x89],
        call("collections", "OrderedDict", []),
      ])
  }

  /// The file of an object.
  ///
  /// - Parameter storages: with their numbers of elements and their bytes.
  package static func file(
    _ object: [UInt8], storages: [(key: String, count: Int, bytes: [UInt8])] = [], keys: [String]? = nil
  ) -> [UInt8] {
    func pickle(_ value: [UInt8]) -> [UInt8] { [0x80, 2] + value + Array(".".utf8) }
    let magic: [UInt8] = [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
    let machine = dictionary([("protocol_version", integer(1001)), ("little_endian", [0x88])])
    return pickle(magic) + pickle(integer(1001)) + pickle(machine) + pickle(object)
      + pickle(list((keys ?? storages.map(\.key)).map(text))) + storages.flatMap { long($0.count) + $0.bytes }
  }

  /// The file of a state_dict of float32 tensors.
  ///
  /// - Parameter wrap: makes the object of the dictionary.
  package static func file(
    of tensors: [NamedTensor], _ wrap: ([UInt8]) -> [UInt8] = { $0 }
  ) -> [UInt8] {
    var (entries, storages): ([(key: String, value: [UInt8])], [(key: String, count: Int, bytes: [UInt8])]) = ([], [])
    for (index, named) in tensors.enumerated() {
      guard case .float32(let values) = named.values else { preconditionFailure("float32 alone") }
      let key = "\(index)"
      entries.append((named.name, tensor(storage(key: key, count: values.count), shape: named.shape)))
      storages.append((key, values.count, floats(values)))
    }
    return file(wrap(dictionary(entries)), storages: storages)
  }

  package static func floats(_ values: [Float]) -> [UInt8] { values.flatMap { word(Int($0.bitPattern)) } }

  private static func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

  private static func long(_ value: Int) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
}
