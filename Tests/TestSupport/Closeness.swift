/// How far a number may be from the one that it should be.
package enum Tolerance: Sendable {
  /// |found − expected| ≤ t.
  case absolute(Double)
  /// |found − expected| ≤ t · |expected|: digits, whatever the size. Zero is close to zero alone.
  case relative(Double)
  /// |found − expected| ≤ t · max(1, |expected|): digits of large numbers, decimals of small ones.
  case scaled(Double)
  /// At most so many units in the last place of the expected number apart: what rounding a few times can do.
  case ulps(Int)

  package func allows(_ found: Double, _ expected: Double) -> Bool {
    switch self {
    case .absolute(let limit): abs(found - expected) <= limit
    case .relative(let limit): abs(found - expected) <= limit * abs(expected)
    case .scaled(let limit): abs(found - expected) <= limit * max(1, abs(expected))
    case .ulps(let count): abs(found - expected) <= Double(count) * expected.ulp
    }
  }
}

/// Whether a number is there and as close to the expected one as it has to be. NaN is close to nothing.
package func close(_ found: Double?, _ expected: Double, _ tolerance: Tolerance) -> Bool {
  found.map { tolerance.allows($0, expected) } ?? false
}

/// Whether there are as many numbers as expected, each as close as it has to be.
package func close(_ found: [Double], _ expected: [Double], _ tolerance: Tolerance) -> Bool {
  found.count == expected.count && zip(found, expected).allSatisfy(tolerance.allows)
}
