import Cells
import Foundation

extension SearchRunFolder {
  /// α at the end of each finished epoch; empty before the first.
  ///
  /// - Throws: `InputError` where alphas.npy is damaged or of another shape than the settings', and for settings that cannot
  ///   be read.
  public func alphaHistory() throws -> [ArchitectureParameters] {
    guard FileManager.default.fileExists(atPath: alphasPath) else { return [] }
    return try AlphaHistory(readingFrom: alphasPath, like: configuration().alphaShape.zeroAlphas).entries
  }
}
