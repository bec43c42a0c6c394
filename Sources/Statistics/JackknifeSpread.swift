/// What a statistic without each unit in turn says of its error: how large that is, how well it is known and how skewed.
struct JackknifeSpread: Equatable, Sendable {
  /// √((n − 1)/n Σ(θ₍ᵢ₎ − θ̄)²) (Efron & Tibshirani 1993, eq. 11.5).
  let error: Double
  /// n, the units.
  let count: Int
  /// Degrees of freedom of `error` where a few units hold most of it: Satterthwaite's, 2σ⁴ over the variance of the estimate of
  /// σ², with the kurtosis κ that the units themselves have: (n − 1)(κₙ − 1)/(κ − 1), at most n − 1. κₙ = 3(n − 1)/(n + 1) is what
  /// n normal units have on average.
  let freedom: Double
  /// The third cumulant of the estimate over error³: for a mean of n units of skewness γ it is γ/√n. Of 3 units and more.
  let skewness: Double

  /// - Returns: nil where the values without each unit differ by no more than rounding of them or the estimate.
  init?(_ left: [Double], of estimate: Double) {
    guard let mean = Moments.mean(left) else { return nil }
    let size = Double(left.count)
    let squares = left.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let error = ((size - 1) / size * squares).squareRoot()
    guard error > 1e-13 * max(abs(estimate), abs(mean)) else { return nil }
    self.error = error
    count = left.count
    // In units of their root mean square, or powers of small errors would underflow. A unit pulls the estimate the way in which
    // it falls when the unit is left out.
    let scale = (squares / size).squareRoot()
    let pulls = left.map { (mean - $0) / scale }
    let (third, fourth) = pulls.reduce((0.0, 0.0)) { ($0.0 + $1 * $1 * $1, $0.1 + $1 * $1 * $1 * $1) }
    let normal = 3 * (size - 1) / (size + 1)
    guard left.count > 2 else {
      (freedom, skewness) = (size - 1, 0)
      return
    }
    freedom = (size - 1) * (normal - 1) / (max(normal, fourth / size) - 1)
    // γ from the biased moments times √(n(n − 1))/(n − 2), over √n.
    skewness = third / size * (size - 1).squareRoot() / (size - 2)
  }

  /// How far an interval reaches below and above an estimate that has one or several independent sources of error, such as
  /// directions and batches: variances and third cumulants add up, freedom is Satterthwaite's.
  ///
  /// - Parameters:
  ///   - level: the share of repetitions that it is to hold, in (0, 1).
  ///   - isLean: as `StatisticScale.isLean`; else the freedom of a source is its units less one, and both sides are alike.
  static func reach(of sources: [JackknifeSpread], level: Double, isLean: Bool) -> (below: Double, above: Double)? {
    let squares = sources.map { $0.error * $0.error }
    let variance = squares.reduce(0, +)
    let freedoms = sources.map { isLean ? $0.freedom : Double($0.count - 1) }
    // Else the same but for rounding.
    let isOne = sources.count == 1
    let error = isOne ? sources[0].error : variance.squareRoot()
    let freedom =
      isOne ? freedoms[0] : variance * variance / zip(squares, freedoms).reduce(0) { $0 + $1.0 * $1.0 / $1.1 }
    guard let quantile = try? Distributions.studentQuantile((1 + level) / 2, degreesOfFreedom: freedom) else { return nil }
    guard isLean else { return (quantile * error, quantile * error) }
    guard let normal = try? Distributions.normalQuantile((1 + level) / 2) else { return nil }
    let skewness = sources.reduce(0) { sum, source in
      let part = source.error / error
      return sum + source.skewness * part * part * part
    }
    let further = skewness * (2 * normal * normal + 1) / 6
    return ((quantile + max(0, -further)) * error, (quantile + max(0, further)) * error)
  }
}
