import Formats
import Search
import Yams

/// A named suite to start from, as a suite.yaml; a file, and flags, win over it.
public struct SuitePreset: Equatable, Sendable {
  public let name: String
  /// What it is for, in a line.
  public let summary: String
  /// Its content, as a suite.yaml has it.
  public let yaml: String
  /// Whether of its datasets those are meant that are there.
  let takesWhatIsThere: Bool

  /// - Throws: `InputError` for a name that no preset has.
  public init(named name: String, at place: InputError.Place) throws {
    guard let preset = Self.all.first(where: { $0.name == name }) else {
      throw InputError(
        "no such preset of suites", at: place, found: "'\(name)'", wanted: Self.all.map(\.name).joined(separator: ", "))
    }
    self = preset
  }

  private init(name: String, summary: String, takesWhatIsThere: Bool = false, yaml: String) {
    (self.name, self.summary, self.takesWhatIsThere, self.yaml) = (name, summary, takesWhatIsThere, yaml)
  }

  public static let all = [paper, paperTable, small]

  /// The twelve benchmarks of RobustDARTS (Zela et al., ICLR 2020) with the settings of searches of the presets
  /// `paper-rdarts-…`, DARTS-ES at the cadence of RobustDARTS' code, a choice after 100 epochs (DARTS, §3), and the retraining
  /// of ZARTS' public scripts (presets `zarts-…`). Methods, and the numbers of seeds, are ours.
  private static let paper: SuitePreset = {
    let rule = EarlyStopping.robustDARTSCode
    return SuitePreset(
      name: "paper",
      summary: "S1 to S4 on CIFAR-10, CIFAR-100 and SVHN with the published settings: thousands of core-hours",
      yaml: """
        methods: [darts1, darts2, darts2-es, zarts-rs, zarts-mgs, zarts-gld]
        seeds: [0, 1, 2, 3]
        spaces: [s1, s2, s3, s4]
        datasets: ["cifar10:data/cifar10", "cifar100:data/cifar100", "svhn:data/svhn"]
        search_preset: paper-rdarts-s1-cifar10
        method_settings:
          darts2-es:
            eigenvalue_every: \(rule.every)
            eigenvalue_batches: 1
            early_stop_window: \(rule.window)
            early_stop_distance: \(rule.distance)
            early_stop_ratio: \(rule.ratio)
            early_stop_start: \(rule.start)
        brief_epochs: 100
        retrain: chosen
        retraining_seeds: [0, 1, 2]
        retraining_preset: zarts-DATASET
        """)
  }()

  /// The same for every method that there is, each as its own preset on S1 has it and in all strengths that its authors searched
  /// with. A preset of its own, since a suite does not grow: folders of `paper` stay what they are.
  private static let paperTable: SuitePreset = {
    func lines(_ list: [(key: String, value: String)]) -> String {
      list.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    }
    let benchmark = SearchPreset.all.first { $0.name == "paper-rdarts-s1-cifar10" }
    let own = SearchMethod.all.map { (method: $0, settings: benchmark?.ownSettings(of: $0) ?? []) }
    let settings = own.filter { !$0.settings.isEmpty }.map { "  \($0.method.rawValue): {\(lines($0.settings))}" }
    let variants = SearchMethod.all.filter { !$0.definition.publishedVariants.isEmpty }.map { method in
      "  \(method.rawValue): [\(method.definition.publishedVariants.map { "{\(lines($0))}" }.joined(separator: ", "))]"
    }
    return SuitePreset(
      name: "paper-table",
      summary: "the benchmarks of paper for every method, R-DARTS in all its strengths: many thousands of core-hours",
      yaml: """
        methods: [\(SearchMethod.all.map(\.rawValue).joined(separator: ", "))]
        seeds: [0, 1, 2, 3]
        spaces: [s1, s2, s3, s4]
        datasets: ["cifar10:data/cifar10", "cifar100:data/cifar100", "svhn:data/svhn"]
        search_preset: paper-rdarts-s1-cifar10
        method_settings:
        \(settings.joined(separator: "\n"))
        variants:
        \(variants.joined(separator: "\n"))
        brief_epochs: 100
        retrain: chosen
        retraining_seeds: [0, 1, 2]
        retraining_preset: zarts-DATASET
        """)
  }()

  /// The same shape in small networks on few images: it shows that everything works, and nothing about methods.
  private static let small = SuitePreset(
    name: "small", summary: "two methods on S2 and S4 and what data are there, Fashion-MNIST among them: minutes a cell",
    takesWhatIsThere: true,
    yaml: """
      methods: [darts1, zarts-mgs]
      seeds: [0, 1]
      spaces: [s2, s4]
      datasets: [fashion-mnist, "cifar10:data/cifar10", "cifar100:data/cifar100", "svhn:data/svhn"]
      search_preset: laptop
      settings: {epochs: 8, warmup: 2, channels: 8, layers: 5, batch: 32, train_limit: 2048, inner_steps: 4, candidates: 2}
      brief_epochs: 2
      retrain: chosen
      retraining_seeds: [0, 1]
      retraining_preset: cifar
      retraining_settings: {epochs: 6, channels: 8, layers: 5, batch: 64, train_limit: 4096, test_limit: 2000, auxiliary: false}
      """)

  /// Of a list of datasets those that are there.
  ///
  /// - Throws: `InputError` where none is.
  func present(_ list: Node?, _ isThere: (String) -> Bool) throws -> Node {
    let items = list?.sequence.map(Array.init) ?? []
    let found = items.filter { $0.string.map(isThere) ?? false }
    guard !found.isEmpty else {
      throw InputError(
        "no data are there", at: .setting("datasets"), found: "none of preset \(name)",
        wanted: "one of \(items.compactMap(\.string).joined(separator: ", ")), or others by name")
    }
    return .sequence(Node.Sequence(found))
  }
}
