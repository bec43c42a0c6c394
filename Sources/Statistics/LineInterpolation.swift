import CGSL
import Formats

/// A smooth curve through points on a line that neither overshoots them nor adds extrema between them (Steffen, *A simple
/// method for monotonic interpolation in one dimension*, A&A 239, 1990; GSL, `gsl_interp_steffen`).
public struct LineInterpolation {
  private let x: [Double]
  private let y: [Double]

  /// - Parameter x: strictly ascending, at least three values.
  /// - Throws: `InputError` where it is not, or a value is not finite.
  public init(x: [Double], y: [Double]) throws {
    guard x.count == y.count, x.count >= 3, zip(x, x.dropFirst()).allSatisfy(<),
      x.allSatisfy(\.isFinite), y.allSatisfy(\.isFinite)
    else {
      throw InputError(
        "cannot be used", at: "points of the curve", found: "\(x.count) and \(y.count) values",
        wanted: "at least three ascending finite places with a finite value each")
    }
    self.x = x
    self.y = y
  }

  /// The curve at places, each within the range of x.
  ///
  /// - Throws: `InputError` for one outside.
  public func values(at places: [Double]) throws -> [Double] {
    guard GSLErrors.areReturned, let spline = zarts_spline_alloc_steffen(x.count),
      let accelerator = gsl_interp_accel_alloc()
    else {
      throw InputError(
        "cannot be used", at: "points of the curve", found: "\(x.count)", wanted: "a number that fits in memory")
    }
    defer {
      gsl_spline_free(spline)
      gsl_interp_accel_free(accelerator)
    }
    gsl_spline_init(spline, x, y, x.count)
    return try places.map { place in
      var value = 0.0
      guard gsl_spline_eval_e(spline, place, accelerator, &value) == 0 else {
        throw InputError(
          "cannot be used", at: "place on the curve", found: "\(place)", wanted: "\(x[0]) to \(x[x.count - 1])")
      }
      return value
    }
  }
}
