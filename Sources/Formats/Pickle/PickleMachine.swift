/// The stack machine of Python's `pickletools`, restricted to data.
struct PickleMachine {
  var file: PickleFile
  var position = 0
  var stack: [PickleValue] = []
  var memo: [Int: PickleValue] = [:]
  /// Bytes that calls have made.
  var madeBytes = 0

  /// - Parameter position: where the pickle begins.
  init(file: PickleFile, position: Int = 0) {
    self.file = file
    self.position = position
  }

  /// Most values under construction at once: NumPy and lists of numbers need a thousand.
  private static let deepestStack = 1 << 20

  /// - Throws: `InputError` with the offset of the first opcode that is unknown, out of place or cut short.
  mutating func run() throws -> PickleFile {
    let start = file.content[position...].prefix(2)
    guard start.count == 2, start.first == 0x80 else {
      throw wrong("not a pickle of protocol 2 or later", at: position, found: "the first bytes \(Array(start))")
    }
    while true {
      let offset = position
      let opcode = try byte()
      if opcode == UInt8(ascii: ".") {
        file.top = try pop(offset)
        return file
      }
      try step(opcode, at: offset)
      guard stack.count <= Self.deepestStack else { throw wrong("more values than can be right", at: offset) }
    }
  }

  private mutating func step(_ opcode: UInt8, at offset: Int) throws {
    switch opcode {
    case 0x80:
      let version = try byte()
      guard (2...5).contains(version) else {
        throw wrong("unknown protocol", at: offset, found: "\(version)", expected: "2 to 5")
      }
    case 0x95:
      // A frame only announces how many bytes follow.
      let length = try number(8)
      guard length <= file.content.count - position else {
        throw wrong(
          "truncated", at: offset, found: "\(file.content.count - position) bytes to the end", expected: "\(length) bytes")
      }
    case UInt8(ascii: "("): stack.append(.mark)
    case UInt8(ascii: "0"): _ = try pop(offset)
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88: stack.append(.bool(true))
    case 0x89: stack.append(.bool(false))
    case UInt8(ascii: "K"): stack.append(.integer(try number(1)))
    case UInt8(ascii: "M"): stack.append(.integer(try number(2)))
    case UInt8(ascii: "J"): stack.append(.integer(Int(Int32(truncatingIfNeeded: try number(4)))))
    case 0x8A: stack.append(try longInteger(at: offset))
    case UInt8(ascii: "G"):
      let bits = try take(8, at: offset).reduce(0) { $0 << 8 | UInt64(file.content[$1]) }
      stack.append(.float(Double(bitPattern: bits)))
    case UInt8(ascii: "U"), UInt8(ascii: "C"): stack.append(.bytes(try take(number(1), at: offset)))
    case UInt8(ascii: "T"), UInt8(ascii: "B"): stack.append(.bytes(try take(number(4), at: offset)))
    case 0x8E, 0x96: stack.append(.bytes(try take(number(8), at: offset)))
    case 0x8C: stack.append(.text(try string(number(1), at: offset)))
    case UInt8(ascii: "X"): stack.append(.text(try string(number(4), at: offset)))
    case 0x8D: stack.append(.text(try string(number(8), at: offset)))
    case UInt8(ascii: "q"): memo[try number(1)] = try last(offset)
    case UInt8(ascii: "r"): memo[try number(4)] = try last(offset)
    case 0x94: memo[memo.count] = try last(offset)
    case UInt8(ascii: "h"): stack.append(try remembered(number(1), at: offset))
    case UInt8(ascii: "j"): stack.append(try remembered(number(4), at: offset))
    default: try build(opcode, at: offset)
    }
  }

  /// Opcodes that make or fill containers, and the calls.
  private mutating func build(_ opcode: UInt8, at offset: Int) throws {
    switch opcode {
    case UInt8(ascii: ")"): stack.append(.tuple([]))
    case 0x85, 0x86, 0x87:
      let items = try (0x85...Int(opcode)).map { _ in try pop(offset) }
      stack.append(try tuple(items.reversed(), at: offset))
    case UInt8(ascii: "t"): stack.append(try tuple(popToMark(offset), at: offset))
    case UInt8(ascii: "]"):
      file.lists.append([])
      stack.append(.list(file.lists.count - 1))
    case UInt8(ascii: "a"):
      let item = try pop(offset)
      try extendList(by: [item], at: offset)
    case UInt8(ascii: "e"): try extendList(by: popToMark(offset), at: offset)
    case UInt8(ascii: "}"):
      file.dictionaries.append([])
      stack.append(.dictionary(file.dictionaries.count - 1))
    case UInt8(ascii: "s"):
      let value = try pop(offset)
      try extendDictionary(by: [try pop(offset), value], at: offset)
    case UInt8(ascii: "u"): try extendDictionary(by: popToMark(offset), at: offset)
    case UInt8(ascii: "c"): stack.append(try global(module: line(offset), name: line(offset), at: offset))
    case 0x93:
      let name = try pop(offset)
      guard case .text(let name) = name, case .text(let module) = try pop(offset) else {
        throw wrong("a global without a name", at: offset)
      }
      stack.append(try global(module: module, name: name, at: offset))
    case UInt8(ascii: "R"): try file.vocabulary.call(&self, offset)
    case UInt8(ascii: "b"): try file.vocabulary.fill(&self, offset)
    case UInt8(ascii: "Q") where file.vocabulary.identify != nil: try file.vocabulary.identify?(&self, offset)
    default:
      let name = Self.forbidden[opcode].map { " (\($0))" } ?? ""
      throw wrong(
        "opcode that data don't need", at: offset, found: "0x\(String(opcode, radix: 16, uppercase: true))\(name)",
        expected: "those of lists, dictionaries, numbers, texts and \(file.vocabulary.title)")
    }
  }

  /// Names of what a reader that executes would act upon, for messages.
  private static let forbidden: [UInt8: String] = [
    UInt8(ascii: "i"): "INST", UInt8(ascii: "o"): "OBJ", 0x81: "NEWOBJ", 0x92: "NEWOBJ_EX", UInt8(ascii: "P"): "PERSID",
    UInt8(ascii: "Q"): "BINPERSID", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
    UInt8(ascii: "S"): "STRING", UInt8(ascii: "I"): "INT", UInt8(ascii: "L"): "LONG", UInt8(ascii: "F"): "FLOAT",
    UInt8(ascii: "V"): "UNICODE", UInt8(ascii: "p"): "PUT", UInt8(ascii: "g"): "GET", UInt8(ascii: "d"): "DICT",
    UInt8(ascii: "l"): "LIST", UInt8(ascii: "1"): "POP_MARK", UInt8(ascii: "2"): "DUP", 0x8F: "EMPTY_SET",
    0x90: "ADDITEMS", 0x91: "FROZENSET", 0x8B: "LONG4",
  ]

  private func global(module: String, name: String, at offset: Int) throws -> PickleValue {
    guard let value = file.vocabulary.global("\(module).\(name)") else {
      throw wrong(
        "global that data don't need; it is not executed", at: offset, found: "\(module).\(name)",
        expected: file.vocabulary.wanted)
    }
    return value
  }

  // MARK: Containers

  /// Tuples hold their items, so their nesting is bounded, and where they nest, their width too: what is remembered can be
  /// put into a tuple again and again. Those of NumPy nest twice and hold nine items.
  private func tuple(_ items: [PickleValue], at offset: Int) throws -> PickleValue {
    func depth(_ value: PickleValue) -> Int {
      guard case .tuple(let items) = value else { return 0 }
      return 1 + (items.map(depth).max() ?? 0)
    }
    let nests = items.contains { if case .tuple = $0 { true } else { false } }
    guard !nests || (items.count <= 16 && depth(.tuple(items)) <= 3) else {
      throw wrong("a tuple larger or deeper than data need", at: offset)
    }
    return .tuple(items)
  }

  private mutating func extendList(by items: [PickleValue], at offset: Int) throws {
    guard case .list(let index) = try last(offset) else { throw wrong("items without a list", at: offset) }
    file.lists[index] += items
  }

  private mutating func extendDictionary(by items: [PickleValue], at offset: Int) throws {
    guard case .dictionary(let index) = try last(offset), items.count.isMultiple(of: 2) else {
      throw wrong("items without a dictionary", at: offset)
    }
    for place in stride(from: 0, to: items.count, by: 2) {
      file.dictionaries[index].append((items[place], items[place + 1]))
    }
  }

  // MARK: Stack

  private mutating func popToMark(_ offset: Int) throws -> [PickleValue] {
    guard let mark = stack.lastIndex(of: .mark) else { throw wrong("items without a mark", at: offset) }
    let items = Array(stack[(mark + 1)...])
    stack.removeSubrange(mark...)
    return items
  }

  mutating func pop(_ offset: Int) throws -> PickleValue {
    guard let value = stack.popLast(), value != .mark else { throw wrong("a value is missing", at: offset) }
    return value
  }

  private func last(_ offset: Int) throws -> PickleValue {
    guard let value = stack.last, value != .mark else { throw wrong("a value is missing", at: offset) }
    return value
  }

  private func remembered(_ key: Int, at offset: Int) throws -> PickleValue {
    guard let value = memo[key] else { throw wrong("nothing was remembered as \(key)", at: offset) }
    return value
  }

  // MARK: Bytes

  private mutating func byte() throws -> UInt8 {
    guard position < file.content.count else { throw wrong("truncated", at: position, expected: "the end mark") }
    position += 1
    return file.content[position - 1]
  }

  /// A little-endian number of 1, 2, 4 or 8 bytes; those of 8 are lengths.
  private mutating func number(_ size: Int) throws -> Int {
    let range = try take(size, at: position)
    let value = range.reversed().reduce(0) { $0 << 8 | UInt64(file.content[$1]) }
    guard let number = Int(exactly: value) else { throw wrong("a length that overflows", at: range.lowerBound) }
    return number
  }

  /// One that is too wide for a word is refused where it is asked for: states of random generators and optimisers have some, and are
  /// passed over.
  private mutating func longInteger(at offset: Int) throws -> PickleValue {
    let range = try take(number(1), at: offset)
    // The sign may take a byte of its own.
    guard range.count <= 8 else { return .wideInteger(range.count) }
    guard !range.isEmpty else { return .integer(0) }
    let bits = range.reversed().reduce(0) { $0 << 8 | UInt64(file.content[$1]) }
    let unused = UInt64(64 - 8 * range.count)
    return .integer(Int(Int64(bitPattern: bits << unused) >> Int64(unused)))
  }

  private mutating func take(_ count: Int, at offset: Int) throws -> Range<Int> {
    guard count <= file.content.count - position else {
      throw wrong(
        "truncated", at: offset, found: "\(file.content.count - position) bytes to the end", expected: "\(count) bytes")
    }
    defer { position += count }
    return position..<position + count
  }

  private mutating func string(_ count: Int, at offset: Int) throws -> String {
    let range = try take(count, at: offset)
    guard let text = String(validating: file.content[range], as: UTF8.self) else {
      throw wrong("a text that is not UTF-8", at: offset)
    }
    return text
  }

  private mutating func line(_ offset: Int) throws -> String {
    guard let end = file.content[position...].prefix(256).firstIndex(of: 10) else {
      throw wrong("a name without an end", at: offset)
    }
    defer { position = end + 1 }
    return String(decoding: file.content[position..<end], as: UTF8.self)
  }

  func wrong(_ problem: String, at offset: Int, found: String? = nil, expected: String? = nil) -> InputError {
    InputError(problem, at: .file(file.source, "byte \(offset)"), found: found, wanted: expected)
  }
}
