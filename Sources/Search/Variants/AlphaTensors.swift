import Formats
import Supernet

/// α as tensors of a checkpoint: `alphas_normal`, `alphas_reduce` [edges, operations] and, with edge normalisation,
/// `betas_normal`, `betas_reduce` [edges], the names of DARTS and PC-DARTS.
extension ArchitectureParameters {
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

  /// Reads what `tensors` gives, for α of a shape.
  ///
  /// - Throws: `FormatError` where a tensor is absent or misshapen; `SearchError.invalid` for β where the shape has none.
  public init(from file: TensorFile, like shape: ArchitectureParameters) throws {
    self = shape
    let given = shape.tensors
    if let stranger = Self.tensorNames.first(where: { name in file.contains(name) && !given.contains { $0.name == name } }) {
      throw SearchError.invalid(
        "tensor of another search", at: "\(file.path): \(stranger)", found: "weights of edges",
        wanted: "none, or edge_normalisation")
    }
    for tensor in given {
      let values = try file.floats(tensor.name, shape: tensor.shape)
      let isNormal = tensor.name.hasSuffix("normal")
      func fill(_ matrix: inout Matrix) {
        let width = tensor.shape.count == 2 ? matrix.operationColumns : 1
        let first = tensor.shape.count == 2 ? 0 : matrix.columns - 1
        for (index, value) in values.enumerated() { matrix[index / width, first + index % width] = value }
      }
      if isNormal { fill(&normal) } else { fill(&reduce) }
    }
  }
}
