import Cells

/// Lowers the operations of a cell's edges, sharing the pools of each state among the edges that leave it.
struct EdgeLowering {
  private(set) var edges: [MixedEdge] = []
  private(set) var pools: [PoolUnit?] = []

  init(
    _ cell: CellLayout, states: [Activation], packed: PackedConvolutions?, in lowering: Lowering
  ) {
    // A shared batch norm carries the names of all edges that use it.
    func use(_ pool: CellOperation.Pool, source: Int) -> PoolUnit.Use {
      let names = cell.poolNormNames(pool, of: source)
      if names.isEmpty { return .none }
      return cell.normalisesPools ? .normalised(names) : .plain
    }
    pools = states.indices.map { source in
      let (maximum, average) = (use(.maximum, source: source), use(.average, source: source))
      guard maximum != .none || average != .none else { return nil }
      return PoolUnit(
        input: states[source].shape, stride: cell.stride(from: source), maximum: maximum, average: average, in: lowering)
    }

    let mixingOffsets = cell.mixingOffsets
    for (index, edge) in cell.topology.edges.enumerated() {
      let source = states[edge.source]
      let stride = cell.stride(from: edge.source)
      let merged = cell.mergedCandidates(of: index)
      let lowered = cell.candidates[index].enumerated().map { k, candidate -> MixedEdge.Lowered in
        if let packed = packed?.lowered[index][k] { return packed }
        if merged.contains(k) {
          guard k == merged.first else { return .nothing }
          return .merged(
            MergedConvolution(
              name: candidate.name,
              candidates: merged.map { (cell.candidates[index][$0].operation, mixingOffsets[index] + $0) },
              kind: cell.kindIndex, stride: stride, input: source.shape, in: lowering))
        }
        let stream = cell.stream(ofEdge: index)
        func convolution(_ kernel: Int, _ dilation: Int, _ stride: Int, _ first: Int, on shape: PlaneShape)
          -> ConvolutionUnit
        {
          ConvolutionUnit(
            name: "\(candidate.name).op", depthwiseName: "\(first)", pointwiseName: "\(first + 1)",
            normName: "\(first + 2)", kernel: kernel, dilation: dilation, stride: stride, input: shape,
            isAffine: cell.hasAffineNorms, in: lowering)
        }
        switch candidate.operation.form {
        case .zero: return .nothing
        case .identity:
          guard stride == 2 else {
            return cell.dropsValues(candidate) ? .dropped(lowering.activation(source.shape), stream: stream) : .identity
          }
          return .factorised(
            PointwiseUnit(
              name: candidate.name, sources: [source], outputChannels: source.shape.channels, reduction: true,
              isAffine: cell.hasAffineNorms, in: lowering))
        case .noise:
          let shape = stride == 2 ? source.shape.halved() : source.shape
          return .noise(lowering.activation(shape), stream: stream)
        case .pool(let kind):
          let isMaximum = kind == .maximum
          guard let pool = pools[edge.source], let shared = isMaximum ? pool.maximum : pool.average else {
            preconditionFailure("every pooled state has a pool unit")
          }
          let norm = shared.norm.map { BatchNorm(sharingForwardOf: $0, in: lowering) }
          return isMaximum ? .maximum(pool, norm) : .average(pool, norm)
        case .dense(let kernel):
          return .dense(
            DenseConvolutionUnit(
              weightName: "\(candidate.name).op.1.weight", normName: "\(candidate.name).op.2",
              isAffine: cell.hasAffineNorms, input: source, inputNorm: nil, outputChannels: source.shape.channels,
              kernel: kernel, stride: stride, pad: kernel / 2, in: lowering))
        case .depthwise(let kernel, let dilation, let times):
          let first = convolution(kernel, dilation, stride, 1, on: source.shape)
          guard times > 1 else { return .convolution(first) }
          return .separable(first: first, second: convolution(kernel, dilation, 1, 5, on: first.output.shape))
        }
      }
      edges.append(
        MixedEdge(
          edge: edge, stride: stride, operations: lowered, mixingOffset: mixingOffsets[index],
          paths: cell.candidates[index].map(\.path)))
    }
  }
}
