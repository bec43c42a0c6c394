import Formats
import Foundation
import Search
import Supernet

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

  /// - Throws: `FormatError` or `LandscapeError` where the folder holds no path of α of this shape, naming the file.
  public init(run path: String, like shape: ArchitectureParameters) throws {
    let folder = try SearchRunFolder(existing: path)
    let array = try NPYFile(readingFrom: folder.alphasPath)
    let wanted = [2, shape.normal.rows, shape.normal.columns]
    guard array.shape.count == 4, Array(array.shape.dropFirst()) == wanted, case .float32(let values) = array.values,
      array.shape[0] > 0, shape.count == 2 * shape.normal.values.count
    else {
      throw LandscapeError(
        item: folder.alphasPath, problem: "not a path of α of this checkpoint's space", found: "shape \(array.shape)",
        expected: "float32 [epochs, \(wanted.map(String.init).joined(separator: ", "))]")
    }
    guard let bad = values.firstIndex(where: { !$0.isFinite }) else {
      let name = path.split(separator: "/").last.map(String.init) ?? path
      self.init(
        name: name,
        points: (0..<array.shape[0]).map { epoch in
          values[epoch * shape.count..<(epoch + 1) * shape.count].map(Double.init)
        })
      return
    }
    throw LandscapeError(
      item: folder.alphasPath, problem: "a value that is not finite", found: "\(values[bad]) at index \(bad)",
      expected: "finite values")
  }

  /// The paths of several runs, under their folders' names, or their whole paths where names repeat.
  public static func read(runs paths: [String], like shape: ArchitectureParameters) throws -> [AlphaTrajectory] {
    let found = try paths.map { try AlphaTrajectory(run: $0, like: shape) }
    guard Set(paths).count == paths.count else {
      throw LandscapeError(
        item: "--trajectory", problem: "the same run twice", found: paths.joined(separator: ", "),
        expected: "different runs")
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
