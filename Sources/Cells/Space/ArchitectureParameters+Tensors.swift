import Formats

/// α as named tensors: `alphas_normal`, `alphas_reduce` [edges, operations] and, with edge normalisation, `betas_normal`,
/// `betas_reduce` [edges], the names of DARTS and PC-DARTS. Whatever reads or writes α in a safetensors file does it here.
extension ArchitectureParameters {
  /// Every name that α can have in a file.
  public static let tensorNames = ["alphas_normal", "alphas_reduce", "betas_normal", "betas_reduce"]

  public var tensors: [NamedTensor] {
    let cells = [("normal", normal), ("reduce", reduce)]
    let operations = cells.map { name, matrix in
      NamedTensor(
        name: "alphas_\(name)", shape: [matrix.rows, matrix.operationColumns],
        values: .float32(
          (0..<matrix.rows).flatMap { row in (0..<matrix.operationColumns).map { matrix[row, $0] } }))
    }
    let edges = cells.filter(\.1.hasEdgeColumn).map { name, matrix in
      NamedTensor(
        name: "betas_\(name)", shape: [matrix.rows],
        values: .float32((0..<matrix.rows).map { matrix[$0, matrix.columns - 1] }))
    }
    return operations + edges
  }

  /// Whether a file holds any part of α.
  public static func isIn(_ file: TensorFile) -> Bool { tensorNames.contains(where: file.contains) }

  /// Reads what `tensors` gives, for α of a shape.
  ///
  /// - Parameter shape: any α of it.
  /// - Throws: `InputError` where a tensor is absent, misshapen or of another type; `InputError` for β where the shape
  ///   has none, and for values that float32 cannot hold.
  public init(from file: TensorFile, like shape: ArchitectureParameters) throws {
    self = shape
    let given = shape.tensors
    if let stranger = Self.tensorNames.first(where: { name in file.contains(name) && !given.contains { $0.name == name } }) {
      throw InputError(
        "tensor of another search", at: .file(file.path, "\(stranger)"), found: "weights of edges",
        wanted: "none, or edge_normalisation")
    }
    for tensor in given {
      let values = try file.floats(tensor.name, shape: tensor.shape)
      if let index = values.firstIndex(where: { !$0.isFinite }) {
        throw InputError(
          "not finite", at: .file(file.path, "\(tensor.name)"), found: "\(values[index]) at index \(index)",
          wanted: "finite values")
      }
      let isNormal = tensor.name.hasSuffix("normal")
      func fill(_ matrix: inout Matrix) {
        let width = tensor.shape.count == 2 ? matrix.operationColumns : 1
        let first = tensor.shape.count == 2 ? 0 : matrix.columns - 1
        for (index, value) in values.enumerated() { matrix[index / width, first + index % width] = value }
      }
      if isNormal { fill(&normal) } else { fill(&reduce) }
    }
  }

  /// Reads α of whatever shape a file holds: its own rows and columns, and β where it has any.
  ///
  /// - Throws: `InputError` where a tensor is absent, of another type, or its rank is none of α; `InputError` where values
  ///   are not finite.
  public init(inferringFrom file: TensorFile) throws {
    let hasBeta = file.contains("betas_normal") || file.contains("betas_reduce")
    func zeros(_ cell: String) throws -> Matrix {
      let shape = try file.tensor("alphas_\(cell)").shape
      guard shape.count == 2 else {
        throw InputError(
          "wrong shape", at: .file(file.path, "alphas_\(cell)"), found: "\(shape)", wanted: "[edges, operations]")
      }
      return Matrix(rows: shape[0], columns: shape[1] + (hasBeta ? 1 : 0), hasEdgeColumn: hasBeta)
    }
    try self.init(from: file, like: Self(normal: zeros("normal"), reduce: zeros("reduce")))
  }
}
