package func doubles(_ values: [Float]) -> [Double] { values.map(Double.init) }

package func inner(_ left: [Double], _ right: [Double]) -> Double {
  precondition(left.count == right.count)
  return zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
}

package func norm(_ values: [Double]) -> Double { inner(values, values).squareRoot() }

/// ‖left − right‖.
package func distance(_ left: [Double], _ right: [Double]) -> Double {
  precondition(left.count == right.count)
  return norm(zip(left, right).map { $0 - $1 })
}

/// ‖found − expected‖ / ‖expected‖; infinite where there are not as many.
package func relativeError(_ found: [Float], _ expected: [Float]) -> Double {
  guard found.count == expected.count else { return .infinity }
  return distance(doubles(found), doubles(expected)) / max(norm(doubles(expected)), 1e-150)
}

extension [Float] {
  package var bits: [UInt32] { map(\.bitPattern) }
}
