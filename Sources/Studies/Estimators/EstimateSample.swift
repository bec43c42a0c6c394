import Statistics

/// Estimates of one gradient at one place: how they lie to each other and to the reference, by their inner products alone.
public struct EstimateSample: Equatable, Sendable {
  /// ⟨g_r, g_s⟩.
  private let gram: [[Double]]
  /// ⟨g_r, g⟩.
  private let along: [Double]
  /// ‖g‖², g the reference.
  let referenceSquare: Double
  /// The share of coordinates where the reference is not zero and the estimate has its sign.
  private let agreement: [Double?]
  /// Whether an estimate is other than zero.
  private let isMoved: [Bool]

  /// - Parameters:
  ///   - estimates: g_r, flat, each of the reference's size.
  ///   - reference: g.
  public init(estimates: [[Double]], reference: [Double]) {
    func inner(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    gram = estimates.map { first in estimates.map { inner(first, $0) } }
    along = estimates.map { inner($0, reference) }
    referenceSquare = inner(reference, reference)
    let counted = reference.indices.filter { reference[$0] != 0 }
    agreement = estimates.map { estimate in
      counted.isEmpty
        ? nil : Double(counted.count { estimate[$0] * reference[$0] > 0 }) / Double(counted.count)
    }
    isMoved = estimates.map { inner($0, $0) > 0 }
  }

  public var count: Int { along.count }

  /// Sums of which means over places are made.
  struct Sums {
    /// Σ cos(g_r, g) and how many are defined.
    var cosines = 0.0
    var cosineCount = 0
    var agreements = 0.0
    var agreementCount = 0
    /// The cosine of the mean estimate.
    var meanCosine: Double?
    /// ‖ḡ − g‖² less what the variance contributes to it, which may be below zero by chance.
    var squaredBias = 0.0
    /// Σ‖g_r − ḡ‖²/(R − 1); nil for one estimate.
    var variance: Double?
    /// ‖ḡ‖².
    var meanSquare = 0.0
    var moved = 0
    var count = 0
  }

  /// The sums over some of the estimates, by number, with repetitions.
  func sums(over units: [Int]) -> Sums {
    var result = Sums()
    guard !units.isEmpty else { return result }
    let size = Double(units.count)
    result.count = units.count
    var (squares, meanAlong) = (0.0, 0.0)
    for unit in units {
      squares += gram[unit][unit]
      meanAlong += along[unit] / size
      if isMoved[unit] {
        result.moved += 1
        let length = (gram[unit][unit] * referenceSquare).squareRoot()
        if length > 0 {
          result.cosines += along[unit] / length
          result.cosineCount += 1
        }
      }
      if let agreement = agreement[unit] {
        result.agreements += agreement
        result.agreementCount += 1
      }
      for other in units { result.meanSquare += gram[unit][other] / (size * size) }
    }
    let length = (max(0, result.meanSquare) * referenceSquare).squareRoot()
    result.meanCosine = length > 0 ? meanAlong / length : nil
    let distance = result.meanSquare - 2 * meanAlong + referenceSquare
    if units.count > 1 {
      let variance = max(0, squares - size * result.meanSquare) / (size - 1)
      result.variance = variance
      result.squaredBias = distance - variance / size
    } else {
      result.squaredBias = distance
    }
    return result
  }
}

/// What a study says of an estimator.
public enum EstimatorStatistic: String, CaseIterable, Sendable {
  /// Mean of cos(g_r, g) over the estimates that are not zero.
  case cosine
  /// Mean over places of cos(ḡ, g), ḡ the mean estimate.
  case meanCosine = "cosine_of_mean"
  /// √(Σ‖E g_r − g‖² / Σ‖g‖²) over places, cleared of the variance of the mean estimate, at least 0.
  case relativeBias = "relative_bias"
  /// Σ E‖g_r − E g_r‖² / Σ‖g‖² over places.
  case relativeVariance = "relative_variance"
  /// √(Σ‖ḡ‖² / Σ‖g‖²): how long the mean estimate is.
  case normRatio = "norm_ratio"
  /// The mean share of coordinates with the reference's sign; one half for an estimate that knows nothing.
  case signAgreement = "sign_agreement"
  /// The share of estimates that are not zero: GLD stays where no candidate is better.
  case acceptance

  /// The scale of its interval. Over repeats at a place the cosine of their mean is no mean of cosines. ‖E g_r − g‖² is
  /// cleared of noise and may come out below 0; a root of what is left, cut off at 0, would lie above its own interval.
  func scale(byPlace: Bool) -> StatisticScale {
    switch self {
    case .cosine: .within(-1...1)
    case .meanCosine: byPlace ? .within(-1...1) : .correlation
    case .relativeBias: .square
    case .relativeVariance: .within(0...Double.infinity)
    case .normRatio: .logarithm
    case .signAgreement, .acceptance: .within(0...1)
    }
  }
}

extension [EstimateSample] {
  /// The statistics of estimates at several places, each as its scale has it, `units` naming either places or, within every
  /// place, estimates.
  func statistics(over units: [Int], byPlace: Bool) -> [Double?] {
    let parts = byPlace ? units.map { self[$0].sums(over: Array<Int>(0..<self[$0].count)) } : map { $0.sums(over: units) }
    let references = byPlace ? units.map { self[$0].referenceSquare } : map(\.referenceSquare)
    let reference = references.reduce(0, +)
    func ratio(_ value: Double, _ count: Double) -> Double? { count > 0 ? value / count : nil }
    let variances = parts.compactMap(\.variance)
    let means = parts.compactMap(\.meanCosine)
    return EstimatorStatistic.allCases.map { statistic in
      switch statistic {
      case .cosine: ratio(parts.reduce(0) { $0 + $1.cosines }, Double(parts.reduce(0) { $0 + $1.cosineCount }))
      case .meanCosine: Moments.mean(means)
      case .relativeBias: ratio(parts.reduce(0) { $0 + $1.squaredBias }, reference)
      case .relativeVariance: variances.count == parts.count ? ratio(variances.reduce(0, +), reference) : nil
      case .normRatio: ratio(parts.reduce(0) { $0 + Swift.max(0, $1.meanSquare) }, reference)?.squareRoot()
      case .signAgreement:
        ratio(parts.reduce(0) { $0 + $1.agreements }, Double(parts.reduce(0) { $0 + $1.agreementCount }))
      case .acceptance: ratio(Double(parts.reduce(0) { $0 + $1.moved }), Double(parts.reduce(0) { $0 + $1.count }))
      }
    }
  }

  /// Values with intervals: over places where there are enough of them, else over the estimates within each.
  public func statistics(
    bootstrap: Bootstrap, key: Int = 0
  ) -> [EstimatorStatistic: (value: Double, interval: StatedInterval?)] {
    let byPlace = count >= Bootstrap.fewestUnits
    let units = byPlace ? count : map(\.count).min() ?? 0
    let scales = EstimatorStatistic.allCases.map { $0.scale(byPlace: byPlace) }
    let values = statistics(over: Array<Int>(0..<units), byPlace: byPlace)
    let intervals = bootstrap.intervals(units: units, key: key, scales: scales) { statistics(over: $0, byPlace: byPlace) }
    var result: [EstimatorStatistic: (value: Double, interval: StatedInterval?)] = [:]
    for (index, statistic) in EstimatorStatistic.allCases.enumerated() {
      guard let value = values[index] else { continue }
      let interval = intervals[index].map { StatedInterval($0, over: byPlace ? .places : .repeats) }
      result[statistic] = (scales[index].reported(value), interval)
    }
    return result
  }
}
