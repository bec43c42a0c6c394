import CCairo

extension Canvas {
  /// Fills the cells of a lattice that covers an area without gaps.
  ///
  /// Pixel images get one rectangle a cell, on whole pixels. Documents get a picture in place of thousands of paths: each
  /// cell is a block of many equal pixels, so that it stays sharp in viewers that smooth pictures, and equal pixels
  /// compress to little. Cells of different sizes have no such picture and are rectangles everywhere.
  ///
  /// - Parameters:
  ///   - colours: opaque, row by row from the top, `edgesX.count - 1` in a row.
  ///   - edgesX: from the left, in points.
  ///   - edgesY: from the top, in points.
  public func cells(_ colours: [Colour], edgesX: [Double], edgesY: [Double]) {
    let (columns, rows) = (edgesX.count - 1, edgesY.count - 1)
    guard columns > 0, rows > 0, colours.count == columns * rows else { return }
    if pixelsPerPoint == nil, columns * rows > 1, Self.isEven(edgesX), Self.isEven(edgesY) {
      let area = Rectangle(
        x: edgesX[0], y: edgesY[0], width: edgesX[columns] - edgesX[0], height: edgesY[rows] - edgesY[0])
      picture(colours, columns: columns, rows: rows, in: area)
    } else {
      rectangles(colours, edgesX: edgesX.map(snapped), edgesY: edgesY.map(snapped))
    }
  }

  /// From the top left; every cell reaches half into the next ones, which cover it: no seams in vector viewers.
  private func rectangles(_ colours: [Colour], edgesX: [Double], edgesY: [Double]) {
    let (columns, rows) = (edgesX.count - 1, edgesY.count - 1)
    for row in 0..<rows {
      let (top, bottom) = (edgesY[row], edgesY[row + 1])
      let overlapY = row + 1 < rows ? (edgesY[row + 2] - bottom) / 2 : 0
      for column in 0..<columns {
        let (left, right) = (edgesX[column], edgesX[column + 1])
        let overlapX = column + 1 < columns ? (edgesX[column + 2] - right) / 2 : 0
        fill(
          Rectangle(x: left, y: top, width: right - left + overlapX, height: bottom - top + overlapY),
          colours[row * columns + column])
      }
    }
  }

  private static func isEven(_ edges: [Double]) -> Bool {
    let step = (edges[edges.count - 1] - edges[0]) / Double(edges.count - 1)
    return zip(edges, edges.dropFirst()).allSatisfy { abs($1 - $0 - step) < 1e-6 * abs(step) }
  }

  /// Pixels that a side of a picture has at least, and a block of them that stands for one cell.
  private static let leastSide = 512
  private static let largestBlock = 16

  private func picture(_ colours: [Colour], columns: Int, rows: Int, in area: Rectangle) {
    func block(_ count: Int) -> Int { min(Self.largestBlock, max(1, (Self.leastSide + count - 1) / count)) }
    let (blockX, blockY) = (block(columns), block(rows))
    let (width, height) = (columns * blockX, rows * blockY)
    let stride = Int(cairo_format_stride_for_width(CAIRO_FORMAT_RGB24, Int32(width))) / 4
    var pixels = [UInt32](repeating: 0, count: stride * height)
    for row in 0..<rows {
      let line = (0..<columns).flatMap { column in
        [UInt32](repeating: colours[row * columns + column].word, count: blockX)
      }
      for copy in 0..<blockY {
        pixels.replaceSubrange((row * blockY + copy) * stride..<(row * blockY + copy) * stride + width, with: line)
      }
    }
    pixels.withUnsafeMutableBytes { bytes in
      paint(bytes, width: width, height: height, stride: 4 * stride, in: area)
    }
  }
}

extension Colour {
  /// 0x00RRGGBB, each component rounded to 8 bits.
  var word: UInt32 {
    func byte(_ component: Double) -> UInt32 { UInt32((min(max(component, 0), 1) * 255).rounded()) }
    return byte(red) << 16 | byte(green) << 8 | byte(blue)
  }
}
