/// How α is updated.
public enum SearchMethod: String, CaseIterable, Codable, Sendable {
  /// DARTS with the gradient of L₁.
  case darts1
  /// DARTS with the gradient of L₂.
  case darts2
  /// ZARTS with a finite-difference gradient of the smoothed true loss.
  case zartsRS = "zarts-rs"
  /// ZARTS with importance-weighted candidates.
  case zartsMGS = "zarts-mgs"
  /// ZARTS with the best of candidates at halving radii.
  case zartsGLD = "zarts-gld"
  /// Random architectures with shared weights: the baseline.
  case random

  /// Whether α is updated by zero-order sampling of the true loss.
  public var isZeroOrder: Bool {
    switch self {
    case .zartsRS, .zartsMGS, .zartsGLD: true
    case .darts1, .darts2, .random: false
    }
  }

  /// Epochs in which ω alone is trained: 10 in ZARTS, none elsewhere.
  public var defaultWarmup: Int { isZeroOrder ? 10 : 0 }

  /// N: 4 in ZARTS; 20 in random search, which are the 1000 of Li & Talwalkar over the 50 epochs of a search.
  public var defaultCandidates: Int { self == .random ? 20 : 4 }
}
