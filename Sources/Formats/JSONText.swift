import Foundation

/// A JSON value as it stands in a file: the order of an object's entries is kept, so that a second entry of one name
/// can be refused, which Foundation's reader silently drops.
package enum JSONText: Equatable, Sendable {
  case null
  case bool(Bool)
  /// The digits as written; a file's integers may not fit in a Double.
  case number(String)
  case string(String)
  case array([JSONText])
  case object([Entry])

  package struct Entry: Equatable, Sendable {
    package var key: String
    package var value: JSONText
  }

  /// Why a text is not JSON, and at which byte.
  package struct Failure: Error, Equatable {
    package var problem: String
    package var offset: Int
  }

  /// Reads one JSON value and the white space around it (RFC 8259).
  package init(parsing bytes: ArraySlice<UInt8>) throws(Failure) {
    var reader = Reader(bytes: bytes)
    self = try reader.value(depth: 0)
    reader.skipSpace()
    if let extra = reader.peek() {
      throw Failure(problem: "\(Reader.shown(extra)) after the end of the value", offset: reader.offset)
    }
  }

  /// A string in quotes, escaped.
  package static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  private struct Reader {
    let bytes: ArraySlice<UInt8>
    var position: Int

    init(bytes: ArraySlice<UInt8>) {
      self.bytes = bytes
      position = bytes.startIndex
    }

    var offset: Int { position - bytes.startIndex }

    func peek() -> UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    static func shown(_ byte: UInt8) -> String {
      (0x21...0x7E).contains(byte) ? "'\(Character(Unicode.Scalar(byte)))'" : "byte \(byte)"
    }

    func failure(_ wanted: String) -> Failure {
      Failure(problem: "\(peek().map(Self.shown) ?? "the end of the text") where \(wanted) should stand", offset: offset)
    }

    mutating func skipSpace() {
      while let byte = peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard peek() == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }

    mutating func value(depth: Int) throws(Failure) -> JSONText {
      guard depth < 32 else { throw Failure(problem: "nested too deeply", offset: offset) }
      skipSpace()
      switch peek() {
      case UInt8(ascii: "{"): return .object(try object(depth: depth))
      case UInt8(ascii: "["): return .array(try array(depth: depth))
      case UInt8(ascii: "\""): return .string(try string())
      case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return .number(try number())
      default: return try word()
      }
    }

    private mutating func word() throws(Failure) -> JSONText {
      for (text, value) in [("null", JSONText.null), ("true", .bool(true)), ("false", .bool(false))]
      where bytes[position...].starts(with: text.utf8) {
        position += text.utf8.count
        return value
      }
      throw failure("a value")
    }

    private mutating func object(depth: Int) throws(Failure) -> [Entry] {
      position += 1
      var entries: [Entry] = []
      skipSpace()
      if take("}") { return entries }
      while true {
        skipSpace()
        guard peek() == UInt8(ascii: "\"") else { throw failure("a name in quotes") }
        let key = try string()
        skipSpace()
        guard take(":") else { throw failure("':'") }
        entries.append(Entry(key: key, value: try value(depth: depth + 1)))
        skipSpace()
        if take("}") { return entries }
        guard take(",") else { throw failure("',' or '}'") }
      }
    }

    private mutating func array(depth: Int) throws(Failure) -> [JSONText] {
      position += 1
      var values: [JSONText] = []
      skipSpace()
      if take("]") { return values }
      while true {
        values.append(try value(depth: depth + 1))
        skipSpace()
        if take("]") { return values }
        guard take(",") else { throw failure("',' or ']'") }
      }
    }

    private mutating func digits() throws(Failure) {
      let start = position
      while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
      if position == start { throw failure("a digit") }
    }

    private mutating func number() throws(Failure) -> String {
      let start = position
      _ = take("-")
      let first = position
      try digits()
      if bytes[first] == UInt8(ascii: "0") && position > first + 1 {
        throw Failure(problem: "a number with a leading zero", offset: first - bytes.startIndex)
      }
      if take(".") { try digits() }
      if take("e") || take("E") {
        if !take("-") { _ = take("+") }
        try digits()
      }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func string() throws(Failure) -> String {
      position += 1
      var text: [UInt8] = []
      while let byte = peek() {
        position += 1
        switch byte {
        case UInt8(ascii: "\""):
          guard let result = String(bytes: text, encoding: .utf8) else {
            throw Failure(problem: "a string that is not UTF-8", offset: offset)
          }
          return result
        case UInt8(ascii: "\\"): text += Array(String(try escape()).utf8)
        case 0..<0x20: throw Failure(problem: "a control character in a string", offset: offset - 1)
        default: text.append(byte)
        }
      }
      throw failure("the end of a string")
    }

    private mutating func escape() throws(Failure) -> Unicode.Scalar {
      guard let byte = peek() else { throw failure("an escape") }
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return "\""
      case UInt8(ascii: "\\"): return "\\"
      case UInt8(ascii: "/"): return "/"
      case UInt8(ascii: "b"): return "\u{8}"
      case UInt8(ascii: "f"): return "\u{C}"
      case UInt8(ascii: "n"): return "\n"
      case UInt8(ascii: "r"): return "\r"
      case UInt8(ascii: "t"): return "\t"
      case UInt8(ascii: "u"):
        let high = try hexadecimal()
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard (0xD800..<0xDC00).contains(high), take("\\"), take("u") else { throw failure("half of a character") }
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low), let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + low - 0xDC00)
        else { throw failure("half of a character") }
        return scalar
      default:
        position -= 1
        throw failure("an escape")
      }
    }

    private mutating func hexadecimal() throws(Failure) -> UInt32 {
      var value: UInt32 = 0
      for _ in 0..<4 {
        guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
          throw failure("a hexadecimal digit")
        }
        value = value << 4 | UInt32(digit)
        position += 1
      }
      return value
    }
  }
}
