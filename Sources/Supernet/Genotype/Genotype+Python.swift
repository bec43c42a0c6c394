extension Genotype: CustomStringConvertible {
  /// The line that DARTS-family repositories keep in genotypes.py, without the name in front.
  public var pythonLine: String {
    "Genotype(normal=\(Self.list(normal)), normal_concat=\(Self.list(normalConcat)), "
      + "reduce=\(Self.list(reduce)), reduce_concat=\(Self.list(reduceConcat)))"
  }

  public var description: String { pythonLine }

  /// Reads a genotype from the line that `pythonLine` writes, as people write it (either quote, lists for ranges or the
  /// other way round, a `NAME =` in front), or from the JSON object that `json` writes.
  ///
  /// - Throws: `SupernetError` with the position of the first character that does not fit.
  public init(parsing text: String) throws {
    let first = text.first { !$0.isWhitespace }
    self = first == "{" ? try Genotype(json: text) : try Genotype(python: text)
  }

  /// Reads the Python form alone.
  public init(python text: String) throws {
    var scanner = GenotypeScanner(text)
    var cells: [String: [Edge]] = [:]
    var concats: [String: [Int]] = [:]
    try scanner.skipAssignment()
    try scanner.expectWord("Genotype")
    try scanner.expect("(")
    repeat {
      if scanner.peek() == ")" { break }
      let place = scanner.position
      let key = try scanner.word()
      guard Self.keys.contains(key), cells[key] == nil, concats[key] == nil else {
        throw scanner.error(at: place, found: "'\(key)'", wanted: "each of \(Self.keys.joined(separator: ", ")) once")
      }
      try scanner.expect("=")
      if key.hasSuffix("_concat") { concats[key] = try scanner.states() } else { cells[key] = try scanner.edges() }
    } while scanner.take(",")
    try scanner.expect(")")
    try scanner.expectEnd()
    func required<T>(_ key: String, _ fields: [String: T]) throws -> T {
      guard let value = fields[key] else {
        throw scanner.error(at: scanner.position, found: "no '\(key)'", wanted: Self.keys.joined(separator: ", "))
      }
      return value
    }
    try self.init(
      normal: required("normal", cells), normalConcat: required("normal_concat", concats),
      reduce: required("reduce", cells), reduceConcat: required("reduce_concat", concats))
  }

  private static let keys = ["normal", "normal_concat", "reduce", "reduce_concat"]

  private static func list(_ edges: [Edge]) -> String {
    "[" + edges.map { "('\($0.operation.rawValue)', \($0.source))" }.joined(separator: ", ") + "]"
  }

  private static func list(_ states: [Int]) -> String {
    guard let first = states.first, states == Array(first..<first + states.count) else { return "\(states)" }
    return "range(\(first), \(first + states.count))"
  }
}

/// Reads the little of Python that a genotype line needs.
private struct GenotypeScanner {
  private let characters: [Character]
  private(set) var position = 0

  init(_ text: String) { characters = Array(text) }

  mutating func peek() -> Character? {
    while position < characters.count, characters[position].isWhitespace { position += 1 }
    return position < characters.count ? characters[position] : nil
  }

  mutating func take(_ character: Character) -> Bool {
    guard peek() == character else { return false }
    position += 1
    return true
  }

  mutating func expect(_ character: Character) throws {
    guard take(character) else { throw unexpected(wanted: "'\(character)'") }
  }

  mutating func expectWord(_ wanted: String) throws {
    let place = position
    let found = try word()
    guard found == wanted else { throw error(at: place, found: "'\(found)'", wanted: "'\(wanted)'") }
  }

  mutating func expectEnd() throws {
    if peek() != nil { throw unexpected(wanted: "the end") }
  }

  /// Skips `NAME =`, where it stands.
  mutating func skipAssignment() throws {
    let start = position
    _ = try word()
    if !take("=") { position = start }
  }

  mutating func word() throws -> String {
    _ = peek()
    let start = position
    while position < characters.count, characters[position].isASCII,
      characters[position].isLetter || characters[position].isNumber || characters[position] == "_"
    {
      position += 1
    }
    guard position > start else { throw unexpected(wanted: "a word") }
    return String(characters[start..<position])
  }

  mutating func integer() throws -> Int {
    _ = peek()
    let place = position
    let digits = try word()
    guard let value = Int(digits), value >= 0 else {
      throw error(at: place, found: "'\(digits)'", wanted: "a number of a state")
    }
    return value
  }

  mutating func edges() throws -> [Genotype.Edge] {
    try sequence { scanner in
      let close: Character = scanner.peek() == "[" ? "]" : ")"
      try scanner.expect(close == "]" ? "[" : "(")
      let operation = try scanner.operation()
      try scanner.expect(",")
      let source = try scanner.integer()
      try scanner.expect(close)
      return Genotype.Edge(operation, from: source)
    }
  }

  mutating func states() throws -> [Int] {
    guard peek() == "r" else { return try sequence { try $0.integer() } }
    try expectWord("range")
    try expect("(")
    let place = position
    let first = try integer()
    try expect(",")
    let end = try integer()
    try expect(")")
    guard first < end, end <= CellTopology.stateCount else {
      throw error(at: place, found: "range(\(first), \(end))", wanted: "range(2, \(CellTopology.stateCount))")
    }
    return Array(first..<end)
  }

  private mutating func operation() throws -> Operation {
    let quote: Character = peek() == "\"" ? "\"" : "'"
    try expect(quote)
    let place = position
    let name = try word()
    guard let operation = Operation(rawValue: name) else {
      let known = Operation.allCases.map(\.rawValue).joined(separator: ", ")
      throw error(at: place, found: "operation '\(name)'", wanted: "one of \(known)")
    }
    try expect(quote)
    return operation
  }

  /// A list or tuple, with or without a comma at its end.
  private mutating func sequence<T>(_ element: (inout GenotypeScanner) throws -> T) throws -> [T] {
    let close: Character = peek() == "(" ? ")" : "]"
    try expect(close == ")" ? "(" : "[")
    var elements: [T] = []
    while peek() != close {
      elements.append(try element(&self))
      if !take(",") { break }
    }
    try expect(close)
    return elements
  }

  private mutating func unexpected(wanted: String) -> SupernetError {
    let found = peek().map { "'\($0)'" } ?? "the end of the text"
    return error(at: position, found: found, wanted: wanted)
  }

  func error(at place: Int, found: String, wanted: String) -> SupernetError {
    SupernetError("not a genotype", at: "genotype, character \(place + 1)", found: found, wanted: wanted)
  }
}
