import Compute
import Formats

/// Bootstrap confidence intervals (Efron & Tibshirani, *An introduction to the bootstrap*, 1993, ch. 13–14).
///
/// What is drawn with replacement are units: single observations, or clusters of observations that hang together, such as
/// all points along one direction. A statistic is a function of the drawn units. Replicate r draws from a stream of its
/// own, keyed by (seed, key, r), so that intervals are the same bits in whatever order they are computed.
public struct Bootstrap: Equatable, Sendable {
  /// How an interval is read off the replicates.
  public enum Method: String, CaseIterable, Sendable {
    /// The quantiles (1 ± level)/2 of the replicates (§13.3).
    case percentile
    /// BCa, quantiles shifted for the bias and the skewness of the replicates; the acceleration comes from the jackknife over
    /// units (§14.3, eq. 14.9–14.15).
    case accelerated
  }

  public var method: Method
  /// Resamples.
  public var replicates: Int
  /// The share of repetitions in which the interval is to hold the quantity, 0.95 for example.
  public var level: Double
  public var seed: UInt64

  /// Replicates that there may be.
  public static let counts = CountBounds(2...1_000_000)

  /// - Throws: `InputError` for fewer than two replicates or a level outside (0, 1).
  public init(method: Method = .accelerated, replicates: Int = 1000, level: Double = 0.95, seed: UInt64 = 0) throws {
    try Self.counts.require(replicates, at: .setting("replicates"), "cannot be used")
    try Distributions.requireOpen(level, at: .setting("confidence"))
    self.method = method
    self.replicates = replicates
    self.level = level
    self.seed = seed
  }

  /// Fewest units of which a resample says anything.
  public static let fewestUnits = 3

  /// The interval of one statistic; nil where `intervals` has none.
  public func interval(units: Int, key: Int = 0, of statistic: ([Int]) throws -> Double?) rethrows -> ConfidenceInterval? {
    try intervals(units: units, key: key) { [try statistic($0)] }[0]
  }

  /// The intervals of several statistics of the same resamples.
  ///
  /// - Parameters:
  ///   - units: how many units there are.
  ///   - key: tells resamples for one purpose from those for another.
  ///   - statistics: their values on units given by number, with repetitions; always as many, nil for one that these units
  ///     leave undefined.
  /// - Returns: nil for a statistic that is undefined on all units or on more than half of the resamples, and everywhere
  ///   where there are fewer than `fewestUnits`.
  public func intervals(
    units: Int, key: Int = 0, of statistics: ([Int]) throws -> [Double?]
  ) rethrows -> [ConfidenceInterval?] {
    let estimates = try statistics(Array(0..<max(0, units)))
    guard units >= Self.fewestUnits else { return estimates.map { _ in nil } }
    var drawn = [[Double]](repeating: [], count: estimates.count)
    for replicate in 0..<replicates {
      var stream = RandomStream(seed: seed, purpose: .statistics, step: replicate, index: key)
      let values = try statistics((0..<units).map { _ in stream.integer(below: units) })
      for (index, value) in values.enumerated() {
        if let value, value.isFinite { drawn[index].append(value) }
      }
    }
    var left = [[Double]](repeating: [], count: estimates.count)
    if method == .accelerated {
      for unit in 0..<units {
        let values = try statistics((0..<units).filter { $0 != unit })
        for (index, value) in values.enumerated() {
          if let value, value.isFinite { left[index].append(value) }
        }
      }
    }
    return estimates.indices.map { index in
      guard let estimate = estimates[index], estimate.isFinite, 2 * drawn[index].count >= replicates else { return nil }
      return interval(estimate, replicates: drawn[index].sorted(), jackknife: left[index])
    }
  }

  private func interval(_ estimate: Double, replicates sorted: [Double], jackknife: [Double]) -> ConfidenceInterval {
    let tails = [(1 - level) / 2, (1 + level) / 2]
    guard method == .accelerated, let corrected = Self.corrected(tails, estimate, sorted, jackknife) else {
      return ConfidenceInterval(
        lower: Moments.quantile(ofSorted: sorted, tails[0]), upper: Moments.quantile(ofSorted: sorted, tails[1]))
    }
    return ConfidenceInterval(
      lower: Moments.quantile(ofSorted: sorted, corrected[0]), upper: Moments.quantile(ofSorted: sorted, corrected[1]))
  }

  /// α₁ and α₂ of eq. 14.10; nil where every replicate lies on one side of the estimate, where no correction is defined.
  private static func corrected(
    _ tails: [Double], _ estimate: Double, _ sorted: [Double], _ jackknife: [Double]
  ) -> [Double]? {
    let below = sorted.count { $0 < estimate }
    let equal = sorted.count { $0 == estimate }
    // Replicates that equal the estimate count half, or a discrete statistic would look biased.
    let share = (Double(below) + 0.5 * Double(equal)) / Double(sorted.count)
    guard let bias = try? Distributions.normalQuantile(share) else { return nil }
    let acceleration = acceleration(jackknife)
    var result: [Double] = []
    for tail in tails {
      guard let quantile = try? Distributions.normalQuantile(tail) else { return nil }
      let denominator = 1 - acceleration * (bias + quantile)
      guard denominator > 0 else { return nil }
      result.append(Distributions.normalProbability(bias + (bias + quantile) / denominator))
    }
    return result
  }

  /// â of eq. 14.15, 0 for a jackknife without spread.
  private static func acceleration(_ jackknife: [Double]) -> Double {
    guard let mean = Moments.mean(jackknife) else { return 0 }
    let away = jackknife.map { mean - $0 }
    let squares = away.reduce(0) { $0 + $1 * $1 }
    guard squares > 0 else { return 0 }
    return away.reduce(0) { $0 + $1 * $1 * $1 } / (6 * squares * squares.squareRoot())
  }
}
