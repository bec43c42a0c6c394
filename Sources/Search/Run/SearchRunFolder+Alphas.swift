import Formats
import Foundation
import Supernet

extension SearchRunFolder {
  /// α at the end of each finished epoch; empty before the first.
  ///
  /// - Throws: `FormatError` where alphas.npy is damaged or of another shape than the settings'; `SearchError.invalid` for
  ///   settings that cannot be read.
  public func alphaHistory() throws -> [ArchitectureParameters] {
    guard FileManager.default.fileExists(atPath: alphasPath) else { return [] }
    let configuration = try configuration()
    let shape = configuration.operations.zeroAlphas(edgeNormalisation: configuration.edgeNormalisation)
    let file = try NPYFile(readingFrom: alphasPath)
    guard case .float32(let values) = file.values, file.shape.count == 4,
      Array(file.shape.dropFirst()) == [2, shape.normal.rows, shape.normal.columns]
    else {
      throw FormatError(
        file: alphasPath, problem: "not the alphas of this run", found: "shape \(file.shape)",
        expected: "float32 [epochs, 2, \(shape.normal.rows), \(shape.normal.columns)]")
    }
    return (0..<file.shape[0]).map { index in
      var entry = shape
      entry.flat = Array(values[index * shape.count..<(index + 1) * shape.count])
      return entry
    }
  }
}
