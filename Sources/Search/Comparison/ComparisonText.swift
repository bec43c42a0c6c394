import Cells
import Formats
import Yams

/// A compare.yaml as it was written: lists, and settings in layers.
struct ComparisonText {
  private(set) var methods: [SearchMethod]?
  private(set) var seeds: [UInt64]?
  private(set) var spaces: [SearchSpace]?
  private(set) var datasets: [String]?
  private(set) var budget: ComparisonPlan.Budget?
  private(set) var preset: SearchPreset?
  private var common: SettingsText?
  private var bySpace: [String: SettingsText] = [:]
  private var byMethod: [String: SettingsText] = [:]
  private var byBoth: [String: SettingsText] = [:]
  /// By the name of their method; none is empty.
  private(set) var variants: [String: [SettingsText]] = [:]

  /// Settings of a run that the lists say.
  static let listed = ["method", "space", "dataset", "seed"]
  private static let known = [
    "methods", "seeds", "spaces", "datasets", "budget", "budget_steps", "preset", "settings", "space_settings",
    "method_settings", "run_settings", "variants",
  ]

  /// Every setting that the text gives to some run, and what it goes with there.
  var dependences: [String: ComparisonPlan.Dependence] {
    var result: [String: ComparisonPlan.Dependence] = [:]
    func add(_ texts: some Sequence<SettingsText>, _ dependence: ComparisonPlan.Dependence) {
      for key in texts.flatMap(\.values.keys) {
        result[key] = result[key] == nil || result[key] == dependence ? dependence : .both
      }
    }
    add(bySpace.values, .space)
    add(byMethod.values, .method)
    add(byBoth.values, .both)
    // What is given to all is so to a method or a space that joins.
    for key in (common?.values ?? [:]).keys { result[key] = ComparisonPlan.Dependence.none }
    return result
  }

  /// Settings of a run, in ascending order of rank.
  func layers(_ space: SearchSpace, _ method: SearchMethod) -> [SettingsText] {
    [
      common, bySpace[space.rawValue], byMethod[method.rawValue], byBoth["\(space.rawValue)/\(method.rawValue)"],
    ].compactMap { $0 }
  }

  init(_ yaml: String, from place: String) throws {
    guard let mapping = try YAMLMapping.readUnlessBlank(yaml, from: place, asA: "a comparison") else { return }
    for (key, _) in mapping {
      let name = key.string ?? ""
      guard Self.known.contains(name) else {
        let isSetting = SearchConfiguration.field(name) != nil
        throw InputError(
          isSetting ? "a setting outside of 'settings'" : "unknown key", at: .file(place), found: "'\(name)'",
          wanted: Self.known.joined(separator: ", "))
      }
    }
    func list<Value>(_ key: String, _ wanted: String, _ convert: (String) -> Value?) throws -> [Value]? {
      guard let node = mapping[key] else { return nil }
      let items = node.sequence.map(Array.init) ?? [node]
      return try items.map { item in
        guard let value = item.string.flatMap(convert) else {
          throw InputError(
            "wrong value", at: .setting(key, in: place), found: item.string.map { "'\($0)'" } ?? "a list or mapping",
            wanted: wanted)
        }
        return value
      }
    }
    methods = try list(
      "methods", "of \(SearchMethod.allCases.map(\.rawValue).joined(separator: ", "))", SearchMethod.init)
    seeds = try list("seeds", "whole numbers from 0 to 2^64 - 1", UInt64.init)
    spaces = try list("spaces", "of \(SearchSpace.allCases.map(\.rawValue).joined(separator: ", "))", SearchSpace.init)
    datasets = try list("datasets", "datasets as zarts search takes them") { $0 }
    budget = try Self.budget(mapping, place)
    preset = try mapping["preset"].map { try SearchPreset(named: $0.string ?? "", at: .setting("preset", in: place)) }
    if let node = mapping["settings"] { common = try Self.settings(node, "\(place): settings") }
    bySpace = try Self.layer(mapping, "space_settings", SearchSpace.allCases.map(\.rawValue), place)
    byMethod = try Self.layer(mapping, "method_settings", SearchMethod.allCases.map(\.rawValue), place)
    let pairs = SearchSpace.allCases.flatMap { space in
      SearchMethod.allCases.map { "\(space.rawValue)/\($0.rawValue)" }
    }
    byBoth = try Self.layer(mapping, "run_settings", pairs, place)
    if let node = mapping["variants"], node.null == nil { variants = try Self.variants(node, place) }
  }

  /// - Throws: `InputError` for what is no list of settings a method, and for a setting that a method does not read or that
  ///   changes nothing that it finds.
  private static func variants(_ node: Node, _ place: String) throws -> [String: [SettingsText]] {
    guard let members = node.mapping else {
      throw InputError(
        "wrong value", at: .setting("variants", in: place), found: "no mapping", wanted: "METHOD: [{key: value}, …]")
    }
    var result: [String: [SettingsText]] = [:]
    for (name, list) in members {
      let text = name.string ?? ""
      guard let method = SearchMethod(rawValue: text) else {
        throw InputError(
          "unknown name", at: .setting("variants", in: place), found: "'\(text)'",
          wanted: "one of \(SearchMethod.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      let own = InputError.Place.setting("variants", being: text, in: place)
      guard let items = list.sequence, !items.isEmpty else {
        throw InputError(
          "wrong value", at: own, found: list.sequence == nil ? "no list" : "[]", wanted: "[{key: value}, …], one at least")
      }
      result[text] = try items.enumerated().map { index, item in
        guard let mapping = item.mapping, !mapping.isEmpty else {
          throw InputError(
            "wrong value", at: own, found: item.mapping == nil ? "no mapping" : "{}", wanted: "{key: value}, one at least")
        }
        let settings = try SettingsText(
          mapping, from: "\(place): variants: \(text): \(index + 1)", takingPreset: false, without: listed)
        for key in settings.values.keys.sorted() {
          // Weight decay that grows takes the rule of early stopping to any method.
          let isRule = settings.values["adaptive_decay_factor"] != nil && EarlyStopping.settings.contains(key)
          let isRead = method.takes(key) || isRule
          guard isRead, SearchConfiguration.field(key)?.affects != .nothing else {
            throw InputError(
              isRead ? "no result depends on it" : "no setting of the method", at: own, found: "'\(key)'",
              wanted: "settings that \(text) reads and finds something else by")
          }
        }
        return settings
      }
    }
    return result
  }

  private static func budget(_ mapping: Node.Mapping, _ place: String) throws -> ComparisonPlan.Budget? {
    var steps: Int?
    if let node = mapping["budget_steps"], node.null == nil {
      guard let value = node.string.flatMap({ Int($0) }) else {
        throw InputError(
          "wrong value", at: .setting("budget_steps", in: place), found: node.string ?? "a list or mapping",
          wanted: "a whole number or null")
      }
      steps = value
    }
    switch mapping["budget"]?.string {
    case "steps": return .steps(steps)
    case let word where steps != nil:
      throw InputError(
        "budget_steps without 'budget: steps'", at: .file(place), found: "budget \(word ?? "not given")", wanted: "steps")
    case nil where mapping["budget"] == nil: return nil
    case "epochs": return .epochs
    case let other:
      throw InputError(
        "wrong value", at: .setting("budget", in: place), found: other.map { "'\($0)'" } ?? "a list or mapping",
        wanted: "epochs or steps")
    }
  }

  private static func settings(_ node: Node, _ place: String) throws -> SettingsText {
    if node.null != nil { return try SettingsText(Node.Mapping([]), from: place, takingPreset: false) }
    guard let mapping = node.mapping else {
      throw InputError("wrong value", at: .file(place), found: "no mapping", wanted: "lines of 'key: value'")
    }
    return try SettingsText(mapping, from: place, takingPreset: false, without: listed)
  }

  private static func layer(
    _ mapping: Node.Mapping, _ key: String, _ names: [String], _ place: String
  ) throws -> [String: SettingsText] {
    guard let node = mapping[key], node.null == nil else { return [:] }
    guard let members = node.mapping else {
      throw InputError("wrong value", at: .setting(key, in: place), found: "no mapping", wanted: "NAME: {key: value}")
    }
    var result: [String: SettingsText] = [:]
    for (name, value) in members {
      let text = name.string ?? ""
      guard names.contains(text) else {
        throw InputError(
          "unknown name", at: .setting(key, in: place), found: "'\(text)'",
          wanted: names.count > 12 ? "SPACE/METHOD, such as \(names[0])" : "one of \(names.joined(separator: ", "))")
      }
      result[text] = try settings(value, "\(place): \(key): \(text)")
    }
    return result
  }
}
