extension DatasetKind {
  /// `images:DIR`, brought to a batch as its options say.
  static let images = DatasetKind(
    name: "images", place: "DIR", form: "images:DIR?size=N",
    options: [
      DatasetOption(
        key: "size", usual: "224", wanted: "\(ImageFolder.sides.lowerBound) to \(ImageFolder.sides.upperBound)"
      ) { text in Int(text).flatMap { ImageFolder.sides.contains($0) ? "\($0)" : nil } },
      .choice("crop", of: ImageFolder.Crop.allCases.map(\.rawValue)),
      .choice("normalise", of: DatasetSpecification.NormalisationName.allCases.map(\.rawValue)),
    ],
    load: { specification in
      let options = specification.imageOptions
      return try ImageFolder.load(
        folder: specification.location, side: options.size, crop: options.crop,
        normalisation: options.normalisation.constants)
    },
    // `DatasetReport` covers them by one digest of all.
    files: { _ in [] })
}

extension DatasetSpecification {
  public static func images(folder: String, _ options: ImageOptions) -> DatasetSpecification {
    DatasetSpecification(
      .images, at: folder,
      ["size": "\(options.size)", "crop": options.crop.rawValue, "normalise": options.normalisation.rawValue])
  }

  /// Of a folder of images.
  fileprivate var imageOptions: ImageOptions {
    let usual = ImageOptions()
    return ImageOptions(
      size: Int(self[option: "size"]) ?? usual.size, crop: .init(rawValue: self[option: "crop"]) ?? usual.crop,
      normalisation: .init(rawValue: self[option: "normalise"]) ?? usual.normalisation)
  }

  /// How the images of a folder are brought to a batch.
  public struct ImageOptions: Equatable, Sendable {
    /// Height and width.
    public var size = 224
    public var crop = ImageFolder.Crop.resized
    public var normalisation = NormalisationName.imagenet

    public init(
      size: Int = 224, crop: ImageFolder.Crop = .resized, normalisation: NormalisationName = .imagenet
    ) {
      self.size = size
      self.crop = crop
      self.normalisation = normalisation
    }
  }

  /// Published constants by name.
  public enum NormalisationName: String, CaseIterable, Sendable {
    case imagenet, cifar10, cifar100, svhn

    public var constants: Normalisation {
      switch self {
      case .imagenet: .imageNet
      case .cifar10: .cifar10
      case .cifar100: .cifar100
      case .svhn: .svhn
      }
    }
  }
}
