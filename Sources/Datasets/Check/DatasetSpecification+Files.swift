import Formats
import Foundation

extension DatasetSpecification {
  /// Digests of the files that the dataset is read from, in the order of reading; an archive comes before what it holds.
  /// Empty for a folder of images, which `DatasetReport` covers by one digest of all.
  ///
  /// - Throws: `InputError` where a file is absent or unreadable.
  public func checkedFiles() throws -> [CheckedFile] {
    switch self {
    case .fashionMNIST(let root):
      let folder = try FashionMNIST.place(in: root)
      return try FashionMNIST.fileNames.map { name in
        try Self.checked(IDXFile.path(folder: folder, name: name) ?? "\(folder)/\(name).gz")
      }
    case .cifar10(let path): return try Self.checkedFiles(CIFARSource(path, of: .ten))
    case .cifar100(let path): return try Self.checkedFiles(CIFARSource(path, of: .hundred))
    case .svhn(let folder, let includesExtra):
      let names = ["train_32x32.mat", "test_32x32.mat"] + (includesExtra ? ["extra_32x32.mat"] : [])
      return try names.map { try Self.checked("\(folder)/\($0)") }
    case .images: return []
    case .tensors(let file): return [try Self.checked(file)]
    case .halved(let whole): return try whole.checkedFiles()
    }
  }

  private static func checked(_ path: String) throws -> CheckedFile {
    try CheckedFile(source: path, name: String(path.split(separator: "/").last ?? ""), bytes: FileBytes.read(path))
  }

  private static func checkedFiles(_ source: CIFARSource) throws -> [CheckedFile] {
    let names = try source.trainingFiles() + [source.layout.test, source.layout.meta].filter(source.files.contains)
    return try (source.archive.map { [try checked($0)] } ?? [])
      + names.map { try CheckedFile(source: source.files.source($0), name: $0, bytes: source.files.bytes($0)) }
  }
}
