import Formats
import Foundation
import Search

/// Folders of searches among the paths that a person names, often by a pattern such as `runs/*`.
enum SearchFolders {
  /// Folders that hold something else are passed over with a remark.
  ///
  /// - Throws: `InputError` for a path where nothing is, and where no path is a search.
  static func choose(_ paths: [String]) throws -> [SearchRunFolder] {
    let chosen = try paths.compactMap { path -> SearchRunFolder? in
      guard FileManager.default.fileExists(atPath: path) else { return try SearchRunFolder(existing: path) }
      guard let found = other(path) else { return try SearchRunFolder(existing: path) }
      remark("\(path) is passed over: \(found), no search")
      return nil
    }
    guard !chosen.isEmpty else {
      throw InputError(
        "no search", at: .words(paths.joined(separator: ", ")), found: "nothing else than was passed over",
        wanted: "a folder of zarts search")
    }
    return chosen
  }

  /// What is there in place of a search; nil for a search.
  private static func other(_ path: String) -> String? {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else { return "a file" }
    switch ResultFolder(path)?.kind {
    case .search?: return nil
    case let kind?: return "a folder of zarts \(kind.rawValue)"
    // One that was damaged is an error of its own.
    case nil: return FileManager.default.fileExists(atPath: "\(path)/config.yaml") ? nil : "a folder without config.yaml"
    }
  }
}
