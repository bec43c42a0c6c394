import Formats

/// What a pickle holds: dictionaries, lists, texts, numbers and NumPy arrays of integers.
///
/// The reader knows the opcodes of protocols 2 to 5 that such data need and gives the six names that NumPy's own pickles
/// call their fixed meaning. Anything else is an error that names the opcode or the name and its offset, so a file can't
/// make the program do anything.
struct PickleFile {
  /// For messages: a file, or an archive and the file within.
  let source: String
  let content: [UInt8]
  var buffers: [[UInt8]] = []
  var lists: [[PickleValue]] = []
  var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  /// Nil for elements that are no integers.
  var types: [PickleArray.Element?] = []
  /// Nil for an array before its values are there.
  var arrays: [PickleArray?] = []
  var top = PickleValue.none

  /// - Throws: `InputError` naming the offset where the content is no such pickle.
  init(_ content: [UInt8], source: String) throws {
    var machine = PickleMachine(file: PickleFile(unread: content, source: source))
    self = try machine.run()
  }

  private init(unread content: [UInt8], source: String) {
    self.source = source
    self.content = content
  }

  /// The value of a key of the dictionary that the pickle is; nil where there is none.
  ///
  /// - Throws: `InputError` where the pickle is no dictionary.
  func entry(_ key: String) throws -> PickleValue? {
    guard case .dictionary(let index) = top else {
      throw InputError("the pickle is no dictionary", at: .file(source), found: top.kind)
    }
    // The last one of a repeated key counts, as in Python.
    return dictionaries[index].last { text($0.key) == key }?.value
  }

  /// The keys of the dictionary, for messages.
  var keys: [String] {
    guard case .dictionary(let index) = top else { return [] }
    return dictionaries[index].map { text($0.key) ?? $0.key.kind }
  }

  /// Bytes of a value that is bytes.
  func bytes(_ value: PickleValue) -> ArraySlice<UInt8>? {
    switch value {
    case .bytes(let range): content[range]
    case .buffer(let index): buffers[index][...]
    default: nil
    }
  }

  /// A text, or the bytes of one, as Python 2 has it.
  func text(_ value: PickleValue) -> String? {
    if case .text(let text) = value { return text }
    return bytes(value).map { String(decoding: $0, as: UTF8.self) }
  }

  /// A list, a tuple or an array of one dimension, all of them integers.
  ///
  /// - Throws: `InputError` where it is none of these.
  func integers(_ value: PickleValue, of key: String) throws -> [Int] {
    let items: [PickleValue]
    switch value {
    case .list(let index): items = lists[index]
    case .tuple(let values): items = values
    case .array(let index): return try integers(array(index, of: key), of: key)
    default:
      throw InputError("not a list of integers", at: .file(source, key), found: value.kind)
    }
    return try items.enumerated().map { index, item in
      switch item {
      case .integer(let number): return number
      case .bool(let bit): return bit ? 1 : 0
      default:
        throw InputError(
          "entry \(index) is no integer", at: .file(source, key), found: item.kind, wanted: "an integer")
      }
    }
  }

  /// A list of texts; nil where it is anything else.
  func texts(_ value: PickleValue) -> [String]? {
    guard case .list(let index) = value else { return nil }
    let texts = lists[index].map(text)
    return texts.contains(nil) ? nil : texts.compactMap { $0 }
  }

  /// The array of a value.
  ///
  /// - Throws: `InputError` where it is none.
  func array(_ value: PickleValue, of key: String) throws -> PickleArray {
    guard case .array(let index) = value else {
      throw InputError("not an array", at: .file(source, key), found: value.kind, wanted: "a NumPy array")
    }
    return try array(index, of: key)
  }

  private func array(_ index: Int, of key: String) throws -> PickleArray {
    guard let array = arrays[index] else {
      throw InputError("an array without values", at: .file(source, key), wanted: "its BUILD opcode")
    }
    return array
  }

  private func integers(_ array: PickleArray, of key: String) throws -> [Int] {
    guard array.shape.count == 1, let data = bytes(array.data) else {
      throw InputError("wrong shape", at: .file(source, key), found: "\(array.shape)", wanted: "one dimension")
    }
    let (size, start) = (array.element.size, data.startIndex)
    return (0..<array.count).map { index in
      let slice = data[start + index * size..<start + (index + 1) * size]
      let bits = (array.element.isBigEndian ? Array(slice) : slice.reversed()).reduce(0) { $0 << 8 | UInt64($1) }
      guard array.element.isSigned else { return Int(truncatingIfNeeded: bits) }
      let unused = UInt64(64 - 8 * size)
      return Int(Int64(bitPattern: bits << unused) >> Int64(unused))
    }
  }
}
