import Cells
import Formats
import Foundation

/// One run of a comparison: what it found and what that cost. Losses are in nats, entropies too.
public struct ComparisonRow: Equatable, Sendable {
  public enum Status: String, Sendable {
    case finished
    /// Stopped, or not at its end yet; it goes on where the comparison does.
    case unfinished
    /// Not begun.
    case waiting
    /// A loss left the finite range.
    case diverged
    case failed
  }

  /// Why a run has not come to its end.
  public struct Failure: Equatable, Sendable {
    public var status: Status
    /// In one line.
    public var reason: String

    public init(status: Status, reason: String) {
      self.status = status
      self.reason = reason
    }
  }

  public let space: SearchSpace
  public let dataset: String
  public let method: SearchMethod
  /// The name of the method's variant; nil where the plan has none of it.
  public let variant: String?
  public let seed: UInt64
  public let status: Status
  /// Of the epoch that the search returns as things stand; nil before the first is finished.
  public let result: SearchRunFolder.Result?
  /// Of every epoch that the run has finished, warm-up included.
  public let cost: SearchCost
  /// Wall time of these epochs; a shared warm-up counts in each run.
  public let seconds: Double
  /// Epochs of the settings.
  public let epochs: Int
  /// Why it failed; nil where it did not.
  public let error: String?
  /// The run's folder, seen from that of the comparison.
  public let path: String

  /// Reads the run's folder. What cannot be read fails the run, not the comparison.
  public init(run: ComparisonPlan.Run, files: SearchRunFolder, failure: Failure?) {
    let configuration = run.configuration
    (space, dataset, method) = (configuration.space, configuration.dataset, configuration.method)
    (seed, epochs, path, variant) = (configuration.seed, configuration.epochs, run.path, run.variant?.name)
    var (failure, records, abandoned) = (failure, [EpochRecord](), [EpochRecord]())
    var result: SearchRunFolder.Result?
    do {
      if FileManager.default.fileExists(atPath: files.metricsPath) { records = try files.metrics() }
      result = try files.result()
      abandoned = try files.abandonedMetrics()
    } catch {
      failure = failure ?? Failure(status: .failed, reason: "\(error)".replacing("\n", with: " "))
    }
    self.result = result
    cost = SearchCost(of: records, abandoned: abandoned, configuration)
    seconds = (records + abandoned).reduce(0) { $0 + $1.seconds }
    error = failure?.reason
    status = failure?.status ?? (files.isFinished ? .finished : files.isStarted ? .unfinished : .waiting)
  }

  public static let columns = [
    "space", "dataset", "method", "seed", "status", "validation_loss", "validation_accuracy", "skips_normal",
    "skips_reduce", "entropy_normal", "entropy_reduce", "genotype", "weight_steps", "seconds", "error", "alpha_gradients",
    "epoch", "finished_epochs", "epochs", "folder",
  ]

  public var contender: SearchContender { SearchContender(method, variant: variant) }

  /// The content of comparison.csv: with a last column `variant` where any row is of one.
  static func table(of rows: [ComparisonRow]) -> (columns: [String], rows: [[CSVField]]) {
    guard rows.contains(where: { $0.variant != nil }) else { return (columns, rows.map(\.fields)) }
    return (columns + ["variant"], rows.map { $0.fields + [.text($0.variant ?? "")] })
  }

  /// The row of comparison.csv, but for the variant.
  public var fields: [CSVField] {
    func real(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    func whole(_ value: Int?) -> CSVField { value.map(CSVField.integer) ?? .text("") }
    let record = result?.record
    return [
      .text(space.rawValue), .text(dataset), .text(method.rawValue), .text("\(seed)"), .text(status.rawValue),
      real(record?.validationLoss), real(record?.validationAccuracy), whole(record?.skipConnections),
      whole(record?.reduceSkipConnections), real(record?.normalEntropy), real(record?.reduceEntropy),
      .text(result?.genotype?.line ?? ""), .integer(cost.weightSteps), .real(seconds), .text(error ?? ""),
      .integer(cost.alphaGradients), whole(record?.epoch), .integer(result?.finished ?? 0), .integer(epochs), .text(path),
    ]
  }
}

/// A number that runs are compared by.
public enum ComparisonQuantity: String, CaseIterable, Sendable {
  case validationLoss = "validation_loss"
  case validationAccuracy = "validation_accuracy"
  case normalSkips = "skips_normal"
  case reduceSkips = "skips_reduce"
  case normalEntropy = "entropy_normal"
  case reduceEntropy = "entropy_reduce"
  case weightSteps = "weight_steps"
  case seconds

  /// Whether it says how good a result is, rather than what it cost.
  public var isOutcome: Bool { self != .weightSteps && self != .seconds }

  /// Its value in a run; nil where the run does not have it.
  public func value(in row: ComparisonRow) -> Double? {
    let record = row.result?.record
    return switch self {
    case .validationLoss: record?.validationLoss
    case .validationAccuracy: record?.validationAccuracy
    case .normalSkips: record?.skipConnections.map(Double.init)
    case .reduceSkips: record?.reduceSkipConnections.map(Double.init)
    case .normalEntropy: record?.normalEntropy
    case .reduceEntropy: record?.reduceEntropy
    case .weightSteps: record == nil ? nil : Double(row.cost.weightSteps)
    case .seconds: record == nil ? nil : row.seconds
    }
  }
}
