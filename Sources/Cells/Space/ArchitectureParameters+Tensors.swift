import Formats

/// α as named tensors: of each kind of cell [edges, operations] (`alphas_normal`, `alphas_reduce` in DARTS) and, with edge
/// normalisation, β [edges] (`betas_normal`, `betas_reduce` in PC-DARTS); beside them `auxiliary_skip` [1], where that β is not 0.
/// Whatever reads or writes α in a safetensors file does it here.
extension ArchitectureParameters {
  /// Every name that α can have in a file.
  public static let tensorNames: [String] = {
    let kinds = SearchSpace.allCases.flatMap(\.kinds).unique
    return kinds.map(\.alphaName) + kinds.map(\.betaName)
  }()

  /// The name of β of auxiliary skip connections. It is no part of α: a file may hold α without it, and then it is 0.
  public static let auxiliarySkipName = "auxiliary_skip"

  public var tensors: [NamedTensor] {
    guard auxiliarySkip != 0 else { return matrixTensors }
    return matrixTensors + [NamedTensor(name: Self.auxiliarySkipName, shape: [1], values: .float32([auxiliarySkip]))]
  }

  private var matrixTensors: [NamedTensor] {
    let cells = Array(zip(kinds, matrices))
    let operations = cells.map { kind, matrix in
      NamedTensor(
        name: kind.alphaName, shape: [matrix.rows, matrix.operationColumns],
        values: .float32(
          (0..<matrix.rows).flatMap { row in (0..<matrix.operationColumns).map { matrix[row, $0] } }))
    }
    let edges = cells.filter(\.1.hasEdgeColumn).map { kind, matrix in
      NamedTensor(
        name: kind.betaName, shape: [matrix.rows],
        values: .float32((0..<matrix.rows).map { matrix[$0, matrix.columns - 1] }))
    }
    return operations + edges
  }

  /// Whether a file holds any part of α.
  public static func isIn(_ file: TensorFile) -> Bool { tensorNames.contains(where: file.contains) }

  /// Reads what `tensors` gives, for α of a shape. β of auxiliary skip connections is the file's, whatever the shape has.
  ///
  /// - Parameter shape: any α of it.
  /// - Throws: `InputError` where a tensor is absent, misshapen or of another type, and for β where the shape has none, and
  ///   for values that float32 cannot hold.
  public init(from file: TensorFile, like shape: ArchitectureParameters) throws {
    self = shape
    let given = shape.matrixTensors
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
      guard let kind = kinds.firstIndex(where: { $0.alphaName == tensor.name || $0.betaName == tensor.name }) else {
        preconditionFailure("tensors are of kinds of cells")
      }
      let isAlpha = kinds[kind].alphaName == tensor.name
      let width = isAlpha ? matrices[kind].operationColumns : 1
      let first = isAlpha ? 0 : matrices[kind].columns - 1
      for (index, value) in values.enumerated() { matrices[kind][index / width, first + index % width] = value }
    }
    auxiliarySkip = try Self.auxiliarySkip(in: file) ?? 0
  }

  /// β of auxiliary skip connections in a file; nil where it says none.
  ///
  /// - Throws: `InputError` where it is no finite number that is 0 or more.
  public static func auxiliarySkip(in file: TensorFile) throws -> Float? {
    guard file.contains(auxiliarySkipName) else { return nil }
    let value = try file.floats(auxiliarySkipName, shape: [1])[0]
    guard value.isFinite, value >= 0 else {
      throw InputError(
        "no β of auxiliary skip connections", at: .file(file.path, auxiliarySkipName), found: "\(value)",
        wanted: "a finite number, 0 or more")
    }
    return value
  }

  /// Reads α of whatever shape a file holds: its own rows and columns, and β where it has any.
  ///
  /// - Throws: `InputError` where a tensor is absent, of another type, or its rank is none of α, and where values are not
  ///   finite.
  public init(inferringFrom file: TensorFile) throws {
    let kinds =
      SearchSpace.allCases.map(\.kinds).first { kinds in
        kinds.contains { file.contains($0.alphaName) || file.contains($0.betaName) }
      } ?? .darts
    let hasBeta = kinds.contains { file.contains($0.betaName) }
    let matrices = try kinds.map { kind in
      let shape = try file.tensor(kind.alphaName).shape
      guard shape.count == 2 else {
        throw InputError(
          "wrong shape", at: .file(file.path, kind.alphaName), found: "\(shape)", wanted: "[edges, operations]")
      }
      return Matrix(
        rows: shape[0], columns: shape[1] + (hasBeta ? 1 : 0), hasEdgeColumn: hasBeta, topology: kind.topology)
    }
    try self.init(from: file, like: Self(kinds: kinds, matrices: matrices))
  }
}

extension [CellKind] {
  /// Each once, where it stands first.
  fileprivate var unique: [CellKind] {
    reduce(into: []) { kinds, kind in if !kinds.contains(kind) { kinds.append(kind) } }
  }
}
