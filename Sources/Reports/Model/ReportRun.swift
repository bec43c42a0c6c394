import Cells
import Formats
import Foundation
import Retraining
import Runs
import Search

/// A folder of `zarts search` or `zarts retrain`, as far as its files go.
public struct ReportRun: Sendable {
  public enum Kind: Equatable, Sendable { case search, retraining }

  public let path: String
  /// Name of the folder; that of a stage or a round with its search's.
  public let name: String
  public let kind: Kind
  public internal(set) var settings: Settings
  /// nil before the first epoch is finished.
  public let metrics: CSVTable?
  public let alphas: AlphaCourse?
  /// The architecture of each epoch, a Python line each.
  public let genotypes: [String]
  public let log: RunLog
  public let diagnosis: ReportDiagnosis?
  /// Epoch, counted from 1, whose row and architecture the run returns; nil before one is finished.
  public let resultEpoch: Int?
  /// Whether the search stopped early and went back to that epoch.
  public let isEarly: Bool
  /// How the search went back and was regularised more; empty where it never did.
  public let rollBacks: [RollBack]

  /// - Throws: `InputError` naming the file that cannot be used.
  init(_ path: String, access: FolderAccess) throws {
    self.path = path
    name = Self.name(of: path)
    let settingsPath = "\(path)/config.yaml"
    let text = try access.text(settingsPath)
    settings = try Settings(text, path: settingsPath)
    kind = settings["genotype"] != nil && settings["method"] == nil ? .retraining : .search
    metrics = try access.table("\(path)/metrics.csv")
    if let metrics {
      switch kind {
      case .search: try EpochRecord.table.check(metrics)
      case .retraining: try RetrainingRecord.table.check(metrics)
      }
    }
    let configuration = kind == .search ? try? SearchConfiguration(yaml: text, from: settingsPath) : nil
    let hasBeta = configuration?.edgeNormalisation ?? (settings["edge_normalisation"] == "true")
    let alphasPath = "\(path)/\(AlphaHistory.fileName)"
    alphas = try access.array(alphasPath).map { file in
      try AlphaCourse(
        AlphaHistory(
          file, path: alphasPath, hasEdgeColumn: hasBeta, kinds: configuration?.space.kinds ?? .darts),
        operations: configuration?.operations)
    }
    func lines(_ name: String) throws -> [String] {
      guard try access.hasFile("\(path)/\(name)") else { return [] }
      return try access.text("\(path)/\(name)").split(separator: "\n").map(String.init)
    }
    let history = try lines("genotypes.txt")
    genotypes = history.isEmpty ? try lines("genotype.txt") : history
    log = RunLog(try lines("log.txt").joined(separator: "\n"))
    diagnosis = try ReportDiagnosis(besides: path, access: access)
    try Self.checkHistory(path, kind: kind, hasMetrics: metrics != nil, access: access)
    let epochs = try Self.epochs(of: metrics)
    // Files that are not those of a search of ours still make a report of their last epoch.
    let result = configuration.flatMap { configuration in
      epochs.isEmpty || configuration.earlyStopping == nil ? nil : try? SearchRunFolder(existing: path).result()
    }
    resultEpoch = result?.record.epoch ?? epochs.last
    isEarly = result?.isEarly ?? false
    // Read as a table first, which asks whether it may be.
    let returns = try access.table("\(path)/\(SearchRunFolder.rollBacksName)")
    rollBacks = returns == nil ? [] : try SearchRunFolder(existing: path).rollBacks()
  }

  /// What the files say of each other; tables of others, without checkpoints beside them, are taken as they are.
  private static func checkHistory(_ path: String, kind: Kind, hasMetrics: Bool, access: FolderAccess) throws {
    guard hasMetrics, try access.hasFolder("\(path)/checkpoints") else { return }
    let run: any RunFolder =
      switch kind {
      case .search: try SearchRunFolder(existing: path)
      case .retraining: try RetrainingFolder(existing: path)
      }
    let checkpoints = try run.checkpoints().filter { try access.hasFile($0.path) }
    if !checkpoints.isEmpty { try run.checkHistory() }
  }

  /// Epochs finished.
  public var finishedEpochs: Int { (try? Self.epochs(of: metrics).last) ?? 0 }
  public var wantedEpochs: Int? { settings["epochs"].flatMap { Int($0) } }

  /// A cell of metrics.csv as written; nil where the column or the row is absent or the cell is empty.
  public func metric(_ column: String, epoch: Int) -> String? {
    guard let metrics, let place = metrics.columns.firstIndex(of: column),
      let row = try? Self.epochs(of: metrics).firstIndex(of: epoch)
    else { return nil }
    return metrics.rows[row][place].isEmpty ? nil : metrics.rows[row][place]
  }

  /// Which accuracies of a retraining its last tested epoch and the best one have; nil where none was tested.
  struct Retrained: Equatable {
    /// `test`, or `validation` where training images were held out.
    let split: String
    let last: Int
    /// The first of equal ones.
    let best: Int
  }

  var retrained: Retrained? {
    guard kind == .retraining, let metrics, let epochs = try? Self.epochs(of: metrics) else { return nil }
    for split in ["test", "validation"] where metrics.columns.contains("\(split)_accuracy") {
      guard let values = try? metrics.optionalDoubles("\(split)_accuracy") else { continue }
      let tested = zip(epochs, values).compactMap { epoch, value in value.map { (epoch, $0) } }
      guard let first = tested.first, let last = tested.last else { continue }
      return Retrained(split: split, last: last.0, best: tested.reduce(first) { $1.1 > $0.1 ? $1 : $0 }.0)
    }
    return nil
  }

  /// The architecture that the run returns, or retrains.
  public var genotype: String? {
    if kind == .retraining { return settings["genotype"] }
    guard let resultEpoch else { return nil }
    return genotypes.indices.contains(resultEpoch - 1) ? genotypes[resultEpoch - 1] : genotypes.last
  }

  /// Wall time of all finished epochs in seconds.
  public var seconds: Double? {
    guard let cells = try? metrics?.doubles("seconds") else { return nil }
    return cells.reduce(0, +)
  }

  /// What tells the run from others in one report: its method and seed, or its folder.
  public var label: String { name }

  /// The command that repeats the run, whatever it was started with.
  public var repetition: String {
    "zarts \(kind == .search ? "search" : "retrain") --config \(Provenance.shellQuoted(settings.path)) --out DIR"
  }

  private static func epochs(of table: CSVTable?) throws -> [Int] { try table?.integers("epoch") ?? [] }

  static func name(of path: String) -> String {
    let url = URL(fileURLWithPath: path).standardizedFileURL
    let parent = url.deletingLastPathComponent().lastPathComponent
    let isPart = ["stage-", SearchRunFolder.roundPrefix].contains { url.lastPathComponent.hasPrefix($0) }
    return (isPart ? parent + "/" : "") + url.lastPathComponent
  }
}

/// What `zarts diagnose` found in a run.
public struct ReportDiagnosis: Sendable {
  /// diagnosis.yaml: verdict, epoch, evidence, thresholds.
  public let verdict: Settings?
  /// diagnosis.txt: the same in sentences.
  public let text: String?
  /// diagnosis.csv: the quantities by epoch.
  public let table: CSVTable?

  /// The files in a run's folder or in its subfolder `diagnosis`; nil where there are none.
  init?(besides run: String, access: FolderAccess) throws {
    let folder = try access.hasFolder("\(run)/diagnosis") ? "\(run)/diagnosis" : run
    let yaml = "\(folder)/diagnosis.yaml"
    verdict = try access.hasFile(yaml) ? Settings(access.text(yaml), path: yaml) : nil
    let sentences = "\(folder)/diagnosis.txt"
    text = try access.hasFile(sentences) ? access.text(sentences) : nil
    table = try access.table("\(folder)/diagnosis.csv")
    if verdict == nil, text == nil, table == nil { return nil }
  }
}
