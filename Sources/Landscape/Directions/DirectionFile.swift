import Cells
import Formats
import Foundation
import Search

/// α and directions of files.
enum DirectionFile {
  /// The α of the last checkpoint of a run folder, or of a file in any form that α has (`AlphaFile`).
  ///
  /// - Throws: `InputError` where there is none of the shape.
  static func alphas(at path: String, like shape: ArchitectureParameters) throws -> ArchitectureParameters {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw InputError("is not there", at: .file(path), wanted: "a run folder or a file with α")
    }
    let place =
      isFolder.boolValue
      ? try SearchRunFolder(existing: path).run(holding: .checkpoint).latestCheckpointPath() : path
    return try ArchitectureParameters(from: AlphaFile(readingFrom: place).file, like: shape)
  }

  /// A direction as `directions.safetensors` or `zarts gradients` hold it, or of an NPY array [kinds, edges, operations].
  ///
  /// - Parameter name: of the tensors before the kind of cell (`.normal` and `.reduce` in DARTS); `direction1` where nil.
  static func direction(at path: String, name: String?, like shape: ArchitectureParameters) throws -> AlphaDirection {
    let extents = zip(shape.kinds, shape.matrices).map { ($0.name, [$1.rows, $1.columns]) }
    guard path.hasSuffix(".npy") else {
      let file = try TensorFile(readingFrom: path)
      let parts = try extents.map { cell, extents in
        try file.doubles("\(name ?? "direction1").\(cell)", shape: extents)
      }
      return AlphaDirection(cells: parts)
    }
    if let name {
      throw InputError(
        "an NPY file holds one array, which has no name", at: .file(path), found: "'\(name)'", wanted: "no #NAME")
    }
    let array = try NPYFile(readingFrom: path)
    let wanted = [extents.count] + extents[0].1
    guard extents.allSatisfy({ $0.1 == extents[0].1 }), array.shape == wanted else {
      throw InputError("wrong shape", at: .file(path), found: "\(array.shape)", wanted: "\(wanted)")
    }
    let values: [Double]
    switch array.values {
    case .float32(let floats): values = floats.map(Double.init)
    case .float64(let doubles): values = doubles
    case .int64, .uint8:
      throw InputError("wrong type", at: .file(path), found: "integers", wanted: "float32 or float64")
    }
    return AlphaDirection(flat: values, like: shape)
  }
}
