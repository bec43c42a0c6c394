import Formats
import Foundation
import Runs

/// Columns of metrics.csv over the epochs of several runs: a mean and its spread for each group of runs that differ in
/// nothing but the seed. Searches that another program logged may be a group beside them.
public struct LearningCurves: Equatable, Sendable {
  /// One column of one group.
  public struct Curve: Equatable, Sendable {
    /// As in metrics.csv.
    public let column: String
    /// What the runs of the group have in common: the value of the setting that runs are grouped by.
    public let group: String
    /// In ascending order of epochs; without those at which no run has a value.
    public let points: [Point]
  }

  public struct Point: Equatable, Sendable {
    /// Counted from 1.
    public let epoch: Int
    /// Runs that have a value here: fewer than the group has where some stopped early.
    public let runs: Int
    public let mean: Double
    /// Sample standard deviation over the runs (divisor runs − 1); nil for a single run.
    public let deviation: Double?
    public let least: Double
    public let greatest: Double

    /// - Parameter values: at least one.
    init(epoch: Int, _ values: [Double]) {
      self.epoch = epoch
      runs = values.count
      let mean = values.reduce(0, +) / Double(values.count)
      self.mean = mean
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      deviation = values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : nil
      least = values.min() ?? mean
      greatest = values.max() ?? mean
    }
  }

  /// The setting that the runs are grouped by, or `byRun`.
  public let grouping: String
  /// The group that was subtracted from all; nil where values are those of the runs.
  public let reference: String?
  /// In the order in which the runs were given; those of a log last.
  public let groups: [String]
  /// Those that are of a log.
  public let logged: [String]
  /// Column by column, within each in the order of the groups.
  public let curves: [Curve]
  /// Settings besides the grouping and the seed that are not the same in all groups whose method reads them, each with
  /// its values.
  public let differences: [String]

  /// Groups each run by itself, under the name of its folder.
  public static let byRun = "run"

  /// Reads config.yaml and metrics.csv of runs.
  ///
  /// - Parameters:
  ///   - columns: names in metrics.csv, other than `epoch`.
  ///   - grouping: a key of config.yaml, or `byRun`.
  ///   - reference: the group to subtract: from each value that of its run on the same seed at the same epoch. Runs of one
  ///     seed share split, batches and augmentation, so the spread of such differences is less than that of the values.
  ///   - first: epochs before this one are left out.
  ///   - log: searches of another program, one group, or each by itself where runs are.
  /// - Throws: `InputError` where the grouping is no setting, runs of a group differ in more than the seed or are the same
  ///   run twice, the reference is no group or lacks a seed, or is to be subtracted from a log, a log has the name of a group, or nothing in
  ///   any of the columns, a cell is no number, a run has no finished epoch, or no run has
  ///   a value in a column, and where a file or a column is absent.
  public init(
    of runs: [SearchRunFolder], columns: [String], by grouping: String = "method", minus reference: String? = nil,
    from first: Int = 1, beside log: LoggedSearches? = nil
  ) throws {
    let keys = SearchConfiguration.fields.map(\.key)
    guard grouping == Self.byRun || keys.contains(grouping) else {
      throw InputError(
        "no such setting to group runs by", at: .setting("by"), found: grouping,
        wanted: ([Self.byRun] + keys).joined(separator: ", "))
    }
    var read = try runs.map { try Run($0, columns: columns, grouping: grouping) }
    var groups: [String] = []
    for run in read where !groups.contains(run.group) { groups.append(run.group) }
    for group in groups { try Self.check(read.filter { $0.group == group }, group, grouping) }
    if let reference { read = try Self.subtract(reference, from: read, groups) }
    differences = Self.differences(read, grouping)
    var logged: [String] = []
    if let log {
      let others = log.runs.map { Run($0, group: grouping == Self.byRun ? $0.name : log.name) }
      try Self.check(log, others, beside: groups, columns: columns, reference)
      read += others
      for other in others where !logged.contains(other.group) { logged.append(other.group) }
      groups += logged
    }
    self.logged = logged
    self.grouping = grouping
    self.reference = reference
    self.groups = groups
    let shown = read
    curves = try columns.flatMap { column in
      let found = groups.compactMap { Self.curve(column, of: $0, shown, from: first) }
      guard !found.isEmpty else {
        throw InputError(
          "nothing to draw", at: "column \(column) of \(shown.map(\.path).joined(separator: ", "))",
          found: "no value from epoch \(first) on", wanted: "a number at one epoch of one run at least")
      }
      return found
    }
  }

  /// The last point of each group in a column, in the order of `groups`; nil where the group has none.
  public func last(_ column: String) -> [Point?] {
    groups.map { group in curves.first { $0.column == column && $0.group == group }?.points.last }
  }

  /// What the values of a column are, in words.
  public func title(_ column: String) -> String { reference.map { "\(column) minus \($0)" } ?? column }

  private static func curve(_ column: String, of group: String, _ runs: [Run], from first: Int) -> Curve? {
    let members = runs.filter { $0.group == group }
    let points = Set(members.flatMap(\.epochs)).sorted().filter { $0 >= first }.compactMap { epoch in
      let values = members.compactMap { $0.value(column, epoch) }
      return values.isEmpty ? nil : Point(epoch: epoch, values)
    }
    return points.isEmpty ? nil : Curve(column: column, group: group, points: points)
  }

  /// A mean over runs of different settings, or a spread over one run counted twice, would mislead.
  private static func check(_ runs: [Run], _ group: String, _ grouping: String) throws {
    for (index, run) in runs.enumerated() {
      for other in runs[..<index] {
        func refuse(_ problem: String, _ found: String) -> InputError {
          InputError(
            problem, at: "\(other.path) and \(run.path), both of \(grouping) \(group)", found: found,
            wanted: "runs that differ in the seed alone; '\(byRun)' groups each by itself")
        }
        for (key, value) in run.settings where other.settings[key] != value {
          throw refuse("different settings in one group", "\(key) \(other.settings[key] ?? "unread") and \(value)")
        }
        if run.seed == other.seed { throw refuse("the same settings and seed twice", "seed \(run.seed)") }
      }
    }
  }

  private static func check(
    _ log: LoggedSearches, _ runs: [Run], beside groups: [String], columns: [String], _ reference: String?
  ) throws {
    if let reference {
      throw InputError(
        "nothing to subtract from a log, whose runs share no seed with others", at: .setting("minus"), found: reference,
        wanted: "no log")
    }
    if let taken = runs.map(\.group).first(where: groups.contains) {
      throw InputError(
        "a log has the name of a group of runs", at: .setting(taken == log.name ? "log_name" : "log_runs"), found: taken,
        wanted: "another name")
    }
    guard log.absent(of: columns) != columns else {
      throw InputError(
        "the log has none of the columns", at: .setting("column"), found: columns.joined(separator: ", "),
        wanted: Set(log.runs.flatMap(\.values.keys)).sorted().filter { log.absent(of: [$0]).isEmpty }
          .joined(separator: ", "))
    }
  }

  private static func subtract(_ reference: String, from runs: [Run], _ groups: [String]) throws -> [Run] {
    guard groups.contains(reference) else {
      throw InputError(
        "no such group to subtract", at: .setting("minus"), found: reference,
        wanted: "one of \(groups.joined(separator: ", "))")
    }
    return try runs.map { run in
      guard let other = runs.first(where: { $0.group == reference && $0.seed == run.seed }) else {
        throw InputError(
          "nothing to subtract", at: .file(run.path), found: "no run of \(reference) on seed \(run.seed)",
          wanted: "a run of \(reference) on each seed")
      }
      var result = run
      for (column, values) in run.values {
        result.values[column] = zip(run.epochs, values).map { epoch, value in
          guard let value, let subtracted = other.value(column, epoch) else { return nil }
          return value - subtracted
        }
      }
      return result
    }
  }

  private static func differences(_ runs: [Run], _ grouping: String) -> [String] {
    SearchConfiguration.fields.map(\.key).compactMap { key in
      var values: [String] = []
      for value in runs.compactMap({ $0.settings[key] }) where !values.contains(value) { values.append(value) }
      return values.count > 1 && key != grouping ? "\(key) \(values.joined(separator: ", "))" : nil
    }
  }

  /// What one run contributes.
  private struct Run {
    let path: String
    let group: String
    let seed: UInt64
    /// Settings that a result of the run's method depends on, but the seed.
    let settings: [String: String]
    let epochs: [Int]
    /// By column, one value an epoch; nil where the run does not have the quantity.
    var values: [String: [Double?]]

    func value(_ column: String, _ epoch: Int) -> Double? {
      epochs.firstIndex(of: epoch).flatMap { values[column]?[$0] }
    }

    init(_ logged: LoggedSearches.Run, group: String) {
      (path, self.group, seed, settings) = (logged.name, group, 0, [:])
      (epochs, values) = (logged.epochs, logged.values)
    }

    init(_ files: SearchRunFolder, columns: [String], grouping: String) throws {
      try files.requireOneRun()
      let configuration = try files.configuration()
      path = files.metricsPath
      seed = configuration.seed
      let read = SearchConfiguration.fields.filter {
        configuration.takes($0.key) && $0.key != "seed" && !SearchConfiguration.housekeeping.contains($0.key)
      }
      settings = Dictionary(uniqueKeysWithValues: read.map { ($0.key, $0.write(configuration)) })
      group =
        grouping == LearningCurves.byRun
        ? URL(fileURLWithPath: files.folder.path).lastPathComponent
        : SearchConfiguration.field(grouping)?.write(configuration) ?? ""
      let table = try CSVTable(readingFrom: files.metricsPath)
      let epochs = try table.integers("epoch", RunBounds.epochs)
      guard !epochs.isEmpty else {
        throw InputError("no finished epoch", at: .file(path), found: "no row", wanted: "one row an epoch")
      }
      try EpochRecord.table.check(table)
      // Tables of others, without the files of a run beside them, have nothing to be held against.
      if !files.checkpoints().isEmpty { try files.checkHistory() }
      self.epochs = epochs
      var values: [String: [Double?]] = [:]
      for column in columns {
        values[column] = try table.optionalDoubles(column, .finite)
      }
      self.values = values
    }
  }
}
