import Formats

/// α at the end of each epoch of a search, as `alphas.npy` holds it: float32 [epochs, kinds, edges, columns], of the DARTS
/// family normal then reduction; the columns are operations and, with edge normalisation, β last. The only reader and writer of that file.
public struct AlphaHistory: Equatable, Sendable {
  /// Its name in the folder of a run.
  public static let fileName = "alphas.npy"

  /// Of the epochs 1, 2, …
  public let entries: [ArchitectureParameters]

  /// - Parameter entries: all of one shape, the matrices of all kinds alike.
  public init(_ entries: [ArchitectureParameters]) { self.entries = entries }

  /// α of a known shape.
  ///
  /// - Parameter shape: any α of it.
  /// - Throws: `InputError` where the file cannot be read or holds α of another shape.
  public init(readingFrom path: String, like shape: ArchitectureParameters) throws {
    try self.init(NPYFile(readingFrom: path), path: path, like: shape)
  }

  /// - Parameter path: where the array is from, for messages.
  /// - Throws: `InputError` where the array is not α of that shape.
  public init(_ file: NPYFile, path: String, like shape: ArchitectureParameters) throws {
    let first = shape.matrices.first
    let wanted = [shape.kinds.count, first?.rows ?? 0, first?.columns ?? 0]
    guard case .float32 = file.values, file.shape.count == 4, Array(file.shape.dropFirst()) == wanted,
      shape.matrices.allSatisfy({ $0.rows == first?.rows && $0.columns == first?.columns })
    else {
      throw InputError(
        "not the alphas of this run", at: .file(path), found: "\(file.values.typeName) of shape \(file.shape)",
        wanted: "float32 [epochs, \(wanted.map(String.init).joined(separator: ", "))]"
          + (shape.hasEdgeColumn ? ", β in the last column" : ""))
    }
    try self.init(file, path: path, hasEdgeColumn: shape.hasEdgeColumn, kinds: shape.kinds)
  }

  /// α of whatever edges and operations the array has.
  ///
  /// - Parameter kinds: of the cells, in the array's order.
  /// - Throws: `InputError` where it is not float32 [epochs, kinds, edges, columns] with an operation at least.
  public init(_ file: NPYFile, path: String, hasEdgeColumn: Bool, kinds: [CellKind] = .darts) throws {
    guard case .float32(let values) = file.values, file.shape.count == 4, file.shape[1] == kinds.count,
      file.shape[3] > (hasEdgeColumn ? 1 : 0)
    else {
      throw InputError(
        "not a history of α", at: .file(path), found: "\(file.values.typeName) of shape \(file.shape)",
        wanted: "float32 [epochs, \(kinds.count), edges, operations]" + (hasEdgeColumn ? ", β in the last column" : ""))
    }
    let (rows, columns) = (file.shape[2], file.shape[3])
    let size = rows * columns
    entries = (0..<file.shape[0]).map { epoch in
      ArchitectureParameters(
        kinds: kinds,
        matrices: kinds.enumerated().map { place, kind in
          let index = epoch * kinds.count + place
          return ArchitectureParameters.Matrix(
            rows: rows, columns: columns, hasEdgeColumn: hasEdgeColumn, topology: kind.topology,
            values: Array(values[index * size..<(index + 1) * size]))
        })
    }
  }

  /// All values of each epoch, whatever edges and operations they are of: what checksums and norms are over.
  ///
  /// - Throws: `InputError` where the file cannot be read or is not float32 with a slice an epoch.
  public static func values(readingFrom path: String) throws -> [ArraySlice<Float>] {
    let file = try NPYFile(readingFrom: path)
    guard case .float32(let values) = file.values, let epochs = file.shape.first else {
      throw InputError(
        "not a history of α", at: .file(path), found: "\(file.values.typeName) of shape \(file.shape)",
        wanted: "float32, epochs first")
    }
    let size = epochs > 0 ? values.count / epochs : 0
    return (0..<epochs).map { values[$0 * size..<($0 + 1) * size] }
  }

  /// - Throws: `InputError` where the file cannot be written.
  public func write(to path: String) throws {
    let first = entries.first?.matrices.first
    try NPYFile(
      shape: [entries.count, entries.first?.kinds.count ?? 2, first?.rows ?? 0, first?.columns ?? 0],
      values: .float32(entries.flatMap(\.flat))
    ).write(to: path)
  }

  /// The first value that is not finite, if there is one, and the epoch (from 1) that it is of.
  public var firstBadValue: (epoch: Int, value: Float)? {
    for (index, alphas) in entries.enumerated() {
      if let value = alphas.flat.first(where: { !$0.isFinite }) { return (index + 1, value) }
    }
    return nil
  }
}
