/// Labelled square images in memory.
public struct ImageDataset: Sendable {
  /// Channels of every batch.
  public static let channels = 3

  /// Images of one split, row-major [count, storedChannels, side, side], and their labels.
  public struct Split: Sendable {
    public var pixels: Pixels
    /// Class of each image, in 0..<classes.
    public var labels: [Int32]
    public var count: Int { labels.count }

    public init(pixels: Pixels, labels: [Int32]) {
      self.pixels = pixels
      self.labels = labels
    }
  }

  public enum Pixels: Sendable {
    /// 0…255, to be augmented and normalised batch by batch.
    case bytes([UInt8])
    /// Final values, used as they are.
    case floats([Float])

    var count: Int {
      switch self {
      case .bytes(let values): values.count
      case .floats(let values): values.count
      }
    }
  }

  /// A short name for logs and figures.
  public let name: String
  public let classes: Int
  /// Height and width.
  public let side: Int
  /// 3, or 1 for grey images, which batches repeat in all three channels.
  public let storedChannels: Int
  /// Images to train on: the search halves them, unless `validation` is given.
  public let training: Split
  /// The validation split of datasets that bring their own.
  public let validation: Split?
  public let test: Split?
  public let normalisation: Normalisation

  public var height: Int { side }
  public var width: Int { side }
  /// Values of one image of a batch.
  public var imageSize: Int { Self.channels * side * side }
  /// Whether images are byte pixels, which can be cropped, flipped and normalised.
  public var isAugmentable: Bool {
    if case .bytes = training.pixels { true } else { false }
  }

  /// - Throws: `DatasetError` when a split is empty, a label is no class, or pixels and labels don't match.
  public init(
    name: String, classes: Int, side: Int, storedChannels: Int = ImageDataset.channels, training: Split,
    validation: Split? = nil, test: Split? = nil, normalisation: Normalisation
  ) throws {
    guard classes > 0, side > 0, storedChannels == 1 || storedChannels == Self.channels else {
      throw DatasetError(
        source: name, problem: "impossible images", found: "\(classes) classes, side \(side), \(storedChannels) channels",
        expected: "positive numbers, and 1 or 3 channels")
    }
    for (kind, split) in [("training", training), ("validation", validation), ("test", test)] {
      guard let split else { continue }
      guard split.count > 0 else { throw DatasetError(source: "\(name), \(kind)", problem: "no images") }
      guard split.pixels.count == split.count * storedChannels * side * side else {
        throw DatasetError(
          source: "\(name), \(kind)", problem: "pixels and labels don't match", found: "\(split.pixels.count) pixels",
          expected: "\(split.count) images of \(storedChannels)×\(side)×\(side)")
      }
      if let index = split.labels.firstIndex(where: { $0 < 0 || $0 >= classes }) {
        throw DatasetError(
          source: "\(name), \(kind), image \(index)", problem: "label is no class", found: "\(split.labels[index])",
          expected: "0 to \(classes - 1)")
      }
    }
    self.name = name
    self.classes = classes
    self.side = side
    self.storedChannels = storedChannels
    self.training = training
    self.validation = validation
    self.test = test
    self.normalisation = normalisation
  }
}
