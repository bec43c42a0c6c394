/// How α is updated.
public enum SearchMethod: String, CaseIterable, Codable, Sendable {
  /// DARTS with the gradient of L₁.
  case darts1
  /// DARTS with the gradient of L₂.
  case darts2
  /// DARTS of first order, stopped early where the validation loss grows sharp in α (RobustDARTS, §4.3).
  case darts1ES = "darts1-es"
  /// DARTS of second order, stopped likewise.
  case darts2ES = "darts2-es"
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
    case .darts1, .darts2, .darts1ES, .darts2ES, .random: false
    }
  }

  /// Whether the run may end before its last epoch and return an earlier architecture (`EarlyStopping`).
  public var stopsEarly: Bool { self == .darts1ES || self == .darts2ES }

  /// Epochs in which ω alone is trained: 10 in ZARTS, none elsewhere.
  public var defaultWarmup: Int { isZeroOrder ? 10 : 0 }

  /// N: 4 in ZARTS; 20 in random search, which are the 1000 of Li & Talwalkar over the 50 epochs of a search.
  public var defaultCandidates: Int { self == .random ? 20 : 4 }
}
