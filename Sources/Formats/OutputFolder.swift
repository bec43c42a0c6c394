import Foundation

/// A folder made for results: it was absent or empty when it was made, so that nothing of an earlier run is mixed in.
public struct OutputFolder: Equatable, Sendable {
  public let path: String

  /// Names a folder without looking at it.
  package init(path: String) { self.path = path }

  /// Makes the folder, and its parents where they are absent.
  ///
  /// - Throws: `InputError` when the path is a file, a folder that holds something, or cannot be made or written.
  public static func create(at path: String) throws -> OutputFolder {
    guard !path.isEmpty else {
      throw InputError("does not name a folder", at: "\"\"", wanted: "a path of an output folder")
    }
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw InputError(
          "cannot be the output folder", at: .file(path), found: "a file of that name", wanted: "an absent or empty folder")
      }
      let entries = try contents(of: path)
      guard entries.isEmpty else {
        throw InputError(
          "the output folder holds results already", at: .file(path),
          found: entries.count == 1 ? "the entry \(entries[0])" : "\(entries.count) entries, among them \(entries[0])",
          wanted: "an absent or empty folder")
      }
    } else {
      try makeFolder(path)
    }
    guard access(path, W_OK | X_OK) == 0 else {
      throw InputError("the output folder cannot be written", at: .file(path), found: FileBytes.systemReason())
    }
    return OutputFolder(path: path)
  }

  /// Name of the file that processes which write into a folder of results lock.
  static let lockName = ".lock"

  /// Keeps other processes that ask for it too out of the folder as long as the lock lives.
  ///
  /// A search, a retraining and a comparison lock their log.txt besides, so a run can be analysed in its own folder while it
  /// goes on.
  ///
  /// - Throws: `InputError` where another process works in the folder.
  public func lock() throws -> FileLock { try FileLock(path: file(Self.lockName), isTemporary: true) }

  /// The path of a file in the folder.
  public func file(_ name: String) -> String { path.hasSuffix("/") ? path + name : path + "/" + name }

  /// Makes a folder inside, where it is not there yet.
  public func subfolder(_ name: String) throws -> OutputFolder {
    try Self.makeFolder(file(name))
    return OutputFolder(path: file(name))
  }

  /// A folder that is there already, for a run that continues in it.
  public static func existing(at path: String) throws -> OutputFolder {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw InputError("cannot be opened", at: .file(path), found: FileBytes.systemReason(), wanted: "a folder")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw InputError("is not a folder", at: .file(path), found: "a file", wanted: "a folder")
    }
    return OutputFolder(path: path)
  }

  /// mkdir for the path and its absent parents; the system's own words say which part failed and why.
  private static func makeFolder(_ path: String) throws {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
    if mkdir(path, 0o777) == 0 { return }
    var reason = errno
    if reason == ENOENT {
      let trimmed = String(path.reversed().drop { $0 == "/" }.reversed())
      let parent = AtomicFile.split(trimmed).folder
      if parent != trimmed, parent != path {
        try makeFolder(parent)
        if mkdir(path, 0o777) == 0 { return }
        reason = errno
      }
    }
    // Another process may have made it in between.
    if reason == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
    throw InputError(
      "the output folder cannot be made", at: .file(path), found: String(cString: strerror(reason)),
      wanted: "a path that can be written")
  }

  private static func contents(of path: String) throws -> [String] {
    do {
      // The lock of a process that was killed says nothing.
      return try FileManager.default.contentsOfDirectory(atPath: path).filter { $0 != lockName }.sorted()
    } catch {
      throw InputError("the output folder cannot be listed", at: .file(path), found: error.localizedDescription)
    }
  }
}
