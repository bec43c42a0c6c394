import Cells
import Formats
import Runs

/// Which searches a comparison consists of: every method on every seed, space and dataset, with the settings of each.
public struct ComparisonPlan: Equatable, Sendable {
  /// What is the same for all methods.
  public enum Budget: Equatable, Sendable {
    /// Epochs.
    case epochs
    /// Weight steps, those of candidates included: each method gets the most epochs that stay within so many; nil for what
    /// the dearest method takes for the epochs of its settings.
    case steps(Int?)
  }

  /// One search.
  public struct Run: Equatable, Sendable {
    public var configuration: SearchConfiguration
    /// Its folder, seen from that of the comparison.
    public let path: String
    /// A short name for people, such as `s2-darts1-0`.
    public let name: String
    /// Which of its method's variants it is; nil where the plan has none of the method.
    public let variant: SearchVariant?

    /// Its name without the seed and the variant.
    package var cellName: String {
      String(name.dropLast(((variant.map { "-\($0.name)" } ?? "") + "-\(configuration.seed)").count))
    }
  }

  public let methods: [SearchMethod]
  public let seeds: [UInt64]
  public let spaces: [SearchSpace]
  /// What `DatasetSpecification` parses.
  public private(set) var datasets: [String]
  public let budget: Budget
  /// Settings that someone gave, rather than defaults, and what they were given for.
  let given: [String: Dependence]

  /// What the value of a setting goes with.
  enum Dependence: Equatable { case none, space, method, both }
  /// Settings of which an existing comparison may get more.
  public static let growing = ["method", "seed", "space"]
  /// Dataset by dataset, seed by seed, space by space, method by method, variant by variant.
  public private(set) var runs: [Run]
  /// The settings of the runs in their order, once for all variants of a method, without what makes these.
  private(set) var bases: [SearchConfiguration]
  /// Of the methods of the plan that have any.
  public private(set) var variants: [SearchMethod: [SearchVariant]]

  /// What a command line may say in place of a file.
  public struct Lists: Equatable, Sendable {
    public var methods: [SearchMethod]?
    public var seeds: [UInt64]?
    public var spaces: [SearchSpace]?
    public var datasets: [String]?
    public var budget: Budget?

    public init(
      methods: [SearchMethod]? = nil, seeds: [UInt64]? = nil, spaces: [SearchSpace]? = nil, datasets: [String]? = nil,
      budget: Budget? = nil
    ) {
      self.methods = methods
      self.seeds = seeds
      self.spaces = spaces
      self.datasets = datasets
      self.budget = budget
    }
  }

  /// Settings from outside the file, which win over it.
  public struct Overrides {
    /// Keys of config.yaml.
    public var keys: [String]
    /// Those that the defaults of others go with; method, space and dataset in it are not read.
    public var identity: SearchConfiguration.Identity
    public var apply: (inout SearchConfiguration) -> Void

    public init(
      keys: [String] = [], identity: SearchConfiguration.Identity = .init(),
      apply: @escaping (inout SearchConfiguration) -> Void = { _ in }
    ) {
      self.keys = keys
      self.identity = identity
      self.apply = apply
    }
  }

  /// - Parameters:
  ///   - yaml: the content of a compare.yaml; empty for none.
  ///   - place: path of the file of that content, named in errors; nil for none.
  ///   - lists: take the place of what the text says.
  ///   - preset: takes the place of the one that the text names.
  /// - Throws: `InputError` for text that is not YAML, an unknown key, a value of a wrong type or out of range, an
  ///   entry twice in a list, a list that is missing or empty, a variant by a setting that its method does not read, or two that
  ///   are the same search.
  public init(
    yaml: String, from place: String?, lists: Lists = Lists(), preset: SearchPreset? = nil,
    overrides: Overrides = Overrides()
  ) throws {
    let text = try ComparisonText(yaml, from: place ?? "")
    let base = try (preset ?? text.preset)?.settings
    func list<Value: Hashable>(
      _ key: String, _ flag: [Value]?, _ written: [Value]?, preset name: String, _ convert: (String) -> Value?,
      default fallback: [Value]? = nil
    ) throws -> [Value] {
      let value = flag ?? written ?? (base?.values[name]?.string.flatMap(convert)).map { [$0] } ?? fallback
      guard let value, !value.isEmpty else {
        throw InputError(
          "incomplete comparison", at: .setting(key, in: place), found: value == nil ? "nothing" : "[]",
          wanted: "one at least")
      }
      if let twice = value.indices.first(where: { value[..<$0].contains(value[$0]) }) {
        throw InputError("the same twice", at: .setting(key, in: place), found: "\(value[twice])", wanted: "each once")
      }
      return value
    }
    methods = try list("methods", lists.methods, text.methods, preset: "method", SearchMethod.init)
    seeds = try list("seeds", lists.seeds, text.seeds, preset: "seed", UInt64.init, default: [0])
    spaces = try list("spaces", lists.spaces, text.spaces, preset: "space", SearchSpace.init, default: [.s6])
    datasets = try list("datasets", lists.datasets, text.datasets, preset: "dataset") { $0 }
    budget = lists.budget ?? text.budget ?? .epochs
    if case .steps(let steps?) = budget, !RunBounds.budget.contains(steps) {
      throw InputError(
        "value out of range", at: .setting("budget_steps"), found: "\(steps)", wanted: "\(RunBounds.budget.wanted), or null")
    }
    let forAll = overrides.keys + (base.map { Array($0.values.keys) } ?? [])
    given = text.dependences.merging(forAll.map { ($0, .none) }) { $1 }
    (runs, bases, variants) = ([], [], [:])
    for (dataset, folder) in zip(datasets, Self.folderNames(datasets)) {
      for seed in seeds {
        for space in spaces {
          for method in methods {
            let identity = SearchConfiguration.Identity(
              method: method, space: space, dataset: dataset, rsDistribution: overrides.identity.rsDistribution)
            func configuration(_ variant: SettingsText?) throws -> SearchConfiguration {
              var result = try SearchConfiguration(
                layers: (base.map { [$0] } ?? []) + text.layers(space, method) + (variant.map { [$0] } ?? []),
                given: identity, isOfEarlierVersion: base == nil && !yaml.isEmpty,
                from: place ?? "run \(space.rawValue)-\(method.rawValue)-\(seed)")
              overrides.apply(&result)
              result.seed = seed
              (result.method, result.space, result.dataset) = (method, space, dataset)
              return result
            }
            func add(_ configuration: SearchConfiguration, _ variant: SearchVariant?) throws {
              let name = [space.rawValue, method.rawValue, variant?.name, "\(seed)"].compactMap { $0 }.joined(separator: "-")
              try Self.check(configuration, name)
              let isAlone = datasets.count == 1
              runs.append(
                Run(
                  configuration: configuration, path: isAlone ? "runs/\(name)" : "runs/\(folder)/\(name)",
                  name: isAlone ? name : "\(folder)/\(name)", variant: variant))
            }
            let usual = try configuration(nil)
            bases.append(usual)
            guard let texts = text.variants[method.rawValue] else {
              try add(usual, nil)
              continue
            }
            let found = try texts.map { text -> (SearchConfiguration, SearchVariant) in
              let settings = try configuration(text)
              return (settings, SearchVariant(Array(text.values.keys), of: settings))
            }
            try requireDifferent(found, of: method, in: place)
            variants[method] = found.map(\.1)
            for (settings, variant) in found { try add(settings, variant) }
          }
        }
      }
    }
  }

  /// - Throws: `InputError` where two variants of a method are one search.
  private func requireDifferent(
    _ variants: [(SearchConfiguration, SearchVariant)], of method: SearchMethod, in place: String?
  ) throws {
    // With a budget of steps epochs are what it makes them.
    let searches = variants.map { settings, _ -> SearchConfiguration in
      var result = settings.withoutHousekeeping
      if case .steps = budget { result.epochs = settings.warmup + 1 }
      return result
    }
    for index in searches.indices {
      guard let other = searches[..<index].firstIndex(of: searches[index]) else { continue }
      let names = [other, index].map { variants[$0].1.yaml }
      throw InputError(
        "two variants are the same search", at: .setting("variants", being: method.rawValue, in: place),
        found: names[0] == names[1] ? "\(names[0]) twice" : names.joined(separator: " and "), wanted: "each once")
    }
  }

  /// The same plan for a comparison that goes on: settings whose defaults a later version has changed, and which nothing
  /// gives, are as it was begun.
  package func goingOn(from old: ComparisonPlan) -> ComparisonPlan {
    guard let begun = old.runs.first?.configuration else { return self }
    var result = self
    for field in SearchConfiguration.fields where field.setEarlier != nil && given[field.key] == nil {
      for index in runs.indices where runs[index].variant.map({ !$0.sets(field.key) }) ?? true {
        field.copy(begun, &result.runs[index].configuration)
      }
      for index in bases.indices { field.copy(begun, &result.bases[index]) }
    }
    return result
  }

  /// The same plan with its data named by other paths, in their order.
  public func naming(datasets names: [String]) -> ComparisonPlan {
    let renamed = Dictionary(zip(datasets, names)) { first, _ in first }
    var result = self
    result.datasets = names
    for index in runs.indices {
      let name = runs[index].configuration.dataset
      result.runs[index].configuration.dataset = renamed[name] ?? name
    }
    for index in bases.indices { result.bases[index].dataset = renamed[bases[index].dataset] ?? bases[index].dataset }
    return result
  }

  private static func check(_ configuration: SearchConfiguration, _ name: String) throws {
    do {
      try configuration.validate()
    } catch var error as InputError {
      error.problem += " (run \(name))"
      throw error
    }
    guard configuration.stages.isEmpty else {
      throw InputError(
        "a progressive search in a comparison", at: "run \(name), setting stages", found: "some",
        wanted: "none: its stages have warm-ups of their own; run it with zarts search")
    }
  }

  /// A name a dataset for folders: what stands before the colon, with a number where that is not unique.
  private static func folderNames(_ datasets: [String]) -> [String] {
    var names: [String] = []
    for dataset in datasets {
      let kind = dataset.prefix { $0 != ":" }.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "-" }
      let name = kind.isEmpty ? "data" : String(kind)
      let others = names.count { $0 == name || $0.hasPrefix(name + "-") }
      names.append(others == 0 ? name : "\(name)-\(others + 1)")
    }
    return names
  }

  /// The plan with the epochs that its budget gives to each method.
  ///
  /// - Parameter stepsPerEpoch: of the data that a run's settings name.
  /// - Throws: `InputError` where the budget is too small for a method; what `stepsPerEpoch` throws.
  public func resolved(stepsPerEpoch: (SearchConfiguration) throws -> Int) throws -> ComparisonPlan {
    guard case .steps(let fixed) = budget else { return self }
    var known: [String: Int] = [:]
    func steps(_ configuration: SearchConfiguration) throws -> Int {
      let key = "\(configuration.batch) \(configuration.trainLimit ?? -1) \(configuration.split) \(configuration.dataset)"
      if let value = known[key] { return value }
      let value = try stepsPerEpoch(configuration)
      known[key] = value
      return value
    }
    var result = self
    for dataset in datasets {
      for space in spaces {
        let members = runs.indices.filter {
          runs[$0].configuration.dataset == dataset && runs[$0].configuration.space == space
        }
        let costs = try members.map { index in
          let configuration = runs[index].configuration
          return SearchCost(of: configuration, epochs: configuration.epochs, stepsPerEpoch: try steps(configuration))
            .weightSteps
        }
        guard let limit = fixed ?? costs.max() else { continue }
        for index in members {
          let configuration = runs[index].configuration
          let epochs = try configuration.epochs(within: limit, stepsPerEpoch: steps(configuration))
          result.runs[index].configuration.epochs = epochs
        }
      }
    }
    return result
  }
}
