extension Genotype: CustomStringConvertible {
  /// The line that DARTS-family repositories keep in genotypes.py, without the name in front.
  public var pythonLine: String {
    let fields = cells.map { "\($0.kind.name)=\(Self.list($0.edges)), \($0.kind.name)_concat=\(Self.list($0.concat))" }
    return "Genotype(\(fields.joined(separator: ", ")))"
  }

  /// The line that repositories of its space keep: `pythonLine`, or the text of NAS-Bench-201. Files have it.
  public var line: String { kinds == [.nb201] ? architectureText : pythonLine }

  public var description: String { line }

  /// Reads a genotype from the line that `pythonLine` writes, as people write it (either quote, lists for ranges or the
  /// other way round, comments, NumPy's numbers, weights behind the states, a `NAME =` in front), from the JSON object
  /// that `json` writes, or from the text of NAS-Bench-201.
  ///
  /// - Throws: `InputError` with the line and column of the first token that does not fit.
  public init(parsing text: String) throws {
    let first = text.first { !$0.isWhitespace }
    self =
      switch first {
      case "{": try Genotype(json: text)
      case "|": try Genotype(architecture: text)
      default: try Genotype(python: text)
      }
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
    let kinds = parser.next.flatMap { Self.kinds(naming: $0.text) } ?? .darts
    let keys = kinds.flatMap { [$0.name, "\($0.name)_concat"] }
    repeat {
      if parser.isNext(")") { break }
      let place = parser.next
      let key = try parser.word()
      guard keys.contains(key), cells[key] == nil, concats[key] == nil else {
        throw parser.error(at: place, found: "'\(key)'", wanted: "each of \(keys.joined(separator: ", ")) once")
      }
      try parser.expect("=")
      if key.hasSuffix("_concat") { concats[key] = try parser.states() } else { cells[key] = try parser.edges() }
    } while parser.take(",")
    try parser.expect(")")
    try parser.expectEnd()
    func required<T>(_ key: String, _ fields: [String: T]) throws -> T {
      guard let value = fields[key] else {
        throw parser.error(at: nil, found: "no '\(key)'", wanted: keys.joined(separator: ", "))
      }
      return value
    }
    try self.init(
      cells: kinds.map { kind in
        try Cell(kind, edges: required(kind.name, cells), concat: required("\(kind.name)_concat", concats))
      })
  }

  /// The kinds of cells of the first space that has one of that name.
  static func kinds(naming key: String) -> [CellKind]? {
    SearchSpace.allCases.map(\.kinds).first { kinds in kinds.contains { $0.name == key || "\($0.name)_concat" == key } }
  }

  private static func list(_ edges: [Edge]) -> String {
    "[" + edges.map { "('\($0.operation.rawValue)', \($0.source))" }.joined(separator: ", ") + "]"
  }

  private static func list(_ states: [Int]) -> String {
    guard let first = states.first, states == Array(first..<first + states.count) else { return "\(states)" }
    return "range(\(first), \(first + states.count))"
  }
}
