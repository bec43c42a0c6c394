import Formats
import Foundation
import Runs

/// The files of a comparison: compare.yaml, comparison.csv, comparison-summary.csv, comparison-tests.csv, a run folder for
/// each run under runs/, and the shared warm-ups under warmups/, which are run folders too.
public struct ComparisonFolder: Equatable, Sendable {
  public let folder: OutputFolder

  public init(_ folder: OutputFolder) { self.folder = folder }

  /// A folder that a comparison has written.
  ///
  /// - Throws: `InputError` where there is no such folder.
  public init(existing path: String) throws { folder = try OutputFolder.existing(at: path) }

  public var planPath: String { folder.file("compare.yaml") }
  public var tablePath: String { folder.file("comparison.csv") }
  public var summaryPath: String { folder.file("comparison-summary.csv") }
  public var testsPath: String { folder.file("comparison-tests.csv") }

  /// The plan as compare.yaml has it; its epochs are those before a budget of steps changes them.
  ///
  /// - Throws: `InputError` where the file cannot be read, and where it is no plan.
  public func plan(lists: ComparisonPlan.Lists = .init(), overrides: ComparisonPlan.Overrides = .init()) throws
    -> ComparisonPlan
  {
    let text = try String(decoding: FileBytes.read(planPath), as: UTF8.self)
    return try ComparisonPlan(yaml: text, from: planPath, lists: lists, overrides: overrides)
  }

  /// The folder of a run, whether it is there or not.
  public func run(_ run: ComparisonPlan.Run) -> SearchRunFolder { SearchRunFolder(unchecked: folder.file(run.path)) }

  /// The folder of the warm-up that a run starts from, whether it is there or not. Datasets have folders of their own, as
  /// those of the runs: two of one kind are told apart by nothing else in the settings.
  package func warmup(of run: ComparisonPlan.Run) -> SearchRunFolder {
    let shared = run.configuration.sharedWarmup.withoutHousekeeping
    let check = String(CRC32C.value(of: Array(shared.bareYAML.utf8)), radix: 16)
    let data = run.path.split(separator: "/").dropFirst().dropLast().map { "\($0)/" }.joined()
    return SearchRunFolder(
      unchecked: folder.file("warmups/\(data)\(shared.space.rawValue)-\(shared.seed)-\(check)"))
  }

  /// What runs were begun with, and the checkpoint that says so.
  package struct KnownData: Equatable, Sendable {
    let data: RunData
    let path: String

    package init(data: RunData, path: String) { (self.data, self.path) = (data, path) }
  }

  /// Of each dataset of a plan what the first of its runs that has begun says.
  func knownData(of plan: ComparisonPlan) -> [String: KnownData] {
    var result: [String: KnownData] = [:]
    for run in plan.runs where result[run.configuration.dataset] == nil {
      // What cannot be read fails where its run goes on.
      guard let path = try? self.run(run).latestCheckpointPath(), let file = try? TensorFile(readingFrom: path),
        let data = RunData(metadata: file.metadata)
      else { continue }
      result[run.configuration.dataset] = KnownData(data: data, path: path)
    }
    return result
  }

  /// - Parameter checksum: of the data that a dataset's name leads to today.
  /// - Throws: `InputError` where runs of the plan were begun with others; what `checksum` throws.
  public func requireData(of plan: ComparisonPlan, checksum: (_ dataset: String) throws -> String) throws {
    let known = knownData(of: plan)
    for dataset in plan.datasets {
      let present = RunData(dataset: dataset, checksum: try checksum(dataset))
      if let earlier = known[dataset] { try present.require(sameAs: earlier.data, from: earlier.path) }
    }
  }

  /// Every run with the state of its folder.
  public func rows(of plan: ComparisonPlan) -> [ComparisonRow] {
    plan.runs.map { ComparisonRow(run: $0, files: run($0), failure: nil) }
  }
}

extension SearchRunFolder {
  /// Whether the search has come to its end: its architecture is the last that it writes.
  public var isFinished: Bool { FileManager.default.fileExists(atPath: genotypePath) }
  /// Whether the search has left anything to go on with.
  var isStarted: Bool { !checkpoints().isEmpty }
}
