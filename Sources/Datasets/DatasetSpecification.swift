/// What the flag `--dataset` says: `fashion-mnist`, `fashion-mnist:DIR`, `cifar10:DIR` or `tensors:FILE`.
public enum DatasetSpecification: Equatable, Sendable, CustomStringConvertible {
  case fashionMNIST(folder: String)
  case cifar10(folder: String)
  case tensors(file: String)

  /// - Throws: `DatasetError` when the text names no known dataset, or leaves out or adds a path.
  public init(parsing text: String) throws {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let path = parts.count == 2 ? parts[1] : nil
    func required(_ what: String) throws -> String {
      guard let path, !path.isEmpty else {
        throw DatasetError(source: "--dataset \(text)", problem: "no path is given", expected: "\(parts[0]):\(what)")
      }
      return path
    }
    switch parts[0] {
    case "fashion-mnist":
      self = .fashionMNIST(folder: path == nil ? FashionMNIST.systemFolder : try required("DIR, or fashion-mnist alone"))
    case "cifar10": self = .cifar10(folder: try required("DIR"))
    case "tensors": self = .tensors(file: try required("FILE.safetensors"))
    default:
      throw DatasetError(
        source: "--dataset \(text)", problem: "no such dataset", found: "\"\(parts[0])\"",
        expected: "fashion-mnist, fashion-mnist:DIR, cifar10:DIR or tensors:FILE.safetensors")
    }
  }

  /// The text that parses to the same specification.
  public var description: String {
    switch self {
    case .fashionMNIST(FashionMNIST.systemFolder): "fashion-mnist"
    case .fashionMNIST(let folder): "fashion-mnist:\(folder)"
    case .cifar10(let folder): "cifar10:\(folder)"
    case .tensors(let file): "tensors:\(file)"
    }
  }

  /// Reads the dataset.
  ///
  /// - Throws: `DatasetError` or `FormatError` naming the file, what was found and what would be right.
  public func load() throws -> ImageDataset {
    switch self {
    case .fashionMNIST(let folder): try FashionMNIST.load(folder: folder)
    case .cifar10(let folder): try CIFAR10.load(folder: folder)
    case .tensors(let file): try TensorDataset.load(file: file)
    }
  }
}
