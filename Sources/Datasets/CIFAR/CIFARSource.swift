import Formats
import Foundation

/// Where the files of a CIFAR dataset are and in which layout, found by looking.
struct CIFARSource {
  var files: DatasetFiles
  var layout: CIFARVariant.Layout
  var isPython: Bool
  /// The archive, where the files are in one.
  var archive: String?

  /// Looks at a path: an archive; a folder with the files; a folder with an unpacked folder or an archive under its
  /// published name, the unpacked ones first.
  ///
  /// - Throws: `InputError` where nothing of the dataset is found, or an archive is damaged.
  init(_ path: String, of variant: CIFARVariant) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw InputError("there is no such file or folder", at: .file(path), wanted: Self.wanted(variant))
    }
    guard isFolder.boolValue else {
      try self.init(archive: path, of: variant)
      return
    }
    let entries = try DatasetFiles.entries(of: path)
    for (layout, isPython) in [(variant.binary, false), (variant.python, true)] {
      for folder in [path, "\(path)/\(layout.folder)"] where FileManager.default.fileExists(atPath: folder) {
        let files = try DatasetFiles(folder: folder)
        if Self.isOf(layout, files.names) {
          self.init(files: files, layout: layout, isPython: isPython)
          return
        }
      }
    }
    for layout in [variant.binary, variant.python] where entries.contains(layout.archive) {
      try self.init(archive: "\(path)/\(layout.archive)", of: variant)
      return
    }
    throw InputError(
      "there is no \(variant.title)", at: .file(path),
      found: entries.isEmpty ? "an empty folder" : entries.prefix(3).joined(separator: ", "), wanted: Self.wanted(variant))
  }

  private init(files: DatasetFiles, layout: CIFARVariant.Layout, isPython: Bool, archive: String? = nil) {
    self.files = files
    self.layout = layout
    self.isPython = isPython
    self.archive = archive
  }

  private init(archive path: String, of variant: CIFARVariant) throws {
    let layouts = [(variant.binary, false), (variant.python, true)]
    let files = try DatasetFiles(archive: path) { name in
      layouts.contains { Self.isTraining(name, of: $0.0) || [$0.0.test, $0.0.meta].contains(name) }
    }
    guard let (layout, isPython) = layouts.first(where: { Self.isOf($0.0, files.names) }) else {
      throw InputError(
        "there is no \(variant.title) in the archive", at: .file(path),
        wanted: "\(variant.binary.training.first) or \(variant.python.training.first)")
    }
    self.init(files: files, layout: layout, isPython: isPython, archive: path)
  }

  /// Whether any file of a layout is there that no other layout has, so that a lost one is reported as such.
  private static func isOf(_ layout: CIFARVariant.Layout, _ names: [String]) -> Bool {
    names.contains { isTraining($0, of: layout) }
  }

  private static func isTraining(_ name: String, of layout: CIFARVariant.Layout) -> Bool {
    switch layout.training {
    case .file(let file): return name == file
    case .numbered(let prefix, let suffix):
      guard name.hasPrefix(prefix), name.hasSuffix(suffix), name.count > prefix.count + suffix.count else { return false }
      // Without a suffix, the files of the other layout are passed over.
      return !suffix.isEmpty || !name.contains(".")
    }
  }

  private static func wanted(_ variant: CIFARVariant) -> String {
    "\(variant.binary.archive) or \(variant.python.archive), or a folder with \(variant.binary.training.first) or "
      + "\(variant.python.training.first)"
  }

  /// The training files in their order; a hole in their numbers is a lost file.
  func trainingFiles() throws -> [String] {
    guard case .numbered(let prefix, let suffix) = layout.training else { return [layout.training.first] }
    let names = files.names.filter { Self.isTraining($0, of: layout) }
    let numbers = try names.map { name in
      let middle = name.dropFirst(prefix.count).dropLast(suffix.count)
      guard let number = Int(middle), number > 0, String(number) == middle else {
        throw InputError(
          "unexpected name of a batch", at: .file(files.source(name)), wanted: "\(prefix)1\(suffix), \(prefix)2\(suffix), …")
      }
      return number
    }
    let last = numbers.max() ?? 0
    let known = Set(numbers)
    if last > numbers.count, let lost = (1...last).first(where: { !known.contains($0) }) {
      throw InputError(
        "there is no such file", at: .file(files.source("\(prefix)\(lost)\(suffix)")), found: "\(prefix)\(last)\(suffix)",
        wanted: "every batch from 1 to \(last)")
    }
    return (1...max(1, last)).map { "\(prefix)\($0)\(suffix)" }
  }
}
