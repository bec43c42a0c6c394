import Cells

/// The candidate operations of one edge, lowered: which tensors its mixture sums, and what computes them.
final class MixedEdge {
  let edge: CellTopology.Edge
  let stride: Int
  let operations: [Lowered]
  /// Where the edge's mixing weights begin in the cell kind's row-major α.
  let mixingOffset: Int
  /// Which path each operation is, where it can be dropped: in a supernet the same for all of them.
  let paths: [Int?]

  enum Lowered {
    /// Contributes nothing.
    case nothing
    /// The source state itself.
    case identity
    /// The source state with values dropped at random.
    case dropped(Activation, stream: UInt32)
    case noise(Activation, stream: UInt32)
    case maximum(PoolUnit, BatchNorm?)
    case average(PoolUnit, BatchNorm?)
    case convolution(ConvolutionUnit)
    case separable(first: ConvolutionUnit, second: ConvolutionUnit)
    case factorised(PointwiseUnit)
    case dense(DenseConvolutionUnit)
    /// All convolutions of the edge in one, which stands at the place of the first; the others contribute nothing.
    case merged(MergedConvolution)
    /// A convolution that shares its block with those of other edges: its output, norm and lanes.
    case packed(Activation, BatchNorm, lanes: Range<Int>)
  }

  init(edge: CellTopology.Edge, stride: Int, operations: [Lowered], mixingOffset: Int, paths: [Int?]) {
    self.edge = edge
    self.stride = stride
    self.operations = operations
    self.mixingOffset = mixingOffset
    self.paths = paths
  }

  /// A tensor of the sum, with the norm it is seen through.
  struct Term {
    let values: Activation
    let norm: BatchNorm?
    /// The norm that the values, a cell's input, are seen through where they are not normalised in memory.
    var view: BatchNorm?
    /// Nil where the weight is 1.
    let mixingIndex: Int?
    /// The path, where it can be dropped.
    let path: Int?
    /// The lanes that belong to the edge, where not all do.
    var lanes: Range<Int>?
  }

  func terms(source: Activation, view: BatchNorm?) -> [Term] {
    operations.enumerated().compactMap { index, operation in
      func term(_ values: Activation, _ norm: BatchNorm?, lanes: Range<Int>? = nil) -> Term {
        Term(values: values, norm: norm, mixingIndex: mixingOffset + index, path: paths[index], lanes: lanes)
      }
      switch operation {
      case .nothing: return nil
      case .identity:
        var term = term(source, nil)
        term.view = view
        return term
      case .dropped(let values, _), .noise(let values, _): return term(values, nil)
      case .maximum(let pool, let norm): return pool.maximum.map { term($0.values, norm) }
      case .average(let pool, let norm): return pool.average.map { term($0.values, norm) }
      case .convolution(let unit): return term(unit.output, unit.norm)
      case .separable(_, let second): return term(second.output, second.norm)
      case .factorised(let unit): return term(unit.output, unit.norm)
      case .dense(let unit): return term(unit.output, unit.norm)
      case .merged(let convolution):
        return Term(
          values: convolution.unit.output, norm: convolution.unit.norm, mixingIndex: nil, path: paths[index])
      case .packed(let values, let norm, let lanes): return term(values, norm, lanes: lanes)
      }
    }
  }

  /// Whether a node can be summed only after statistics of what the edge carries.
  var hasStatistics: Bool {
    operations.contains {
      switch $0 {
      case .convolution, .separable, .factorised, .dense, .merged, .packed: true
      case .maximum(_, let norm), .average(_, let norm): norm != nil
      case .nothing, .identity, .dropped, .noise: false
      }
    }
  }

  /// Convolutions that read the relu'd source state: single and merged ones, and the first half of separable ones.
  var firstConvolutions: [ConvolutionUnit] {
    operations.compactMap {
      switch $0 {
      case .convolution(let unit): unit
      case .separable(let first, _): first
      case .merged(let convolution): convolution.unit
      default: nil
      }
    }
  }

  var separables: [(first: ConvolutionUnit, second: ConvolutionUnit)] {
    operations.compactMap { if case .separable(let first, let second) = $0 { (first, second) } else { nil } }
  }

  var merged: MergedConvolution? {
    for case .merged(let convolution) in operations { return convolution }
    return nil
  }

  var factorised: [PointwiseUnit] {
    operations.compactMap { if case .factorised(let unit) = $0 { unit } else { nil } }
  }

  var dense: [DenseConvolutionUnit] {
    operations.compactMap { if case .dense(let unit) = $0 { unit } else { nil } }
  }

  /// The path of each of `separables`.
  var separablePaths: [Int?] {
    operations.indices.compactMap { index -> Int?? in
      if case .separable = operations[index] { .some(paths[index]) } else { nil }
    }
  }

  func path(of unit: PointwiseUnit) -> Int? {
    for (index, operation) in operations.enumerated() {
      if case .factorised(let own) = operation, own === unit { return paths[index] }
    }
    return nil
  }
}
