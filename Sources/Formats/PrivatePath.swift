/// Absolute paths say who worked where, and in figures and pages for a paper under review they must not: of a path that
/// begins at the root the end is kept.
public enum PrivatePath {
  /// The last part of a path, with the run's folder where it is that of a checkpoint; other paths as they are.
  public static func shortened(_ path: String) -> String {
    guard path.hasPrefix("/") else { return path }
    let parts = path.split(separator: "/")
    let isCheckpoint = parts.count > 2 && parts[parts.count - 2] == "checkpoints"
    return parts.suffix(isCheckpoint ? 3 : 1).joined(separator: "/")
  }

  /// A text with its absolute paths shortened: words that begin with a slash, or have one behind a colon or a quote.
  public static func withoutAbsolute(_ text: String) -> String {
    var (result, position) = ("", text.startIndex)
    while position < text.endIndex {
      let before = result.last
      guard text[position] == "/", before.map({ " \n\":=,[".contains($0) }) ?? true else {
        result.append(text[position])
        position = text.index(after: position)
        continue
      }
      // In quotes a path may have blanks.
      let isQuoted = before == "\"" || result.last { $0 == "\"" || $0 == "\n" } == "\""
      let end = text[position...].firstIndex { $0 == "\"" || $0 == "\n" || $0 == "?" || (!isQuoted && " ,]".contains($0)) }
      result += shortened(String(text[position..<(end ?? text.endIndex)]))
      position = end ?? text.endIndex
    }
    return result
  }
}
