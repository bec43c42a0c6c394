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

  /// What the entries of a list stand for, in their order.
  ///
  /// - Parameters:
  ///   - what: an entry is called in messages.
  ///   - setting: that the list belongs to, for messages.
  ///   - forms: what an entry may be, in words.
  ///   - read: answers nil for an entry that is none.
  /// - Throws: `InputError` for an entry that is none, an empty one among them; what `read` throws.
  package static func values<Value>(
    _ text: String, of what: String, setting: String, forms: @autoclosure () -> String, read: (String) throws -> Value?
  ) throws -> [Value] {
    try items(text).map { item in
      guard let value = try read(item) else {
        throw InputError(
          "unknown \(what)", at: .setting(setting), found: "'\(item)'", wanted: "\(forms()), with commas between")
      }
      return value
    }
  }

  /// The same where each may stand once.
  ///
  /// - Throws: besides, `InputError` for one that is there twice.
  package static func distinct<Value: Equatable>(
    _ text: String, of what: String, setting: String, forms: @autoclosure () -> String, read: (String) throws -> Value?
  ) throws -> [Value] {
    let values = try Self.values(text, of: what, setting: setting, forms: forms(), read: read)
    if let twice = values.indices.first(where: { values[..<$0].contains(values[$0]) }) {
      throw InputError(
        "the same \(what) twice", at: .setting(setting), found: "'\(items(text)[twice])'", wanted: "each once")
    }
    return values
  }

  /// The same of names.
  package static func distinct<Value: RawRepresentable<String> & CaseIterable & Equatable>(
    _ text: String, of what: String, setting: String
  ) throws -> [Value] {
    try distinct(
      text, of: what, setting: setting, forms: Value.allCases.map(\.rawValue).joined(separator: ", "),
      read: { Value(rawValue: $0) })
  }
}
