import Cells
import Formats
import Foundation
import Retraining

/// Weights that a retraining goes on from, and what they say about its network.
struct RetrainingStart {
  let file: TensorFile
  private(set) var network: WeightsNetwork
  private let path: String
  /// SHA-256 of the file's bytes.
  private let digest: String

  /// - Throws: `InputError` where the file cannot be read or is of no derived network.
  init(readingFrom path: String) throws {
    let read = try WeightsFile(readingFrom: path)
    read.file.remarkOnChecksum()
    self.path = URL(fileURLWithPath: path).standardizedFileURL.path
    file = read.file
    digest = SHA256.hexadecimal(of: try FileBytes.read(path))
    network = WeightsNetwork(of: file)
    guard network.derived != nil else {
      throw InputError(
        "not the weights of a derived network", at: .file(path), found: network.shownText ?? "tensors of no network",
        wanted: "the public names of NetworkCIFAR, NetworkImageNet or NAS-Bench-201 (stem.0.weight, cells.0.…)")
    }
    read.notes.forEach(remark)
  }

  /// The preset of networks of the ImageNet kind; nil for others.
  var usualPreset: String? { network.derived?.scale == .imagenet ? "imagenet" : nil }

  /// Puts the sizes of the network into settings that nobody has given sizes.
  ///
  /// - Parameters: flags, nil where not given.
  /// - Throws: as `WeightsNetwork.apply`.
  mutating func settle(
    _ configuration: inout RetrainingConfiguration, genotype: Genotype, channels: Int?, layers: Int?
  ) throws {
    var known = configuration
    try network.apply(to: &known, genotype: genotype, channels: channels, layers: layers)
    guard known.scale == configuration.scale else {
      throw UsageError(
        "settings of another kind of network", at: "--preset", found: configuration.scale.rawValue,
        wanted: "one for the \(known.scale.rawValue) network, which \(file.path) is of")
    }
    (configuration.channels, configuration.layers) = (known.channels, known.layers)
    network.notes.forEach(remark)
  }

  /// - Throws: `InputError` where settings that are given are of another network.
  mutating func require(_ configuration: RetrainingConfiguration) throws {
    let genotype = try network.genotype(flag: Genotype(parsing: configuration.genotype))
    var known = configuration
    try network.apply(to: &known, genotype: genotype, channels: configuration.channels, layers: configuration.layers)
    guard known.scale == configuration.scale else {
      throw InputError(
        "weights of another kind of network", at: .file(file.path), found: known.scale.rawValue,
        wanted: "\(configuration.scale.rawValue), as the settings have it")
    }
  }

  /// - Parameters:
  ///   - recorded: the digest that settings name; nil where they name none.
  ///   - config: the file of the settings.
  /// - Throws: `InputError` where the file is another one.
  func require(_ recorded: String?, from config: String) throws {
    guard let recorded, recorded.lowercased() != digest else { return }
    throw InputError(
      "not the weights that the settings name", at: .file(path, "SHA-256"), found: digest,
      wanted: "\(recorded), the weights_sha256 of \(config)")
  }

  /// Puts file and digest into the settings, and says where training starts.
  func record(in configuration: inout RetrainingConfiguration) {
    (configuration.weights, configuration.weightsSHA256) = (path, digest)
    let head = configuration.auxiliary && network.derived?.hasAuxiliaryHead == false
    remark(
      "goes on from \(path)\(head ? ", which has no auxiliary head: one begins anew beside it" : ""); momentum at rest, the "
        + "schedule from its start: learning rate \(configuration.learningRate(epoch: 0)) in epoch 1")
  }
}
