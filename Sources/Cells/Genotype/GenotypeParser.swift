import Formats

/// Reads the little of Python that a genotype needs.
struct GenotypeParser {
  private let tokens: [PythonToken]
  private var position = 0
  private let end: (line: Int, column: Int)

  /// - Parameters:
  ///   - line, column: of the first character, from 1, for errors.
  init(_ text: String, line: Int, column: Int) {
    tokens = PythonTokens(text, line: line, column: column).tokens
    end = tokens.last.map { ($0.line, $0.column + $0.range.count) } ?? (line, column)
  }

  /// nil at the end.
  var next: PythonToken? { position < tokens.count ? tokens[position] : nil }

  func isNext(_ character: Character) -> Bool { next?.isMark(character) ?? false }

  mutating func take(_ character: Character) -> Bool {
    guard isNext(character) else { return false }
    position += 1
    return true
  }

  mutating func expect(_ character: Character) throws {
    guard take(character) else { throw unexpected(wanted: "'\(character)'") }
  }

  mutating func expectWord(_ wanted: String) throws {
    guard let token = next, token.kind == .word, token.text == wanted else { throw unexpected(wanted: "'\(wanted)'") }
    position += 1
  }

  func expectEnd() throws {
    if next != nil { throw unexpected(wanted: "the end") }
  }

  /// Skips `NAME =` and `NAME: Genotype =`, where they stand.
  mutating func skipAssignment() {
    let start = position
    guard next?.kind == .word else { return }
    position += 1
    if take(":") { position += 1 }
    if !take("=") { position = start }
  }

  mutating func word() throws -> String {
    guard let token = next, token.kind == .word else { throw unexpected(wanted: "a word") }
    position += 1
    return token.text
  }

  /// Edges such as `('sep_conv_3x3', 0)`. A third entry, the weight that some repositories print, is read and left.
  mutating func edges() throws -> [Genotype.Edge] {
    try sequence(of: "edges like ('sep_conv_3x3', 0)") { parser in
      let close: Character = parser.isNext("[") ? "]" : ")"
      guard parser.take(close == "]" ? "[" : "(") else {
        throw parser.unexpected(wanted: "an edge like ('sep_conv_3x3', 0)")
      }
      let operation = try parser.operation()
      try parser.expect(",")
      let source = try parser.state()
      if parser.take(","), !parser.isNext(close) {
        try parser.weight()
        _ = parser.take(",")
      }
      guard parser.take(close) else {
        throw parser.unexpected(wanted: "'\(close)', or ',' and the weight of the edge, which is left")
      }
      return Genotype.Edge(operation, from: source)
    }
  }

  /// States such as `[2, 3, 4, 5]` or `range(2, 6)`, also as a list or tuple made of one.
  mutating func states() throws -> [Int] {
    guard let token = next, token.kind == .word else {
      return try sequence(of: "states like range(2, 6) or [2, 3, 4, 5]") { try $0.state() }
    }
    if token.text == "list" || token.text == "tuple" {
      position += 1
      try expect("(")
      let result = try states()
      try expect(")")
      return result
    }
    guard token.text == "range" else {
      throw unexpected(wanted: "range(2, \(CellTopology.darts.stateCount)) or a list of states")
    }
    position += 1
    try expect("(")
    let place = next
    let first = try state()
    try expect(",")
    let end = try state()
    _ = take(",")
    try expect(")")
    guard first < end, end <= CellTopology.darts.stateCount else {
      throw error(at: place, found: "range(\(first), \(end))", wanted: "range(2, \(CellTopology.darts.stateCount))")
    }
    return Array(first..<end)
  }

  private mutating func operation() throws -> CellOperation {
    try scalar(["str_"], "an operation in quotes") { parser in
      guard let token = parser.next, token.kind == .string else { throw parser.unexpected(wanted: "an operation in quotes") }
      guard let operation = CellOperation(rawValue: token.text) else {
        let known = CellOperation.allCases.map(\.rawValue).joined(separator: ", ")
        throw parser.error(at: token, found: "operation '\(token.text)'", wanted: "one of \(known)")
      }
      parser.position += 1
      return operation
    }
  }

  private mutating func state() throws -> Int {
    try scalar(["int_", "intp", "uintp"] + Self.sized("int") + Self.sized("uint"), "a number of a state") { parser in
      guard let token = parser.next, token.kind == .number, let value = Int(token.text), value >= 0 else {
        throw parser.unexpected(wanted: "a number of a state")
      }
      parser.position += 1
      return value
    }
  }

  private mutating func weight() throws {
    try scalar(["float_"] + Self.sized("float"), "the weight of the edge") { parser in
      if !parser.take("-") { _ = parser.take("+") }
      let isFraction = parser.take(".")
      guard let token = parser.next,
        token.kind == .number && Double((isFraction ? "0." : "") + token.text.replacing("_", with: "")) != nil
          || token.kind == .word && ["nan", "inf"].contains(token.text)
      else { throw parser.unexpected(wanted: "the weight of the edge, a number") }
      parser.position += 1
    }
  }

  private static func sized(_ name: String) -> [String] { ["8", "16", "32", "64"].map { name + $0 } }

  /// A value, or NumPy's type around it, as in `np.int64(0)`.
  private mutating func scalar<Value>(
    _ types: [String], _ wanted: String, _ value: (inout GenotypeParser) throws -> Value
  ) throws -> Value {
    guard let module = next, module.kind == .word, module.text == "np" || module.text == "numpy" else {
      return try value(&self)
    }
    position += 1
    try expect(".")
    guard let type = next, type.kind == .word, types.contains(type.text) else {
      throw unexpected(wanted: "\(wanted), or one of \(module.text)'s \(types.joined(separator: ", ")) around it")
    }
    position += 1
    try expect("(")
    let result = try value(&self)
    try expect(")")
    return result
  }

  /// A list or tuple, with or without a comma at its end.
  private mutating func sequence<T>(of wanted: String, _ element: (inout GenotypeParser) throws -> T) throws -> [T] {
    let close: Character = isNext("(") ? ")" : "]"
    guard take(close == ")" ? "(" : "[") else { throw unexpected(wanted: "a list of \(wanted)") }
    var elements: [T] = []
    while !isNext(close) {
      elements.append(try element(&self))
      if !take(",") { break }
    }
    guard take(close) else { throw unexpected(wanted: "',' or '\(close)'") }
    return elements
  }

  private func unexpected(wanted: String) -> InputError {
    error(at: next, found: next.map { $0.kind == .string ? "the text '\($0.text)'" : "'\($0.text)'" }, wanted: wanted)
  }

  /// - Parameters:
  ///   - token: nil for the end of the text.
  ///   - found: nil where there is nothing more.
  func error(at token: PythonToken?, found: String?, wanted: String) -> InputError {
    InputError(
      "not a genotype", at: "line \(token?.line ?? end.line), column \(token?.column ?? end.column)",
      found: found ?? "the end of the text", wanted: wanted)
  }
}
