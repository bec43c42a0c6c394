import ArgumentParser
import Cells
import Datasets
import Formats
import Search

/// What a comparison consists of, as flags: lists, and settings of all its runs.
struct CompareFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp("Methods, with commas between. Default: the file's.", valueName: "method,method,..."))
  var methods: CommaList<SearchMethod>?
  @Option(
    help: ArgumentHelp(
      "Seeds and ranges of seeds, such as 0,1,2 or 0-9. Default: the file's, else 0.", valueName: "seed,..."))
  var seeds: SeedList?
  @Option(help: ArgumentHelp("Spaces, with commas between. Default: the file's, else s6.", valueName: "space,space,..."))
  var spaces: CommaList<SearchSpace>?
  @Option(
    help: ArgumentHelp(
      "Datasets: \(DatasetSpecification.forms); give the flag several times for several. Default: the file's.",
      valueName: "dataset"))
  var datasets: [String] = []
  @Option(
    help: ArgumentHelp(
      "What all methods get the same of: epochs, or weight steps with those of candidates. Default: the file's, else epochs.",
      valueName: "epochs|steps"))
  var budget: BudgetUnit?
  @Option(
    help: ArgumentHelp(
      "Weight steps of each run; 'budget steps' alone takes those of the dearest method.", valueName: "steps"))
  var budgetSteps: Int?
  @OptionGroup(title: "SETTINGS OF ALL RUNS")
  var search: SearchFlags

  enum BudgetUnit: String, CaseIterable, ExpressibleByArgument { case epochs, steps }

  /// - Throws: `InputError` where a list and its singular are both given, or a budget without its unit.
  func lists() throws -> ComparisonPlan.Lists {
    func merge<Value>(_ plural: [Value]?, _ singular: Value?, _ flag: String) throws -> [Value]? {
      guard let singular else { return plural }
      guard plural == nil else {
        throw UsageError("the same twice", found: "--\(flag)s and --\(flag)", wanted: "--\(flag)s")
      }
      return [singular]
    }
    var result = ComparisonPlan.Lists()
    result.methods = try merge(methods?.values, search.method, "method")
    result.seeds = try merge(seeds?.values, search.seed, "seed")
    result.spaces = try merge(spaces?.values, search.space, "space")
    result.datasets = try merge(datasets.isEmpty ? nil : datasets, search.dataset, "dataset")
    switch (budget, budgetSteps) {
    case (.epochs?, nil): result.budget = .epochs
    case (.steps?, let steps): result.budget = .steps(steps)
    case (nil, nil): break
    case (_, let steps?):
      throw UsageError("flag without its budget", found: "--budget-steps \(steps)", wanted: "--budget steps beside it")
    }
    return result
  }

  /// Settings that flags give to every run.
  func overrides(threads: Int?) -> ComparisonPlan.Overrides {
    let search = search
    return .init(keys: search.given + (threads == nil ? [] : ["threads"]), identity: search.identity) { configuration in
      search.apply(to: &configuration)
      if let threads { configuration.threads = threads }
    }
  }
}

/// Names with commas between.
struct CommaList<Value: RawRepresentable<String> & CaseIterable & Sendable>: ExpressibleByArgument {
  let values: [Value]

  init?(argument: String) {
    let parts = ListText.items(argument)
    values = parts.compactMap { Value(rawValue: $0) }
    guard values.count == parts.count else { return nil }
  }

  static var allValueStrings: [String] { Value.allCases.map(\.rawValue) }
}

/// Seeds and ranges of seeds with commas between.
struct SeedList: ExpressibleByArgument {
  let values: [UInt64]

  /// More runs than that nobody means.
  private static let most: UInt64 = 10_000

  init?(argument: String) {
    var values: [UInt64] = []
    for part in ListText.items(argument) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
      switch (ends.count, ends.first ?? nil, ends.last ?? nil) {
      case (1, let seed?, _): values.append(seed)
      case (2, let first?, let last?) where first <= last && last - first < Self.most: values += first...last
      default: return nil
      }
    }
    self.values = values
  }
}
