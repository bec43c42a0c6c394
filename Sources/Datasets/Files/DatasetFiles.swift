import Formats
import Foundation

/// The files of a dataset, in a folder or in an archive.
struct DatasetFiles {
  private enum Place {
    case folder(String)
    case archive(path: String, [String: [UInt8]])
  }

  private let place: Place
  /// Names without folders, sorted.
  let names: [String]

  /// The files of a folder, unread.
  ///
  /// - Throws: `InputError` where there is no such folder.
  init(folder: String) throws {
    place = .folder(folder)
    names = try Self.entries(of: folder)
  }

  /// The wanted files of an archive, read at once: an archive has no other order.
  init(archive path: String, wanting isWanted: (String) -> Bool) throws {
    let entries = try Archive.read(path, wanting: isWanted)
    place = .archive(path: path, Dictionary(entries.map { ($0.name, $0.bytes) }, uniquingKeysWith: { first, _ in first }))
    names = entries.map(\.name).sorted()
  }

  func contains(_ name: String) -> Bool { names.contains(name) }

  /// How messages call a file.
  func source(_ name: String) -> String {
    switch place {
    case .folder(let folder): "\(folder)/\(name)"
    case .archive(let path, _): "\(path), \(name)"
    }
  }

  /// How messages call all of it.
  var source: String {
    switch place {
    case .folder(let folder): folder
    case .archive(let path, _): path
    }
  }

  /// - Throws: `InputError` where there is no such file or it cannot be read.
  func bytes(_ name: String) throws -> [UInt8] {
    switch place {
    case .folder(let folder): return try FileBytes.read("\(folder)/\(name)")
    case .archive(let path, let contents):
      guard let bytes = contents[name] else {
        throw InputError("there is no such file in the archive", at: .file(path, name))
      }
      return bytes
    }
  }

  /// What a folder holds, sorted by the bytes of the names, so that the order is the same everywhere.
  ///
  /// - Throws: `InputError` where there is no such folder or it cannot be listed.
  static func entries(of folder: String, expected: String? = nil) throws -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
      throw InputError("there is no such folder", at: .file(folder), wanted: expected)
    }
    do {
      let entries = try FileManager.default.contentsOfDirectory(atPath: folder)
      return entries.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    } catch {
      throw InputError("the folder cannot be listed", at: .file(folder), found: error.localizedDescription)
    }
  }
}
