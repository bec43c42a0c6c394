import Statistics

/// Estimates of one gradient at one place: how they lie to each other and to the reference, by their inner products alone.
public struct EstimateSample: Equatable, Sendable {
  private let products: InnerProducts
  /// The share of coordinates where the reference is not zero and the estimate has its sign.
  private let agreement: [Double?]
  /// Whether an estimate is other than zero.
  private let isMoved: [Bool]
  /// Cleared of what the noise of validation batches adds; nil where there are too few of them.
  private let cleared: InnerProducts?
  /// The same without each validation batch; empty where they are not known apart.
  let withoutEach: [EstimateSample]
  /// What is multiplied with what other places have.
  let part: PlaceProducts.Part?

  /// - Parameters:
  ///   - estimates: g_r, flat, each of the reference's size.
  ///   - reference: g.
  ///   - withoutEach: the same from the losses of all validation batches but one, one by one; empty where they are not known
  ///     apart.
  public init(
    estimates: [[Double]], reference: [Double], withoutEach: [(estimates: [[Double]], reference: [Double])] = []
  ) {
    products = InnerProducts(estimates: estimates, reference: reference)
    part = PlaceProducts.Part(estimates: estimates, reference: reference)
    let counted = reference.indices.filter { reference[$0] != 0 }
    agreement = estimates.map { estimate in
      counted.isEmpty
        ? nil : Double(counted.count { estimate[$0] * reference[$0] > 0 }) / Double(counted.count)
    }
    isMoved = estimates.map { InnerProducts.of($0, $0) > 0 }
    // An estimate that no finite loss is left for is not there, and the others would change places.
    let isWhole = withoutEach.allSatisfy { other in
      other.estimates.count == estimates.count
        && (other.estimates + [other.reference]).allSatisfy { $0.allSatisfy(\.isFinite) }
    }
    let others = isWhole ? withoutEach : []
    cleared = others.count >= Bootstrap.fewestUnits ? products.cleared(others) : nil
    self.withoutEach = others.map { EstimateSample(estimates: $0.estimates, reference: $0.reference) }
  }

  public var count: Int { products.along.count }
  /// ‖g‖², g the reference.
  var referenceSquare: Double { products.referenceSquare }
  /// ‖g‖² cleared of noise; nil where that is not known.
  var clearedReference: Double? { cleared?.referenceSquare }

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
    /// The same cleared of the noise of validation batches: Σ⟨g_r, g⟩/‖g_r‖ over the estimates that are not zero,
    /// ‖E ḡ − E g‖² and ‖E ḡ‖².
    var clearedCosines = 0.0
    var clearedBias = 0.0
    var clearedSquare = 0.0
  }

  /// The sums over some of the estimates, by number, with repetitions.
  func sums(over units: [Int]) -> Sums {
    var result = Sums()
    guard !units.isEmpty else { return result }
    let size = Double(units.count)
    result.count = units.count
    for unit in units {
      if isMoved[unit] {
        result.moved += 1
        let length = (products.gram[unit][unit] * referenceSquare).squareRoot()
        if length > 0 {
          result.cosines += products.along[unit] / length
          result.cosineCount += 1
        }
        if let cleared { result.clearedCosines += cleared.along[unit] / products.gram[unit][unit].squareRoot() }
      }
      if let agreement = agreement[unit] {
        result.agreements += agreement
        result.agreementCount += 1
      }
    }
    let (meanSquare, meanAlong, _) = products.means(over: units)
    result.meanSquare = meanSquare
    let length = (max(0, meanSquare) * referenceSquare).squareRoot()
    result.meanCosine = length > 0 ? meanAlong / length : nil
    result.variance = products.variance(over: units)
    result.squaredBias = meanSquare - 2 * meanAlong + referenceSquare - (result.variance ?? 0) / size
    if let cleared {
      let (square, along, squares) = cleared.means(over: units)
      // Products of different estimates alone. Unlike the variance they may come out below 0, each a difference of two.
      let scatter = units.count > 1 ? (squares - size * square) / (size - 1) / size : 0
      result.clearedSquare = square - scatter
      result.clearedBias = square - 2 * along + cleared.referenceSquare - scatter
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
  /// Σ⟨g_r, γ⟩/‖g_r‖ over √Σ‖γ‖², as means: the cosine with γ, the reference without the noise of validation batches.
  case cosineCorrected = "cosine_corrected"
  /// √(Σ‖E g_r − γ‖² / Σ‖γ‖²), the expectation over candidates and validation batches.
  case relativeBiasCorrected = "relative_bias_corrected"
  /// √(Σ‖E g_r‖² / Σ‖γ‖²).
  case normRatioCorrected = "norm_ratio_corrected"
  /// Σ‖γ‖² / Σ‖g‖²: the share of the reference's square that is no such noise.
  case referenceReliability = "reference_reliability"
  /// The mean of ⟨g_r, γ̄⟩/‖g_r‖ over ‖γ̄‖: the cosine with γ̄, the reference in the mean over training and validation batches.
  case cosineExpected = "cosine_expected"
  /// ‖E g_r − γ̄‖/‖γ̄‖, the expectation over candidates, training and validation batches.
  case relativeBiasExpected = "relative_bias_expected"
  /// ‖E g_r‖/‖γ̄‖.
  case normRatioExpected = "norm_ratio_expected"
  /// ‖γ̄‖² over the mean of ‖g‖²: the share of the reference's square that is noise of neither.
  case referenceReliabilityExpected = "reference_reliability_expected"

  /// The scale of its interval. Over repeats at a place the cosine of their mean is no mean of cosines. ‖E g_r − g‖² is
  /// cleared of noise and may come out below 0; a root of what is left, cut off at 0, would lie above its own interval.
  func scale(byPlace: Bool) -> StatisticScale {
    switch self {
    case .cosine: .within(-1...1)
    case .meanCosine: byPlace ? .within(-1...1) : .correlation
    case .relativeBias: .square
    case .relativeVariance: .skewed(0...Double.infinity)
    case .normRatio: .logarithm
    case .signAgreement, .acceptance: .within(0...1)
    case .cosineCorrected, .referenceReliability, .cosineExpected, .referenceReliabilityExpected: .skewed()
    case .relativeBiasCorrected, .relativeBiasExpected: .square
    case .normRatioCorrected, .normRatioExpected: .logarithm
    }
  }
}

extension [EstimateSample] {
  /// The statistics of estimates at several places, each as its scale has it, `units` naming either places or, within every
  /// place, estimates.
  ///
  /// - Parameter batch: a validation batch that is left out, at every place.
  func statistics(over units: [Int], byPlace: Bool, without batch: Int? = nil) -> [Double?] {
    if let batch {
      return map { $0.withoutEach[batch] }.statistics(over: units, byPlace: byPlace)
    }
    let samples = byPlace ? units.map { self[$0] } : self
    let parts = samples.map { $0.sums(over: byPlace ? Array<Int>(0..<$0.count) : units) }
    let reference = samples.reduce(0) { $0 + $1.referenceSquare }
    let known = samples.compactMap(\.clearedReference)
    let isCleared = !samples.isEmpty && known.count == samples.count
    let cleared = isCleared ? known.reduce(0, +) : 0
    func ratio(_ value: Double, _ count: Double) -> Double? { count > 0 ? value / count : nil }
    func total(_ value: (EstimateSample.Sums) -> Double) -> Double { parts.reduce(0) { $0 + value($1) } }
    let variances = parts.compactMap(\.variance)
    let means = parts.compactMap(\.meanCosine)
    let apart = byPlace && count >= PlaceProducts.fewestPlaces ? PlaceProducts(of: map(\.part), over: units) : nil
    // Where noise is all there is, nothing can be said of what is without it.
    let expected = apart.flatMap { $0.referenceSquare > 0 ? $0 : nil }
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
      case .cosineCorrected:
        cleared > 0
          ? ratio(total(\.clearedCosines), Double(parts.reduce(0) { $0 + $1.moved })).map {
            $0 / (cleared / Double(samples.count)).squareRoot()
          } : nil
      case .relativeBiasCorrected: ratio(total(\.clearedBias), cleared)
      case .normRatioCorrected: ratio(Swift.max(0, total(\.clearedSquare)), cleared)?.squareRoot()
      case .referenceReliability: isCleared ? ratio(known.reduce(0, +), reference) : nil
      case .cosineExpected:
        expected.flatMap { found in found.alongDirections.map { $0 / found.referenceSquare.squareRoot() } }
      case .relativeBiasExpected: expected.map { $0.squaredBias / $0.referenceSquare }
      case .normRatioExpected: expected.map { (Swift.max(0, $0.square) / $0.referenceSquare).squareRoot() }
      case .referenceReliabilityExpected: apart.flatMap { ratio($0.referenceSquare, $0.noisySquare) }
      }
    }
  }

  /// Validation batches whose estimates are known apart at every place; 0 where they are not.
  private var batchCount: Int {
    let counts = Set(map(\.withoutEach.count))
    return counts.count == 1 ? counts.first ?? 0 : 0
  }

  /// Values with intervals: over places where there are enough of them, which have candidates and batches of their own and so
  /// hold what those do. Else over the estimates within each, crossed with the validation batches where these are enough.
  public func statistics(
    bootstrap: Bootstrap, key: Int = 0
  ) -> [EstimatorStatistic: (value: Double, interval: StatedInterval?)] {
    let byPlace = count >= Bootstrap.fewestUnits
    let units = byPlace ? count : map(\.count).min() ?? 0
    let scales = EstimatorStatistic.allCases.map { $0.scale(byPlace: byPlace) }
    let values = statistics(over: Array<Int>(0..<units), byPlace: byPlace)
    let intervals = intervals(bootstrap, key: key, units: units, byPlace: byPlace, scales)
    var result: [EstimatorStatistic: (value: Double, interval: StatedInterval?)] = [:]
    for (index, statistic) in EstimatorStatistic.allCases.enumerated() {
      guard let value = values[index] else { continue }
      result[statistic] = (scales[index].reported(value), intervals[index])
    }
    return result
  }

  private func intervals(
    _ bootstrap: Bootstrap, key: Int, units: Int, byPlace: Bool, _ scales: [StatisticScale]
  ) -> [StatedInterval?] {
    let batches = batchCount
    let isCrossed = !byPlace && batches >= Bootstrap.fewestUnits
    guard isCrossed, units < Bootstrap.fewestUnits || bootstrap.method(units: units) == .student else {
      return bootstrap.intervals(units: units, key: key, scales: scales) { statistics(over: $0, byPlace: byPlace) }.map {
        $0.map { StatedInterval($0, over: byPlace ? .places : .repeats) }
      }
    }
    // Only one batch at a time is left out, so that there is no resample of them.
    func values(_ units: [Int], _ kept: [Int]) -> [Double?] {
      let left = Set(0..<batches).subtracting(kept)
      return statistics(over: units, byPlace: false, without: left.first)
    }
    if units < Bootstrap.fewestUnits {
      var student = bootstrap
      student.method = .student
      let all = Array<Int>(0..<units)
      return student.intervals(units: batches, key: key, scales: scales) { values(all, $0) }.map {
        $0.map { StatedInterval($0, over: .batches) }
      }
    }
    return bootstrap.crossedIntervals(units: units, crossed: batches, scales: scales, of: values).map {
      $0.map { StatedInterval($0, over: .repeats) }
    }
  }
}
