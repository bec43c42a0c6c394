extension Bootstrap {
  /// Student's intervals of statistics of two kinds of units that are crossed: every direction is evaluated on every batch, and a
  /// repetition would have others of both.
  ///
  /// The variance is the sum of the jackknife's over each kind, with Satterthwaite's degrees of freedom (*An approximate
  /// distribution of estimates of variance components*, 1946). The sum counts what the two have together twice, so it errs to
  /// the wide side (Owen, *The pigeonhole bootstrap*, 2007, shows the same of resampling both).
  ///
  /// - Parameters:
  ///   - units: how many there are of the first kind, and `crossed` of the second.
  ///   - scales: one for each statistic.
  ///   - statistics: their values on some units of both kinds.
  /// - Returns: what `intervals` returns of Student's; a statistic that is the same without each crossed unit has the interval
  ///   over the first kind alone.
  public func crossedIntervals(
    units: Int, crossed: Int, scales: [StatisticScale],
    of statistics: (_ units: [Int], _ crossed: [Int]) throws -> [Double?]
  ) rethrows -> [ConfidenceInterval?] {
    let (all, others) = (Array(0..<max(0, units)), Array(0..<max(0, crossed)))
    let estimates = try statistics(all, others)
    guard units >= Self.fewestUnits, crossed >= Self.fewestUnits else { return estimates.map { _ in nil } }
    let first = try Self.jackknife(units, statistics: estimates.count) { try statistics($0, others) }
    let second = try Self.jackknife(crossed, statistics: estimates.count) { try statistics(all, $0) }
    return estimates.indices.map { index in
      let scale = scales[index]
      guard let estimate = estimates[index], estimate.isFinite, units >= scale.fewestUnits, first[index].count == units,
        second[index].count == crossed, let spread = scale.spread(first[index], of: estimate)
      else { return nil }
      let other = scale.spread(second[index], of: estimate)
      guard
        let reach = JackknifeSpread.reach(of: [spread, other].compactMap { $0 }, level: level, isLean: scale.isLean),
        let ends = scale.ends(estimate, below: reach.below, above: reach.above), ends.lower < ends.upper,
        ends.lower.isFinite, ends.upper.isFinite
      else { return nil }
      return ConfidenceInterval(
        lower: ends.lower, upper: ends.upper, method: .student, units: units, crossedUnits: other == nil ? nil : crossed)
    }
  }
}
