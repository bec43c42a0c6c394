import Cells

/// A network of the DARTS family: a row of cells, each of which reads the two before it. Supernets and derived networks alike.
struct CellChainLayout: NetworkLayout {
  enum Stem {
    /// One 3×3 convolution at full resolution, read by the first two cells alike.
    case full(channels: Int)
    /// Three 3×3 convolutions of stride 2; the second's output and the third's are the first cell's inputs.
    case strided(channels: Int)
  }

  /// A second classifier, on the output of one cell.
  struct Auxiliary {
    static let middleChannels = 128
    static let lastChannels = 768

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

  var pathCount = 0

  var narrowsBlocks: Bool { cells.allSatisfy { $0.partialChannels == 1 } }
  var text: String { "a network of \(cells.count) cells, \(cells.first?.channels ?? 0) channels" }

  var mixingCounts: [Int] {
    let kinds = (cells.map(\.kindIndex).max() ?? -1) + 1
    return (0..<kinds).map { kind in
      cells.first { $0.kindIndex == kind }?.mixingCount ?? 0
    }
  }

  /// The largest reach of a convolution.
  var padding: Int {
    cells.flatMap { $0.candidates.joined() }.map { candidate in
      candidate.operation.depthwise.map { $0.dilation * ($0.kernel / 2) } ?? 1
    }.max() ?? 1
  }
}
