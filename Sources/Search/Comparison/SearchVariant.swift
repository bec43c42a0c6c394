import Formats

/// One of several strengths of a method: settings with which it is searched, beside others. A comparison tells them apart, and a
/// suite takes the best of them all for the method, as R-DARTS does with strengths of its regularisation (Zela et al., ICLR 2020).
public struct SearchVariant: Equatable, Sendable {
  /// Its settings and values, such as `weight_decay=0.0009`: in folders and tables.
  public let name: String
  /// Lines of config.yaml.
  package let lines: [String]

  /// Signs that a folder's name may have everywhere.
  private static let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
  private static let longest = 80

  /// - Parameters:
  ///   - keys: of config.yaml, one at least.
  ///   - configuration: has the values.
  init(_ keys: [String], of configuration: SearchConfiguration) {
    let fields = SearchConfiguration.fields.filter { keys.contains($0.key) }
    let values = fields.map { $0.write(configuration) }
    lines = zip(fields, values).map { "\($0.key): \($1)" }
    let name = zip(fields, values).map { "\($0.key)=\($1)" }.joined(separator: "+")
    // Lists, and what would be long, by a checksum.
    let isPlain = name.count <= Self.longest && values.allSatisfy { $0.allSatisfy(Self.plain.contains) }
    self.name =
      isPlain
      ? name
      : "\(fields.first?.key ?? "")=\(String(CRC32C.value(of: Array(lines.joined(separator: "\n").utf8)), radix: 16))"
  }

  /// Whether it gives a setting a value.
  func sets(_ key: String) -> Bool { lines.contains { $0.hasPrefix("\(key): ") } }

  /// The text of a variant in a plan.
  var yaml: String { "{\(lines.joined(separator: ", "))}" }
}

/// What a comparison compares: a method, or one of its variants.
public struct SearchContender: Hashable, Sendable {
  public let method: SearchMethod
  /// nil where the plan has no variants of the method.
  public let variant: String?

  public init(_ method: SearchMethod, variant: String? = nil) { (self.method, self.variant) = (method, variant) }

  /// `rdarts-l2`, or `rdarts-l2 weight_decay=0.0009`.
  public var name: String { variant.map { "\(method.rawValue) \($0)" } ?? method.rawValue }
}
