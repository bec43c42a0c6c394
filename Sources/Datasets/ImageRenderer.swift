/// Writes one stored image into a batch: crop, flip, normalise, cutout.
struct ImageRenderer: Sendable {
  let side: Int
  let storedChannels: Int
  /// Normalised value of each byte, [3, 256].
  let table: [Float]

  init(_ dataset: ImageDataset) {
    side = dataset.side
    storedChannels = dataset.storedChannels
    table = dataset.normalisation.table
  }

  /// - Parameters:
  ///   - source: Bytes [storedChannels, side, side].
  ///   - target: Uninitialised floats [3, side, side].
  func render(
    _ source: UnsafePointer<UInt8>, draw: Augmentation.Draw, into target: UnsafeMutablePointer<Float>
  ) {
    table.withUnsafeBufferPointer { table in
      for channel in 0..<ImageDataset.channels {
        let plane = source + (storedChannels == 1 ? 0 : channel) * side * side
        render(plane, values: table.baseAddress! + channel * 256, draw: draw, into: target + channel * side * side)
      }
    }
    guard let cutout = draw.cutout, !cutout.columns.isEmpty else { return }
    for channel in 0..<ImageDataset.channels {
      for row in cutout.rows {
        let start = (channel * side + row) * side + cutout.columns.lowerBound
        (target + start).update(repeating: 0, count: cutout.columns.count)
      }
    }
  }

  private func render(
    _ plane: UnsafePointer<UInt8>, values: UnsafePointer<Float>, draw: Augmentation.Draw,
    into target: UnsafeMutablePointer<Float>
  ) {
    // Columns of the crop that lie within the image; the others are padding, which is black, not zero.
    let first = min(side, max(0, -draw.column))
    let end = max(first, min(side, side - draw.column))
    for row in 0..<side {
      let line = target + row * side
      let sourceRow = row + draw.row
      guard sourceRow >= 0 && sourceRow < side else {
        line.initialize(repeating: values[0], count: side)
        continue
      }
      let from = plane + sourceRow * side
      if draw.isFlipped {
        (line + side - first).initialize(repeating: values[0], count: first)
        line.initialize(repeating: values[0], count: side - end)
        for column in first..<end { (line + side - 1 - column).initialize(to: values[Int(from[column + draw.column])]) }
      } else {
        line.initialize(repeating: values[0], count: first)
        (line + end).initialize(repeating: values[0], count: side - end)
        for column in first..<end { (line + column).initialize(to: values[Int(from[column + draw.column])]) }
      }
    }
  }
}
