import Formats
import Yams

/// A file of `key: value` lines.
package enum YAMLMapping {
  /// - Parameters:
  ///   - place: of the text, named in errors.
  ///   - kind: what the text is to be, for errors: "a suite".
  /// - Throws: `InputError` for text that is not YAML, or something else than a mapping.
  package static func read(_ yaml: String, from place: String, asA kind: String) throws -> Node.Mapping {
    let root: Node?
    do {
      root = try Yams.compose(yaml: yaml)
    } catch {
      // The parser's account goes on with the text itself.
      let account = "\(error)".prefix { $0 != "\n" }
      throw InputError("not YAML", at: .file(place), found: String(account), wanted: "lines of 'key: value'")
    }
    guard let mapping = root?.mapping else {
      throw InputError("not \(kind)", at: .file(place), found: "no mapping", wanted: "lines of 'key: value'")
    }
    return mapping
  }

  /// The same of text that may be empty; nil where there is nothing but white space.
  package static func readUnlessBlank(_ yaml: String, from place: String, asA kind: String) throws -> Node.Mapping? {
    yaml.allSatisfy(\.isWhitespace) ? nil : try read(yaml, from: place, asA: kind)
  }
}
