import Formats

/// Genotypes in a text: JSON objects one after another, architectures of NAS-Bench-201 line by line, or Python as in
/// genotypes.py and logs.
public struct GenotypeText: Equatable, Sendable {
  /// A place at which a genotype stands, not yet read: others than the wanted one may be of networks unknown here.
  public struct Entry: Equatable, Sendable {
    /// Where it begins, from 1.
    public let line: Int
    public let column: Int
    /// What it is assigned to, in Python.
    public let name: String?
    public let text: String
    /// Of `NAME = OTHER` the other; nil for a genotype itself.
    public let target: String?
  }

  /// In the order of the text.
  public let entries: [Entry]

  public init(_ text: String) {
    entries =
      switch text.first(where: { !$0.isWhitespace }) {
      case "{": Self.objects(Array(text))
      case "|": Self.architectures(text)
      default: Self.statements(PythonTokens(text))
      }
  }

  /// Reads one: that which covers a line, that of a name, or the last. Of a name that stands for another (`DARTS = DARTS_V2`)
  /// it is the one that the other has there.
  ///
  /// - Parameter path: where the text is from, for errors.
  /// - Throws: `InputError` where there is none or where it is not a genotype.
  public func genotype(line: Int? = nil, name: String? = nil, path: String) throws -> Genotype {
    let chosen = entries.indices.last { index in
      let entry = entries[index]
      let covered = entry.line...entry.line + entry.text.count { $0.isNewline }
      guard line.map(covered.contains) ?? true, name == nil || name == entry.name else { return false }
      // Any `a = b` looks like another name of a genotype; what does not end in one counts only where it is asked for.
      return name != nil || line != nil || resolved(index) != nil
    }
    guard let chosen else {
      let wanted = [line.map { " on line \($0)" }, name.map { " named \($0)" }].compactMap(\.self).joined()
      throw InputError(
        "no genotype\(wanted)", at: .file(path), found: known, wanted: "Genotype(normal=[…], …) or {\"normal\":[…], …}")
    }
    guard let entry = resolved(chosen) else {
      let alias = entries[chosen]
      throw InputError(
        "another name for what is no genotype above it", at: .file(path, "line \(alias.line)"), found: "'\(alias.text)'",
        wanted: "a name that leads to Genotype(normal=[…], …) on an earlier line; there are \(known)")
    }
    do {
      return switch entry.text.first {
      case "{": try Genotype(json: entry.text)
      case "|": try Genotype(architecture: entry.text)
      default: try Genotype(python: entry.text, line: entry.line, column: entry.column)
      }
    } catch var error as InputError {
      let place = "\(error.place)"
      error.place = .file(path, place.hasPrefix("line ") ? place : "line \(entry.line): \(place)")
      throw error
    }
  }

  private var known: String {
    let genotypes = entries.indices.filter { resolved($0) != nil }.suffix(20).map { entries[$0] }
    return genotypes.isEmpty ? "none at all" : genotypes.map { $0.name ?? "line \($0.line)" }.joined(separator: ", ")
  }

  /// The genotype that an entry is or stands for; nil where there is none. As in Python a name means what it was last
  /// assigned above, so names cannot lead in circles.
  private func resolved(_ index: Int) -> Entry? {
    var index = index
    while let target = entries[index].target {
      guard let earlier = entries[..<index].lastIndex(where: { $0.name == target }) else { return nil }
      index = earlier
    }
    return entries[index]
  }

  // MARK: Python

  private static func statements(_ text: PythonTokens) -> [Entry] {
    let tokens = text.tokens
    var entries: [Entry] = []
    var index = 0
    while index < tokens.count {
      let token = tokens[index]
      if isGenotype(tokens, index) {
        let end = closing(tokens, from: index + 1)
        let last = tokens[min(end, tokens.count - 1)]
        entries.append(
          Entry(
            line: token.line, column: token.column, name: name(before: index, in: tokens),
            text: text.text(token.range.lowerBound..<last.range.upperBound), target: nil))
        index = end + 1
      } else if let target = alias(tokens, index) {
        entries.append(
          Entry(
            line: token.line, column: token.column, name: token.text,
            text: text.text(token.range.lowerBound..<tokens[index + 2].range.upperBound), target: target))
        index += 3
      } else {
        index += 1
      }
    }
    return entries
  }

  private static func isGenotype(_ tokens: [PythonToken], _ index: Int) -> Bool {
    tokens[index].kind == .word && tokens[index].text == "Genotype" && index + 1 < tokens.count
      && tokens[index + 1].isMark("(") && tokens[index].range.upperBound == tokens[index + 1].range.lowerBound
  }

  /// The bracket that closes the one at an index, or the end, about which the parser will complain.
  private static func closing(_ tokens: [PythonToken], from start: Int) -> Int {
    var depth = 0
    for index in start..<tokens.count {
      if tokens[index].isMark("(") { depth += 1 }
      if tokens[index].isMark(")") { depth -= 1 }
      if depth == 0 { return index }
    }
    return tokens.count
  }

  /// NAME of `NAME =` or `NAME: Genotype =` in front, also where the module of `Genotype` is named.
  private static func name(before start: Int, in tokens: [PythonToken]) -> String? {
    var index = start - 1
    while index >= 1, tokens[index].isMark("."), tokens[index - 1].kind == .word { index -= 2 }
    guard index >= 1, tokens[index].isMark("="), tokens[index - 1].kind == .word else { return nil }
    let isAnnotated =
      index >= 3 && tokens[index - 1].text == "Genotype" && tokens[index - 2].isMark(":") && tokens[index - 3].kind == .word
    return tokens[index - (isAnnotated ? 3 : 1)].text
  }

  /// OTHER of a line `NAME = OTHER`; nil for any other.
  private static func alias(_ tokens: [PythonToken], _ index: Int) -> String? {
    guard index + 2 < tokens.count, index == 0 || tokens[index - 1].line < tokens[index].line else { return nil }
    let (name, sign, other) = (tokens[index], tokens[index + 1], tokens[index + 2])
    guard name.kind == .word, sign.isMark("="), other.kind == .word, other.line == name.line else { return nil }
    guard index + 3 < tokens.count else { return other.text }
    let next = tokens[index + 3]
    return next.line > other.line || next.isMark(";") ? other.text : nil
  }

  // MARK: NAS-Bench-201

  private static func architectures(_ text: String) -> [Entry] {
    text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated().compactMap { index, line in
      guard let first = line.firstIndex(where: { !$0.isWhitespace }), line[first] == "|" else { return nil }
      return Entry(
        line: index + 1, column: line.distance(from: line.startIndex, to: first) + 1, name: nil,
        text: String(line[first...]),
        target: nil)
    }
  }

  // MARK: JSON

  private static func objects(_ text: [Character]) -> [Entry] {
    var entries: [Entry] = []
    var (line, lineStart, index) = (1, 0, 0)
    while index < text.count {
      let start = index
      if text[index].isNewline { (line, lineStart) = (line + 1, index + 1) }
      index += 1
      guard text[start] == "{" else { continue }
      // To the bracket that closes it, or to the end, about which the parser will complain.
      var (depth, end) = (0, start)
      repeat {
        if text[end] == "{" { depth += 1 }
        if text[end] == "}" { depth -= 1 }
        end += 1
      } while depth > 0 && end < text.count
      let part = text[start..<end]
      entries.append(Entry(line: line, column: start - lineStart + 1, name: nil, text: String(part), target: nil))
      if let last = part.lastIndex(where: \.isNewline) { lineStart = last + 1 }
      line += part.count { $0.isNewline }
      index = end
    }
    return entries
  }
}
