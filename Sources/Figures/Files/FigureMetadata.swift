import Formats

/// Where a figure comes from: entries that are stored in the file, in this order.
///
/// A PNG holds them as text chunks, a PDF as title, creator and keywords, an SVG as title and description.
public struct FigureMetadata: Equatable, Sendable {
  public struct Entry: Equatable, Sendable {
    public var key: String
    public var value: String

    public init(_ key: String, _ value: String) {
      self.key = key
      self.value = value
    }
  }

  public var entries: [Entry]
  /// The command that makes such figures, such as `zarts plot`: what a later call of it knows its own figures by. Stays
  /// where all else is left out.
  public var maker: String?

  static let makerKey = "Maker"

  public init(_ entries: [Entry], maker: String? = nil) {
    self.entries = entries
    self.maker = maker
  }

  /// The entries that design and report ask for; what is nil is left out.
  ///
  /// - Parameters:
  ///   - configSHA256: hexadecimal digest of the run's configuration.
  ///   - checkpoint: path or name of the checkpoint.
  ///   - command: the command line.
  ///   - maker: see there.
  public init(
    configSHA256: String? = nil, seed: UInt64? = nil, checkpoint: String? = nil, command: String? = nil,
    maker: String? = nil
  ) {
    self.maker = maker
    let candidates = [
      ("Config-SHA256", configSHA256), ("Seed", seed.map(String.init)), ("Checkpoint", checkpoint), ("Command", command),
    ]
    entries = candidates.compactMap { key, value in value.map { Entry(key, $0) } }
  }

  /// Adds what every file has, checks what PNG demands of keys and values.
  ///
  /// - Throws: `InputError`.
  func completed(title: String) throws -> [Entry] {
    var all = entries
    if let maker { all.insert(Entry(Self.makerKey, maker), at: 0) }
    if !all.contains(where: { $0.key == "Software" }) { all.insert(Entry("Software", "zarts"), at: 0) }
    if !title.isEmpty, !all.contains(where: { $0.key == "Title" }) { all.insert(Entry("Title", title), at: 0) }
    for entry in all {
      let key = entry.key.unicodeScalars
      guard (1...79).contains(key.count), key.allSatisfy({ (0x20...0x7E).contains($0.value) }), key.first != " ",
        key.last != " ", !entry.key.contains("  ")
      else {
        throw InputError.undrawable(
          "metadata \(entry.key)", found: "a key of \(key.count) characters",
          wanted: "1 to 79 printable ASCII characters without leading, trailing or double spaces")
      }
      guard !entry.value.unicodeScalars.contains("\0") else {
        throw InputError.undrawable("metadata \(entry.key)", found: "a NUL character", wanted: "text without NUL")
      }
    }
    return all
  }
}
