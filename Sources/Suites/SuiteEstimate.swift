import Cells
import Compute
import Formats
import Foundation
import Problems
import Retraining
import Runs
import Search

/// What the jobs of a suite should cost: their training steps, counted from the plan, times the time of one, measured or
/// stated. Read and written as suite-estimate.csv.
///
/// A forward pass counts as a third of a training step. The ranking of random search is not counted.
public struct SuiteEstimate: Equatable, Sendable {
  public struct Row: Equatable, Sendable {
    /// The key of the job.
    public var job: String
    /// Training steps, of the job's own network.
    public var steps: Double
    /// Processors times seconds.
    public var coreSeconds: Double
  }

  /// Seconds of one training step times the threads that compute it.
  public struct Pace {
    public var search: (SearchConfiguration) throws -> Double
    public var retraining: (RetrainingConfiguration) throws -> Double

    public init(
      search: @escaping (SearchConfiguration) throws -> Double,
      retraining: @escaping (RetrainingConfiguration) throws -> Double
    ) {
      (self.search, self.retraining) = (search, retraining)
    }
  }

  /// In the order of the jobs of the plan.
  public let rows: [Row]

  /// - Parameter images: of a dataset by its name.
  /// - Throws: what `images` and `pace` throw.
  public init(of plan: SuitePlan, images: (String) throws -> SuiteImages, pace: Pace) throws {
    var known: [String: SuiteImages] = [:]
    rows = try plan.jobs.map { job in
      let run = job.run ?? job.cell.map { plan.cells[$0].runs[0] } ?? 0
      let search = plan.searches.runs[run].configuration
      let found = try known[search.dataset] ?? images(search.dataset)
      known[search.dataset] = found
      // Times are measured at 32×32; of networks for ImageNet at what they are published for.
      let scale = Double(found.side * found.side) / (32 * 32)
      switch job.kind {
      case .warmup, .search:
        // A shared warm-up is taken over.
        let shared = job.needs.isEmpty ? 0 : search.warmup
        let epochs = job.kind == .warmup ? job.epochs ?? 0 : search.epochs
        let steps = Self.steps(search, found, from: shared, to: epochs, moves: job.kind == .search)
        return Row(
          job: job.key, steps: steps, coreSeconds: try steps * pace.search(search) * (search.scale == .cifar ? scale : 1))
      case .choose, .retrain:
        let settings = try plan.retraining.configuration(genotype: Genotype.sample(of: search.space).line, of: search)
        let isBrief = job.kind == .choose
        let (each, passes) = found.retraining(settings, holdOut: isBrief)
        let networks = isBrief ? (job.needs.count > 1 ? job.needs.count : 0) : 1
        let (epochs, tests) = isBrief ? (plan.briefEpochs, plan.briefEpochs) : (settings.epochs, 1)
        let steps = Double(networks) * (Double(epochs * each) + Double(tests * passes) / 3)
        let atScale = settings.scale == .cifar ? scale : 1
        return Row(job: job.key, steps: steps, coreSeconds: try steps * pace.retraining(settings) * atScale)
      }
    }
  }

  /// Of some epochs of a search.
  private static func steps(
    _ settings: SearchConfiguration, _ images: SuiteImages, from first: Int, to last: Int, moves: Bool
  ) -> Double {
    let (each, passes) = images.search(settings)
    let epochs = Double(last - first)
    let plan = settings.updatePlan
    let updates = moves ? (max(0, last - settings.warmup) * each + plan.interval - 1) / plan.interval : 0
    var ends = Double(passes) / 3
    if moves, settings.eigenvalueEvery > 0 {
      ends +=
        settings.hessian.products().usualCost * Double(min(settings.eigenvalueBatches, passes))
        / Double(settings.eigenvalueEvery)
    }
    let perturbed = Double(moves ? max(0, last - max(first, settings.warmup)) * each : 0) * (settings.weightStepCost - 1)
    return perturbed + epochs * (Double(each) + ends) + Double(updates) * plan.trainingSteps
  }

  /// Core-hours of all jobs of a kind, or of all.
  public func coreHours(of kind: SuiteJob.Kind? = nil, in plan: SuitePlan) -> Double {
    zip(plan.jobs, rows).reduce(0) { $0 + (kind == nil || kind == $1.0.kind ? $1.1.coreSeconds : 0) } / 3600
  }

  static let columns = ["job", "training_steps", "core_seconds"]

  /// - Throws: `InputError` where the file cannot be written.
  public func write(to path: String) throws {
    try CSVWriter.write(
      columns: Self.columns, rows: rows.map { [.text($0.job), .real($0.steps), .real($0.coreSeconds)] }, to: path)
  }

  /// - Throws: `InputError` where the file is none, or of another plan.
  public init(readingFrom path: String, of plan: SuitePlan) throws {
    let table = try CSVTable(readingFrom: path)
    let names = try table.column("job")
    let (steps, seconds) = (
      try table.doubles("training_steps", .notNegative), try table.doubles("core_seconds", .notNegative)
    )
    guard names == plan.jobs.map(\.key) else {
      throw InputError(
        "the estimate of another suite", at: .file(path, "column job"), found: "\(names.count) jobs",
        wanted: "the \(plan.jobs.count) jobs of suite.yaml")
    }
    rows = names.indices.map { Row(job: names[$0], steps: steps[$0], coreSeconds: seconds[$0]) }
  }
}
