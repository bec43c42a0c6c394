import Foundation

/// The scale on which a statistic spreads about evenly, so that Student's t holds there, and the range that it cannot leave.
///
/// An interval is made on that scale from the statistic and its standard error (the delta method) and brought back. Simulated
/// coverage decided which scale is for what (docs/fidelity.md, "Coverage").
public enum StatisticScale: Equatable, Sendable {
  /// The statistic itself: means, biases, slopes.
  case plain
  /// The statistic itself, cut to the values that it can have: means of cosines, of shares, of distances.
  case within(ClosedRange<Double>)
  /// Fisher's z = artanh r, for coefficients in [−1, 1]: error s/(1 − r²).
  case correlation
  /// The same of 2c − 1, for the share c of pairs that are ranked alike.
  case concordance
  /// ln x, for a positive length such as a root mean square: error s/x.
  case logarithm
  /// The statistic is given as its square, cleared of noise and so below 0 by chance; what is reported is √max(0, x). A
  /// correction that a root would cut off keeps its centre this way.
  case square

  /// Fewest units of which an interval is made. A correlation of the pairs that are left without one unit needs four of them
  /// to be other than a matter of chance.
  public var fewestUnits: Int {
    switch self {
    case .plain, .within, .logarithm, .square: Bootstrap.fewestUnits
    case .correlation, .concordance: 5
    }
  }

  /// What is reported of a value on which an interval is made.
  public func reported(_ value: Double) -> Double { self == .square ? max(0, value).squareRoot() : value }

  /// The ends of value ± reach · error on this scale; nil where the scale has no place for the value, such as r = ±1.
  func ends(_ value: Double, error: Double, reach: Double) -> (lower: Double, upper: Double)? {
    switch self {
    case .plain: return (value - reach * error, value + reach * error)
    case .within(let range):
      return (max(range.lowerBound, value - reach * error), min(range.upperBound, value + reach * error))
    case .correlation:
      guard abs(value) < 1 else { return nil }
      let (centre, half) = (atanh(value), reach * error / (1 - value * value))
      return (tanh(centre - half), tanh(centre + half))
    case .concordance:
      return Self.correlation.ends(2 * value - 1, error: 2 * error, reach: reach).map {
        ((1 + $0.lower) / 2, (1 + $0.upper) / 2)
      }
    case .logarithm:
      guard value > 0 else { return nil }
      return (value * exp(-reach * error / value), value * exp(reach * error / value))
    case .square: return (reported(value - reach * error), reported(value + reach * error))
    }
  }
}
