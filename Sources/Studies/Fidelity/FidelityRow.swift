import Formats
import Landscape
import Problems

/// A row of `fidelity.csv`: one statistic, with its interval where it has one.
public struct FidelityRow: Equatable, Sendable {
  public var name: String
  /// `first`, `second`, `true`, or an estimator of a gradient.
  public var objective: String
  public var innerSteps: Int
  /// nil for a statistic over all radii.
  public var radius: Double?
  public var value: Double
  public var interval: StatedInterval?
  /// Observations that went into it.
  public var count: Int

  public init(
    _ name: String, _ objective: String, innerSteps: Int, radius: Double? = nil, value: Double,
    interval: StatedInterval? = nil, count: Int
  ) {
    self.name = name
    self.objective = objective
    self.innerSteps = innerSteps
    self.radius = radius
    self.value = value
    self.interval = interval
    self.count = count
  }

  /// The name of what is found of a Hessian: as it was before there were exact products where they are differences, with
  /// `_exact` behind it where they are not.
  public static func name(_ name: String, by kind: HessianKind) -> String {
    kind == .difference ? name : "\(name)_\(kind.rawValue)"
  }

  public var lower: Double? { interval?.lower }
  public var upper: Double? { interval?.upper }

  public init(
    _ name: String, of objective: Objective, radius: Double? = nil, value: Double, interval: StatedInterval? = nil,
    count: Int
  ) {
    self.init(
      name, objective.name, innerSteps: objective.innerSteps, radius: radius, value: value, interval: interval, count: count)
  }

  public static let columns =
    ["name", "objective", "inner_steps", "radius", "value", "lower", "upper", "n"] + StatedInterval.columns

  /// The row as it stands in the file; what is undefined is an empty cell.
  public var fields: [CSVField] {
    func optional(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    return [
      .text(name), .text(objective), .integer(innerSteps), optional(radius), .real(value), optional(lower), optional(upper),
      .integer(count),
    ] + StatedInterval.fields(interval)
  }

  /// - Throws: `InputError` where the file is not such a table.
  public static func read(from path: String) throws -> [FidelityRow] {
    let table = try CSVTable(readingFrom: path)
    let (names, objectives, steps) = (
      try table.column("name"), try table.column("objective"), try table.integers("inner_steps")
    )
    let (values, counts) = (try table.doubles("value"), try table.integers("n"))
    let radii = try table.optionalDoubles("radius")
    let intervals = try StatedInterval.read(from: table)
    return names.indices.map { index in
      FidelityRow(
        names[index], objectives[index], innerSteps: steps[index], radius: radii[index], value: values[index],
        interval: intervals[index], count: counts[index])
    }
  }
}

extension [FidelityRow] {
  /// The row of a statistic of an objective, at a radius or over all.
  public func first(_ name: String, _ objective: Objective, radius: Double? = nil) -> FidelityRow? {
    first {
      $0.name == name && $0.objective == objective.name && $0.innerSteps == objective.innerSteps && $0.radius == radius
    }
  }
}
