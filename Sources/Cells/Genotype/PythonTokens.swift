/// A token of Python: a word, a number, a text in quotes, or any other character.
struct PythonToken: Equatable {
  enum Kind: Equatable { case word, number, string, mark }

  let kind: Kind
  /// As it stands; of a string what its quotes hold.
  let text: String
  /// Of its first character, from 1.
  let line: Int
  let column: Int
  /// Its characters within the whole text, quotes included.
  let range: Range<Int>

  func isMark(_ character: Character) -> Bool { kind == .mark && text.first == character }
}

/// The tokens of a text that is Python or, as a log, has lines of Python in it.
///
/// What follows a `#` outside of quotes is no text. Quotes that are not closed, as the apostrophes of prose, are marks.
struct PythonTokens {
  private(set) var tokens: [PythonToken] = []
  private let characters: [Character]
  private var position = 0
  private var line: Int
  private var lineStart: Int

  /// - Parameters:
  ///   - line, column: of the first character, from 1, where the text is part of another.
  init(_ text: String, line: Int = 1, column: Int = 1) {
    characters = Array(text)
    self.line = line
    lineStart = 1 - column
    while position < characters.count { read() }
  }

  /// The text between two places.
  func text(_ range: Range<Int>) -> String { String(characters[range]) }

  private mutating func read() {
    let character = characters[position]
    if character.isNewline {
      skipNewline()
    } else if character.isWhitespace || isContinuation {
      position += 1
    } else if character == "#" {
      while position < characters.count, !characters[position].isNewline { position += 1 }
    } else if Self.isQuote(character), let length = stringLength(from: position) {
      addString(quote: position, length: length, from: position)
    } else if character.isLetter || character == "_" {
      readWord()
    } else if character.isNumber {
      readNumber()
    } else {
      add(.mark, to: position + 1)
    }
  }

  /// A word, or the letters before a string: `r'…'`.
  private mutating func readWord() {
    let end = characters[position...].firstIndex { !($0.isLetter || $0.isNumber || $0 == "_") } ?? characters.count
    let word = String(characters[position..<end])
    if end < characters.count, Self.isQuote(characters[end]) {
      if ["r", "b", "u", "f", "br", "rb", "fr", "rf"].contains(word.lowercased()), let length = stringLength(from: end) {
        return addString(quote: end, length: length, from: position)
      }
      // The apostrophe of a word opens nothing.
      add(.word, to: end)
      return add(.mark, to: end + 1)
    }
    add(.word, to: end)
  }

  private mutating func readNumber() {
    var end = position
    while end < characters.count {
      let character = characters[end]
      let isSign = (character == "-" || character == "+") && "eE".contains(characters[end - 1])
      guard character.isLetter || character.isNumber || character == "_" || character == "." || isSign else { break }
      end += 1
    }
    add(.number, to: end)
    if end < characters.count, Self.isQuote(characters[end]) { add(.mark, to: end + 1) }
  }

  /// Characters of a string with its quotes; nil where they are not closed.
  private func stringLength(from start: Int) -> Int? {
    let quote = characters[start]
    let isTriple = characters[start...].prefix(3).elementsEqual([quote, quote, quote])
    var end = start + (isTriple ? 3 : 1)
    while end < characters.count {
      if characters[end] == "\\" {
        end += 2
      } else if isTriple {
        if characters[end...].prefix(3).elementsEqual([quote, quote, quote]) { return end + 3 - start }
        end += 1
      } else {
        if characters[end] == quote { return end + 1 - start }
        if characters[end].isNewline { return nil }
        end += 1
      }
    }
    return nil
  }

  private mutating func addString(quote: Int, length: Int, from start: Int) {
    let end = quote + length
    let border = length >= 6 && characters[quote..<quote + 3].allSatisfy { $0 == characters[quote] } ? 3 : 1
    tokens.append(
      PythonToken(
        kind: .string, text: String(characters[quote + border..<end - border]), line: line, column: start - lineStart + 1,
        range: start..<end))
    while position < end { if characters[position].isNewline { skipNewline() } else { position += 1 } }
  }

  private mutating func add(_ kind: PythonToken.Kind, to end: Int) {
    tokens.append(
      PythonToken(
        kind: kind, text: String(characters[position..<end]), line: line, column: position - lineStart + 1,
        range: position..<end))
    position = end
  }

  private mutating func skipNewline() {
    position += 1
    line += 1
    lineStart = position
  }

  private var isContinuation: Bool {
    characters[position] == "\\" && position + 1 < characters.count && characters[position + 1].isNewline
  }

  private static func isQuote(_ character: Character) -> Bool { character == "'" || character == "\"" }
}
