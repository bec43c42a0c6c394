import Compute
import Foundation

extension RandomStream {
  /// A direction uniform on the unit sphere of `dimensions` dimensions: normals divided by their length.
  public mutating func unitVector(_ dimensions: Int) -> [Double] {
    precondition(dimensions > 0, "a direction needs a dimension")
    while true {
      let normals = normals(dimensions)
      let length = normals.reduce(0) { $0 + $1 * $1 }.squareRoot()
      if length > 0 { return normals.map { $0 / length } }
    }
  }

  /// A point uniform in the ball of that radius around 0: a direction, then a length whose power `dimensions` is uniform.
  public mutating func ballPoint(_ dimensions: Int, radius: Double) -> [Double] {
    let direction = unitVector(dimensions)
    let length = radius * pow(uniform(), 1 / Double(dimensions))
    return direction.map { length * $0 }
  }
}
