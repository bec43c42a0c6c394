import Formats
import Foundation
import Runs
import Search

extension WeightTrajectory.Checkpoint {
  /// The checkpoints that trainings have kept, those after whole epochs, and files that are named themselves.
  ///
  /// - Parameter paths: folders of searches (of a progressive one the last stage that has a checkpoint) or of retrainings, each a
  ///   path of its own; and files, all of which together are one more path, in the order given.
  /// - Throws: `InputError` where something is not there, a folder holds no checkpoint, or a folder or file is named twice.
  public static func find(_ paths: [String]) throws -> [Self] {
    guard Set(paths).count == paths.count else {
      throw InputError(
        "the same path twice", at: .setting("trajectory"), found: paths.joined(separator: ", "), wanted: "different ones")
    }
    let names = paths.map { $0.split(separator: "/").last.map(String.init) ?? $0 }
    let folders = try zip(paths, names).filter { try isFolder($0.0) }.map(\.1)
    let areUnique = Set(folders).count == folders.count
    var (result, files): ([Self], [String]) = ([], [])
    for (path, name) in zip(paths, names) {
      guard try isFolder(path) else {
        files.append(path)
        continue
      }
      result += try kept(in: path).map { Self(run: areUnique ? name : path, epoch: $0.epoch, path: $0.path) }
    }
    return result + files.enumerated().map { Self(run: "files", epoch: $0 + 1, path: $1) }
  }

  private static func isFolder(_ path: String) throws -> Bool {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw InputError("there is no such folder or file", at: .file(path), wanted: "a run folder, or a checkpoint")
    }
    return isFolder.boolValue
  }

  private static func kept(in path: String) throws -> [RunCheckpoint] {
    let named = try SearchRunFolder(existing: path)
    // A retraining has checkpoints of the same names, and no stages.
    let folder = named.checkpoints().isEmpty ? try named.run(holding: .checkpoint) : named
    let checkpoints = folder.checkpoints().filter { $0.step == 0 }
    guard !checkpoints.isEmpty else {
      throw InputError(
        "no path of ω", at: .file(folder.checkpointsPath), found: "no checkpoint of a whole epoch",
        wanted: "epoch-NNN.safetensors of two epochs or more")
    }
    return checkpoints
  }
}
