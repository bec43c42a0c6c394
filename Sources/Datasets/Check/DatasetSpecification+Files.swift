import Formats

extension DatasetSpecification {
  /// Digests of the files that the dataset is read from, in the order of reading; an archive comes before what it holds.
  /// Empty for a folder of images, which `DatasetReport` covers by one digest of all.
  ///
  /// - Throws: `InputError` where a file is absent or unreadable.
  public func checkedFiles() throws -> [CheckedFile] { try datasetKind.files(self) }
}

extension CheckedFile {
  /// A file by itself.
  package init(reading path: String) throws {
    try self.init(source: path, name: String(path.split(separator: "/").last ?? ""), bytes: FileBytes.read(path))
  }
}
