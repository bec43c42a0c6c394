import Foundation

/// What the reference network computes with: double precision, or dual numbers for exact directional derivatives.
public protocol ReferenceScalar: Sendable {
  init(_ value: Double)
  /// The number without its derivative: what comparisons (ReLU, maxima) decide on.
  var value: Double { get }

  static func + (left: Self, right: Self) -> Self
  static func - (left: Self, right: Self) -> Self
  static func * (left: Self, right: Self) -> Self
  static func / (left: Self, right: Self) -> Self
  func squareRoot() -> Self
  func exponential() -> Self
  func logarithm() -> Self
}

extension ReferenceScalar {
  static var zero: Self { Self(0) }
  static func += (left: inout Self, right: Self) { left = left + right }
}

extension Double: ReferenceScalar {
  public var value: Double { self }
  public func exponential() -> Double { exp(self) }
  public func logarithm() -> Double { log(self) }
}

/// a + b·ε with ε² = 0: arithmetic on it carries the derivative along a direction exactly.
public struct Dual: ReferenceScalar {
  public var value: Double
  public var derivative: Double

  public init(_ value: Double) { self.init(value, derivative: 0) }

  public init(_ value: Double, derivative: Double) {
    self.value = value
    self.derivative = derivative
  }

  public static func + (left: Dual, right: Dual) -> Dual {
    Dual(left.value + right.value, derivative: left.derivative + right.derivative)
  }
  public static func - (left: Dual, right: Dual) -> Dual {
    Dual(left.value - right.value, derivative: left.derivative - right.derivative)
  }
  public static func * (left: Dual, right: Dual) -> Dual {
    Dual(left.value * right.value, derivative: left.derivative * right.value + left.value * right.derivative)
  }
  public static func / (left: Dual, right: Dual) -> Dual {
    let quotient = left.value / right.value
    return Dual(quotient, derivative: (left.derivative - quotient * right.derivative) / right.value)
  }
  public func squareRoot() -> Dual {
    let root = value.squareRoot()
    return Dual(root, derivative: derivative / (2 * root))
  }
  public func exponential() -> Dual {
    let power = exp(value)
    return Dual(power, derivative: power * derivative)
  }
  public func logarithm() -> Dual { Dual(log(value), derivative: derivative / value) }
}
