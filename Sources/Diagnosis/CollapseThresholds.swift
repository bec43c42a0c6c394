import Compute
import Formats
import Runs
import Search

/// Where a diagnosis draws its lines. docs/diagnosis.md says where each value comes from.
public struct CollapseThresholds: Equatable, Sendable {
  /// Edges of a derived cell, of eight, from which on skip connections, or operations without weights, may mean a collapse
  /// (Zela et al., RobustDARTS, ICLR 2020, §3: collapsed normal cells have 5 to 8 skip connections).
  public var edges = 5
  /// The part of random architectures of the space that may have as many: the count is raised until no more do.
  public var chance = 0.05
  /// Least mean margin of their mixing weights: below, α has not decided. α starts with margins of about 0.0005.
  public var margin = 0.01
  /// Epochs that a collapse has to last, the last one included.
  public var persistence = 3
  /// The part of the epochs since its beginning in which it has to show.
  public var share = 0.8
  /// Epochs from one dominant eigenvalue to the next.
  public var eigenvalueEvery = 1
  /// Eigenvalues that are averaged (RobustDARTS, §4.3).
  public var eigenvalueWindow = 5
  /// k, in eigenvalues: the distance over which averages are compared; 0 for the window (RobustDARTS, §4.3).
  public var eigenvalueDistance = 0
  /// The ratio λ̄(t − k)/λ̄(t) below which the loss has grown sharp (RobustDARTS, §4.3).
  public var eigenvalueRatio = 0.75
  /// Epochs after the warm-up before the earliest t − k, as in a search that stops early.
  public var eigenvalueStart = EarlyStopping.defaultStart
  /// L_val(genotype) − L_val(supernet) in nats from which on discretisation counts as destructive.
  public var gap = 1.0
  /// Spearman's ρ with the true loss below which an approximation counts as having left it.
  public var agreement = 0.5

  public init() {}

  /// - Throws: `InputError` naming the setting of the first value out of range.
  public func validate() throws {
    let counts = [
      ("edges", edges, CountBounds(1...8, since: "a derived cell has 8 edges")),
      ("persistence", persistence, RunBounds.epochs), ("eigenvalue_every", eigenvalueEvery, RunBounds.interval),
      ("eigenvalue_window", eigenvalueWindow, RunBounds.window),
      ("eigenvalue_distance", eigenvalueDistance, RunBounds.lag.or(zero: "the window")),
      ("eigenvalue_start", eigenvalueStart, RunBounds.start),
    ]
    for (setting, count, bounds) in counts { try bounds.require(count, at: .setting(setting)) }
    let numbers: [(String, Double, RealBounds)] = [
      ("chance", chance, .ratio), ("margin", margin, .fraction), ("share", share, .ratio),
      ("eigenvalue_ratio", eigenvalueRatio, .ratio), ("gap", gap, .finite), ("agreement", agreement, .correlation),
    ]
    for (setting, number, bounds) in numbers { try bounds.require(number, at: .setting(setting)) }
  }

  /// The criterion of the eigenvalues.
  public var earlyStopping: EarlyStopping {
    get {
      EarlyStopping(
        window: eigenvalueWindow, distance: eigenvalueDistance > 0 ? eigenvalueDistance : nil, every: eigenvalueEvery,
        ratio: eigenvalueRatio, start: eigenvalueStart)
    }
    set {
      (eigenvalueWindow, eigenvalueDistance, eigenvalueEvery) = (newValue.window, newValue.distance, newValue.every)
      (eigenvalueRatio, eigenvalueStart) = (newValue.ratio, newValue.start)
    }
  }

  /// Keys and values, as diagnosis.yaml has them.
  public var entries: [(key: String, value: String)] {
    [
      ("edges", "\(edges)"), ("chance", "\(chance)"), ("margin", "\(margin)"), ("persistence", "\(persistence)"),
      ("share", "\(share)"), ("eigenvalue_every", "\(eigenvalueEvery)"), ("eigenvalue_window", "\(eigenvalueWindow)"),
      ("eigenvalue_distance", "\(eigenvalueDistance)"), ("eigenvalue_ratio", "\(eigenvalueRatio)"),
      ("eigenvalue_start", "\(eigenvalueStart)"), ("gap", "\(gap)"), ("agreement", "\(agreement)"),
    ]
  }
}
