import Cells
import Formats

/// Published settings under which a found network is trained.
public struct RetrainingPreset: Equatable, Sendable {
  public let name: String
  /// What it is for, in a line.
  public let summary: String
  public let scale: DerivedArchitecture.Scale
  let channels: Int
  let layers: Int
  /// The usual place of its data.
  public let dataset: String?

  /// All presets. docs/retraining.md says where each value comes from.
  public static let all: [RetrainingPreset] =
    [
      RetrainingPreset(
        name: "cifar", summary: "DARTS and ZARTS on CIFAR-10: 20 cells, 36 channels, 600 epochs", scale: .cifar,
        channels: 36,
        layers: 20, dataset: nil),
      RetrainingPreset(
        name: "imagenet", summary: "DARTS and ZARTS on ImageNet: 14 cells, 48 channels, 250 epochs", scale: .imagenet,
        channels: 48, layers: 14, dataset: nil),
      RetrainingPreset(
        name: "nb201", summary: "NAS-Bench-201's table: 15 cells in three stages, 16 channels, 200 epochs", scale: .cifar,
        channels: 16, layers: 15, dataset: nil),
    ] + robustDARTS

  /// RobustDARTS (ICLR 2020) trains the networks of its twelve benchmarks at three sizes.
  private static let robustDARTS = ["s1", "s2", "s3", "s4"].flatMap { space in
    ["cifar10", "cifar100", "svhn"].map { dataset in
      let isCIFAR10 = dataset == "cifar10"
      let isWide = isCIFAR10 && (space == "s1" || space == "s3")
      return RetrainingPreset(
        name: "rdarts-\(space)-\(dataset)", summary: "RobustDARTS' benchmark \(space.uppercased()) on \(dataset)",
        scale: .cifar, channels: isWide ? 36 : 16, layers: isCIFAR10 ? 20 : 8, dataset: "\(dataset):data/\(dataset)")
    }
  }

  /// The preset that a genotype is trained under where none is asked for.
  public static func usual(for genotype: Genotype) -> String {
    genotype.macroArchitecture == .reductions ? "cifar" : "nb201"
  }

  /// - Throws: `InputError` for a name that no preset has.
  public init(named name: String, at place: InputError.Place) throws {
    guard let preset = Self.all.first(where: { $0.name == name }) else {
      throw InputError("no such preset", at: place, found: "'\(name)'", wanted: Self.all.map(\.name).joined(separator: ", "))
    }
    self = preset
  }

  private init(
    name: String, summary: String, scale: DerivedArchitecture.Scale, channels: Int, layers: Int, dataset: String?
  ) {
    self.name = name
    self.summary = summary
    self.scale = scale
    self.channels = channels
    self.layers = layers
    self.dataset = dataset
  }

  /// Its settings for a genotype.
  public func configuration(genotype: String, dataset: String) -> RetrainingConfiguration {
    var result = RetrainingConfiguration(genotype: genotype, dataset: dataset, scale: scale)
    result.channels = channels
    result.layers = layers
    return result
  }
}
