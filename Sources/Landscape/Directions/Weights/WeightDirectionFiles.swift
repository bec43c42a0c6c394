import Formats
import Foundation
import Search

/// What directions in ω are read from, on every rank alike.
public struct WeightDirectionFiles {
  /// The tensors of another checkpoint, found whole: of a run folder, or of a file. May know further formats.
  public var checkpoint: (_ path: String) throws -> TensorFile
  /// The path of a training, for principal components and for `trajectory.csv`; nil where there is none.
  public var trajectory: WeightTrajectory?
  /// A safetensors file with eigenvectors of the Hessian in ω, `hessian1.NAME`, …; nil where there is none.
  public var eigenvectors: String?

  public init(
    checkpoint: @escaping (_ path: String) throws -> TensorFile = { path in
      let file = try TensorFile(readingFrom: latest(in: path))
      try file.verifyChecksum()
      return file
    },
    trajectory: WeightTrajectory? = nil, eigenvectors: String? = nil
  ) {
    (self.checkpoint, self.trajectory, self.eigenvectors) = (checkpoint, trajectory, eigenvectors)
  }

  /// The last checkpoint of the run folder at a path, or the path itself where it is that of a file.
  ///
  /// - Throws: `InputError` where there is nothing, or a folder that is none of a run.
  public static func latest(in path: String) throws -> String {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw InputError("is not there", at: .file(path), wanted: "a run folder or a file of weights")
    }
    guard isFolder.boolValue else { return path }
    let named = try SearchRunFolder(existing: path)
    // A retraining has checkpoints of the same names, and no stages.
    return try (named.checkpoints().isEmpty ? named.run(holding: .checkpoint) : named).latestCheckpointPath()
  }
}
