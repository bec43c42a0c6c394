extension Genotype: CustomStringConvertible {
  /// The line that DARTS-family repositories keep in genotypes.py, without the name in front.
  public var pythonLine: String {
    "Genotype(normal=\(Self.list(normal)), normal_concat=\(Self.list(normalConcat)), "
      + "reduce=\(Self.list(reduce)), reduce_concat=\(Self.list(reduceConcat)))"
  }

  public var description: String { pythonLine }

  /// Reads a genotype from the line that `pythonLine` writes, as people write it (either quote, lists for ranges or the
  /// other way round, comments, NumPy's numbers, weights behind the states, a `NAME =` in front), or from the JSON object that `json` writes.
  ///
  /// - Throws: `InputError` with the line and column of the first token that does not fit.
  public init(parsing text: String) throws {
    let first = text.first { !$0.isWhitespace }
    self = first == "{" ? try Genotype(json: text) : try Genotype(python: text)
  }

  /// Reads the Python form alone.
  public init(python text: String) throws { try self.init(python: text, line: 1, column: 1) }

  /// - Parameters:
  ///   - line, column: of the first character in the file, for errors.
  init(python text: String, line: Int, column: Int) throws {
    var parser = GenotypeParser(text, line: line, column: column)
    var cells: [String: [Edge]] = [:]
    var concats: [String: [Int]] = [:]
    parser.skipAssignment()
    try parser.expectWord("Genotype")
    try parser.expect("(")
    repeat {
      if parser.isNext(")") { break }
      let place = parser.next
      let key = try parser.word()
      guard Self.keys.contains(key), cells[key] == nil, concats[key] == nil else {
        throw parser.error(at: place, found: "'\(key)'", wanted: "each of \(Self.keys.joined(separator: ", ")) once")
      }
      try parser.expect("=")
      if key.hasSuffix("_concat") { concats[key] = try parser.states() } else { cells[key] = try parser.edges() }
    } while parser.take(",")
    try parser.expect(")")
    try parser.expectEnd()
    func required<T>(_ key: String, _ fields: [String: T]) throws -> T {
      guard let value = fields[key] else {
        throw parser.error(at: nil, found: "no '\(key)'", wanted: Self.keys.joined(separator: ", "))
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
