/// What the names and shapes of a file's tensors say about the supernet that they are of.
///
/// The names are those of the public DARTS state_dict. Which columns of an edge hold convolutions, of which size, and where a
/// reduction's skip connection has weights, is different in every space, so the tensors alone tell the spaces apart.
public struct SupernetEvidence: Equatable, Sendable {
  /// nil where the operations are of no space, as in a stage of a progressive search.
  public let space: SearchSpace?
  /// What images it is for; nil without a stem.
  public let scale: NetworkScale?
  /// C; nil without a stem and cells.
  public let channels: Int?
  /// Cells; nil where there is none.
  public let layers: Int?
  /// K of partial channels; nil where no operation has weights.
  public let partialChannels: Int?
  /// Whether an edge has a shared kernel; nil where no operation has weights.
  public let mergedConvolutions: Bool?
  /// Whether there is β; nil where there is no α at all.
  public let edgeNormalisation: Bool?
  /// Whether edges have auxiliary skip connections: by their factorised reductions, or by β of them; nil where neither could be.
  public let auxiliarySkip: Bool?

  /// - Parameter shapes: of all tensors, by name.
  public init(shapes: [String: [Int]]) {
    let alphaNames = SearchSpace.allCases.flatMap { $0.kinds.map(\.alphaName) }
    edgeNormalisation =
      shapes.keys.contains(where: alphaNames.contains) ? shapes.keys.contains { $0.hasPrefix("betas_") } : nil
    let hasAuxiliarySkip = shapes.keys.contains {
      $0 == ArchitectureParameters.auxiliarySkipName || $0.hasPrefix("cells.") && $0.contains(".auxiliary_op.")
    }
    let strided = shapes["stem0.3.weight"]?.first
    let stem = shapes["stem.0.weight"]?.first ?? strided
    scale = stem.map { _ in strided == nil ? .cifar : .imagenet }
    let stageCells = Set(shapes.keys.compactMap(Self.stageCell(of:)))
    guard stageCells.isEmpty else {
      (space, channels, layers) = (.nb201, stem, stageCells.count)
      (partialChannels, mergedConvolutions) = (1, false)
      // Without a stride they have no tensors.
      auxiliarySkip = hasAuxiliarySkip ? true : nil
      return
    }
    let parts = shapes.compactMap { name, shape in Part(name, shape) }
    let cells = shapes.keys.compactMap(Self.cell(of:)).max().map { $0 + 1 }
    let base = stem.flatMap { $0.isMultiple(of: 3) ? $0 / 3 : nil } ?? shapes["cells.0.preprocess1.op.1.weight"]?.first
    let isMerged = parts.isEmpty ? nil : parts.contains { $0.kind == .merged }
    layers = cells
    channels = base
    mergedConvolutions = isMerged
    auxiliarySkip = hasAuxiliarySkip ? true : parts.isEmpty ? nil : false
    partialChannels = parts.filter { $0.cell == 0 && $0.kind != .factorised }.compactMap { part in
      base.flatMap { part.channels > 0 && $0.isMultiple(of: part.channels) ? $0 / part.channels : nil }
    }.max()
    space = cells.flatMap { Self.space(of: parts, layers: $0, isMerged: isMerged ?? false) }
  }

  /// In words, as far as it goes: "space s2, 8 channels, 3 cells"; nil where the tensors are of no supernet.
  public var text: String? {
    guard let layers else { return nil }
    var parts = [space.map { "space \($0.rawValue)" } ?? "operations of no space"]
    if let channels { parts.append("\(channels) channels") }
    parts.append("\(layers) cells")
    if scale == .imagenet { parts.append("the stem of ImageNet") }
    if let partialChannels, partialChannels > 1 { parts.append("operations on 1/\(partialChannels) of the channels") }
    if edgeNormalisation == true { parts.append("edge normalisation") }
    if mergedConvolutions == true { parts.append("merged convolutions") }
    if auxiliarySkip == true { parts.append("auxiliary skip connections") }
    return parts.joined(separator: ", ")
  }

  /// The weights that an operation has on an edge.
  private enum Kind: Hashable {
    /// A second depthwise convolution, of this kernel.
    case second(Int)
    /// A first one: of a separable or of a dilated convolution.
    case first(Int)
    /// Of a skip connection that halves the resolution.
    case factorised
    /// The kernel that several convolutions share.
    case merged
  }

  private struct Part {
    let cell: Int
    let edge: Int
    let column: Int
    let kind: Kind
    /// Of its first convolution.
    let channels: Int

    /// - Returns: nil for a tensor that does not tell what its operation is.
    init?(_ name: String, _ shape: [Int]) {
      guard let name = OperationTensorName(name), let channels = shape.first else { return nil }
      (cell, edge, column, self.channels) = (name.cell, name.edge, name.column, channels)
      switch name.part {
      case "op.5.weight" where shape.count == 4: kind = .second(shape[3])
      case "op.1.weight" where shape.count == 4: kind = .first(shape[3])
      case "conv_1.weight": kind = .factorised
      case "depth_weight1": kind = .merged
      default: return nil
      }
    }
  }

  private struct Key: Hashable {
    let edge: Int
    let column: Int
    let kind: Kind
  }

  /// The cell that a tensor is of.
  private static func cell(of name: String) -> Int? {
    guard name.hasPrefix("cells.") else { return nil }
    return name.dropFirst(6).split(separator: ".").first.flatMap { Int($0) }.flatMap {
      (0..<1 << 16).contains($0) ? $0 : nil
    }
  }

  /// The cell of a network of stages that a tensor is of, as in `cells.0.edges.1<-0.3.op.1.weight`.
  private static func stageCell(of name: String) -> Int? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count > 3 && parts[2] == "edges" ? cell(of: name) : nil
  }

  private static func space(of parts: [Part], layers: Int, isMerged: Bool) -> SearchSpace? {
    let fitting = SearchSpace.allCases.filter { space in
      guard space.macroArchitecture == .reductions else { return false }
      return space.kinds.indices.allSatisfy { kind in
        let observed = parts.filter { space.macroArchitecture.kind(ofCell: $0.cell, layers: layers) == kind }
        return expected(space.operations.candidates[kind], of: space.kinds[kind], isMerged)
          == Set(observed.map { Key(edge: $0.edge, column: $0.column, kind: $0.kind) })
      }
    }
    return fitting.count == 1 ? fitting[0] : nil
  }

  private static func expected(_ candidates: [[CellOperation]], of cell: CellKind, _ isMerged: Bool) -> Set<Key> {
    var result: Set<Key> = []
    for (edge, operations) in candidates.enumerated() {
      let convolutions = operations.indices.filter { operations[$0].depthwise != nil }
      let shared = isMerged && convolutions.count > 1
      if shared { result.insert(Key(edge: edge, column: convolutions[0], kind: .merged)) }
      for (column, operation) in operations.enumerated() {
        switch operation.form {
        case .depthwise(let kernel, _, let times) where !shared:
          result.insert(Key(edge: edge, column: column, kind: .first(kernel)))
          if times > 1 { result.insert(Key(edge: edge, column: column, kind: .second(kernel))) }
        case .identity where cell.stride == 2 && cell.topology.edges[edge].source < cell.topology.inputCount:
          result.insert(Key(edge: edge, column: column, kind: .factorised))
        default: break
        }
      }
    }
    return result
  }
}
