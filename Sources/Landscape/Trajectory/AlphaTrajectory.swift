import Cells
import Formats
import Foundation
import Search

/// The path that α took in a search: α at the end of each epoch, from `alphas.npy` of its folder.
public struct AlphaTrajectory: Equatable, Sendable {
  /// Of the run, for files and legends.
  public var name: String
  /// Flat α of the epochs 1, 2, …
  public let points: [[Double]]

  public init(name: String, points: [[Double]]) {
    self.name = name
    self.points = points
  }

  /// - Throws: `InputError` where the folder holds no path of α of this shape, naming the file.
  public init(run path: String, like shape: ArchitectureParameters) throws {
    let folder = try SearchRunFolder(existing: path).run(holding: .finishedEpoch)
    let array = try NPYFile(readingFrom: folder.alphasPath)
    let history: AlphaHistory
    do {
      history = try AlphaHistory(array, path: folder.alphasPath, like: shape)
    } catch let error as InputError {
      throw InputError(
        "not a path of α of this checkpoint's space", at: error.place, found: error.found, wanted: error.wanted)
    }
    guard !history.entries.isEmpty else {
      throw InputError(
        "no path of α", at: .file(folder.alphasPath), found: "no epoch", wanted: "one finished epoch at least")
    }
    if let bad = history.firstBadValue {
      throw InputError(
        "a value that is not finite", at: .file(folder.alphasPath), found: "\(bad.value) in epoch \(bad.epoch)",
        wanted: "finite values")
    }
    self.init(
      name: path.split(separator: "/").last.map(String.init) ?? path,
      points: history.entries.map { $0.flat.map(Double.init) })
  }

  /// The paths of several runs, under their folders' names, or their whole paths where names repeat.
  public static func read(runs paths: [String], like shape: ArchitectureParameters) throws -> [AlphaTrajectory] {
    let found = try paths.map { try AlphaTrajectory(run: $0, like: shape) }
    guard Set(paths).count == paths.count else {
      throw InputError(
        "the same run twice", at: .setting("trajectory"), found: paths.joined(separator: ", "), wanted: "different runs")
    }
    guard Set(found.map(\.name)).count < found.count else { return found }
    return zip(found, paths).map { AlphaTrajectory(name: $1, points: $0.points) }
  }

  /// The mean over all epochs of all paths; nil where there is none.
  public static func mean(of trajectories: [AlphaTrajectory]) -> [Double]? {
    let points = trajectories.flatMap(\.points)
    guard let first = points.first else { return nil }
    return first.indices.map { index in points.reduce(0.0) { $0 + $1[index] } / Double(points.count) }
  }
}
