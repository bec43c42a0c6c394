import Formats
import Foundation
import Search
import Yams

/// Keys and values of a YAML file in its order, as it writes them, with the remark behind each.
public struct Settings: Equatable, Sendable {
  public struct Entry: Equatable, Sendable {
    public let key: String
    /// A list or mapping in one line.
    public let value: String
    /// The comment at the end of the line; empty for none.
    public let remark: String
  }

  public let path: String
  public let entries: [Entry]

  /// - Throws: `InputError` where the text is not YAML or not a mapping.
  init(_ text: String, path: String) throws {
    let mapping = try YAMLMapping.read(text, from: path, asA: "a list of settings")
    let remarks = Self.remarks(in: text)
    self.path = path
    entries = mapping.map { key, value in
      let name = key.string ?? ""
      return Entry(key: name, value: Self.shown(value, depth: 0), remark: remarks[name] ?? "")
    }
  }

  private init(path: String, entries: [Entry]) { (self.path, self.entries) = (path, entries) }

  /// The same with the ends of absolute paths alone.
  var withoutPaths: Settings {
    Settings(
      path: path,
      entries: entries.map {
        Entry(key: $0.key, value: PrivatePath.withoutAbsolute($0.value), remark: $0.remark)
      })
  }

  /// The value of a key; nil where there is none.
  public subscript(key: String) -> String? { entries.first { $0.key == key }?.value }

  /// Comments at the ends of lines by key; none within quotes.
  private static func remarks(in text: String) -> [String: String] {
    var result: [String: String] = [:]
    for line in text.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":"), let first = line.first, first.isLetter else { continue }
      var isQuoted: Character?
      var previous: Character = " "
      for index in line.indices[colon...] {
        let character = line[index]
        if let quote = isQuoted {
          if character == quote, previous != "\\" { isQuoted = nil }
        } else if character == "\"" || character == "'" {
          isQuoted = character
        } else if character == "#", previous == " " {
          result[String(line[..<colon])] = line[line.index(after: index)...].trimmingCharacters(in: .whitespaces)
          break
        }
        previous = character
      }
    }
    return result
  }

  private static func shown(_ node: Node, depth: Int) -> String {
    guard depth < 8 else { return "…" }
    switch node {
    case .scalar(let scalar): return scalar.string
    case .sequence(let sequence):
      return "[" + sequence.map { shown($0, depth: depth + 1) }.joined(separator: ", ") + "]"
    case .mapping(let mapping):
      let parts = mapping.map { "\(shown($0.key, depth: depth + 1)): \(shown($0.value, depth: depth + 1))" }
      return depth == 0 ? parts.joined(separator: "\n") : "{" + parts.joined(separator: ", ") + "}"
    case .alias: return "…"
    }
  }
}
