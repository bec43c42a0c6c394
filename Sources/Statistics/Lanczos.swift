import Formats

/// The largest eigenvalues of a symmetric operator that is known by its products with vectors alone: Lanczos' iteration with
/// full reorthogonalisation (Golub & Van Loan, *Matrix computations*, 4th ed., §10.1 and §10.3).
public struct Lanczos: Equatable, Sendable {
  /// The largest eigenvalue found.
  public let largest: Double
  /// The smallest one, as a by-product, less exact as a rule.
  public let smallest: Double
  /// A bound on how far an eigenvalue of the operator lies from `largest`: the norm of its residual.
  public let residual: Double
  /// The eigenvector of `largest`, of norm 1.
  public let vector: [Double]
  /// Products that it took.
  public let products: Int
  /// Every Ritz value with the norm of its residual, from the largest down. Those at the ends of the spectrum converge
  /// first; an eigenvalue that occurs several times is found once.
  public let ritz: [RitzValue]

  /// An approximate eigenvalue; an eigenvalue lies within `residual` of `value`.
  public struct RitzValue: Equatable, Sendable {
    public let value: Double
    public let residual: Double
  }

  /// Products before the residual is believed: early on a Ritz value can pass by an eigenvalue that is not the largest.
  private static let fewest = 8

  /// - Parameters:
  ///   - start: any vector with a part along the eigenvector; random as a rule.
  ///   - wanted: how many of the largest eigenvalues have to be within the tolerance.
  ///   - tolerance: of the residual, relative to the largest eigenvalue by magnitude.
  ///   - limit: of products; no more than the dimension are ever needed.
  ///   - product: the operator times a vector of norm 1.
  /// - Throws: `InputError` for a start of norm 0 or a product that is not finite or of another size; what `product`
  ///   throws.
  public init(
    start: [Double], wanted: Int = 1, tolerance: Double = 1e-3, limit: Int = 60, product: ([Double]) throws -> [Double]
  ) throws {
    let length = start.euclideanNorm
    guard length > 0, length.isFinite else {
      throw InputError(
        "cannot be used", at: "start of Lanczos' iteration", found: "norm \(length)", wanted: "a norm above 0")
    }
    var basis = [start.map { $0 / length }]
    var (diagonal, side): ([Double], [Double]) = ([], [])
    while true {
      var next = try product(basis[basis.count - 1])
      guard next.count == start.count, next.allSatisfy(\.isFinite) else {
        throw InputError(
          "cannot be used", at: "product \(basis.count) of Lanczos' iteration",
          found: next.count == start.count ? "NaN or infinity" : "\(next.count) values",
          wanted: "\(start.count) finite values")
      }
      diagonal.append(inner(next, basis[basis.count - 1]))
      // Twice is enough to be orthogonal to working precision (Parlett, The symmetric eigenvalue problem, §6.9).
      for _ in 0..<2 {
        for earlier in basis {
          let part = inner(next, earlier)
          for index in next.indices { next[index] -= part * earlier[index] }
        }
      }
      let rest = next.euclideanNorm
      let size = diagonal.count
      let small = try SymmetricEigenproblem(Self.tridiagonal(diagonal, side))
      let top = small.vectors[size - 1]
      let scale = max(abs(small.values[0]), abs(small.values[size - 1]))
      let residual = rest * abs(top[size - 1])
      let found = small.vectors.indices.reversed().map {
        RitzValue(value: small.values[$0], residual: rest * abs(small.vectors[$0][size - 1]))
      }
      let isFound = found.count >= wanted && found.prefix(wanted).allSatisfy { $0.residual <= tolerance * scale }
      let isExhausted = size == start.count || size >= limit || rest <= 1e-14 * scale
      if isExhausted || (size >= Self.fewest && isFound) {
        largest = small.values[size - 1]
        smallest = small.values[0]
        self.residual = residual
        products = size
        ritz = found
        let combined = start.indices.map { index in zip(top, basis).reduce(0) { $0 + $1.0 * $1.1[index] } }
        let norm = combined.euclideanNorm
        vector = combined.map { $0 / norm }
        return
      }
      side.append(rest)
      basis.append(next.map { $0 / rest })
    }
  }

  private static func tridiagonal(_ diagonal: [Double], _ side: [Double]) -> [[Double]] {
    diagonal.indices.map { row in
      diagonal.indices.map { column in
        if row == column { return diagonal[row] }
        return abs(row - column) == 1 ? side[min(row, column)] : 0
      }
    }
  }
}

private func inner(_ left: [Double], _ right: [Double]) -> Double {
  zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
}

extension [Double] {
  fileprivate var euclideanNorm: Double { inner(self, self).squareRoot() }
}
