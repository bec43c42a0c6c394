/// What a checker found: a sentence for each law that does not hold. A test expects none.
public struct LawReport: CustomStringConvertible, Sendable {
  public private(set) var violations: [String] = []

  package init() {}

  public var isEmpty: Bool { violations.isEmpty }
  public var description: String { violations.isEmpty ? "all laws hold" : violations.joined(separator: "\n") }

  package mutating func require(_ condition: Bool, _ law: String) {
    if !condition { violations.append(law) }
  }
}

/// Whether two results are the same to the last bit.
package func isSame(_ left: Double, _ right: Double) -> Bool { left.bitPattern == right.bitPattern }

package func isSame(_ left: [Float], _ right: [Float]) -> Bool { left.map(\.bitPattern) == right.map(\.bitPattern) }
