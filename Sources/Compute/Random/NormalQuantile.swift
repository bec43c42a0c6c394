/// Inverse of the standard normal distribution function by Wichura's algorithm AS 241 (PPND16, Applied Statistics 37(3),
/// 1988), about 16 digits.
///
/// Only additions, products, quotients and square roots are used, which IEEE 754 rounds exactly: the mathematics library
/// of a system may differ in the last bit from one processor to the next, these values do not.
package enum NormalQuantile {
  /// The x with Φ(x) = probability, for a probability strictly between 0 and 1.
  package static func value(at probability: Double) -> Double {
    let centred = probability - 0.5
    if abs(centred) <= 0.425 {
      let r = 0.180625 - centred * centred
      return centred * polynomial(a, r) / polynomial(b, r)
    }
    let tail = (-logarithm(min(probability, 1 - probability))).squareRoot()
    let magnitude =
      tail <= 5
      ? polynomial(c, tail - 1.6) / polynomial(d, tail - 1.6) : polynomial(e, tail - 5) / polynomial(f, tail - 5)
    return centred < 0 ? -magnitude : magnitude
  }

  /// Natural logarithm of a positive normal number: log m by its atanh series, m in [√½, √2).
  package static func logarithm(_ x: Double) -> Double {
    var exponent = Double(x.exponent)
    var mantissa = x.significand
    if mantissa > 2.0.squareRoot() {
      mantissa /= 2
      exponent += 1
    }
    let s = (mantissa - 1) / (mantissa + 1)
    let square = s * s
    var series = 0.0
    for odd in stride(from: 23, through: 3, by: -2) { series = (series + 1 / Double(odd)) * square }
    // log 2 in two parts, so that exponent · high is exact.
    let high = 0x1.62e42fefa3p-1
    let low = 0x1.3de6af278ece6p-42
    return exponent * high + (2 * s + (2 * s * series + exponent * low))
  }

  private static func polynomial(_ coefficients: InlineCoefficients, _ x: Double) -> Double {
    let k = coefficients
    return ((((((k.7 * x + k.6) * x + k.5) * x + k.4) * x + k.3) * x + k.2) * x + k.1) * x + k.0
  }

  private typealias InlineCoefficients = (Double, Double, Double, Double, Double, Double, Double, Double)

  private static let a: InlineCoefficients = (
    3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
    4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3
  )
  private static let b: InlineCoefficients = (
    1, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
    2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3
  )
  private static let c: InlineCoefficients = (
    1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
    1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4
  )
  private static let d: InlineCoefficients = (
    1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
    1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9
  )
  private static let e: InlineCoefficients = (
    6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
    2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7
  )
  private static let f: InlineCoefficients = (
    1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
    7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15
  )
}
