/// How α is updated.
public enum SearchMethod: String, CaseIterable, Codable, Sendable {
  /// DARTS with the gradient of L₁.
  case darts1
  /// DARTS with the gradient of L₂.
  case darts2
  /// ZARTS with importance-weighted candidates.
  case zartsMGS = "zarts-mgs"

  /// Whether α is updated by zero-order sampling.
  public var isZeroOrder: Bool { self == .zartsMGS }

  /// Epochs in which ω alone is trained: 10 in ZARTS, none in DARTS.
  public var defaultWarmup: Int { isZeroOrder ? 10 : 0 }
}
