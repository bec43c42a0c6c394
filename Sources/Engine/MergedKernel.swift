/// The depthwise kernel that several convolutions share, and which of its taps each of them has
/// (Wang et al., MergeNAS, IJCAI 2020): a k×k of dilation d has k² taps, d apart, around the centre.
struct MergedKernel {
  /// Taps along a side of the shared kernel: 9 where a candidate reaches so far, else 5.
  let side: Int
  /// Of each candidate, its taps in the shared kernel, row-major.
  let taps: [[Int]]
  /// Of each tap of the shared kernel, where the engine's convolution has it; nil where no candidate has it.
  let computed: [Int?]

  init(_ shapes: [(kernel: Int, dilation: Int)]) {
    let reach = shapes.map { $0.dilation * ($0.kernel / 2) }.max() ?? 0
    let side = reach > 2 ? 9 : 5
    let centre = side / 2
    self.side = side
    let taps = shapes.map { kernel, dilation in
      let offsets = (0..<kernel).map { centre + dilation * ($0 - kernel / 2) }
      return offsets.flatMap { row in offsets.map { row * side + $0 } }
    }
    self.taps = taps
    let used = Set(taps.joined())
    computed = (0..<side * side).map { tap in
      let (row, column) = (tap / side, tap % side)
      if !used.contains(tap) { return nil }
      if side == 5 { return tap }
      // A 9×9 is computed as a 5×5 and, added to it, a 5×5 of dilation 2 for the taps around that.
      return (2...6).contains(row) && (2...6).contains(column)
        ? (row - 2) * 5 + column - 2 : 25 + row / 2 * 5 + column / 2
    }
  }

  /// Taps of the engine's convolution.
  var computedCount: Int { side == 9 ? 50 : 25 }
  /// Taps that some candidate has.
  var usedCount: Int { computed.count { $0 != nil } }
}
