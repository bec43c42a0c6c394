import Compute
import Formats
import Foundation
import Runs
import Yams

/// How a finished supernet becomes an architecture, edge by edge with training in between (Wang et al., Rethinking architecture
/// selection in differentiable NAS, ICLR 2021: DARTS-PT). Defaults are those of its scripts (`exp_scripts/darts-proj-sota.sh`).
public struct ProjectionSettings: Equatable, Sendable, Codable {
  /// What tells the strength of an operation.
  public enum Selection: String, CaseIterable, Codable, Sendable {
    /// What the network loses without it (§4.1).
    case perturbation
    /// Its mixing weight, as the argmax rule has it: the paper's control (§6.2, DARTS+PT-Mag).
    case magnitude
  }

  /// What is compared of networks from which something is removed.
  public enum Criterion: String, CaseIterable, Codable, Sendable { case accuracy, loss }

  /// In which order edges, and then nodes, are decided on.
  public enum Order: String, CaseIterable, Codable, Sendable {
    /// At random, another order for each kind of cell.
    case random
    /// As they are numbered.
    case number
  }

  /// What becomes of α while the network is trained between decisions.
  public enum AlphaUpdates: String, CaseIterable, Codable, Sendable {
    /// Adam on ∇L₁ before every weight step, with the settings of the search.
    case firstOrder = "first-order"
    /// It stays as it is (§7, fixed α).
    case none
  }

  public var selection = Selection.perturbation
  public var criterion = Criterion.accuracy
  public var order = Order.random
  /// Key of a random order.
  public var orderSeed: UInt64 = 0
  /// Epochs of training between one decision and the next; 0 for none.
  public var tuneEpochs = 5
  public var alphaUpdates = AlphaUpdates.firstOrder
  /// η of the weight steps.
  public var learningRate = 0.0025
  public var learningRateDecay = Decay.constant
  /// η towards which it decays.
  public var minimumLearningRate = 0.001
  /// Batches of the validation split that judge; 0 for all.
  public var validationBatches = 0
  /// Whether `none` can be chosen where a derived cell of the argmax rule cannot hold it.
  public var none = false

  public init() {}

  enum CodingKeys: String, CodingKey, CaseIterable {
    case selection, criterion, order
    case orderSeed = "order_seed"
    case tuneEpochs = "tune_epochs"
    case alphaUpdates = "alpha_updates"
    case learningRate = "learning_rate"
    case learningRateDecay = "learning_rate_decay"
    case minimumLearningRate = "minimum_learning_rate"
    case validationBatches = "validation_batches"
    case none
  }

  public static let tuneEpochCounts = CountBounds(1...1000).or(zero: "none")
  public static let batchCounts = RunBounds.batches.or(zero: "all")

  /// - Throws: `InputError` naming the first setting that cannot be.
  public func validate() throws {
    try Self.tuneEpochCounts.require(tuneEpochs, at: .setting("tune_epochs"))
    try Self.batchCounts.require(validationBatches, at: .setting("validation_batches"))
    try InputError.require(
      learningRate > 0 && Float(learningRate).isFinite, "learning_rate", learningRate, "a positive finite number")
    let most = learningRateDecay == .constant ? Double.greatestFiniteMagnitude : learningRate
    try InputError.require(
      (0...most).contains(minimumLearningRate), "minimum_learning_rate", minimumLearningRate,
      learningRateDecay == .constant ? "a finite number, 0 or more" : "0 to the learning rate, \(learningRate)")
  }

  /// η of an epoch of so many.
  func learningRate(epoch: Int, of epochs: Int) -> Double {
    guard learningRateDecay != .constant else { return learningRate }
    let rest = learningRateDecay.remainder(at: Double(epoch) / Double(max(1, epochs)))
    return minimumLearningRate + (learningRate - minimumLearningRate) * rest
  }
}

extension ProjectionSettings {
  /// The first setting that is another than in `other`, with both values as config.yaml has them.
  func difference(from other: ProjectionSettings) throws -> (key: String, own: String, other: String)? {
    guard self != other else { return nil }
    func values(_ settings: ProjectionSettings) throws -> Node.Mapping {
      try YAMLMapping.read(YAMLEncoder().encode(settings), from: "config.yaml", asA: "settings")
    }
    let (own, others) = (try values(self), try values(other))
    return CodingKeys.allCases.map(\.rawValue).first { own[$0] != others[$0] }.map {
      ($0, own[$0]?.string ?? "null", others[$0]?.string ?? "null")
    }
  }

  /// The content of a folder's config.yaml.
  ///
  /// - Parameter checkpoint: that the selection began at.
  func yaml(checkpoint: String) throws -> String {
    let encoder = YAMLEncoder()
    encoder.options.allowUnicode = true
    return "# zarts derive --resume THIS_FOLDER goes on; search.yaml holds the settings of the search.\n"
      + (try encoder.encode(self)) + "checkpoint: \(JSONText.quoted(checkpoint))\n"
  }

  /// Reads what `yaml` wrote.
  ///
  /// - Parameter place: named in errors.
  /// - Throws: `InputError` for text that is not YAML, an unknown key, a value of a wrong type or out of range.
  init(yaml text: String, from place: String) throws {
    var mapping = try YAMLMapping.read(text, from: place, asA: "the settings of a selection")
    mapping["checkpoint"] = nil
    for key in mapping.keys where CodingKeys(rawValue: key.string ?? "") == nil {
      throw InputError(
        "unknown setting", at: .file(place), found: "'\(key.string ?? "")'",
        wanted: CodingKeys.allCases.map(\.rawValue).joined(separator: ", "))
    }
    do {
      self = try YAMLDecoder().decode(ProjectionSettings.self, from: serialize(node: .mapping(mapping)))
    } catch let error as DecodingError {
      throw Self.explanation(of: error, in: mapping, place)
    }
    try InputError.naming(place) { try validate() }
  }

  private static func explanation(of error: DecodingError, in mapping: Node.Mapping, _ place: String) -> InputError {
    let (path, missing): ([any CodingKey], String?) =
      switch error {
      case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
        (context.codingPath, nil)
      case .keyNotFound(let key, _): ([], key.stringValue)
      @unknown default: ([], nil)
      }
    let key = missing ?? path.first?.stringValue ?? "a setting"
    return InputError(
      "wrong value", at: .setting(key, in: place), found: mapping[key]?.string.map { "'\($0)'" } ?? "nothing",
      wanted: "what 'zarts derive' writes")
  }
}
