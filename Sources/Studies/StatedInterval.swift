import Formats
import Statistics

/// A range around a value in a table of a study, and what it was made from. Tables of earlier versions have the ends alone.
public struct StatedInterval: Equatable, Sendable {
  public var lower: Double
  public var upper: Double
  /// A `Bootstrap.Method`, or `StatedInterval.uncertainty` for a range that is not over a sample.
  public var kind: String?
  /// The `SamplingUnit` that was resampled, or two: "directions and 4 batches"; nil for none.
  public var resampled: String?
  /// How many of the first.
  public var units: Int?

  /// An interval over a sample of units, or of two kinds of them.
  public init(_ interval: ConfidenceInterval, over unit: SamplingUnit, and crossed: SamplingUnit = .batches) {
    (lower, upper) = (interval.lower, interval.upper)
    (kind, units) = (interval.method.rawValue, interval.units)
    resampled = unit.rawValue + (interval.crossedUnits.map { " and \($0) \(crossed.rawValue)" } ?? "")
  }

  /// `kind` of a range for numerical reasons.
  public static let uncertainty = "uncertainty"

  /// A range within which a value is uncertain for numerical reasons: nothing was sampled.
  public init(uncertainty: Double, of value: Double) {
    (lower, upper, kind) = (value - uncertainty, value + uncertainty, Self.uncertainty)
  }

  private init(lower: Double, upper: Double) { (self.lower, self.upper) = (lower, upper) }

  /// Columns behind `lower` and `upper`, at the end of a row.
  static let columns = ["interval", "resampled", "units"]

  /// Their fields; empty where there is no interval.
  static func fields(_ interval: StatedInterval?) -> [CSVField] {
    [
      .text(interval?.kind ?? ""), .text(interval?.resampled ?? ""), interval?.units.map(CSVField.integer) ?? .text(""),
    ]
  }

  /// One a row of a table with the columns `lower` and `upper`.
  ///
  /// - Throws: `InputError` where a cell is no number.
  package static func read(from table: CSVTable) throws -> [StatedInterval?] {
    let (lower, upper) = (try table.optionalDoubles("lower"), try table.optionalDoubles("upper"))
    let isStated = columns.allSatisfy(table.columns.contains)
    let (kinds, resampled) = (isStated ? try table.column("interval") : [], isStated ? try table.column("resampled") : [])
    let units = isStated ? try table.optionalIntegers("units") : []
    return lower.indices.map { row in
      guard let low = lower[row], let high = upper[row], low.isFinite, high.isFinite else { return nil }
      var interval = StatedInterval(lower: low, upper: high)
      if isStated {
        interval.kind = kinds[row].isEmpty ? nil : kinds[row]
        interval.resampled = resampled[row].isEmpty ? nil : resampled[row]
        interval.units = units[row]
      }
      return interval
    }
  }
}

extension [StatedInterval] {
  /// What the intervals over samples are, in words, such as "Student's t over 24 directions"; nil where none says so.
  public var account: String? {
    let found = compactMap { interval -> String? in
      guard let kind = interval.kind.flatMap(Bootstrap.Method.init), let resampled = interval.resampled,
        let units = interval.units
      else { return nil }
      return "\(kind.words) over \(units) \(resampled)"
    }
    let each = found.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    return each.isEmpty ? nil : each.joined(separator: "; ")
  }
}
