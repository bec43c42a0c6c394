/// The candidate operations of one edge, lowered: which tensors its mixture sums, and what computes them.
final class MixedEdge {
  let edge: CellTopology.Edge
  let stride: Int
  let operations: [Lowered]
  /// Where the edge's mixing weights begin in the cell kind's row-major α.
  let mixingOffset: Int

  enum Lowered {
    /// Contributes nothing.
    case nothing
    /// The source state itself.
    case identity
    case noise(Activation, stream: UInt32)
    case maximum(PoolUnit, BatchNorm)
    case average(PoolUnit, BatchNorm)
    case convolution(ConvolutionUnit)
    case separable(first: ConvolutionUnit, second: ConvolutionUnit)
    case factorised(PointwiseUnit)
  }

  init(edge: CellTopology.Edge, stride: Int, operations: [Lowered], mixingOffset: Int) {
    self.edge = edge
    self.stride = stride
    self.operations = operations
    self.mixingOffset = mixingOffset
  }

  /// A tensor of the sum, with the norm it is seen through.
  struct Term {
    let values: Activation
    let norm: BatchNorm?
    let mixingIndex: Int
  }

  func terms(source: Activation) -> [Term] {
    operations.enumerated().compactMap { index, operation in
      let mixing = mixingOffset + index
      switch operation {
      case .nothing: return nil
      case .identity: return Term(values: source, norm: nil, mixingIndex: mixing)
      case .noise(let values, _): return Term(values: values, norm: nil, mixingIndex: mixing)
      case .maximum(let pool, let norm):
        return pool.maximum.map { Term(values: $0.values, norm: norm, mixingIndex: mixing) }
      case .average(let pool, let norm):
        return pool.average.map { Term(values: $0.values, norm: norm, mixingIndex: mixing) }
      case .convolution(let unit): return Term(values: unit.output, norm: unit.norm, mixingIndex: mixing)
      case .separable(_, let second): return Term(values: second.output, norm: second.norm, mixingIndex: mixing)
      case .factorised(let unit): return Term(values: unit.output, norm: unit.norm, mixingIndex: mixing)
      }
    }
  }

  /// Convolutions that read the relu'd source state: single ones, and the first half of separable ones.
  var firstConvolutions: [ConvolutionUnit] {
    operations.compactMap {
      switch $0 {
      case .convolution(let unit): unit
      case .separable(let first, _): first
      default: nil
      }
    }
  }

  var separables: [(first: ConvolutionUnit, second: ConvolutionUnit)] {
    operations.compactMap { if case .separable(let first, let second) = $0 { (first, second) } else { nil } }
  }

  var factorised: [PointwiseUnit] {
    operations.compactMap { if case .factorised(let unit) = $0 { unit } else { nil } }
  }
}
