import Compute
import Formats
import Foundation
import Runs

/// How a job of a suite ended, and what of it stands in tables: the one row of `jobs/KEY.csv`, which is written when all else
/// of the job is on disk. A job with such a file has ended.
public struct SuiteRecord: Equatable, Sendable {
  public enum Status: String, CaseIterable, Sendable {
    case finished
    /// A loss left the finite range, in it or in all that it needs: it would again.
    case diverged
    /// Anything else; it may be tried again.
    case failed
  }

  /// The key of the job.
  public var job: String
  public var status: Status
  /// Why it is not finished, in a line; empty where it is.
  public var reason = ""
  /// Where it ended, by which process, and when by its clock (ISO 8601).
  public var host = ""
  public var process = 0
  public var ended = ""
  /// Of the process that ended it.
  public var threads = 0
  /// Wall time of its epochs, whichever process computed them; those of a shared warm-up count in each search.
  public var seconds = 0.0
  /// Training steps on ω or copies of it, and passes for gradients of α besides, as `SearchCost` counts them.
  public var trainingSteps = 0
  public var alphaGradients = 0
  /// What was found, chosen or trained.
  public var genotype = ""
  /// Of a search, and of one that was chosen.
  public var normalSkips: Int?
  public var reduceSkips: Int?
  /// The verdict of `zarts diagnose --quick`, and the epoch since when it is collapsed.
  public var verdict = ""
  public var collapsedSince: Int?
  /// Of a search that of its supernet; of a choice that of the chosen network on held-out images after its short training.
  public var validationAccuracy: Double?
  /// Of a retraining, after its last epoch.
  public var testAccuracy: Double?
  /// Of a choice, and of what it needs: the seed of the search.
  public var searchSeed: UInt64?
  /// The name of the variant that found it; empty where the plan has none of the method.
  public var variant = ""

  public init(job: String, status: Status) { (self.job, self.status) = (job, status) }

  static let columns = [
    "job", "status", "reason", "host", "process", "ended", "threads", "seconds", "training_steps", "alpha_gradients",
    "genotype", "skips_normal", "skips_reduce", "verdict", "collapsed_since", "validation_accuracy", "test_accuracy",
    "search_seed",
  ]

  /// Records as a table: with a last column `variant` where any is of one.
  static func table(of records: [SuiteRecord]) -> (columns: [String], rows: [[CSVField]]) {
    guard records.contains(where: { !$0.variant.isEmpty }) else { return (columns, records.map(\.fields)) }
    return (columns + [variantColumn], records.map { $0.fields + [.text($0.variant)] })
  }

  private static let variantColumn = "variant"

  private var fields: [CSVField] {
    func whole(_ value: Int?) -> CSVField { value.map(CSVField.integer) ?? .text("") }
    func real(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    return [
      .text(job), .text(status.rawValue), .text(reason), .text(host), .integer(process), .text(ended), .integer(threads),
      .real(seconds), .integer(trainingSteps), .integer(alphaGradients), .text(genotype), whole(normalSkips),
      whole(reduceSkips), .text(verdict), whole(collapsedSince), real(validationAccuracy), real(testAccuracy),
      .text(searchSeed.map(String.init) ?? ""),
    ]
  }

  /// - Throws: `InputError` where the file cannot be written.
  package func write(to path: String) throws {
    let table = Self.table(of: [self])
    try CSVWriter.write(columns: table.columns, rows: table.rows, to: path)
  }

  /// - Throws: `InputError` that names file, row and column where the file is no such record.
  init(readingFrom path: String) throws {
    let table = try CSVTable(readingFrom: path)
    func text(_ name: String) throws -> String { try table.column(name)[0] }
    guard table.rows.count == 1 else {
      throw InputError("not the record of a job", at: .file(path), found: "\(table.rows.count) rows", wanted: "1")
    }
    let name = try text("status")
    guard let status = Status(rawValue: name) else {
      throw table.failure(
        "unknown status", row: 0, column: "status", found: name,
        expected: Status.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self.init(job: try text("job"), status: status)
    (reason, host, ended) = (try text("reason"), try text("host"), try text("ended"))
    process = try table.integers("process")[0]
    threads = try table.integers("threads", RunBounds.threads)[0]
    seconds = try table.doubles("seconds", .notNegative)[0]
    trainingSteps = try table.integers("training_steps", RunBounds.weightSteps)[0]
    alphaGradients = try table.integers("alpha_gradients", RunBounds.weightSteps)[0]
    genotype = try text("genotype")
    normalSkips = try table.optionalIntegers("skips_normal", RunBounds.cellEdges)[0]
    reduceSkips = try table.optionalIntegers("skips_reduce", RunBounds.cellEdges)[0]
    verdict = try text("verdict")
    collapsedSince = try table.optionalIntegers("collapsed_since", RunBounds.epochs)[0]
    validationAccuracy = try table.optionalDoubles("validation_accuracy", .fraction)[0]
    testAccuracy = try table.optionalDoubles("test_accuracy", .fraction)[0]
    let seed = try text("search_seed")
    searchSeed = UInt64(seed)
    if table.columns.contains(Self.variantColumn) { variant = try text(Self.variantColumn) }
    guard seed.isEmpty || searchSeed != nil else {
      throw table.failure("not a number", row: 0, column: "search_seed", found: seed, expected: "a seed, or nothing")
    }
  }
}
