import Foundation

/// A file that a command writes at a path which a person names, and the one rule for what it may replace.
///
/// What is there is replaced where zarts made it as the same kind of output, as the file itself says, or where the person
/// asks for it. Nothing in a folder of results is replaced by another kind of output than the file is, asked for or not.
public struct OutputFile: Sendable {
  /// What the command writes, in a few words: "a table of zarts curves".
  public let kind: String
  /// Names that the command may give files of a result, as `zarts diagnose` does in a run's folder.
  private let ownNames: Set<String>
  private let isOwn: @Sendable (_ path: String) -> Bool

  /// - Parameter isOwn: whether the file at a path says of itself that it is of this kind.
  public init(_ kind: String, ownNames: Set<String> = [], isOwn: @escaping @Sendable (_ path: String) -> Bool) {
    self.kind = kind
    self.ownNames = ownNames
    self.isOwn = isOwn
  }

  /// A CSV file, known by its header.
  public static func table(
    _ kind: String, ownNames: Set<String> = [], columns isOwn: @escaping @Sendable (_ columns: [String]) -> Bool
  ) -> OutputFile {
    OutputFile(kind, ownNames: ownNames) { path in
      guard let bytes = try? FileBytes.read(path, atMost: 1 << 16), let end = bytes.firstIndex(of: 0x0A),
        let header = try? CSVRecords(parsing: Array(bytes[...end]), path: path).records.first
      else { return false }
      return isOwn(header)
    }
  }

  /// A text file, known by what stands in its beginning.
  public static func text(
    _ kind: String, ownNames: Set<String> = [], _ isOwn: @escaping @Sendable (_ text: String) -> Bool
  ) -> OutputFile {
    OutputFile(kind, ownNames: ownNames) { path in
      (try? FileBytes.read(path, atMost: 1 << 16)).map { isOwn(String(decoding: $0, as: UTF8.self)) } ?? false
    }
  }

  /// A safetensors file, known by `format` in its metadata.
  public static func tensors(_ kind: String, format: String) -> OutputFile {
    OutputFile(kind) { path in (try? TensorFile.metadata(readingFrom: path))?["format"] == format }
  }

  /// Whether two paths name one file that is there, through links of either kind too.
  private static func isSame(_ one: String, _ other: String) -> Bool {
    var (first, second) = (stat(), stat())
    guard stat(one, &first) == 0, stat(other, &second) == 0 else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  /// What would be right where the person has to choose; the program says how to ask for it.
  public static let nameOrLeave = "another name, or leave to overwrite"

  /// To be asked before anything is computed.
  ///
  /// - Parameters:
  ///   - overwrite: whether the person wants what is there to be replaced.
  ///   - inputs: files that the command reads, which are never replaced, under whatever name.
  /// - Throws: `InputError` where the path names no file that can be made, or one that is not to be replaced.
  public func require(_ path: String, overwrite: Bool = false, besides inputs: [String] = []) throws {
    for input in inputs where Self.isSame(path, input) {
      throw InputError(
        "would replace what it is made of", at: .file(path), found: "the file that is read, \(input)",
        wanted: "another name for \(kind)")
    }
    let (folder, name) = AtomicFile.split(path)
    guard !name.isEmpty, name != ".", name != ".." else {
      throw InputError("does not name a file", at: .file(path), wanted: "a path of \(kind)")
    }
    var status = stat()
    guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw InputError(
        "cannot be written", at: .file(path), found: "no folder \(folder)", wanted: "a path in a folder that is there")
    }
    let owner = ResultFolder.owner(of: path)
    if let owner, owner.holds(path), !ownNames.contains(name) {
      throw InputError(
        "would be replaced, or taken for a file of that result", at: .file(path),
        found: "a name that zarts \(owner.kind.rawValue) gives its files in \(owner.path)",
        wanted: "another name for \(kind)")
    }
    guard stat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let found = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or a pipe"
      throw InputError("cannot be replaced", at: .file(path), found: found, wanted: "a path of \(kind)")
    }
    if isOwn(path) { return }
    if let owner {
      throw InputError(
        "would be replaced", at: .file(path), found: "another file in the folder of zarts \(owner.kind.rawValue)",
        wanted: "another name for \(kind)")
    }
    guard overwrite else {
      throw InputError(
        "would be replaced", at: .file(path), found: "a file that is not \(kind)",
        wanted: Self.nameOrLeave)
    }
  }
}
