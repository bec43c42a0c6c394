import Foundation

/// The scale on which a statistic spreads about evenly, so that Student's t holds there, and the range that it cannot leave.
///
/// An interval is made on that scale from the statistic and its standard error (the delta method) and brought back. Simulated
/// coverage decided which scale is for what (docs/fidelity.md, "Coverage").
public enum StatisticScale: Equatable, Sendable {
  /// The statistic itself: means of what is about symmetric, such as differences of pairs.
  case plain
  /// The statistic itself, cut to the values that it can have: means of cosines, of shares, of distances.
  case within(ClosedRange<Double>)
  /// The statistic itself, cut likewise, where units may be skewed or a few of them hold most of the error: biases, slopes,
  /// means of lengths.
  case skewed(ClosedRange<Double> = -Double.infinity...Double.infinity)
  /// Fisher's z = artanh r, for coefficients in [−1, 1]: error s/(1 − r²).
  case correlation
  /// The same of 2c − 1, for the share c of pairs that are ranked alike.
  case concordance
  /// ln x, for a positive length such as a root mean square; skewed there as well.
  case logarithm
  /// The statistic is given as its square, cleared of noise and so below 0 by chance; what is reported is √max(0, x). A
  /// correction that a root would cut off keeps its centre this way.
  case square

  /// Fewest units of which an interval is made. A correlation of the pairs that are left without one unit needs four of them
  /// to be other than a matter of chance.
  public var fewestUnits: Int {
    switch self {
    case .plain, .within, .skewed, .logarithm, .square: Bootstrap.fewestUnits
    case .correlation, .concordance: 5
    }
  }

  /// What is reported of a value on which an interval is made.
  public func reported(_ value: Double) -> Double { self == .square ? max(0, value).squareRoot() : value }

  /// Whether intervals allow for a few units that hold most of the error, and for units that are skewed.
  ///
  /// Student's t of skewed units holds too little: the mean of ten exponential ones in 90 of 100 samples, their root mean square
  /// in 88. So it has the degrees of freedom that the kurtosis of the units leaves (`JackknifeSpread.freedom`), and on the side
  /// where a skewed unit would lie it reaches further by what the Edgeworth expansion of t says, γ(2z² + 1)/6√n standard errors
  /// (Hall, *The bootstrap and Edgeworth expansion*, 1992, §2.6). On the other side it stays: with few units γ is known too
  /// badly to take anything off. Slopes need the former, means and root mean squares both (docs/fidelity.md, "Coverage").
  public var isLean: Bool {
    switch self {
    case .skewed, .logarithm: true
    case .plain, .within, .correlation, .concordance, .square: false
    }
  }

  /// The spread on this scale of the values without each unit; nil where there is none, or a value is off the scale. Of
  /// correlations it is that of the values themselves, which `ends` brings to the scale.
  func spread(_ left: [Double], of estimate: Double) -> JackknifeSpread? {
    let spread = JackknifeSpread(left, of: estimate)
    guard self == .logarithm, spread != nil else { return spread }
    guard estimate > 0, left.allSatisfy({ $0 > 0 }) else { return nil }
    return JackknifeSpread(left.map { log($0) }, of: 0)
  }

  /// The ends of what reaches so far from the value on this scale; nil where the scale has no place for it, such as r = ±1.
  func ends(_ value: Double, below: Double, above: Double) -> (lower: Double, upper: Double)? {
    switch self {
    case .plain: return (value - below, value + above)
    case .within(let range), .skewed(let range):
      return (max(range.lowerBound, value - below), min(range.upperBound, value + above))
    case .correlation:
      guard abs(value) < 1 else { return nil }
      let (centre, slope) = (atanh(value), 1 - value * value)
      return (tanh(centre - below / slope), tanh(centre + above / slope))
    case .concordance:
      return Self.correlation.ends(2 * value - 1, below: 2 * below, above: 2 * above).map {
        ((1 + $0.lower) / 2, (1 + $0.upper) / 2)
      }
    case .logarithm:
      guard value > 0 else { return nil }
      return (value * exp(-below), value * exp(above))
    case .square: return (reported(value - below), reported(value + above))
    }
  }
}
