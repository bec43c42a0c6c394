import Formats
import Retraining
import Runs
import Search
import Yams

/// A suite.yaml as it was written: what it says of choices and retrainings, and the rest, which is a plan of searches.
struct SuiteText {
  private(set) var preset: SuitePreset?
  private(set) var searchPreset: SearchPreset?
  private(set) var briefEpochs: Int?
  private(set) var networks: SuitePlan.Networks?
  private(set) var retrainingSeeds: [UInt64]?
  private(set) var retrainingPreset: String?
  /// Lines of a retraining's config.yaml.
  private(set) var retrainingSettings: Node.Mapping?
  /// What is left, as a compare.yaml has it.
  private(set) var searches = Node.Mapping([])

  static let ownKeys = [
    "preset", "search_preset", "brief_epochs", "retrain", "retraining_preset", "retraining_seeds", "retraining_settings",
  ]
  /// Those of a compare.yaml that a suite takes too.
  static let searchKeys = [
    "methods", "seeds", "spaces", "datasets", "settings", "space_settings", "method_settings", "run_settings",
    "variants",
  ]

  /// - Parameter place: of the text, named in errors.
  /// - Throws: `InputError` for text that is not YAML, an unknown key, and a value of a wrong type or out of range.
  init(_ yaml: String, from place: String) throws {
    guard let mapping = try YAMLMapping.readUnlessBlank(yaml, from: place, asA: "a suite") else { return }
    for (key, value) in mapping {
      let name = key.string ?? ""
      if Self.searchKeys.contains(name) {
        searches[key] = value
      } else if !Self.ownKeys.contains(name) {
        let isSetting = SearchConfiguration.field(name) != nil
        throw InputError(
          isSetting ? "a setting outside of 'settings'" : "unknown key", at: .file(place), found: "'\(name)'",
          wanted: (Self.ownKeys + Self.searchKeys).joined(separator: ", "))
      }
    }
    func wrong(_ key: String, _ node: Node, _ wanted: String) -> InputError {
      InputError(
        "wrong value", at: .setting(key, in: place), found: node.string.map { "'\($0)'" } ?? "a list or mapping",
        wanted: wanted)
    }
    func word<Value>(_ key: String, _ wanted: String, _ convert: (String) -> Value?) throws -> Value? {
      guard let node = mapping[key] else { return nil }
      guard let value = node.string.flatMap(convert) else { throw wrong(key, node, wanted) }
      return value
    }
    preset = try mapping["preset"].map { try SuitePreset(named: $0.string ?? "", at: .setting("preset", in: place)) }
    searchPreset = try mapping["search_preset"].map {
      try SearchPreset(named: $0.string ?? "", at: .setting("search_preset", in: place))
    }
    briefEpochs = try word("brief_epochs", RunBounds.epochs.wanted) { RunBounds.epochs.count($0) }
    networks = try word(
      "retrain", SuitePlan.Networks.allCases.map(\.rawValue).joined(separator: " or "), SuitePlan.Networks.init)
    retrainingPreset = try word(
      SuiteRetraining.presetKey, "a name of 'zarts presets --retraining'; SPACE and DATASET stand for those of a cell"
    ) { $0.isEmpty ? nil : $0 }
    if let node = mapping["retraining_seeds"] {
      retrainingSeeds = try (node.sequence.map(Array.init) ?? [node]).map { item in
        guard let seed = item.string.flatMap(UInt64.init) else {
          throw wrong("retraining_seeds", item, "whole numbers from 0 to 2^64 - 1")
        }
        return seed
      }
    }
    if let node = mapping[SuiteRetraining.settingsKey], node.null == nil {
      guard let settings = node.mapping else { throw wrong(SuiteRetraining.settingsKey, node, "{key: value}") }
      let known = RetrainingConfiguration.keys.filter { !SuiteRetraining.reserved.contains($0) }
      for key in settings.keys where !known.contains(key.string ?? "") {
        throw InputError(
          SuiteRetraining.reserved.contains(key.string ?? "") ? "a setting that the suite says itself" : "unknown setting",
          at: .setting(SuiteRetraining.settingsKey, in: place), found: "'\(key.string ?? "")'",
          wanted: known.joined(separator: ", "))
      }
      retrainingSettings = settings
    }
  }
}
