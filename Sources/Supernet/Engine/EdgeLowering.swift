/// Lowers the candidate operations of a cell's edges, sharing the pools of each state among the edges that leave it.
struct EdgeLowering {
  private(set) var edges: [MixedEdge] = []
  private(set) var pools: [PoolUnit?] = []

  init(
    cell: Int, reduction: Bool, states: [Activation], candidates: [[Operation]], pad: Int, memory: PlanMemory,
    state: PlanState
  ) {
    func stride(of edge: CellTopology.Edge) -> Int { reduction && edge.source < CellTopology.inputCount ? 2 : 1 }
    func name(_ edge: Int, _ operation: Int) -> String { "cells.\(cell)._ops.\(edge)._ops.\(operation)" }

    // A shared batch norm carries the names of all edges that use it.
    func sharedEntry(_ operation: Operation, source: Int) -> Int? {
      var entry: Int?
      for (index, edge) in CellTopology.edges.enumerated() where edge.source == source {
        for (k, candidate) in candidates[index].enumerated() where candidate == operation {
          if let entry {
            memory.statistics.alias("\(name(index, k)).1", of: entry)
          } else {
            entry = memory.statistics.add("\(name(index, k)).1", channels: states[source].shape.channels)
          }
        }
      }
      return entry
    }
    pools = states.indices.map { source in
      let maximum = sharedEntry(.maxPool3x3, source: source)
      let average = sharedEntry(.averagePool3x3, source: source)
      guard maximum != nil || average != nil else { return nil }
      return PoolUnit(
        input: states[source].shape, stride: reduction && source < CellTopology.inputCount ? 2 : 1, maximumEntry: maximum,
        averageEntry: average, memory: memory, state: state)
    }

    for (index, edge) in CellTopology.edges.enumerated() {
      let source = states[edge.source]
      let stride = stride(of: edge)
      let lowered = candidates[index].enumerated().map { k, operation -> MixedEdge.Lowered in
        func convolution(_ kernel: Int, _ dilation: Int, _ stride: Int, _ first: Int, on shape: PlaneShape)
          -> ConvolutionUnit
        {
          ConvolutionUnit(
            name: "\(name(index, k)).op", depthwiseName: "\(first)", pointwiseName: "\(first + 1)", normName: "\(first + 2)",
            kernel: kernel, dilation: dilation, stride: stride, input: shape, memory: memory, state: state, pad: pad)
        }
        func separable(_ kernel: Int) -> MixedEdge.Lowered {
          let first = convolution(kernel, 1, stride, 1, on: source.shape)
          return .separable(first: first, second: convolution(kernel, 1, 1, 5, on: first.output.shape))
        }
        switch operation {
        case .none: return .nothing
        case .skipConnect:
          guard stride == 2 else { return .identity }
          return .factorised(
            PointwiseUnit(
              name: name(index, k), sources: [source], outputChannels: source.shape.channels, reduction: true,
              memory: memory,
              state: state))
        case .noise:
          let shape = stride == 2 ? source.shape.halved() : source.shape
          return .noise(memory.activation(shape), stream: UInt32((cell * CellTopology.edges.count + index) << 8))
        case .maxPool3x3, .averagePool3x3:
          guard let pool = pools[edge.source], let shared = (operation == .maxPool3x3 ? pool.maximum : pool.average)?.norm
          else { preconditionFailure("every pooled state has a pool unit") }
          let norm = BatchNorm(sharingForwardOf: shared, memory: memory)
          return operation == .maxPool3x3 ? .maximum(pool, norm) : .average(pool, norm)
        case .separableConv3x3: return separable(3)
        case .separableConv5x5: return separable(5)
        case .dilatedConv3x3: return .convolution(convolution(3, 2, stride, 1, on: source.shape))
        case .dilatedConv5x5: return .convolution(convolution(5, 2, stride, 1, on: source.shape))
        }
      }
      edges.append(
        MixedEdge(edge: edge, stride: stride, operations: lowered, mixingOffset: index * candidates[index].count))
    }
  }
}
