import Cells
import Datasets
import Formats
import Runs
import Search

/// What a suite consists of: every method, in each of its variants, on every space and dataset, searched on every seed, a choice
/// among these, and the retraining of what was chosen.
public struct SuitePlan: Equatable, Sendable {
  /// Which networks are trained from scratch.
  public enum Networks: String, CaseIterable, Sendable {
    /// Of each cell the best of its searches on held-out training images, once for each retraining seed (DARTS, §3).
    case chosen
    /// That of every search, with the seed of the search (mean and deviation are then over searches).
    case each
  }

  /// A method on a space and a dataset: an entry of the table.
  public struct Cell: Equatable, Sendable {
    public let dataset: String
    public let space: SearchSpace
    public let method: SearchMethod
    /// Numbers of its searches, seed by seed, variant by variant.
    public let runs: [Int]
    /// Such as `s2-darts1`, or `svhn/s2-darts1` where there are several datasets.
    public let name: String
  }

  /// The searches, with all their settings.
  public private(set) var searches: ComparisonPlan
  /// Epochs of the short trainings that choices are made by.
  public let briefEpochs: Int
  public let networks: Networks
  public let retrainingSeeds: [UInt64]
  public let retraining: SuiteRetraining
  /// Dataset by dataset, space by space, method by method.
  public private(set) var cells: [Cell]
  /// Cell by cell; each after those that it needs.
  public private(set) var jobs: [SuiteJob]

  init(
    searches: ComparisonPlan, briefEpochs: Int, networks: Networks, retrainingSeeds: [UInt64], retraining: SuiteRetraining
  ) throws {
    self.searches = searches
    self.briefEpochs = briefEpochs
    self.networks = networks
    self.retrainingSeeds = retrainingSeeds
    self.retraining = retraining
    cells = Self.cells(of: searches)
    jobs = []
    jobs = makeJobs()
    // Whatever is wrong with a retraining is met here, and not after its searches.
    for cell in cells {
      let run = searches.runs[cell.runs[0]].configuration
      let sample = try Genotype.sample(of: cell.space).line
      _ = try retraining.configuration(genotype: sample, of: run, epochs: networks == .chosen ? briefEpochs : nil)
      let recipe = try retraining.configuration(genotype: sample, of: run)
      for other in cell.runs.map({ searches.runs[$0] })
      where other.variant != nil && other.configuration.seed == run.seed {
        // Candidates of one choice are trained, and told apart, on the same images.
        guard
          let difference = try retraining.configuration(genotype: sample, of: other.configuration).difference(from: recipe)
        else { continue }
        throw InputError(
          "variants whose networks would be trained differently",
          at: .setting("variants", being: cell.method.rawValue, in: retraining.place),
          found: "\(difference.key) \(difference.own) and \(difference.other)",
          wanted: "the same for all variants of a method")
      }
    }
  }

  /// Whether a method has variants.
  var hasVariants: Bool { !searches.variants.isEmpty }

  /// The same plan with its data named by other paths, in their order.
  public func naming(datasets names: [String]) throws -> SuitePlan {
    try SuitePlan(
      searches: searches.naming(datasets: names), briefEpochs: briefEpochs, networks: networks,
      retrainingSeeds: retrainingSeeds, retraining: retraining)
  }

  private static func cells(of searches: ComparisonPlan) -> [Cell] {
    var cells: [Cell] = []
    for dataset in searches.datasets {
      for space in searches.spaces {
        for method in searches.methods {
          let runs = searches.runs.indices.filter { index in
            let settings = searches.runs[index].configuration
            return settings.dataset == dataset && settings.space == space && settings.method == method
          }
          guard let first = runs.first else { continue }
          cells.append(
            Cell(
              dataset: dataset, space: space, method: method, runs: runs, name: searches.runs[first].cellName))
        }
      }
    }
    return cells
  }

  private func makeJobs() -> [SuiteJob] {
    var jobs: [SuiteJob] = []
    let warmups = Self.sharedWarmups(of: searches)
    for (number, cell) in cells.enumerated() {
      var found: [Int] = []
      for index in cell.runs {
        let run = searches.runs[index]
        var needs: [Int] = []
        if let warmup = warmups[Self.warmupPath(of: run)] {
          let place = jobs.firstIndex { $0.path == warmup.path } ?? jobs.count
          if place == jobs.count {
            jobs.append(
              SuiteJob(
                kind: .warmup, path: warmup.path, cell: nil, run: index, seed: run.configuration.seed,
                epochs: warmup.epochs, needs: []))
          }
          needs = [place]
        }
        found.append(jobs.count)
        jobs.append(
          SuiteJob(
            kind: .search, path: run.path, cell: number, run: index, seed: run.configuration.seed, epochs: nil, needs: needs)
        )
      }
      func retrain(_ run: Int?, _ seed: UInt64, after job: Int) -> SuiteJob {
        SuiteJob(
          kind: .retrain, path: "retrainings/\(run.map { searches.runs[$0].name } ?? "\(cell.name)-\(seed)")", cell: number,
          run: run, seed: seed, epochs: nil, needs: [job])
      }
      switch networks {
      case .chosen:
        let choice = jobs.count
        jobs.append(
          SuiteJob(
            kind: .choose, path: "choices/\(cell.name)", cell: number, run: nil, seed: retrainingSeeds[0], epochs: nil,
            needs: found))
        jobs += retrainingSeeds.map { retrain(nil, $0, after: choice) }
      case .each:
        jobs += zip(cell.runs, found).map { retrain($0, searches.runs[$0].configuration.seed, after: $1) }
      }
    }
    return jobs
  }

  /// Where the warm-up of a search lies that shares it, seen from the folder of the suite.
  static func warmupPath(of run: ComparisonPlan.Run) -> String {
    String(ComparisonFolder(OutputFolder(path: "")).warmup(of: run).folder.path.drop { $0 == "/" })
  }

  /// Warm-ups that two searches or more have in common, and the epochs that the longest of these needs.
  private static func sharedWarmups(of plan: ComparisonPlan) -> [String: (path: String, epochs: Int)] {
    var users: [String: [Int]] = [:]
    for run in plan.runs where run.configuration.warmup > 0 {
      users[warmupPath(of: run), default: []].append(run.configuration.warmup)
    }
    return users.reduce(into: [:]) { result, entry in
      if entry.value.count > 1 { result[entry.key] = (entry.key, entry.value.max() ?? 0) }
    }
  }
}

extension SuitePlan {
  /// What keeps two plans from being one: settings of other results. Housekeeping and the place of data don't.
  ///
  /// - Parameter place: the file of this plan.
  /// - Throws: `InputError` that names it, the first setting that differs and both values.
  public func require(sameAs other: SuitePlan, in place: String) throws {
    func require(_ key: String, _ own: some CustomStringConvertible, _ wanted: some CustomStringConvertible) throws {
      guard "\(own)" != "\(wanted)" else { return }
      throw InputError(
        "the suite in this folder is another", at: .setting(key, in: place), found: "\(own)",
        wanted: "\(wanted), or another folder")
    }
    try require("methods", searches.methods.map(\.rawValue), other.searches.methods.map(\.rawValue))
    try require("seeds", searches.seeds, other.searches.seeds)
    try require("spaces", searches.spaces.map(\.rawValue), other.searches.spaces.map(\.rawValue))
    try require(
      "datasets", searches.datasets.map(DatasetSpecification.kind), other.searches.datasets.map(DatasetSpecification.kind))
    for method in searches.methods {
      let names = [self, other].map { $0.searches.variants[method]?.map(\.name) ?? [] }
      try require("variants \(method.rawValue)", names[0], names[1])
    }
    try require("brief_epochs", briefEpochs, other.briefEpochs)
    try require("retrain", networks.rawValue, other.networks.rawValue)
    try require("retraining_seeds", retrainingSeeds, other.retrainingSeeds)
    for (own, wanted) in zip(searches.runs, other.searches.runs) {
      let (left, right) = (own.configuration.withoutHousekeeping, wanted.configuration.withoutHousekeeping)
      for field in SearchConfiguration.fields where field.write(left) != field.write(right) {
        try require("\(field.key) of \(own.name)", field.write(left), field.write(right))
      }
    }
    for (own, wanted) in zip(cells, other.cells) {
      let sample = try Genotype.sample(of: own.space).line
      let left = try retraining.configuration(genotype: sample, of: searches.runs[own.runs[0]].configuration)
      let right = try other.retraining.configuration(
        genotype: sample, of: other.searches.runs[wanted.runs[0]].configuration)
      if let difference = try left.difference(from: right) {
        try require("\(difference.key) of retrainings of \(own.name)", difference.own, difference.other)
      }
    }
  }
}

extension Genotype {
  /// An architecture of a space without meaning, of about the cost of those that are found: of 3×3 convolutions where
  /// edges have them, else of the last candidate of each edge.
  static func sample(of space: SearchSpace) throws -> Genotype {
    var alphas = space.zeroAlphas
    for (kind, edges) in space.operations.candidates.enumerated() {
      for (edge, candidates) in edges.enumerated() {
        let usual: [CellOperation] = [.separableConv3x3, .norConv3x3]
        let column = usual.lazy.compactMap { candidates.firstIndex(of: $0) }.first ?? candidates.count - 1
        alphas.matrices[kind][edge, column] = 1
      }
    }
    return try Genotype(alphas: alphas, operations: space.operations)
  }
}
