import Formats

/// The mean difference of paired samples, first − second, with a bootstrap interval over the pairs: how much better one
/// method is than another on the same seeds.
public struct PairedDifference: Equatable, Sendable {
  public let mean: Double
  /// nil for fewer than `Bootstrap.fewestUnits` pairs.
  public let interval: ConfidenceInterval?
  /// Student's interval, which holds for normal differences; nil for fewer than two pairs.
  public let studentInterval: ConfidenceInterval?
  public let count: Int

  /// - Returns: nil for no pairs and where a value is not finite.
  /// - Throws: `InputError` where the samples differ in length.
  public init?(_ first: [Double], _ second: [Double], bootstrap: Bootstrap, key: Int = 0) throws {
    guard first.count == second.count else {
      throw InputError(
        "cannot be used", at: "second sample", found: "\(second.count) values", wanted: "\(first.count), as in the first")
    }
    let differences = zip(first, second).map { $0 - $1 }
    guard differences.allSatisfy(\.isFinite), let mean = Moments.mean(differences) else { return nil }
    self.mean = mean
    count = differences.count
    interval = bootstrap.interval(units: count, key: key) { units in Moments.mean(units.map { differences[$0] }) }
    studentInterval = try Moments.standardError(differences).map { error in
      let reach =
        try error
        * Distributions.studentQuantile((1 + bootstrap.level) / 2, degreesOfFreedom: Double(differences.count - 1))
      return ConfidenceInterval(lower: mean - reach, upper: mean + reach)
    }
  }
}
