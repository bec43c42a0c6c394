import Formats

/// How directions in ω are made of what they come from.
public struct WeightDirectionSettings: Equatable, Sendable {
  /// One for all directions, or one each; empty for what suits each kind: `filter` of random ones, else their own length.
  public var normalisations: [WeightNormalisation]
  /// The same of what is ignored; empty for `biasbn` of random directions, else nothing.
  public var ignored: [IgnoredWeights]
  /// Whether each direction is made orthogonal to the ones before it, block by block, before it is scaled.
  public var isOrthogonalised: Bool

  public init(
    normalisations: [WeightNormalisation] = [], ignored: [IgnoredWeights] = [], isOrthogonalised: Bool = false
  ) {
    (self.normalisations, self.ignored, self.isOrthogonalised) = (normalisations, ignored, isOrthogonalised)
  }

  /// Of a direction, counted from 0.
  func normalisation(_ index: Int, of kind: WeightDirectionKind) -> WeightNormalisation {
    Self.entry(index, normalisations) ?? (kind.hasLength ? .own : .filter)
  }

  func ignored(_ index: Int, of kind: WeightDirectionKind) -> IgnoredWeights {
    Self.entry(index, ignored) ?? (kind.hasLength ? .none : .biasbn)
  }

  private static func entry<Value>(_ index: Int, _ list: [Value]) -> Value? {
    list.count == 1 ? list[0] : list.indices.contains(index) ? list[index] : nil
  }

  /// - Throws: `InputError` where a list has neither one entry nor one for each direction.
  func check(_ kinds: [WeightDirectionKind]) throws {
    for (setting, list) in [
      ("weight_normalisation", normalisations.map(\.rawValue)), ("ignore", ignored.map(\.rawValue)),
    ] {
      try InputError.require(
        list.count < 2 || list.count == kinds.count, setting, list.joined(separator: ","),
        "one, or one for each of the \(kinds.count) directions in ω", "not one for each direction in ω")
    }
  }

  /// As keys and values of a YAML mapping: what every direction has.
  func entries(_ kinds: [WeightDirectionKind]) -> [(key: String, value: String)] {
    func list(_ text: (Int, WeightDirectionKind) -> String) -> String {
      kinds.enumerated().map { text($0.offset, $0.element) }.joined(separator: ",")
    }
    return [
      ("weight_normalisation", list { normalisation($0, of: $1).rawValue }),
      ("ignore", list { ignored($0, of: $1).rawValue }),
      ("orthogonalise", "\(isOrthogonalised)"),
    ]
  }
}
