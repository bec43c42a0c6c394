import Cells
import Engine
import Formats
import Foundation
import Yams

extension DerivedArchitecture.Scale: Codable {}

extension RetrainingConfiguration {
  /// The content of a run's config.yaml: every setting.
  public var yaml: String {
    get throws {
      let encoder = YAMLEncoder()
      encoder.options.width = -1
      encoder.options.allowUnicode = true
      return "# zarts retrain --config THIS_FILE --out DIR repeats the run.\n" + (try encoder.encode(self))
    }
  }

  /// Every setting, as config.yaml spells it.
  package static var keys: [String] { CodingKeys.allCases.map(\.rawValue) }

  /// Reads a configuration. Settings that are absent are the defaults of the scale.
  ///
  /// - Parameter place: named in errors, a path as a rule.
  /// - Throws: `InputError` for text that is not YAML, an unknown key, a value of a wrong type or out of range.
  public init(yaml text: String, from place: String) throws {
    let root: Node?
    do {
      root = try compose(yaml: text)
    } catch {
      throw InputError(
        "not YAML", at: .file(place), found: String("\(error)".prefix { $0 != "\n" }), wanted: "lines of 'key: value'")
    }
    guard let mapping = root?.mapping else {
      throw InputError("not a configuration", at: .file(place), found: "no mapping", wanted: "lines of 'key: value'")
    }
    for key in mapping.keys where CodingKeys(rawValue: key.string ?? "") == nil {
      throw InputError(
        "unknown setting", at: .file(place), found: "'\(key.string ?? "")'",
        wanted: CodingKeys.allCases.map(\.rawValue).joined(separator: ", "))
    }
    let scaleText = mapping["scale"]?.string ?? DerivedArchitecture.Scale.cifar.rawValue
    guard let scale = DerivedArchitecture.Scale(rawValue: scaleText) else {
      throw Self.wrong("scale", "'\(scaleText)'", "cifar or imagenet", place)
    }
    if let engine = mapping["engine"], engine.string.flatMap(EngineKind.init) == nil {
      throw Self.wrong("engine", "'\(engine.string ?? "something else")'", "one of \(EngineKind.names)", place)
    }
    // The defaults, with what the text says in their place.
    let defaults = RetrainingConfiguration(genotype: "", dataset: "", scale: scale)
    guard var merged = try compose(yaml: YAMLEncoder().encode(defaults))?.mapping else {
      throw Self.wrong("scale", "'\(scaleText)'", "cifar or imagenet", place)
    }
    for (key, value) in mapping { merged[key] = value }
    do {
      self = try YAMLDecoder().decode(RetrainingConfiguration.self, from: serialize(node: .mapping(merged)))
    } catch let error as DecodingError {
      throw Self.explanation(of: error, in: mapping, place)
    }
    try InputError.naming(place) { try validate() }
  }

  /// The first setting that makes another computation of it, with both values as config.yaml has them.
  package func difference(from other: RetrainingConfiguration) throws -> (key: String, own: String, other: String)? {
    let (own, other) = (withoutHousekeeping, other.withoutHousekeeping)
    guard own != other else { return nil }
    func values(_ configuration: RetrainingConfiguration) throws -> Node.Mapping {
      try compose(yaml: YAMLEncoder().encode(configuration))?.mapping ?? [:]
    }
    func text(_ node: Node?) -> String { node?.string ?? "null" }
    let (ownValues, otherValues) = (try values(own), try values(other))
    let keys = CodingKeys.allCases.map(\.rawValue)
    guard let key = keys.first(where: { text(ownValues[$0]) != text(otherValues[$0]) }) else { return nil }
    return (key, text(ownValues[key]), text(otherValues[key]))
  }

  private static func wrong(_ key: String, _ found: String, _ wanted: String, _ place: String) -> InputError {
    InputError("wrong value", at: .setting(key, in: place), found: found, wanted: wanted)
  }

  private static func explanation(of error: DecodingError, in mapping: Node.Mapping, _ place: String) -> InputError {
    let context =
      switch error {
      case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
        .dataCorrupted(let context):
        context
      @unknown default: DecodingError.Context(codingPath: [], debugDescription: "")
      }
    let key = context.codingPath.first?.stringValue ?? "a setting"
    return wrong(
      key, "'\(mapping[key]?.string ?? "something else")'", "a value like that of 'zarts retrain --print-config'", place)
  }
}
