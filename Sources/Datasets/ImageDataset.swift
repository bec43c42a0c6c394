import Formats

/// Labelled square images, in memory or in files.
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
    /// Files of any size, decoded, resized, augmented and normalised batch by batch.
    case files(ImageFiles)

    /// Images, where one has so many values.
    func count(imageSize: Int) -> Int? {
      let values: Int
      switch self {
      case .bytes(let bytes): values = bytes.count
      case .floats(let floats): values = floats.count
      case .files(let files): return files.count
      }
      return values.isMultiple(of: imageSize) ? values / imageSize : nil
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
  /// Names of the classes, in their order, where the dataset brings them.
  public let classNames: [String]?
  /// What training images get unless something else is asked for.
  public let augmentation: Augmentation
  /// Names the content, wherever it lies: eight hexadecimal digits, of images and labels in memory, and of names, sizes and
  /// labels of image files.
  public let checksum: String

  public var height: Int { side }
  public var width: Int { side }
  /// Values of one image of a batch.
  public var imageSize: Int { Self.channels * side * side }
  /// Whether images are pixels, which can be cropped, flipped and normalised, rather than final values.
  public var isAugmentable: Bool {
    if case .floats = training.pixels { false } else { true }
  }

  /// - Throws: `InputError` when a split is empty, a label is no class, pixels and labels don't match, or an image file
  ///   is gone.
  public init(
    name: String, classes: Int, side: Int, storedChannels: Int = ImageDataset.channels, training: Split,
    validation: Split? = nil, test: Split? = nil, normalisation: Normalisation, classNames: [String]? = nil,
    augmentation: Augmentation = .darts
  ) throws {
    guard classes > 0, side > 0, storedChannels == 1 || storedChannels == Self.channels else {
      throw InputError(
        "impossible images", at: .words(name), found: "\(classes) classes, side \(side), \(storedChannels) channels",
        wanted: "positive numbers, and 1 or 3 channels")
    }
    for (kind, split) in [("training", training), ("validation", validation), ("test", test)] {
      guard let split else { continue }
      guard split.count > 0 else { throw InputError("no images", at: "\(name), \(kind)") }
      let found = split.pixels.count(imageSize: storedChannels * side * side)
      guard found == split.count else {
        throw InputError(
          "images and labels don't match", at: "\(name), \(kind)",
          found: found.map { "\($0) images" } ?? "pixels of no whole number of images",
          wanted: "\(split.count) images of \(storedChannels)×\(side)×\(side)")
      }
      if let index = split.labels.firstIndex(where: { $0 < 0 || $0 >= classes }) {
        throw InputError(
          "label is no class", at: "\(name), \(kind), image \(index)", found: "\(split.labels[index])",
          wanted: "0 to \(classes - 1)")
      }
    }
    guard classNames == nil || classNames?.count == classes else {
      throw InputError(
        "classes and their names don't match", at: .words(name), found: "\(classNames?.count ?? 0) names",
        wanted: "\(classes)")
    }
    self.name = name
    self.classes = classes
    self.side = side
    self.storedChannels = storedChannels
    self.training = training
    self.validation = validation
    self.test = test
    self.normalisation = normalisation
    self.classNames = classNames
    self.augmentation = augmentation
    checksum = try DatasetChecksum.text([("training", training), ("validation", validation), ("test", test)])
  }
}
