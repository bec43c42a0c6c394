import Cells
import Datasets
import Formats
import Retraining
import Search
import Yams

/// How the networks of a suite are trained from scratch: a published recipe, and settings that win over it.
public struct SuiteRetraining: Equatable, Sendable {
  /// Of `zarts presets --retraining`, in which the words SPACE and DATASET stand for those of a cell; nil for the usual one of
  /// the network.
  public let preset: String?
  /// Lines of a retraining's config.yaml.
  public let settings: String
  /// The file that both are from, named in errors; nil for none.
  let place: String?

  /// Settings that the suite itself says, or the process that works on it.
  static let reserved = ["genotype", "dataset", "seed", "hold_out", "test_every", "threads", "weights", "weights_sha256"]

  static let presetKey = "retraining_preset"
  static let settingsKey = "retraining_settings"

  public static func == (left: SuiteRetraining, right: SuiteRetraining) -> Bool {
    left.preset == right.preset && left.settings == right.settings
  }

  /// The settings of a retraining, genotype and seed aside. Its halves of the training images, for choices, are those of the
  /// search.
  ///
  /// - Parameters:
  ///   - search: one of the cell.
  ///   - epochs: of a short training; nil for those of the recipe.
  /// - Throws: `InputError` for a preset that there is not, and for settings out of range.
  func configuration(
    genotype: String, of search: SearchConfiguration, epochs: Int? = nil
  ) throws -> RetrainingConfiguration {
    let data = (try? DatasetSpecification(parsing: search.dataset).name) ?? search.dataset
    let usual = try RetrainingPreset.usual(for: Genotype(parsing: genotype))
    let name =
      preset?.replacing("SPACE", with: search.space.rawValue).replacing("DATASET", with: data) ?? usual
    let recipe = try RetrainingPreset(named: name, at: .setting(Self.presetKey, in: place))
    var result = recipe.configuration(genotype: genotype, dataset: search.dataset)
    result.split = search.split
    (result.threads, result.engine) = (search.threads, search.engine)
    (result.checkpointEvery, result.tensorboard) = (search.checkpointEvery, search.tensorboard)
    let file = place.map { "\($0): \(Self.settingsKey)" } ?? Self.settingsKey
    if !settings.isEmpty {
      guard var merged = try Yams.compose(yaml: result.yaml)?.mapping, let own = try Yams.compose(yaml: settings)?.mapping
      else {
        throw InputError("not settings", at: .file(file), found: "no mapping", wanted: "lines of 'key: value'")
      }
      for (key, value) in own { merged[key] = value }
      result = try RetrainingConfiguration(yaml: Yams.serialize(node: .mapping(merged)), from: file)
    }
    if let epochs { result.epochs = epochs }
    try InputError.naming(file) { try result.validate() }
    return result
  }
}
