import Compute

/// What Lanczos' process asks of vectors: `[Double]` for small operators, `ParameterVector` for the millions of values of ω.
///
/// Inner products are accumulated in double precision, in an order that depends on the number of values alone.
public protocol KrylovVector {
  /// ⟨self, other⟩.
  func innerProduct(_ other: Self) -> Double
  /// self ← self + scale · other.
  mutating func add(_ other: Self, times scale: Double)
  /// self ← scale · self.
  mutating func multiply(by scale: Double)
  /// A vector of its own with the same values.
  func duplicated() -> Self
  /// What is left of a product with a unit vector is rounding, and no direction, where its norm is below this share of the
  /// operator's.
  static var roundingShare: Double { get }
}

extension [Double]: KrylovVector {
  public func innerProduct(_ other: [Double]) -> Double {
    precondition(count == other.count, "vectors of \(count) and \(other.count) values do not combine")
    return zip(self, other).reduce(0) { $0 + $1.0 * $1.1 }
  }
  public mutating func add(_ other: [Double], times scale: Double) {
    precondition(count == other.count, "vectors of \(count) and \(other.count) values do not combine")
    for index in indices { self[index] += scale * other[index] }
  }
  public mutating func multiply(by scale: Double) { for index in indices { self[index] *= scale } }
  public func duplicated() -> [Double] { self }
  public static var roundingShare: Double { 1e-14 }
}

/// In float32, whose rounding leaves about 1e-7 of a vector's norm.
extension ParameterVector: KrylovVector {
  public func innerProduct(_ other: ParameterVector) -> Double { dot(other) }
  public func add(_ other: ParameterVector, times scale: Double) { add(other, scaledBy: Float(scale)) }
  public func multiply(by scale: Double) {
    for index in 0..<count { storage[index] = Float(Double(storage[index]) * scale) }
  }
  public func duplicated() -> ParameterVector { duplicate() }
  public static var roundingShare: Double { 2e-6 }
}
