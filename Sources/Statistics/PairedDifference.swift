import Formats

/// The mean difference of paired samples, first − second, with an interval over the pairs: how much better one method is than
/// another on the same seeds.
public struct PairedDifference: Equatable, Sendable {
  public let mean: Double
  /// nil for fewer than `Bootstrap.fewestUnits` pairs, and where all differences are the same.
  public let interval: ConfidenceInterval?
  public let count: Int

  /// - Parameter bootstrap: how the interval is found; Student's holds for normal differences.
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
  }
}
