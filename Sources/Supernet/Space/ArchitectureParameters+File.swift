import Formats

extension ArchitectureParameters {
  /// α of a checkpoint or of a file of weights: `alphas_normal` and `alphas_reduce`, [14, operations] each.
  ///
  /// - Throws: `FormatError` where one is missing or not of the space's shape; `SupernetError` where one is not finite.
  public init(from file: TensorFile, space: SearchSpace) throws {
    func matrix(_ name: String) throws -> Matrix {
      let shape = [CellTopology.edges.count, space.operationsPerEdge]
      let values = try file.floats(name, shape: shape)
      guard values.allSatisfy(\.isFinite) else {
        throw SupernetError("not finite", at: "\(file.path): \(name)", found: "NaN or infinity", wanted: "finite values")
      }
      return Matrix(rows: shape[0], columns: shape[1], values: values)
    }
    try self.init(normal: matrix("alphas_normal"), reduce: matrix("alphas_reduce"))
  }
}
