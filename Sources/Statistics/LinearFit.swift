import CGSL
import Formats

/// The straight line y = intercept + slope · x of least squares (GSL, `gsl_fit_linear`), with Student intervals that hold
/// for independent normal errors of one variance: points of a grid, or several along one direction, have none.
public struct LinearFit: Equatable, Sendable {
  public let slope: Double
  public let intercept: Double
  public let slopeError: Double
  public let interceptError: Double
  /// s, the standard deviation of the residuals, √(Σr²/(n − 2)); 0 for two points.
  public let residualDeviation: Double
  /// The share of the variance of y that the line explains; 1 where y is constant and met.
  public let determination: Double
  public let count: Int

  /// - Returns: nil for fewer than two points, where x is constant, and where a value is not finite.
  /// - Throws: `InputError` where the samples differ in length.
  public init?(_ x: [Double], _ y: [Double]) throws {
    guard x.count == y.count else {
      throw InputError(
        "cannot be used", at: "second sample", found: "\(y.count) values", wanted: "\(x.count), as in the first")
    }
    guard x.count >= 2, x.allSatisfy(\.isFinite), y.allSatisfy(\.isFinite), x.contains(where: { $0 != x[0] }) else {
      return nil
    }
    var (c0, c1, cov00, cov01, cov11, squares) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    gsl_fit_linear(x, 1, y, 1, x.count, &c0, &c1, &cov00, &cov01, &cov11, &squares)
    guard c0.isFinite, c1.isFinite, squares.isFinite else { return nil }
    (intercept, slope, count) = (c0, c1, x.count)
    let hasFreedom = x.count > 2
    residualDeviation = hasFreedom ? (squares / Double(x.count - 2)).squareRoot() : 0
    interceptError = hasFreedom ? max(0, cov00).squareRoot() : 0
    slopeError = hasFreedom ? max(0, cov11).squareRoot() : 0
    let total = gsl_stats_tss(y, 1, y.count)
    determination = total > 0 ? 1 - squares / total : 1
  }

  /// The interval of the slope; nil for two points, which leave no freedom.
  ///
  /// - Throws: `InputError` for a level outside (0, 1).
  public func slopeInterval(level: Double = 0.95) throws -> ConfidenceInterval? {
    try interval(slope, error: slopeError, level: level)
  }

  /// The interval of the intercept; nil for two points.
  ///
  /// - Throws: `InputError` for a level outside (0, 1).
  public func interceptInterval(level: Double = 0.95) throws -> ConfidenceInterval? {
    try interval(intercept, error: interceptError, level: level)
  }

  private func interval(_ value: Double, error: Double, level: Double) throws -> ConfidenceInterval? {
    try Distributions.requireOpen(level, at: .setting("confidence"))
    guard count > 2 else { return nil }
    let reach = try error * Distributions.studentQuantile((1 + level) / 2, degreesOfFreedom: Double(count - 2))
    return ConfidenceInterval(lower: value - reach, upper: value + reach, method: .student, units: count)
  }
}
