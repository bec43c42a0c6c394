/// Markup that is safe to put into a page: every text was escaped where it came in, and tags nest, so that the whole is
/// well-formed XML too.
struct HTML: Equatable, Sendable {
  private(set) var markup: String

  static let empty = HTML(markup: "")

  private init(markup: String) { self.markup = markup }

  /// A text as it is to be read. Characters that XML 1.0 has no way to hold become U+FFFD.
  static func text(_ text: String) -> HTML { HTML(markup: escaped(text)) }

  /// An element; attributes that are nil are left out.
  ///
  /// - Parameters:
  ///   - name: of the tag, and names of attributes: literals of this room, never a file's text.
  static func element(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:], _ children: [HTML] = []
  ) -> HTML {
    var markup = "<\(name)"
    for (key, value) in attributes {
      guard let value else { continue }
      markup += " \(key)=\"\(escaped(value))\""
    }
    let inner = children.map(\.markup).joined()
    let isVoid = ["br", "hr", "img", "input", "link", "meta"].contains("\(name)")
    // HTML knows no self-closing <p/>, XML no open <br>.
    return HTML(markup: isVoid ? markup + " />" : "\(markup)>\(inner)</\(name)>")
  }

  /// The style sheet or script of the page, as its hash in the content security policy names it.
  static func raw(_ name: StaticString, _ content: String) -> HTML { HTML(markup: "<\(name)>\(content)</\(name)>") }

  static func join(_ parts: [HTML], separator: String = "") -> HTML {
    HTML(markup: parts.map(\.markup).joined(separator: escaped(separator)))
  }

  static func + (left: HTML, right: HTML) -> HTML { HTML(markup: left.markup + right.markup) }

  private static func escaped(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0xFFFE...0xFFFF).contains(scalar.value):
        result += "\u{FFFD}"
      // Direction overrides would let a file's text reorder what stands around it.
      case _ where (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value):
        result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

extension HTML: ExpressibleByStringLiteral {
  init(stringLiteral value: String) { self = .text(value) }
}
