import Formats

/// What the flag `--dataset` says: a kind, a path, and options after a question mark.
///
/// `fashion-mnist`, `fashion-mnist:DIR`, `cifar10:PATH`, `cifar100:PATH`, `svhn:DIR`, `svhn:DIR?extra=yes`, each of these
/// with `?side=16` (or `&side=16`) for images of half the side,
/// `images:DIR?size=N&crop=resized|padded&normalise=imagenet|cifar10|cifar100|svhn` or `tensors:FILE.safetensors`.
public indirect enum DatasetSpecification: Equatable, Sendable, CustomStringConvertible {
  case fashionMNIST(folder: String)
  /// A folder or an archive, in either layout.
  case cifar10(path: String)
  /// A folder or an archive, in either layout.
  case cifar100(path: String)
  case svhn(folder: String, includesExtra: Bool)
  case images(folder: String, ImageOptions)
  case tensors(file: String)
  /// Another dataset's images at half their side.
  case halved(DatasetSpecification)

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

  /// Every form, for help texts and messages.
  public static let forms =
    "fashion-mnist, fashion-mnist:DIR, cifar10:PATH, cifar100:PATH, svhn:DIR, each with ?side=16 where wanted, images:DIR?size=N or tensors:FILE.safetensors"

  /// - Throws: `InputError` when the text names no known dataset or option, or leaves out or adds a path.
  public init(parsing text: String) throws {
    var options = try DatasetOptions(text)
    let parts = options.path.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let path = parts.count == 2 ? Self.expanded(parts[1]) : nil
    func required(_ what: String) throws -> String {
      guard let path, !path.isEmpty else {
        throw InputError("no path is given", at: .setting("dataset", being: text), wanted: "\(parts[0]):\(what)")
      }
      return path
    }
    switch parts[0] {
    case "fashion-mnist":
      self = .fashionMNIST(folder: path == nil ? FashionMNIST.systemFolder : try required("DIR, or fashion-mnist alone"))
    case "cifar10": self = .cifar10(path: try required("PATH"))
    case "cifar100": self = .cifar100(path: try required("PATH"))
    case "svhn":
      self = .svhn(
        folder: try required("DIR"), includesExtra: try options.take("extra", from: ["no", "yes"]) == "yes")
    case "images": self = .images(folder: try required("DIR"), try ImageOptions(taking: &options))
    case "tensors": self = .tensors(file: try required("FILE.safetensors"))
    default:
      throw InputError("no such dataset", at: .setting("dataset", being: text), found: "\"\(parts[0])\"", wanted: Self.forms)
    }
    if isOfFixedSide, try options.take("side", from: ["32", "16"]) == "16" { self = .halved(self) }
    try options.finish()
  }

  /// Whether its images are of 32×32, which `side` may halve.
  private var isOfFixedSide: Bool {
    switch self {
    case .fashionMNIST, .cifar10, .cifar100, .svhn: true
    case .images, .tensors, .halved: false
    }
  }

  /// The text that parses to the same specification.
  public var description: String { text(naming: path) }

  /// The path; nil for Fashion-MNIST where the system keeps it.
  var path: String? {
    switch self {
    case .fashionMNIST(FashionMNIST.systemFolder): nil
    case .fashionMNIST(let path), .cifar10(let path), .cifar100(let path), .svhn(let path, _), .images(let path, _),
      .tensors(let path):
      path
    case .halved(let whole): whole.path
    }
  }

  /// The text with a path or without.
  func text(naming path: String?) -> String {
    let place = path.map { ":\($0)" } ?? ""
    return switch self {
    case .fashionMNIST: "fashion-mnist\(place)"
    case .cifar10: "cifar10\(place)"
    case .cifar100: "cifar100\(place)"
    case .svhn(_, let includesExtra): "svhn\(place)\(includesExtra ? "?extra=yes" : "")"
    case .images(_, let options): "images\(place)\(options.text)"
    case .tensors: "tensors\(place)"
    case .halved(.svhn(_, true)): "svhn\(place)?extra=yes&side=16"
    case .halved(let whole): "\(whole.text(naming: path))?side=16"
    }
  }

  /// Reads the dataset; of a folder of images, the names.
  ///
  /// - Throws: `InputError` naming the file, what was found and what would be right.
  public func load() throws -> ImageDataset {
    switch self {
    case .fashionMNIST(let folder): try FashionMNIST.load(folder: folder)
    case .cifar10(let path): try CIFAR.load10(path)
    case .cifar100(let path): try CIFAR.load100(path)
    case .svhn(let folder, let includesExtra): try SVHN.load(folder: folder, includingExtra: includesExtra)
    case .images(let folder, let options):
      try ImageFolder.load(
        folder: folder, side: options.size, crop: options.crop, normalisation: options.normalisation.constants)
    case .tensors(let file): try TensorDataset.load(file: file)
    case .halved(let whole): try whole.load().halved()
    }
  }
}

extension DatasetSpecification.ImageOptions {
  /// What differs from the defaults.
  fileprivate var text: String {
    let standard = Self()
    let given = [
      size == standard.size ? nil : "size=\(size)", crop == standard.crop ? nil : "crop=\(crop.rawValue)",
      normalisation == standard.normalisation ? nil : "normalise=\(normalisation.rawValue)",
    ].compactMap { $0 }
    return given.isEmpty ? "" : "?" + given.joined(separator: "&")
  }

  fileprivate init(taking options: inout DatasetOptions) throws {
    let sizes = ImageFolder.sides
    if let text = options.take("size") {
      guard let size = Int(text), sizes.contains(size) else {
        throw options.wrong("size", found: text, expected: "\(sizes.lowerBound) to \(sizes.upperBound)")
      }
      self.size = size
    }
    typealias Crop = ImageFolder.Crop
    typealias Name = DatasetSpecification.NormalisationName
    crop = try options.take("crop", from: Crop.allCases.map(\.rawValue)).flatMap(Crop.init) ?? .resized
    normalisation = try options.take("normalise", from: Name.allCases.map(\.rawValue)).flatMap(Name.init) ?? .imagenet
  }
}

/// A kind with its path, and what follows the last question mark: `key=value`, joined by `&`.
private struct DatasetOptions {
  let path: String
  private let text: String
  private var values: [(key: String, value: String)] = []

  init(_ text: String) throws {
    self.text = text
    // A question mark may be part of a path; options have an equals sign.
    guard let mark = text.lastIndex(of: "?"), text[mark...].contains("="), !text[mark...].contains("/") else {
      path = text
      return
    }
    path = String(text[..<mark])
    for option in text[text.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false) {
      let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, !values.contains(where: { $0.key == parts[0] }) else {
        throw InputError(
          "an option without value, or given twice", at: .setting("dataset", being: text), found: "\"\(option)\"",
          wanted: "key=value")
      }
      values.append((parts[0], parts[1]))
    }
  }

  mutating func take(_ key: String) -> String? {
    guard let index = values.firstIndex(where: { $0.key == key }) else { return nil }
    return values.remove(at: index).value
  }

  mutating func take(_ key: String, from choices: [String]) throws -> String? {
    guard let value = take(key) else { return nil }
    guard choices.contains(value) else { throw wrong(key, found: value, expected: choices.joined(separator: ", ")) }
    return value
  }

  func wrong(_ key: String, found: String, expected: String) -> InputError {
    InputError("\(key) out of range", at: .setting("dataset", being: text), found: found, wanted: expected)
  }

  /// - Throws: `InputError` where an option is left.
  func finish() throws {
    if let left = values.first {
      throw InputError("no such option", at: .setting("dataset", being: text), found: "\"\(left.key)\"")
    }
  }
}
