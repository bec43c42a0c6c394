/// A short text with subscripts, superscripts and italics.
///
/// `_{…}` sets a subscript, `^{…}` a superscript, `${…}` italics; Unicode subscript and superscript digits mean
/// the same. Everything else is taken as it is, so `sep_conv_3x3` needs no care: "L_{M}(α) − L₁(α)".
public struct Label: Equatable, Sendable, ExpressibleByStringInterpolation {
  enum Script: Equatable, Sendable { case normal, lowered, raised }

  struct Run: Equatable, Sendable {
    var text: String
    var script: Script = .normal
    var italic = false
  }

  var runs: [Run]

  public init(_ markup: String) {
    runs = Label.parse(Array(markup))
  }

  /// A text without markup, such as a name that a user chose.
  public init(plain text: String) {
    runs = [Run(text: text)]
  }

  public init(stringLiteral value: String) {
    self.init(value)
  }

  /// The text without its typesetting.
  public var plain: String { runs.map(\.text).joined() }

  var isEmpty: Bool { runs.allSatisfy(\.text.isEmpty) }

  static func + (left: Label, right: Label) -> Label {
    var joined = left
    joined.runs += right.runs
    return joined
  }

  private static let lowered: [Character: Character] = [
    "₀": "0", "₁": "1", "₂": "2", "₃": "3", "₄": "4", "₅": "5", "₆": "6", "₇": "7", "₈": "8", "₉": "9",
  ]
  private static let raised: [Character: Character] = [
    "⁰": "0", "¹": "1", "²": "2", "³": "3", "⁴": "4", "⁵": "5", "⁶": "6", "⁷": "7", "⁸": "8", "⁹": "9", "⁻": "\u{2212}",
  ]

  private static func parse(_ text: [Character]) -> [Run] {
    var runs: [Run] = []
    func append(_ character: Character, _ script: Script, _ italic: Bool) {
      if let last = runs.last, last.script == script, last.italic == italic {
        runs[runs.count - 1].text.append(character)
      } else {
        runs.append(Run(text: String(character), script: script, italic: italic))
      }
    }
    var i = 0
    while i < text.count {
      let character = text[i]
      if "_^$".contains(character), i + 1 < text.count, text[i + 1] == "{",
        let end = text[(i + 2)...].firstIndex(of: "}")
      {
        let script: Script = character == "_" ? .lowered : character == "^" ? .raised : .normal
        for inner in text[(i + 2)..<end] { append(inner, script, character == "$") }
        i = end + 1
        continue
      }
      if let digit = lowered[character] {
        append(digit, .lowered, false)
      } else if let digit = raised[character] {
        append(digit, .raised, false)
      } else {
        append(character, .normal, false)
      }
      i += 1
    }
    return runs
  }
}
