/// Values at the crossings of evenly spaced lines: `vtkImageData` of one layer, in a file that ends in `.vti`.
public struct VTKImage: Equatable, Sendable {
  /// Points along x and y.
  public var size: (x: Int, y: Int)
  /// Coordinates of the first point.
  public var origin: (x: Double, y: Double)
  /// Between neighbours.
  public var spacing: (x: Double, y: Double)
  /// Of the points, x fastest.
  public var arrays: [VTKArray]
  /// Of the whole file.
  public var texts: [VTKArray]

  public static func == (left: Self, right: Self) -> Bool {
    left.size == right.size && left.origin == right.origin && left.spacing == right.spacing
      && left.arrays == right.arrays && left.texts == right.texts
  }

  /// - Parameter place: what the coordinates are of, for messages.
  /// - Throws: `InputError` where coordinates are not evenly spaced, to a millionth of their distance.
  public init(x: [Double], y: [Double], arrays: [VTKArray], texts: [VTKArray] = [], at place: InputError.Place) throws {
    func spacing(_ list: [Double], _ name: String) throws -> Double {
      guard list.count > 1 else { return 1 }
      let step = (list[list.count - 1] - list[0]) / Double(list.count - 1)
      let isEven = list.indices.allSatisfy { abs(list[$0] - (list[0] + Double($0) * step)) <= 1e-6 * abs(step) }
      guard isEven, step > 0 else {
        throw InputError(
          "coordinates that are not evenly spaced have no place in a .vti", at: place, found: "\(name) of \(list)",
          wanted: "equal distances, or a .vtp")
      }
      return step
    }
    self.spacing = (try spacing(x, "x"), try spacing(y, "y"))
    (size, origin, self.arrays, self.texts) = ((x.count, y.count), (x.first ?? 0, y.first ?? 0), arrays, texts)
  }

  /// The file's bytes.
  ///
  /// - Parameter comment: a line for readers of the file.
  public func encoded(comment: String = "") -> [UInt8] {
    let extent = "0 \(size.x - 1) 0 \(size.y - 1) 0 0"
    let attributes =
      " WholeExtent=\"\(extent)\" Origin=\"\(origin.x) \(origin.y) 0\" Spacing=\"\(spacing.x) \(spacing.y) 1\""
    return VTKDocument.bytes(
      "ImageData", attributes, texts: texts,
      piece: "<Piece Extent=\"\(extent)\">\n\(VTKDocument.data("PointData", arrays))\n<CellData/>\n</Piece>",
      comment: comment)
  }
}
