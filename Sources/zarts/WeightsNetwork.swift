import Cells
import Formats
import Retraining
import Search

/// The network that weights are of, as flags, metadata and the tensors themselves have it, and who has said so.
///
/// Flags come first, then metadata, then what names and shapes of the tensors show; where two of them contradict each other
/// nothing is guessed.
struct WeightsNetwork {
  private let file: TensorFile
  private let evidence: SupernetEvidence
  /// nil for tensors of a supernet, or of nothing that is known.
  let derived: DerivedEvidence?
  /// What of it the tensors alone say.
  private var inferred: [String] = []
  /// All of it, with where each part is from.
  private(set) var parts: [String] = []
  /// β of the auxiliary skip connections, of a network that has them.
  private(set) var auxiliarySkip: Float?
  /// What is assumed or read in another spelling.
  private(set) var remarks: [String] = []

  init(of file: TensorFile) {
    self.file = file
    let shapes = file.tensors.mapValues(\.shape)
    evidence = SupernetEvidence(shapes: shapes)
    derived = DerivedEvidence(shapes: shapes)
  }

  /// What the tensors show, in words; nil where they are of no network.
  var shownText: String? { derived?.text ?? evidence.text }

  /// In words, for errors: "space s3 (its metadata), 8 channels (--channels), 5 cells (its tensors)".
  var text: String { parts.joined(separator: ", ") }

  /// What to say on standard error.
  var notes: [String] {
    let found =
      inferred.isEmpty ? [] : ["\(file.path): \(inferred.joined(separator: ", ")) by the names and shapes of its tensors"]
    return found + remarks.map { "\(file.path): \($0)" }
  }

  /// The settings of the network of weights without a run.
  ///
  /// - Parameters: flags, nil where not given.
  /// - Throws: `InputError` where nothing says what the network is, or flags, metadata and tensors contradict each
  ///   other, with what the tensors show; for a stage of a progressive search also where they leave its operations open.
  mutating func apply(
    to configuration: inout SearchConfiguration, space: SearchSpace?, channels: Int?, layers: Int?,
    operations: String? = nil,
    edgeNormalisation: Bool? = nil, auxiliarySkip: Double? = nil
  ) throws {
    // A stage of a progressive search has candidates of its own, which its checkpoint names.
    configuration.keptOperations = try file.searchConfiguration()?.keptOperations
    if configuration.keptOperations == nil {
      configuration.keptOperations = try stage(of: space, operations: operations)
    } else if let operations {
      throw UsageError(
        "operations of a checkpoint that says them", found: "--operations \(operations)", wanted: "none beside \(file.path)")
    }
    configuration.space = try self.space(flag: space, isStage: configuration.keptOperations != nil)
    configuration.channels = try settle(
      "channels", flag: channels, tensors: evidence.channels, read: { Int($0) }, show: { "\($0) channels" })
    configuration.layers = try settle(
      "layers", flag: layers, tensors: evidence.layers, read: { Int($0) }, show: { "\($0) cells" })
    configuration.scale = try settle(
      "scale", tensors: evidence.scale, fallback: .cifar, read: { NetworkScale(rawValue: $0) },
      show: { $0 == .imagenet ? "the stem of ImageNet" : "the stem of CIFAR" }, isUsual: { $0 == .cifar })
    configuration.partialChannels = try settle(
      "partial_channels", tensors: evidence.partialChannels, fallback: 1, read: { Int($0) },
      show: { $0 == 1 ? "all channels seen by operations" : "operations on 1/\($0) of the channels" }, isUsual: { $0 == 1 })
    configuration.edgeNormalisation = try settle(
      "edge_normalisation", flag: edgeNormalisation, tensors: evidence.edgeNormalisation, fallback: false, read: Self.truth,
      show: { $0 ? "edge normalisation" : "no edge normalisation" }, isUsual: { !$0 })
    if evidence.edgeNormalisation == nil, file.metadata["edge_normalisation"] == nil, edgeNormalisation == nil,
      configuration.partialChannels > 1
    {
      remarks.append(
        "no edge normalisation, since there is no β; --edge-normalisation or metadata edge_normalisation: true would ask for it "
          + "at β = 0")
    }
    configuration.mergedConvolutions = try settle(
      "merged_convolutions", tensors: evidence.mergedConvolutions, fallback: false, read: Self.truth,
      show: { $0 ? "merged convolutions" : "convolutions of their own" }, isUsual: { !$0 })
    try settleAuxiliarySkip(flag: auxiliarySkip)
    // The network has them, whatever β is here: 1 is where the schedule of a search would begin.
    configuration.auxiliarySkip = self.auxiliarySkip == nil ? 0 : 1
  }

  /// β of the auxiliary skip connections: that of the flag, else of the tensor `auxiliary_skip`, which our checkpoints have. A
  /// state_dict does not say it: in DARTS-' code it belongs to the epoch.
  ///
  /// - Throws: `UsageError` where the network has them and nothing says β, and where it has none and the flag says one.
  private mutating func settleAuxiliarySkip(flag: Double?) throws {
    let known = try ArchitectureParameters.auxiliarySkip(in: file)
    if evidence.auxiliarySkip == false, let flag {
      throw UsageError(
        "not the network of \(file.path)", at: "--auxiliary-skip", found: "\(flag)",
        wanted: "none: \(shownText ?? "the tensors") has no auxiliary skip connections (cells.N._ops.K.auxiliary_op)")
    }
    guard let beta = flag.map({ Float($0) }) ?? known else {
      guard evidence.auxiliarySkip == true else { return }
      throw UsageError(
        missing: "--auxiliary-skip",
        wanted: "β of the auxiliary skip connections that \(file.path) has, in DARTS- (T - t)/T in epoch t (from 0) of T")
    }
    auxiliarySkip = beta
    let shown = "auxiliary skip connections at β = \(beta)"
    if flag == nil { inferred.append(shown) }
    parts.append("\(shown) (\(flag == nil ? "its tensors" : "--auxiliary-skip"))")
  }

  /// The settings of the derived network of weights without a run.
  ///
  /// - Parameters: flags, nil where not given.
  /// - Throws: as the other, and where nothing says the genotype, or two say different ones.
  mutating func apply(
    to configuration: inout RetrainingConfiguration, genotype: Genotype, channels: Int?, layers: Int?
  ) throws {
    guard genotype.macroArchitecture == derived?.macroArchitecture else {
      throw InputError(
        "the genotype is of another space", at: .file(file.path), found: shownText ?? "tensors of no network",
        wanted: "a network of \(genotype.line)")
    }
    configuration.scale = try settle(
      "scale", tensors: derived?.scale, read: { NetworkScale(rawValue: $0) },
      show: { "a derived network of the \($0.rawValue) kind" })
    configuration.channels = try settle(
      "channels", flag: channels, tensors: derived?.channels, read: { Int($0) }, show: { "\($0) channels" })
    configuration.layers = try settle(
      "layers", flag: layers, tensors: derived?.layers, read: { Int($0) }, show: { "\($0) cells" })
    configuration.auxiliary = try settle(
      "auxiliary", tensors: derived?.hasAuxiliaryHead, read: Self.truth,
      show: { $0 ? "an auxiliary head" : "no auxiliary head" }, isUsual: { !$0 })
  }

  /// The genotype of weights of a derived network: that of a flag, or of the metadata, as a checkpoint of a retraining has it.
  ///
  /// - Throws: `UsageError` where there is none, or the flag's is not that of the metadata.
  func genotype(flag: Genotype?) throws -> Genotype {
    let known = try file.metadata["genotype"].map { text in
      try InputError.naming(file.path) { try Genotype(parsing: text) }
    }
    guard let found = flag ?? known else {
      throw UsageError(missing: "--genotype", wanted: "--genotype: the weights are of \(shownText ?? "a derived network")")
    }
    if let known, known != found {
      throw UsageError("not the genotype of \(file.path)", at: "--genotype", found: found.line, wanted: known.line)
    }
    return found
  }

  /// The space alone, of a file that may hold nothing but α.
  ///
  /// - Parameter isStage: whether the file's operations are fewer than the space's, and say nothing about it.
  /// - Throws: as `apply`.
  mutating func space(flag: SearchSpace?, isStage: Bool = false) throws -> SearchSpace {
    let tensors = isStage ? nil : evidence.space
    return try settle(
      "space", flag: flag, tensors: tensors, fallback: isStage ? .s5 : nil,
      read: { text in SearchSpace(rawValue: text) ?? Self.spelling(text).flatMap { $0 == tensors ? $0 : nil } },
      show: { "space \($0.rawValue)" }, wanted: SearchSpace.allCases.map(\.rawValue).joined(separator: ", "))
  }

  private static func truth(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true": true
    case "false": false
    default: nil
    }
  }

  /// As `space`, of a file that may be of a stage.
  func settledSpace(flag: SearchSpace?) throws -> SearchSpace {
    var copy = self
    let isStage = try file.searchConfiguration()?.keptOperations != nil || stageEvidence(of: flag) != nil
    return try copy.space(flag: flag, isStage: isStage)
  }

  private func stageEvidence(of space: SearchSpace?) -> StageEvidence? {
    // Of the space of P-DARTS where nothing else is said.
    guard evidence.space == nil else { return nil }
    let named = file.metadata["space"].flatMap { SearchSpace(rawValue: $0) }
    return StageEvidence(shapes: file.tensors.mapValues(\.shape), of: space ?? named ?? .s5)
  }

  /// The operations that the edges of a stage of a progressive search have kept; nil for a network of a whole space.
  ///
  /// - Parameter operations: path of the log that says them.
  /// - Throws: `InputError` where the tensors leave them open and no log, or one of other networks, says them.
  private mutating func stage(of space: SearchSpace?, operations path: String?) throws -> EdgeOperations? {
    guard let stage = stageEvidence(of: space) else {
      guard let path else { return nil }
      throw UsageError(
        "operations of no stage", found: "--operations \(path)",
        wanted: "none: the tensors of \(file.path) are of \(evidence.text ?? "no supernet")")
    }
    let count = "\(stage.operationsPerEdge) operations an edge"
    guard let path else {
      guard let operations = stage.operations else {
        throw InputError(
          "a stage of a progressive search, whose tensors leave operations open", at: .file(file.path),
          found: "\(count); \(stage.openEdge ?? "")",
          wanted: "--operations with the log of the search; --space where it is of a whole space")
      }
      inferred.append(count)
      parts.append("\(count) (its tensors)")
      return operations
    }
    let text = String(decoding: try FileBytes.read(path), as: UTF8.self)
    let logged = try EdgeOperations.switches(inLog: text, of: space ?? .s5, path: path)
    let fitting = Set(logged.filter(stage.allows))
    guard let operations = fitting.first, fitting.count == 1 else {
      throw InputError(
        fitting.isEmpty ? "no stage of this network" : "several stages of this network", at: .file(path),
        found: "stages of \(logged.map { "\($0.operationsPerEdge)" }.joined(separator: ", ")) operations an edge",
        wanted: "one that fits the tensors of \(file.path): \(count)")
    }
    parts.append("\(count) (--operations)")
    return operations
  }

  /// What others may call a space.
  private static func spelling(_ text: String) -> SearchSpace? {
    let plain = text.lowercased()
    return plain == "darts" ? .s5 : SearchSpace(rawValue: plain)
  }

  /// - Parameters:
  ///   - fallback: taken where nobody says anything; nil where that is an error.
  ///   - read: a value of the metadata; nil for one that is none.
  ///   - isUsual: whether a value needs no mention.
  private mutating func settle<Value: Equatable>(
    _ key: String, flag: Value? = nil, tensors: Value?, fallback: Value? = nil, read: (String) -> Value?,
    show: (Value) -> String, wanted: String? = nil, isUsual: (Value) -> Bool = { _ in false }
  ) throws -> Value {
    let flagName = "--" + key.replacing("_", with: "-")
    let shown = tensors.map { "\(show($0)), as the tensors have it (\(shownText ?? "of no supernet"))" }
    if let flag {
      if let tensors, tensors != flag {
        throw UsageError(
          "not the network of \(file.path)", found: "\(flagName), that is \(show(flag))", wanted: shown ?? show(tensors))
      }
      parts.append("\(show(flag)) (\(flagName))")
      return flag
    }
    if let text = file.metadata[key] {
      let place = "\(file.path): metadata \(key)"
      guard let value = read(text) else {
        throw InputError("unknown value", at: .words(place), found: "'\(text)'", wanted: shown ?? wanted ?? "another")
      }
      if let tensors, tensors != value {
        throw InputError("not what the tensors show", at: .words(place), found: "'\(text)'", wanted: shown ?? show(tensors))
      }
      if "\(value)" != text { remarks.append("metadata \(key) '\(text)' is read as \(show(value))") }
      if !isUsual(value) { parts.append("\(show(value)) (its metadata)") }
      return value
    }
    if let tensors {
      if !isUsual(tensors) {
        inferred.append(show(tensors))
        parts.append("\(show(tensors)) (its tensors)")
      }
      return tensors
    }
    guard let fallback else {
      throw InputError(
        "unknown network", at: .file(file.path),
        found: "nothing that says the \(key): \(shownText ?? "tensors of no supernet")",
        wanted: "--\(key), metadata \(key), or tensors under the public names of DARTS (stem.0.weight, cells.0.…)")
    }
    return fallback
  }
}
