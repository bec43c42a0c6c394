import Foundation
import Supernet
import Yams

extension SearchConfiguration {
  /// The content of a run's config.yaml: every setting, one a line, with its meaning.
  public var yaml: String {
    "# zarts search --config THIS_FILE --out DIR repeats the run.\n"
      + Self.fields.map { "\($0.key): \($0.write(self))  # \($0.remark)\n" }.joined()
  }

  /// Reads a configuration from YAML text; settings that are absent keep the defaults of the method and the space.
  ///
  /// - Parameter place: named in errors, a path as a rule.
  /// - Throws: `SearchError.invalid` for text that is not YAML, an unknown key, a value of a wrong type or out of range.
  public init(yaml: String, from place: String) throws {
    let root: Node?
    do {
      root = try Yams.compose(yaml: yaml)
    } catch {
      // The parser's account goes on with the text itself.
      let account = "\(error)".prefix { $0 != "\n" }
      throw SearchError.invalid("not YAML", at: place, found: String(account), wanted: "lines of 'key: value'")
    }
    guard let mapping = root?.mapping else {
      throw SearchError.invalid("not a configuration", at: place, found: "no mapping", wanted: "lines of 'key: value'")
    }
    var values: [String: Node] = [:]
    for (key, value) in mapping {
      let name = key.string ?? ""
      guard Self.field(name) != nil else {
        throw SearchError.invalid(
          "unknown setting", at: place, found: "'\(name)'", wanted: Self.fields.map(\.key).joined(separator: ", "))
      }
      values[name] = value
    }
    for name in ["method", "space", "dataset"] where values[name] == nil {
      throw SearchError.invalid("incomplete configuration", at: place, found: "no '\(name)'", wanted: "a value for it")
    }
    self.init(method: .darts1, space: .s6, dataset: "")
    for name in ["method", "space"] { try set(name, values[name], place) }
    self.init(method: method, space: space, dataset: "")
    try set("rs_distribution", values["rs_distribution"], place)
    mu = Self.defaultMu(space, rsDistribution)
    for field in Self.fields { try set(field.key, values[field.key], place) }
    try validate()
  }

  private mutating func set(_ key: String, _ node: Node?, _ place: String) throws {
    guard let node, let field = Self.field(key) else { return }
    guard field.read(&self, node) else {
      let found = node.string.map { "'\($0)'" } ?? "a list or mapping"
      throw SearchError.invalid("wrong value", at: "\(place): \(key)", found: found, wanted: field.wanted)
    }
  }
}
