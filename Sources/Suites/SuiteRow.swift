import Cells
import Datasets
import Formats
import Foundation
import Search

/// What is known of a cell of the table: one method on one space and dataset.
public struct SuiteRow: Equatable, Sendable {
  /// Without its place.
  public let dataset: String
  public let space: String
  public let method: String
  /// Jobs of the cell that are finished, and all of them, shared warm-ups left out.
  public let finished: Int
  public let jobs: Int
  /// Searches that ended without divergence, those that diverged, and of the former those that are collapsed.
  public let searches: Int
  public let diverged: Int
  public let collapsed: Int
  /// Test errors, fractions, in the order of the retrainings.
  public let errors: [Double]
  /// Skip connections of the trained networks, mean where they are several.
  public let normalSkips: Double?
  public let reduceSkips: Double?
  /// Of the chosen search; where each is trained, how many are collapsed.
  public let verdict: String
  /// Training steps and gradients of α of the searches.
  public let searchSteps: Int
  /// Wall time times threads, of the searches and of all.
  public let searchCoreHours: Double
  public let coreHours: Double
  /// The chosen architecture; empty where each is trained.
  public let genotype: String
  /// The name of the variant that found it; empty where the method has none.
  public let variant: String
  /// Why something is missing; empty where nothing failed or diverged.
  public let reason: String

  public var mean: Double? { errors.isEmpty ? nil : errors.reduce(0, +) / Double(errors.count) }
  /// Sample deviation; nil below two.
  public var deviation: Double? {
    guard let mean, errors.count > 1 else { return nil }
    return (errors.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(errors.count - 1)).squareRoot()
  }
  public var best: Double? { errors.min() }

  public init(
    dataset: String, space: String, method: String, finished: Int = 0, jobs: Int = 0, searches: Int = 0, diverged: Int = 0,
    collapsed: Int = 0, errors: [Double] = [], normalSkips: Double? = nil, reduceSkips: Double? = nil, verdict: String = "",
    searchSteps: Int = 0, searchCoreHours: Double = 0, coreHours: Double = 0, genotype: String = "", reason: String = "",
    variant: String = ""
  ) {
    (self.dataset, self.space, self.method) = (dataset, space, method)
    (self.finished, self.jobs, self.searches, self.diverged) = (finished, jobs, searches, diverged)
    (self.collapsed, self.errors, self.verdict) = (collapsed, errors, verdict)
    (self.normalSkips, self.reduceSkips) = (normalSkips, reduceSkips)
    (self.searchSteps, self.searchCoreHours, self.coreHours) = (searchSteps, searchCoreHours, coreHours)
    (self.genotype, self.reason, self.variant) = (genotype, reason, variant)
  }

  /// - Parameters:
  ///   - number: of the cell in the plan.
  ///   - records: of the jobs of the plan, in their order; nil for those that have not ended.
  init(of number: Int, in plan: SuitePlan, _ records: [SuiteRecord?]) {
    let cell = plan.cells[number]
    let own = plan.jobs.indices.filter { plan.jobs[$0].cell == number }
    func found(_ kind: SuiteJob.Kind) -> [SuiteRecord] {
      own.filter { plan.jobs[$0].kind == kind }.compactMap { records[$0] }
    }
    let ended = own.compactMap { records[$0] }
    let searched = found(.search).filter { $0.status == .finished }
    let trained = found(.retrain).filter { $0.status == .finished }
    let choice = found(.choose).first { $0.status == .finished }
    let sources = plan.networks == .each ? searched : choice.map { [$0] } ?? []
    func mean(_ values: [Int]) -> Double? {
      values.isEmpty ? nil : Double(values.reduce(0, +)) / Double(values.count)
    }
    func hours(_ records: [SuiteRecord]) -> Double {
      records.reduce(0) { $0 + $1.seconds * Double($1.threads) } / 3600
    }
    let collapsed = searched.count { $0.verdict == "collapsed" }
    self.init(
      dataset: plan.title(of: cell), space: cell.space.rawValue, method: cell.method.rawValue,
      finished: ended.count { $0.status == .finished }, jobs: own.count, searches: searched.count,
      diverged: found(.search).count { $0.status == .diverged }, collapsed: collapsed,
      errors: trained.compactMap { $0.testAccuracy.map { 1 - $0 } }, normalSkips: mean(sources.compactMap(\.normalSkips)),
      reduceSkips: mean(sources.compactMap(\.reduceSkips)),
      verdict: plan.networks == .each && !searched.isEmpty
        ? "\(collapsed) of \(searched.count) collapsed" : choice?.verdict ?? "",
      searchSteps: searched.reduce(0) { $0 + $1.trainingSteps + $1.alphaGradients },
      searchCoreHours: hours(found(.search)), coreHours: hours(ended), genotype: choice?.genotype ?? "",
      reason: ended.first { $0.status != .finished }?.reason ?? "", variant: choice?.variant ?? "")
  }

  public static let columns = [
    "dataset", "space", "method", "finished_jobs", "jobs", "searches", "diverged", "collapsed", "networks", "test_error",
    "test_error_deviation", "test_error_best", "skips_normal", "skips_reduce", "verdict", "search_steps",
    "search_core_hours", "core_hours", "genotype", "reason",
  ]

  /// The row of suite.csv, but for the variant.
  public var fields: [CSVField] {
    func real(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    func count(_ value: Double?) -> CSVField { value.flatMap { Int(exactly: $0) }.map(CSVField.integer) ?? real(value) }
    return [
      .text(dataset), .text(space), .text(method), .integer(finished), .integer(jobs), .integer(searches),
      .integer(diverged), .integer(collapsed), .integer(errors.count), real(mean), real(deviation), real(best),
      count(normalSkips), count(reduceSkips), .text(verdict), .integer(searchSteps), .real(searchCoreHours),
      .real(coreHours), .text(genotype), .text(reason),
    ]
  }
}

extension SuitePlan {
  /// What tables call the dataset of a cell: its kind, with a number where several are of one kind.
  func title(of cell: Cell) -> String {
    let kinds = searches.datasets.map(DatasetSpecification.kind)
    let kind = DatasetSpecification.kind(of: cell.dataset)
    guard kinds.count(where: { $0 == kind }) > 1, let slash = cell.name.lastIndex(of: "/") else { return kind }
    return String(cell.name[..<slash])
  }
}
