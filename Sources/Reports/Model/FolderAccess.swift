import Formats
import Foundation

/// Reads files of a result folder, and, where it is fenced, none that lies outside of a folder by way of a link.
struct FolderAccess: Sendable {
  /// Canonical path of the folder that everything must lie in; nil for anywhere.
  private let fence: String?

  /// Larger text files are no results of ours.
  private static let largestText = 64 << 20

  static let anywhere = FolderAccess(fence: nil)

  private init(fence: String?) { self.fence = fence }

  /// - Throws: `InputError` where there is no such folder.
  init(within folder: String) throws {
    guard let path = Self.canonical(folder) else {
      throw InputError(
        "cannot be opened", at: .file(folder), found: String(cString: strerror(errno)), wanted: "a folder of results")
    }
    fence = path
  }

  /// Whether a regular file that may be read is there.
  ///
  /// - Throws: `InputError` where a link leads out of the fence.
  func hasFile(_ path: String) throws -> Bool { try kind(of: path) == S_IFREG }

  func hasFolder(_ path: String) throws -> Bool { try kind(of: path) == S_IFDIR }

  private func kind(of path: String) throws -> mode_t? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    if let fence {
      guard let target = Self.canonical(path), target == fence || target.hasPrefix(fence == "/" ? "/" : fence + "/") else {
        throw InputError(
          "leads out of the folder", at: .file(path), found: "a link to another place",
          wanted: "a file or folder inside \(fence)")
      }
    }
    return status.st_mode & S_IFMT
  }

  private func require(_ path: String) throws {
    guard let kind = try kind(of: path) else {
      throw InputError("cannot be read", at: .file(path), found: String(cString: strerror(errno)), wanted: "a file")
    }
    var status = stat()
    guard kind == S_IFREG, stat(path, &status) == 0 else {
      throw InputError("cannot be read", at: .file(path), found: "no regular file", wanted: "a file")
    }
    guard status.st_size <= Self.largestText else {
      throw InputError(
        "too large for a report", at: .file(path), found: "\(status.st_size) bytes", wanted: "at most \(Self.largestText)")
    }
  }

  /// The text of a file; bytes that are not UTF-8 become U+FFFD.
  func text(_ path: String) throws -> String {
    try require(path)
    return try String(decoding: FileBytes.read(path), as: UTF8.self)
  }

  func bytes(_ path: String) throws -> [UInt8] {
    try require(path)
    return try FileBytes.read(path)
  }

  /// A CSV file; nil where it is not there.
  func table(_ path: String) throws -> CSVTable? {
    guard try hasFile(path) else { return nil }
    try require(path)
    return try CSVTable(readingFrom: path)
  }

  func array(_ path: String) throws -> NPYFile? {
    guard try hasFile(path) else { return nil }
    try require(path)
    return try NPYFile(readingFrom: path)
  }

  /// Names of the folders inside, sorted; none that is hidden or reached through a link.
  func subfolders(of path: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { name in
      var status = stat()
      return !name.hasPrefix(".") && lstat("\(path)/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }.sorted { $0.compare($1, options: .numeric) == .orderedAscending }
  }

  private static func canonical(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
