import Cells
import Formats
import Foundation
import Yams

extension SearchConfiguration {
  /// The content of a run's config.yaml: every setting, one a line, with its meaning.
  public var yaml: String {
    "# zarts search --config THIS_FILE --out DIR repeats the run.\n"
      + Self.fields.map { "\($0.key): \($0.write(self))  # \($0.remark)\n" }.joined()
  }

  /// A setting as config.yaml has it; nil for a key that is none.
  public func text(of key: String) -> String? { Self.field(key)?.write(self) }

  /// Every setting without its meaning, which a later version may word otherwise, and without later settings where they are
  /// what earlier versions did: what digests are of.
  package var bareYAML: String {
    var earlier = SearchConfiguration(method: method, space: space, dataset: dataset)
    earlier.setEarlier()
    return Self.fields.filter { !$0.isLater || $0.write(self) != $0.write(earlier) }
      .map { "\($0.key): \($0.write(self))\n" }.joined()
  }

  /// Gives later settings what versions without them did.
  mutating func setEarlier() { for field in Self.fields { field.setEarlier?(&self) } }

  /// Settings that the defaults of others go with, where they are given elsewhere than in a file: on a command line.
  public struct Identity: Equatable, Sendable {
    public var method: SearchMethod?
    public var space: SearchSpace?
    public var dataset: String?
    public var rsDistribution: DirectionDistribution?

    public init(
      method: SearchMethod? = nil, space: SearchSpace? = nil, dataset: String? = nil,
      rsDistribution: DirectionDistribution? = nil
    ) {
      self.method = method
      self.space = space
      self.dataset = dataset
      self.rsDistribution = rsDistribution
    }
  }

  /// Reads a configuration from YAML text. Settings that are absent are those of the preset that the key `preset` names,
  /// and else the defaults of the method and the space; without a preset, those that came with a later version are what
  /// was done before, since a run's config.yaml holds every setting of its version.
  ///
  /// - Parameters:
  ///   - place: named in errors, a path as a rule.
  ///   - preset: takes the place of the one that the text names.
  ///   - given: takes the place of what text and preset say.
  /// - Throws: `InputError` for text that is not YAML, an unknown key, a value of a wrong type or out of range.
  public init(yaml: String, from place: String, preset: SearchPreset? = nil, given: Identity = Identity()) throws {
    let text = try SettingsText(yaml, from: place)
    var layers = [text]
    let base = try preset ?? text.preset
    if let base { layers.insert(try base.settings, at: 0) }
    try self.init(layers: layers, given: given, isOfEarlierVersion: base == nil, from: place)
    try InputError.naming(place) { try validate() }
  }

  /// The settings of a preset; others are the defaults of the method and the space.
  ///
  /// - Parameter given: takes the place of what the preset says.
  /// - Throws: `InputError` where they don't fit together.
  public init(preset: SearchPreset, given: Identity = Identity()) throws {
    try self.init(layers: [preset.settings], given: given, from: "preset \(preset.name)")
  }

  /// - Parameters:
  ///   - layers: in ascending order of rank.
  ///   - isOfEarlierVersion: whether what the layers lack is as it was before there was such a setting.
  init(
    layers: [SettingsText], given: Identity, isOfEarlierVersion: Bool = false, from place: String
  ) throws {
    self.init(method: .neutral, space: .s6, dataset: "")
    for layer in layers { try set(["method", "space", "dataset"], layer) }
    for (key, isGiven) in [
      ("method", given.method != nil), ("space", given.space != nil), ("dataset", given.dataset != nil),
    ] where !isGiven && !layers.contains(where: { $0.values[key] != nil }) {
      throw InputError("incomplete configuration", at: .file(place), found: "no '\(key)'", wanted: "a value for it")
    }
    self.init(method: given.method ?? method, space: given.space ?? space, dataset: given.dataset ?? dataset)
    let identity = (method, space, dataset)
    for layer in layers { try set(["rs_distribution"], layer) }
    rsDistribution = given.rsDistribution ?? rsDistribution
    mu = Self.defaultMu(space, rsDistribution)
    if isOfEarlierVersion { setEarlier() }
    let distribution = rsDistribution
    for layer in layers { try set(Self.fields.map(\.key), layer) }
    (method, space, dataset, rsDistribution) = (identity.0, identity.1, identity.2, distribution)
  }

  private mutating func set(_ keys: [String], _ text: SettingsText) throws {
    for key in keys {
      guard let node = text.values[key], let field = Self.field(key) else { continue }
      guard field.read(&self, node) else {
        let found = node.string.map { "'\($0)'" } ?? "a list or mapping"
        throw InputError("wrong value", at: .setting(key, in: text.place), found: found, wanted: field.wanted)
      }
    }
  }
}

/// Settings by key, as a YAML text has them.
struct SettingsText {
  let place: String
  private(set) var values: [String: Node] = [:]
  private var presetName: String?

  init(_ yaml: String, from place: String) throws {
    try self.init(
      YAMLMapping.read(yaml, from: place, asA: "a configuration"), from: place, takingPreset: true)
  }

  /// - Parameters:
  ///   - takingPreset: whether the key `preset` is allowed.
  ///   - excluded: keys that have no place here.
  init(_ mapping: Node.Mapping, from place: String, takingPreset: Bool, without excluded: [String] = []) throws {
    self.place = place
    for (key, value) in mapping {
      let name = key.string ?? ""
      if name == "preset", takingPreset {
        presetName = value.string ?? ""
        continue
      }
      guard SearchConfiguration.field(name) != nil, !excluded.contains(name) else {
        let known = SearchConfiguration.fields.map(\.key).filter { !excluded.contains($0) }
        throw InputError(
          "unknown setting", at: .file(place), found: "'\(name)'",
          wanted: ((takingPreset ? ["preset"] : []) + known).joined(separator: ", "))
      }
      values[name] = value
    }
  }

  /// The preset that the text builds upon.
  var preset: SearchPreset? {
    get throws { try presetName.map { try SearchPreset(named: $0, at: .setting("preset", in: place)) } }
  }
}
