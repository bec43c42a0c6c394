import Formats
import Statistics

/// Whether a criterion tells runs with a large outcome from runs with a small one.
public struct LogSeparation: Equatable, Sendable {
  /// `collapsed`, `warned` (collapsed or suspect), or a criterion of the verdict.
  public let criterion: String
  /// Over runs that have an outcome and were judged.
  public let area: AreaUnderCurve
  /// Groups that were resampled for the interval.
  public let groups: Int
  /// nil where there are fewer than three groups, or the area is undefined on more than half of the resamples, or is 0 or 1:
  /// then it is so on every resample, whatever the truth.
  public let interval: ConfidenceInterval?
  /// Pairs within a group alone, which differ in nothing that the groups stand for.
  public let within: AreaUnderCurve

  static let replicates = 4000
  static let level = 0.95

  /// One for each criterion that some runs meet and some do not.
  ///
  /// The interval resamples groups (percentile bootstrap): runs of one group are no independent witnesses.
  ///
  /// - Throws: as `LoggedDiagnosis.criteria` and `Bootstrap` do.
  public static func all(of diagnoses: [LoggedDiagnosis], against outcomes: LogOutcomes) throws -> [LogSeparation] {
    guard let first = diagnoses.first else { return [] }
    let own = try LoggedDiagnosis.criteria(of: first.space, first.thresholds).map { name in
      (name: name, holds: { (diagnosis: LoggedDiagnosis) in diagnosis.holds(name) })
    }
    let states: [(name: String, holds: (LoggedDiagnosis) -> Bool?)] = [
      ("collapsed", { $0.verdict.isCollapsed }), ("warned", { $0.verdict.state != .healthy }),
    ]
    return try (states + own).compactMap { try LogSeparation($0.name, $0.holds, diagnoses, outcomes) }
  }

  private init?(
    _ criterion: String, _ holds: (LoggedDiagnosis) -> Bool?, _ diagnoses: [LoggedDiagnosis], _ outcomes: LogOutcomes
  ) throws {
    var groups: [[(value: Double, isMet: Bool)]] = []
    var places: [String: Int] = [:]
    for diagnosis in diagnoses {
      guard let isMet = holds(diagnosis), let value = outcomes.value(of: diagnosis.run.name) else { continue }
      let name = outcomes.group(of: diagnosis.run.name)
      let place = places[name] ?? groups.count
      if place == groups.count {
        places[name] = place
        groups.append([])
      }
      groups[place].append((value, isMet))
    }
    func area(_ units: [Int]) -> AreaUnderCurve {
      let runs = units.flatMap { groups[$0] }
      return AreaUnderCurve(of: runs.filter(\.isMet).map(\.value), above: runs.filter { !$0.isMet }.map(\.value))
    }
    self.criterion = criterion
    self.groups = groups.count
    self.area = area(Array(groups.indices))
    guard let whole = self.area.value else { return nil }
    interval =
      whole == 0 || whole == 1
      ? nil
      : try Bootstrap(method: .percentile, replicates: Self.replicates, level: Self.level)
        .interval(units: groups.count) { area($0).value }
    within = groups.indices.map { area([$0]) }.reduce(AreaUnderCurve(of: [], above: []), +)
  }

  static let columns = [
    "criterion", "outcome", "met", "not_met", "area", "lower", "upper", "level", "resampled", "groups",
    "pairs_within_groups",
    "area_within_groups",
  ]

  /// - Parameter outcomes: against which it was computed.
  func fields(_ outcomes: LogOutcomes) -> [CSVField] {
    func real(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    let units = outcomes.groupColumns.isEmpty ? "runs" : outcomes.groupColumns.joined(separator: " and ")
    return [
      .text(criterion), .text(outcomes.column), .integer(area.positives), .integer(area.negatives), real(area.value),
      real(interval?.lower), real(interval?.upper), real(interval == nil ? nil : Self.level), .text(units), .integer(groups),
      .integer(within.pairs), real(within.value),
    ]
  }
}
