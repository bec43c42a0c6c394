import Figures
import Formats
import Landscape
import Studies

/// Statistics of several fidelity studies by the epochs of their checkpoints: a line for each objective of each group of
/// studies.
public struct FidelityByEpoch {
  /// A statistic of `fidelity.csv`.
  public struct Statistic: Hashable, Sendable {
    public let name: String
    /// nil for the one over all radii.
    public let radius: Double?

    /// Reads `spearman` or, of one radius, `spearman@0.5`.
    ///
    /// - Throws: `InputError` for anything else.
    public init(parsing text: String) throws {
      let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let radius = parts.count > 1 ? Double(parts[1]) : nil
      guard !parts[0].isEmpty, parts.count == 1 || radius.map({ $0 > 0 && $0.isFinite }) == true else {
        throw InputError(
          "no statistic", at: .setting("statistic"), found: "'\(text)'",
          wanted: "a name of fidelity.csv, or with a radius, as in spearman@0.5")
      }
      (name, self.radius) = (parts[0], radius)
    }

    /// What `init(parsing:)` reads.
    public var label: String { name + (radius.map { "@\(Numeral.short($0))" } ?? "") }
  }

  public struct Point: Equatable, Sendable {
    public let epoch: Int
    public let value: Double
    public let interval: StatedInterval?
  }

  public struct Line: Sendable {
    public let group: String
    /// The label of an objective, or of an estimator of the gradient: `first`, `true:1`, `rs:10`.
    public let objective: String
    /// The objective itself; nil of an estimator.
    public let loss: Objective?
    /// Ascending epochs of each statistic; none where no study has it.
    public fileprivate(set) var points: [Statistic: [Point]]

    /// Of all statistics, ascending.
    public var epochs: [Int] { Set(points.values.flatMap { $0.map(\.epoch) }).sorted() }

    /// nil where no study of that epoch has the statistic.
    public func point(_ statistic: Statistic, at epoch: Int) -> Point? {
      points[statistic]?.first { $0.epoch == epoch }
    }
  }

  public let statistics: [Statistic]
  /// The setting that groups are told apart by.
  public let grouping: String
  public let groups: [String]
  /// By group, then by objective, in the order of what was asked for.
  public let lines: [Line]
  /// The true loss that all are held against.
  public let truth: Objective
  /// Settings that differ between studies, besides those of the search and of the checkpoint.
  public let differences: [String]
  /// Groups whose checkpoints lie in several runs of one method and seed, and those runs.
  public let mixed: [(group: String, runs: [String])]
  /// Of a study, for captions.
  let text: PlotText
  /// Whether the checkpoints are of networks and data that one sentence describes.
  let isOfOneNetwork: Bool

  /// Settings that follow from the checkpoint, or name it.
  private static let ofCheckpoint: Set<String> = [
    "checkpoint", "finished_epochs", "epoch", "batch_epoch", "batch_step", "inner_learning_rate", "unrolled_learning_rate",
    "state_sha256",
  ]
  /// Settings of the search, which one line has in common.
  private static let ofSearch = ["space", "method", "seed"]

  /// - Parameters:
  ///   - folders: of studies; each of a checkpoint of a run.
  ///   - objectives: labels of what is shown.
  ///   - grouping: a setting of `fidelity.yaml`.
  /// - Throws: `InputError` where a folder holds no finished study or does not say of which epoch it is, truths differ, two
  ///   studies would be one point, or no study has a statistic or an objective.
  public init(
    of folders: [PlotFolder], statistics: [Statistic], objectives: [String], by grouping: String
  ) throws {
    for folder in folders { try Study.requireFinished(folder) }
    let offered = folders.flatMap { Array($0.settings.keys) }.unique().sorted().filter { !Self.ofCheckpoint.contains($0) }
    guard offered.contains(grouping) else {
      throw InputError(
        "no setting that tells searches apart", at: .setting("by"), found: "'\(grouping)'",
        wanted: offered.joined(separator: ", "))
    }
    let studies = try folders.map { try Study($0, by: grouping) }
    guard let first = studies.first else { throw InputError("no study", at: .setting("studies"), wanted: "at least one") }
    for study in studies where study.truth != first.truth {
      throw InputError(
        "another truth than in \(first.folder.path)", at: .file(study.settingsPath, "objectives"),
        found: study.truth.label, wanted: first.truth.label)
    }
    (self.statistics, self.grouping, truth, text) = (statistics, grouping, first.truth, first.folder.text)
    groups = studies.map(\.group).unique()
    let rows = studies.flatMap(\.rows)
    for statistic in statistics where !rows.contains(where: { $0.name == statistic.name }) {
      throw InputError(
        "no study has it", at: .setting("statistic"), found: "'\(statistic.label)'",
        wanted: rows.map(\.name).unique().joined(separator: ", "))
    }
    let known = rows.filter { row in statistics.contains { $0.name == row.name } }.map(\.objectiveLabel).unique()
    for objective in objectives where !known.contains(objective) {
      throw InputError(
        "no study has it", at: .setting("objectives"), found: "'\(objective)'", wanted: known.joined(separator: ", "))
    }
    let losses = Dictionary(
      rows.compactMap { row in row.loss.map { ($0.label, $0) } }, uniquingKeysWith: { first, _ in first })
    lines = try groups.flatMap { group in
      let mine = try Self.ascending(studies.filter { $0.group == group }, grouping)
      try Self.requireOneSearch(mine)
      return objectives.map { objective in
        Line(
          group: group, objective: objective, loss: losses[objective],
          points: Dictionary(
            uniqueKeysWithValues: statistics.map { statistic in
              (statistic, mine.compactMap { $0.point(statistic, of: objective) })
            }))
      }
    }
    for statistic in statistics where lines.allSatisfy({ $0.points[statistic]?.isEmpty != false }) {
      let radii = rows.filter { $0.name == statistic.name }.compactMap(\.radius).unique().sorted()
      throw InputError(
        "no study has it at this radius", at: .setting("statistic"), found: "'\(statistic.label)'",
        wanted: radii.isEmpty
          ? statistic.name : radii.map { "\(statistic.name)@\(Numeral.short($0))" }.joined(separator: ", "))
    }
    mixed = groups.compactMap { group in
      let runs = studies.filter { $0.group == group }.compactMap(\.run).unique()
      return runs.count > 1 ? (group, runs) : nil
    }
    let networks = Set(studies.map { $0.folder.text.network })
    isOfOneNetwork = networks.count == 1
    let keys = studies.flatMap { Array($0.folder.settings.keys) }.unique().sorted()
    differences = keys.filter { key in
      !Self.ofCheckpoint.contains(key) && !Self.ofSearch.contains(key) && key != grouping && !key.hasPrefix("alpha_norm")
        && Set(studies.map { $0.folder.settings[key] }).count > 1
    }
  }

  /// - Throws: `InputError` where a line would go from one search to another.
  private static func requireOneSearch(_ studies: [Study]) throws {
    for key in ofSearch {
      for (one, next) in zip(studies, studies.dropFirst()) where one.folder.settings[key] != next.folder.settings[key] {
        throw InputError(
          "of another search than \(one.folder.path), in one line", at: .file(next.settingsPath, key),
          found: next.folder.settings[key] ?? "none",
          wanted: "\(one.folder.settings[key] ?? "none"), or --by \(key)")
      }
    }
  }

  /// By epoch, one study each.
  private static func ascending(_ studies: [Study], _ grouping: String) throws -> [Study] {
    let sorted = studies.sorted { $0.epoch < $1.epoch }
    for (one, next) in zip(sorted, sorted.dropFirst()) where one.epoch == next.epoch {
      throw InputError(
        "two studies of one point", at: .file(next.folder.path),
        found: "\(one.folder.path) of epoch \(one.epoch) and of the same \(grouping) too",
        wanted: "one of them, or --by a setting in which they differ")
    }
    return sorted
  }
}

extension FidelityByEpoch {
  /// The tables of a folder of `zarts fidelity`.
  private struct Study {
    let folder: PlotFolder
    let rows: [FidelityRow]
    let epoch: Int
    let group: String
    let truth: Objective

    var settingsPath: String { folder.file("fidelity.yaml") }

    /// The folder of the run whose checkpoint it is; nil where the settings do not say.
    var run: String? {
      guard let checkpoint = folder.settings["checkpoint"], let end = checkpoint.range(of: "/checkpoints/") else {
        return nil
      }
      return String(checkpoint[..<end.lowerBound])
    }

    init(_ folder: PlotFolder, by grouping: String) throws {
      self.folder = folder
      rows = try FidelityRow.read(from: folder.file("fidelity.csv"))
      let settings = folder.settings
      let path = folder.file("fidelity.yaml")
      guard let epoch = (settings["finished_epochs"] ?? settings["epoch"]).flatMap({ Int($0) }) else {
        throw InputError(
          "does not say of which epoch it is", at: .file(path, "finished_epochs"), found: "none",
          wanted: "a study of a checkpoint of a run (--run and --epoch)")
      }
      guard let group = settings[grouping] else {
        throw InputError(
          "not told", at: .file(path, grouping), found: "none", wanted: "a value, as in the other studies, or another --by")
      }
      let objectives = try Objective.parse(list: settings["objectives"] ?? "")
      guard let truth = objectives.truth else {
        throw InputError(
          "no true loss", at: .file(path, "objectives"), found: settings["objectives"] ?? "none",
          wanted: "true with at least 1 inner step")
      }
      (self.epoch, self.group, self.truth) = (epoch, group, truth)
    }

    static func requireFinished(_ folder: PlotFolder) throws {
      guard folder.has("fidelity.csv") else {
        throw InputError(
          "no finished study of fidelity", at: .file(folder.path), found: folder.kinds.map(\.name).joined(separator: ", "),
          wanted: "a folder of zarts fidelity with its fidelity.csv")
      }
    }

    func point(_ statistic: Statistic, of objective: String) -> Point? {
      let mine = rows.filter { $0.name == statistic.name && $0.objectiveLabel == objective }
      // A single radius is all radii.
      let row = mine.first { $0.radius == statistic.radius } ?? (statistic.radius == nil && mine.count == 1 ? mine[0] : nil)
      return row.map { Point(epoch: epoch, value: $0.value, interval: $0.interval) }
    }
  }
}

extension FidelityRow {
  /// nil where it is of an estimator of the gradient.
  var loss: Objective? { Objective(name: objective, innerSteps: innerSteps) }
  /// `first`, `true:1`, or of an estimator its name and inner steps: `rs:10`.
  var objectiveLabel: String { loss?.label ?? "\(objective):\(innerSteps)" }
}
