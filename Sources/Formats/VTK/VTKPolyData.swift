/// Points, polygons and lines between them: `vtkPolyData`, in a file that ends in `.vtp`.
public struct VTKPolyData: Equatable, Sendable {
  /// x, y, z of each point, all finite: a reader takes bounds from them.
  public var points: [Double]
  /// Polygons by the numbers of their points, counter-clockwise seen from above.
  public var polygons: [[Int]]
  /// Lines by the numbers of their points.
  public var lines: [[Int]]
  public var arrays: [VTKArray]
  /// Of the lines first, then of the polygons.
  public var cellArrays: [VTKArray]
  /// Of the whole file.
  public var texts: [VTKArray]

  public init(
    points: [Double], polygons: [[Int]] = [], lines: [[Int]] = [], arrays: [VTKArray] = [], cellArrays: [VTKArray] = [],
    texts: [VTKArray] = []
  ) {
    (self.points, self.polygons, self.lines) = (points, polygons, lines)
    (self.arrays, self.cellArrays, self.texts) = (arrays, cellArrays, texts)
  }

  /// A surface of one height over each crossing of two lists of coordinates: a quadrangle between four neighbours.
  ///
  /// Points whose height is not finite are left out. Where one corner of a quadrangle is missing, the other three make a
  /// triangle; where more are, there is a hole.
  ///
  /// - Parameters:
  ///   - x, y: ascending.
  ///   - heights: y.count rows of x.count.
  ///   - arrays: values of all crossings, in the same order.
  public init(x: [Double], y: [Double], heights: [Double], arrays: [VTKArray] = [], texts: [VTKArray] = []) {
    let there = heights.indices.filter { heights[$0].isFinite }
    let numbers = Dictionary(uniqueKeysWithValues: there.enumerated().map { ($1, $0) })
    var polygons: [[Int]] = []
    for j in y.indices.dropLast() {
      for i in x.indices.dropLast() {
        let first = j * x.count + i
        let corners = [first, first + 1, first + 1 + x.count, first + x.count].compactMap { numbers[$0] }
        if corners.count > 2 { polygons.append(corners) }
      }
    }
    self.init(
      points: there.flatMap { [x[$0 % x.count], y[$0 / x.count], heights[$0]] }, polygons: polygons,
      arrays: arrays.map { $0.keeping(there) }, texts: texts)
  }

  /// The file's bytes.
  ///
  /// - Parameter comment: a line for readers of the file.
  public func encoded(comment: String = "") -> [UInt8] {
    let place = VTKArray("Points", .float64(points), components: 3)
    let piece = [
      "<Piece NumberOfPoints=\"\(points.count / 3)\" NumberOfVerts=\"0\" NumberOfLines=\"\(lines.count)\" "
        + "NumberOfStrips=\"0\" NumberOfPolys=\"\(polygons.count)\">",
      VTKDocument.data("PointData", arrays), VTKDocument.data("CellData", cellArrays),
      "<Points>\n\(place.element)\n</Points>", Self.cells("Lines", lines), Self.cells("Polys", polygons), "</Piece>",
    ]
    return VTKDocument.bytes("PolyData", texts: texts, piece: piece.joined(separator: "\n"), comment: comment)
  }

  /// Points of all cells one after the other, and where each cell ends among them.
  private static func cells(_ name: String, _ cells: [[Int]]) -> String {
    var (end, ends): (Int64, [Int64]) = (0, [])
    for cell in cells {
      end += Int64(cell.count)
      ends.append(end)
    }
    let arrays = [
      VTKArray("connectivity", .int64(cells.flatMap { $0.map { Int64($0) } })), VTKArray("offsets", .int64(ends)),
    ]
    return "<\(name)>\n\(arrays.map(\.element).joined(separator: "\n"))\n</\(name)>"
  }
}
