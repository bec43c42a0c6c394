import Formats
import Runs

/// The rows of `estimators.csv`: one statistic of one estimator each; an empty cell where something does not apply or is
/// undefined.
public struct EstimatorRow: Equatable, Sendable {
  /// A `StudiedEstimator`, or `reference` for the gradient with another displacement.
  public var estimator: String
  public var innerSteps: Int
  public var candidates: Int?
  /// σ; of a `reference` row its displacement.
  public var sigma: Double?
  public var statistic: String
  public var value: Double
  public var interval: StatedInterval?
  /// Estimates that went into it.
  public var count: Int

  public var lower: Double? { interval?.lower }
  public var upper: Double? { interval?.upper }

  public static let columns =
    ["estimator", "inner_steps", "candidates", "sigma", "statistic", "value", "lower", "upper", "n"] + StatedInterval.columns

  /// The row as it stands in the file.
  public var fields: [CSVField] {
    func optional(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    return [
      .text(estimator), .integer(innerSteps), candidates.map(CSVField.integer) ?? .text(""), optional(sigma),
      .text(statistic), .real(value), optional(lower), optional(upper), .integer(count),
    ] + StatedInterval.fields(interval)
  }

  /// - Throws: `InputError` where the file is not such a table.
  public static func read(from path: String) throws -> [EstimatorRow] {
    let table = try CSVTable(readingFrom: path)
    let (names, steps, statistics) = (
      try table.column("estimator"), try table.integers("inner_steps"), try table.column("statistic")
    )
    let (values, counts) = (try table.doubles("value"), try table.integers("n"))
    let candidates = try table.optionalIntegers("candidates", RunBounds.candidates)
    let sigmas = try table.optionalDoubles("sigma")
    let intervals = try StatedInterval.read(from: table)
    return names.indices.map {
      EstimatorRow(
        estimator: names[$0], innerSteps: steps[$0], candidates: candidates[$0], sigma: sigmas[$0],
        statistic: statistics[$0], value: values[$0], interval: intervals[$0], count: counts[$0])
    }
  }
}
