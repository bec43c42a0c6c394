import Compute
import Datasets
import Retraining
import Runs

/// A small retraining, for tests of what surrounds it.
enum RetrainingSamples {
  static let line =
    "Genotype(normal=[('sep_conv_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 0), ('dil_conv_3x3', 1), "
    + "('sep_conv_3x3', 1), ('skip_connect', 2), ('avg_pool_3x3', 0), ('skip_connect', 1)], normal_concat=range(2, 6), "
    + "reduce=[('max_pool_3x3', 0), ('skip_connect', 1), ('sep_conv_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), "
    + "('skip_connect', 2), ('dil_conv_3x3', 3), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))"
  /// The same with pools in place of convolutions.
  static let poolLine = line.replacing("sep_conv_3x3", with: "avg_pool_3x3").replacing("dil_conv_3x3", with: "max_pool_3x3")

  /// Grey images of two classes that brightness tells apart, 8×8 where nothing else is said.
  ///
  /// - Parameter testSeed: of the nine test images.
  static func shades(images: Int = 22, testSeed: UInt64 = 9, classes: Int = 2, side: Int = 8) throws -> ImageDataset {
    func split(_ count: Int, seed: UInt64) -> ImageDataset.Split {
      var stream = RandomStream(seed: seed, purpose: .test)
      let labels = (0..<count).map { _ in Int32(stream.integer(below: 2)) }
      let bytes = labels.flatMap { label in
        (0..<side * side).map { _ in UInt8(40 + 120 * Int(label) + stream.integer(below: 60)) }
      }
      return ImageDataset.Split(pixels: .bytes(bytes), labels: labels)
    }
    return try ImageDataset(
      name: "shades", classes: classes, side: side, storedChannels: 1, training: split(images, seed: 4),
      test: split(9, seed: testSeed),
      normalisation: Normalisation(mean: [0.5, 0.5, 0.5], standardDeviation: [0.25, 0.25, 0.25]),
      augmentation: Augmentation(cropPadding: 1, isFlipping: true))
  }

  static func configuration(_ change: (inout RetrainingConfiguration) -> Void = { _ in }) -> RetrainingConfiguration {
    var result = RetrainingConfiguration(genotype: line, dataset: "shades")
    (result.epochs, result.batch, result.channels, result.layers) = (3, 8, 4, 3)
    (result.auxiliary, result.cutout, result.dropPath, result.keepLast, result.threads) = (false, 2, 0.3, 0, 2)
    change(&result)
    return result
  }

  /// The rows of a run's table without their times.
  static func timeless(_ files: RetrainingFolder) throws -> [RetrainingRecord] {
    try files.metrics().map {
      var record = $0
      record.seconds = 0
      return record
    }
  }
}
