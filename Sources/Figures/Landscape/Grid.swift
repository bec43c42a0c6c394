import Formats

/// Values at the crossings of two lists of coordinates.
public struct Grid: Equatable, Sendable {
  /// Coordinates of the columns and of the rows, each strictly ascending.
  public let x: [Double]
  public let y: [Double]
  /// Row-major [y.count][x.count]; NaN and infinities stand for points that diverged.
  public let values: [Double]

  public var columns: Int { x.count }
  public var rows: Int { y.count }

  /// - Throws: `InputError` when coordinates are missing, not finite or not ascending, or when the number
  ///   of values isn't rows × columns.
  public init(x: [Double], y: [Double], values: [Double]) throws {
    for (name, list) in [("x", x), ("y", y)] {
      let ascending = zip(list, list.dropFirst()).allSatisfy { $0 < $1 }
      guard !list.isEmpty, list.allSatisfy(\.isFinite), ascending else {
        throw InputError.undrawable(
          "grid \(name)", found: "\(list)", wanted: "at least one coordinate, finite and strictly ascending")
      }
    }
    guard values.count == x.count * y.count else {
      throw InputError.undrawable(
        "grid values", found: "\(values.count) values", wanted: "\(x.count * y.count) for \(y.count) rows of \(x.count)")
    }
    self.x = x
    self.y = y
    self.values = values
  }

  public subscript(column: Int, row: Int) -> Double { values[row * columns + column] }

  /// The finite values, in storage order.
  var finite: [Double] { values.filter(\.isFinite) }

  /// Coordinates of the lowest finite value, the first one in storage order; nil when none is finite.
  public var minimiser: Point? { best(isHighest: false) }

  /// Coordinates of the lowest or highest finite value, the first one in storage order; nil when none is finite.
  func best(isHighest: Bool) -> Point? {
    let candidates = values.indices.filter { values[$0].isFinite }
    let index = candidates.min { isHighest ? values[$0] > values[$1] : values[$0] < values[$1] }
    return index.map { Point(x[$0 % columns], y[$0 / columns]) }
  }

  /// The best point, where it means something: nil when all finite values are equal.
  func clearBest(isHighest: Bool) -> Point? {
    let finite = finite
    return finite.contains { $0 != finite[0] } ? best(isHighest: isHighest) : nil
  }

  /// The value at a point between the coordinates, bilinear; nil outside, and where a corner that counts is not finite.
  package func value(at point: Point) -> Double? {
    func place(_ list: [Double], _ value: Double) -> (Int, Double)? {
      guard list.count > 1, value >= list[0], value <= list[list.count - 1] else { return nil }
      let next = min(max(1, list.firstIndex { $0 >= value } ?? 1), list.count - 1)
      return (next - 1, (value - list[next - 1]) / (list[next] - list[next - 1]))
    }
    guard let (column, s) = place(x, point.x), let (row, t) = place(y, point.y) else { return nil }
    // Weights of zero must not let a neighbour that diverged in.
    func between(_ a: Double, _ b: Double, _ share: Double) -> Double {
      share == 0 ? a : share == 1 ? b : a * (1 - share) + b * share
    }
    let low = between(self[column, row], self[column + 1, row], s)
    let value = between(low, between(self[column, row + 1], self[column + 1, row + 1], s), t)
    return value.isFinite ? value : nil
  }

  /// This minus `other`, point by point.
  ///
  /// - Throws: `InputError` when the coordinates differ.
  public func minus(_ other: Grid) throws -> Grid {
    guard x == other.x, y == other.y else {
      throw InputError.undrawable("difference of grids", found: "different coordinates", wanted: "the same points in both")
    }
    return try Grid(x: x, y: y, values: zip(values, other.values).map(-))
  }

  /// The same function on a lattice of `factor` times as many intervals, bilinear between the points.
  func refined(by factor: Int) -> Grid {
    guard factor > 1 else { return self }
    func fine(_ list: [Double]) -> [Double] {
      zip(list, list.dropFirst()).flatMap { a, b in (0..<factor).map { a + (b - a) * Double($0) / Double(factor) } }
        + list.suffix(1)
    }
    let (fineX, fineY) = (fine(x), fine(y))
    var result: [Double] = []
    result.reserveCapacity(fineX.count * fineY.count)
    for row in fineY.indices {
      let (r, v) = (min(row / factor, max(0, rows - 2)), Double(row) / Double(factor))
      let below = min(r + 1, rows - 1)
      for column in fineX.indices {
        let (c, u) = (min(column / factor, max(0, columns - 2)), Double(column) / Double(factor))
        let right = min(c + 1, columns - 1)
        let (s, t) = (u - Double(c), v - Double(r))
        // Weights of zero must not let a neighbour that diverged in.
        let corners = [(c, r, (1 - s) * (1 - t)), (right, r, s * (1 - t)), (c, below, (1 - s) * t), (right, below, s * t)]
        result.append(corners.reduce(0) { $1.2 == 0 ? $0 : $0 + $1.2 * self[$1.0, $1.1] })
      }
    }
    return Grid(unchecked: fineX, fineY, result)
  }

  private init(unchecked x: [Double], _ y: [Double], _ values: [Double]) {
    self.x = x
    self.y = y
    self.values = values
  }
}
