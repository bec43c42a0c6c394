/// What a network computes, before it has tensors: the layout that a plan lowers, of a supernet or of a derived network.
struct NetworkLayout {
  enum Stem {
    /// One 3×3 convolution at full resolution, read by the first two cells alike.
    case full(channels: Int)
    /// Three 3×3 convolutions of stride 2; the second's output and the third's are the first cell's inputs.
    case strided(channels: Int)
  }

  /// A second classifier, on the output of one cell.
  struct Auxiliary {
    let cell: Int
    /// Of its average pool.
    let stride: Int
    /// Whether batch norm follows its last convolution.
    let normalisesLast: Bool
  }

  let stem: Stem
  /// Height and width of the images.
  let imageSize: Int
  let classes: Int
  let cells: [CellLayout]
  var auxiliary: Auxiliary?

  /// Numbers of paths run from 0 to this.
  var pathCount = 0

  /// Operations of one cell of each kind, over all its edges.
  var mixingCounts: [Int] {
    let kinds = (cells.map(\.kindIndex).max() ?? -1) + 1
    return (0..<kinds).map { kind in
      cells.first { $0.kindIndex == kind }?.candidates.reduce(0) { $0 + $1.count } ?? 0
    }
  }

  /// Border of padded planes: the largest reach of a convolution.
  var padding: Int {
    cells.flatMap { $0.candidates.joined() }.map { candidate in
      candidate.operation.depthwise.map { $0.dilation * ($0.kernel / 2) } ?? 1
    }.max() ?? 1
  }
}
