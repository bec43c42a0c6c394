import CGSL
import Formats

/// Distribution functions and their inverses (GSL, `gsl_cdf_*`).
public enum Distributions {
  /// Φ(x), the standard normal distribution function.
  public static func normalProbability(_ x: Double) -> Double { gsl_cdf_ugaussian_P(x) }

  /// 1 − Φ(x), exact in the far tail where a difference would be 0.
  public static func normalTail(_ x: Double) -> Double { gsl_cdf_ugaussian_Q(x) }

  /// The x with Φ(x) = probability.
  ///
  /// - Throws: `InputError` for a probability outside (0, 1).
  public static func normalQuantile(_ probability: Double) throws -> Double {
    try requireOpen(probability)
    return gsl_cdf_ugaussian_Pinv(probability)
  }

  /// P(T ≤ t) of Student's t with ν > 0 degrees of freedom.
  ///
  /// - Throws: `InputError` for degrees of freedom that are not positive.
  public static func studentProbability(_ t: Double, degreesOfFreedom: Double) throws -> Double {
    try requirePositive(degreesOfFreedom)
    return gsl_cdf_tdist_P(t, degreesOfFreedom)
  }

  /// The t with P(T ≤ t) = probability.
  ///
  /// - Throws: `InputError` for a probability outside (0, 1) or degrees of freedom that are not positive.
  public static func studentQuantile(_ probability: Double, degreesOfFreedom: Double) throws -> Double {
    try requireOpen(probability)
    try requirePositive(degreesOfFreedom)
    return gsl_cdf_tdist_Pinv(probability, degreesOfFreedom)
  }

  /// Checks the share that an interval is to cover.
  static func requireOpen(_ probability: Double, at place: InputError.Place = "probability") throws {
    guard probability > 0, probability < 1 else {
      throw InputError("cannot be used", at: place, found: "\(probability)", wanted: "a number between 0 and 1")
    }
  }

  private static func requirePositive(_ freedom: Double) throws {
    guard freedom > 0, freedom.isFinite else {
      throw InputError("cannot be used", at: "degrees of freedom", found: "\(freedom)", wanted: "a positive finite number")
    }
  }
}

/// GSL ends the process where something goes wrong, unless it is told to return a status instead.
enum GSLErrors {
  static let areReturned: Bool = {
    gsl_set_error_handler_off()
    return true
  }()
}
