/// Lists in flags and files: entries with commas between, and blanks around them as one likes.
public enum ListText {
  /// The entries in their order; an empty one stands where two commas meet, and is for the caller to refuse.
  public static func items(_ text: some StringProtocol) -> [String] {
    text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      let start = part.drop(while: \.isWhitespace)
      return String(
        start.prefix(upTo: start.lastIndex { !$0.isWhitespace }.map { start.index(after: $0) } ?? start.endIndex))
    }
  }
}
