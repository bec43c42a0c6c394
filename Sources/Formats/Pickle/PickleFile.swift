/// What a pickle holds: dictionaries, lists, texts, numbers, and NumPy arrays of integers or PyTorch's tensors.
///
/// The reader knows the opcodes of protocols 2 to 5 that such data need and gives the names of a vocabulary, those that NumPy's
/// or PyTorch's own pickles call, their fixed meaning. Anything else is an error that names the opcode or the name and its offset,
/// so a file can't make the program do anything.
package struct PickleFile {
  /// For messages: a file, or an archive and the file within.
  package let source: String
  /// What may be called.
  let vocabulary: PickleVocabulary
  let content: [UInt8]
  var buffers: [[UInt8]] = []
  var lists: [[PickleValue]] = []
  var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  /// Nil for elements that are no integers.
  var types: [PickleArray.Element?] = []
  /// Nil for an array before its values are there.
  var arrays: [PickleArray?] = []
  /// PyTorch's; values name them by their places.
  var storages: [TorchStorage] = []
  var tensors: [TorchTensor] = []
  package internal(set) var top = PickleValue.none

  /// A pickle of data and NumPy arrays.
  ///
  /// - Throws: `InputError` naming the offset where the content is no such pickle.
  package init(_ content: [UInt8], source: String) throws {
    try self.init(content, vocabulary: .numpy, source: source)
  }

  /// - Throws: `InputError` naming the offset where the content is no pickle of that vocabulary.
  init(_ content: [UInt8], vocabulary: PickleVocabulary, source: String) throws {
    var position = 0
    try self.init(content, from: &position, vocabulary: vocabulary, source: source)
    guard position == content.count else {
      throw InputError(
        "bytes after the end", at: .file(source, "byte \(position)"), found: "\(content.count - position)", wanted: "none")
    }
  }

  /// One of several pickles in a row.
  ///
  /// - Parameter position: where it begins; then the byte after it.
  /// - Throws: as the other.
  init(_ content: [UInt8], from position: inout Int, vocabulary: PickleVocabulary, source: String) throws {
    let unread = PickleFile(unread: content, vocabulary: vocabulary, source: source)
    var machine = PickleMachine(file: unread, position: position)
    self = try machine.run()
    position = machine.position
  }

  private init(unread content: [UInt8], vocabulary: PickleVocabulary, source: String) {
    self.source = source
    self.vocabulary = vocabulary
    self.content = content
  }

  /// The value of a key of the dictionary that the pickle is; nil where there is none.
  ///
  /// - Throws: `InputError` where the pickle is no dictionary.
  package func entry(_ key: String) throws -> PickleValue? {
    guard case .dictionary(let index) = top else {
      throw InputError("the pickle is no dictionary", at: .file(source), found: top.kind)
    }
    // The last one of a repeated key counts, as in Python.
    return dictionaries[index].last { text($0.key) == key }?.value
  }

  /// The entries of a dictionary whose keys are texts, each once, in the order of the file; nil where the value is none.
  package func entries(_ value: PickleValue) -> [(key: String, value: PickleValue)]? {
    guard case .dictionary(let index) = value else { return nil }
    var places: [String: Int] = [:]
    var result: [(key: String, value: PickleValue)] = []
    for entry in dictionaries[index] {
      guard let key = text(entry.key) else { continue }
      if let place = places[key] {
        // The last one of a repeated key counts, at the place of the first, as in Python.
        result[place].value = entry.value
      } else {
        places[key] = result.count
        result.append((key, entry.value))
      }
    }
    return result
  }

  /// The values of a list or a tuple; nil where the value is neither.
  package func items(_ value: PickleValue) -> [PickleValue]? {
    switch value {
    case .list(let index): lists[index]
    case .tuple(let values): values
    default: nil
    }
  }

  /// The keys of the dictionary, for messages.
  package var keys: [String] {
    guard case .dictionary(let index) = top else { return [] }
    return dictionaries[index].map { text($0.key) ?? $0.key.kind }
  }

  /// Bytes of a value that is bytes.
  package func bytes(_ value: PickleValue) -> ArraySlice<UInt8>? {
    switch value {
    case .bytes(let range): content[range]
    case .buffer(let index): buffers[index][...]
    default: nil
    }
  }

  /// A text, or the bytes of one, as Python 2 has it.
  package func text(_ value: PickleValue) -> String? {
    if case .text(let text) = value { return text }
    return bytes(value).map { String(decoding: $0, as: UTF8.self) }
  }

  /// A list, a tuple or an array of one dimension, all of them integers.
  ///
  /// - Throws: `InputError` where it is none of these.
  package func integers(_ value: PickleValue, of key: String) throws -> [Int] {
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
  package func texts(_ value: PickleValue) -> [String]? {
    guard case .list(let index) = value else { return nil }
    let texts = lists[index].map(text)
    return texts.contains(nil) ? nil : texts.compactMap { $0 }
  }

  /// The array of a value.
  ///
  /// - Throws: `InputError` where it is none.
  package func array(_ value: PickleValue, of key: String) throws -> PickleArray {
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
