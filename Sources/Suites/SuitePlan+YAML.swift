import Cells
import Datasets
import Formats
import Retraining
import Search
import Yams

extension SuitePlan {
  /// What a command line may say in place of a file.
  public struct Lists: Equatable, Sendable {
    public var searches: ComparisonPlan.Lists
    public var briefEpochs: Int?
    public var networks: Networks?
    public var retrainingSeeds: [UInt64]?
    public var retrainingPreset: String?

    public init(
      searches: ComparisonPlan.Lists = .init(), briefEpochs: Int? = nil, networks: Networks? = nil,
      retrainingSeeds: [UInt64]? = nil, retrainingPreset: String? = nil
    ) {
      self.searches = searches
      self.briefEpochs = briefEpochs
      self.networks = networks
      self.retrainingSeeds = retrainingSeeds
      self.retrainingPreset = retrainingPreset
    }
  }

  private static func isThere(_ dataset: String) -> Bool { (try? DatasetSpecification(parsing: dataset))?.isThere ?? false }

  /// Epochs of short trainings where nothing says how many (DARTS, §3.1).
  static let usualBriefEpochs = 100

  /// - Parameters:
  ///   - yaml: the content of a suite.yaml; empty for none.
  ///   - place: path of the file of that content, named in errors; nil for none.
  ///   - lists: take the place of what the text says.
  ///   - preset: takes the place of the one that the text names. The text wins over it, setting by setting.
  ///   - isThere: whether there is something where a dataset should be; nil to look.
  /// - Throws: `InputError` for text that is not YAML, an unknown key, a value of a wrong type or out of range, an entry
  ///   twice in a list, or a list that is missing or empty.
  public init(
    yaml: String, from place: String?, lists: Lists = Lists(), preset: SuitePreset? = nil,
    isThere: ((String) -> Bool)? = nil
  ) throws {
    let file = place
    let text = try SuiteText(yaml, from: place ?? "")
    let preset = preset ?? text.preset
    var layers = [text]
    if let preset { layers.insert(try SuiteText(preset.yaml, from: "preset \(preset.name)"), at: 0) }
    func last<Value>(_ value: (SuiteText) -> Value?) -> Value? { layers.reversed().lazy.compactMap(value).first }

    var merged = layers.count > 1 ? try Self.merged(layers[0].searches, text.searches) : text.searches
    if let preset, lists.searches.datasets == nil, text.searches["datasets"] == nil, preset.takesWhatIsThere {
      merged["datasets"] = try preset.present(merged["datasets"], isThere ?? Self.isThere)
    }
    let searches = try ComparisonPlan(
      yaml: merged.isEmpty ? "" : Yams.serialize(node: .mapping(merged)), from: place ?? preset.map { "preset \($0.name)" },
      lists: lists.searches, preset: last(\.searchPreset), overrides: .init())
    guard case .epochs = searches.budget else {
      throw InputError("a suite with a budget", at: .setting("budget", in: place), found: "steps", wanted: "none")
    }
    let networks = lists.networks ?? last(\.networks) ?? .chosen
    // Seeds of what 'each' wins over are of a choice that there is not.
    let written =
      networks == .chosen || (lists.networks == nil && text.networks == nil)
      ? last(\.retrainingSeeds) : lists.networks == nil ? text.retrainingSeeds : nil
    let seeds = lists.retrainingSeeds ?? written
    if let seeds {
      let place = InputError.Place.setting("retraining_seeds", in: lists.retrainingSeeds == nil ? file : nil)
      guard networks == .chosen else {
        throw InputError(
          "has no meaning with 'retrain: each'", at: place, found: "\(seeds)",
          wanted: "none: each network is trained with the seed of its search")
      }
      guard !seeds.isEmpty, Set(seeds).count == seeds.count else {
        throw InputError(
          seeds.isEmpty ? "nothing to train" : "the same twice", at: place, found: "\(seeds)",
          wanted: "one at least, each once")
      }
    }
    var settings = Node.Mapping([])
    for layer in layers { for (key, value) in layer.retrainingSettings ?? [:] { settings[key] = value } }
    try self.init(
      searches: searches, briefEpochs: lists.briefEpochs ?? last(\.briefEpochs) ?? Self.usualBriefEpochs,
      networks: networks, retrainingSeeds: seeds ?? [0],
      retraining: SuiteRetraining(
        preset: lists.retrainingPreset ?? last(\.retrainingPreset),
        settings: settings.isEmpty ? "" : Yams.serialize(node: .mapping(settings)), place: place))
  }

  /// A plan of searches over another: lists take the place of lists, settings that of the same settings for the same.
  private static func merged(_ base: Node.Mapping, _ text: Node.Mapping) throws -> Node.Mapping {
    var result = base
    for (key, value) in text {
      guard let own = value.mapping, let other = result[key]?.mapping else {
        result[key] = value
        continue
      }
      result[key] = .mapping(key.string == "settings" ? over(other, own) : deep(other, own))
    }
    return result
  }

  private static func over(_ base: Node.Mapping, _ text: Node.Mapping) -> Node.Mapping {
    text.reduce(into: base) { $0[$1.key] = $1.value }
  }

  private static func deep(_ base: Node.Mapping, _ text: Node.Mapping) -> Node.Mapping {
    text.reduce(into: base) { result, entry in
      if let own = entry.value.mapping, let other = result[entry.key]?.mapping {
        result[entry.key] = .mapping(over(other, own))
      } else {
        result[entry.key] = entry.value
      }
    }
  }

  /// The content of suite.yaml: the lists and every setting of every search, and of retrainings all that is the same in
  /// every cell, so that the file repeats the suite whatever the defaults become.
  public var yaml: String {
    get throws {
      let plan = searches.yaml.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
        !line.hasPrefix("# ") && !line.hasPrefix("budget")
      }
      var lines = ["# zarts suite THIS_FILE --out DIR repeats the suite; zarts suite --resume THIS_FOLDER goes on."]
      lines += plan.reversed().drop(while: \.isEmpty).reversed().map(String.init)
      lines += [
        "brief_epochs: \(briefEpochs)  # of the short trainings that choices are made by",
        "retrain: \(networks.rawValue)  # the chosen network of a cell, or each",
      ]
      if networks == .chosen {
        lines.append("retraining_seeds: [\(retrainingSeeds.map(String.init).joined(separator: ", "))]")
      }
      if let preset = retraining.preset { lines.append("\(SuiteRetraining.presetKey): \(JSONText.quoted(preset))") }
      let common = try commonRetraining()
      if !common.isEmpty { lines += ["\(SuiteRetraining.settingsKey):"] + common.map { "  \($0)" } }
      return lines.joined(separator: "\n") + "\n"
    }
  }

  /// Lines of settings that the retrainings of all cells have alike.
  private func commonRetraining() throws -> [String] {
    let all = try cells.map { cell -> Node.Mapping in
      let search = searches.runs[cell.runs[0]].configuration
      let settings = try retraining.configuration(genotype: Genotype.sample(of: cell.space).line, of: search)
      return try Yams.compose(yaml: settings.yaml)?.mapping ?? [:]
    }
    // Housekeeping and halves follow the searches, but for what the settings say.
    let said = try Yams.compose(yaml: retraining.settings)?.mapping?.keys.compactMap(\.string) ?? []
    let followed = ["split", "engine", "checkpoint_every", "tensorboard"].filter { !said.contains($0) }
    let others = SuiteRetraining.reserved + followed
    return RetrainingConfiguration.keys.filter { !others.contains($0) }.compactMap { key in
      let values = all.map { $0[key]?.string ?? "null" }
      guard let first = values.first, values.allSatisfy({ $0 == first }) else { return nil }
      return "\(key): \(first)"
    }
  }
}
