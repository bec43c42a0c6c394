/// Genotypes in a text: JSON objects one after another, or Python as in genotypes.py and logs.
public struct GenotypeText: Equatable, Sendable {
  /// A place at which a genotype stands, not yet read: others than the wanted one may be of networks unknown here.
  public struct Entry: Equatable, Sendable {
    /// The line on which it begins, from 1.
    public let line: Int
    /// What it is assigned to, in Python.
    public let name: String?
    public let text: String
  }

  public let entries: [Entry]

  public init(_ text: String) {
    let characters = Array(text)
    entries =
      characters.first { !$0.isWhitespace } == "{"
      ? Self.entries(characters, opening: "{", closing: "}", prefix: [])
      : Self.entries(characters, opening: "(", closing: ")", prefix: Array("Genotype"))
  }

  /// Reads one: that which covers a line, that of a name, or the last.
  ///
  /// - Parameter path: where the text is from, for errors.
  /// - Throws: `SupernetError` where there is none or where it is not a genotype.
  public func genotype(line: Int? = nil, name: String? = nil, path: String) throws -> Genotype {
    let chosen = entries.last { entry in
      let covered = entry.line...entry.line + entry.text.count { $0.isNewline }
      return line.map(covered.contains) ?? true && (name == nil || name == entry.name)
    }
    guard let chosen else {
      let wanted = [line.map { " on line \($0)" }, name.map { " named \($0)" }].compactMap(\.self).joined()
      let known = entries.suffix(20).map { $0.name ?? "line \($0.line)" }.joined(separator: ", ")
      throw SupernetError(
        "no genotype\(wanted)", at: path, found: entries.isEmpty ? "none at all" : known,
        wanted: "Genotype(normal=[…], …) or {\"normal\":[…], …}")
    }
    do {
      return try Genotype(parsing: chosen.text)
    } catch let error as SupernetError {
      throw SupernetError(
        error.problem, at: "\(path), line \(chosen.line): \(error.place)", found: error.found, wanted: error.wanted)
    }
  }

  private static func entries(
    _ text: [Character], opening: Character, closing: Character, prefix: [Character]
  ) -> [Entry] {
    var entries: [Entry] = []
    var (line, index) = (1, 0)
    while index < text.count {
      let start = index
      if text[index].isNewline { line += 1 }
      index += 1
      guard text[start...].starts(with: prefix), start == 0 || prefix.isEmpty || !isWord(text[start - 1]),
        start + prefix.count < text.count, text[start + prefix.count] == opening
      else { continue }
      // To the bracket that closes it, or to the end, about which the parser will complain.
      var depth = 0
      var end = start + prefix.count
      repeat {
        if text[end] == opening { depth += 1 }
        if text[end] == closing { depth -= 1 }
        end += 1
      } while depth > 0 && end < text.count
      entries.append(Entry(line: line, name: name(before: start, in: text), text: String(text[start..<end])))
      line += text[start..<end].count { $0.isNewline }
      index = end
    }
    return entries
  }

  private static func isWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_" || character == "'" || character == "\""
  }

  /// NAME of `NAME =` in front.
  private static func name(before start: Int, in text: [Character]) -> String? {
    var rest = text[..<start]
    func skipSpaces() { while let last = rest.last, last == " " || last == "\t" { rest.removeLast() } }
    skipSpaces()
    guard rest.popLast() == "=" else { return nil }
    skipSpaces()
    let word = rest.reversed().prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    return word.isEmpty ? nil : String(word.reversed())
  }
}
