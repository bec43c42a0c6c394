import Formats

/// An eigenvalue θ of the tridiagonal matrix T of Lanczos' process, with its eigenvector s.
public struct RitzPair: Equatable, Sendable {
  public let value: Double
  /// Norm of Av − θv for v = Σ s_k q_k: an eigenvalue of the operator A is as near as that.
  public let residual: Double
  /// s₁²: the weight of θ in Gauss quadrature over the start's share of the spectrum (Golub & Welsch 1969).
  public let weight: Double
  let coefficients: [Double]

  /// A rule for `KrylovSpace` to stop by: so many of the largest eigenvalues and of the smallest are within a share of the
  /// largest by magnitude. Not before 8 products: early on a Ritz value can pass by an eigenvalue that is not the largest.
  public static func areFound(largest: Int, smallest: Int, tolerance: Double) -> (_ ritz: [RitzPair]) -> Bool {
    { ritz in
      guard let low = ritz.first, let high = ritz.last, ritz.count >= max(8, largest + smallest) else { return false }
      let limit = tolerance * max(abs(low.value), abs(high.value))
      return (ritz.suffix(largest) + ritz.prefix(smallest)).allSatisfy { $0.residual <= limit }
    }
  }
}

/// The space that a symmetric operator spans with one vector, and the operator on it: k steps of Lanczos' process with full
/// reorthogonalisation (Golub & Van Loan, *Matrix computations*, 4th ed., §10.1 and §10.3), all basis vectors kept.
///
/// `Lanczos` finds the largest eigenvalues of operators on `[Double]`; this is for operators on vectors of any kind, and for
/// what is read off the tridiagonal matrix itself, as a density is (`StochasticLanczosQuadrature`).
public struct KrylovSpace<Vector: KrylovVector> {
  /// Orthonormal; the first is along the start.
  public let basis: [Vector]
  /// Of the tridiagonal matrix T, and beside it.
  public let diagonal: [Double]
  public let side: [Double]
  /// Norm of what the last product has outside of the space; 0 where the operator does not lead out of it.
  public let rest: Double
  /// T's eigenvalues with what belongs to them, in ascending order.
  public let ritz: [RitzPair]
  /// How far the operator, on the space, is from a symmetric one. It costs no product.
  public let asymmetry: ProductAsymmetry

  /// Products that were made.
  public var products: Int { diagonal.count }

  /// - Parameters:
  ///   - start: any vector of norm above 0; it is not moved.
  ///   - dimension: values of a vector that are free; no more products are ever needed.
  ///   - limit: of products.
  ///   - isEnough: asked after each product, of more than 128 after about every 64th part of them, by T's eigenvalues so far
  ///     in ascending order, whether to stop; nil for `limit` products in any case.
  ///   - product: the operator times a vector of norm 1, as a vector of its own.
  /// - Throws: `InputError` for a start of norm 0 or a product that is not finite; what `product` throws.
  public init(
    start: Vector, dimension: Int, limit: Int, isEnough: ((_ ritz: [RitzPair]) -> Bool)? = nil,
    product: (Vector) throws -> Vector
  ) throws {
    let length = start.innerProduct(start).squareRoot()
    guard length > 0, length.isFinite else {
      throw InputError("cannot be used", at: "start of Lanczos' process", found: "norm \(length)", wanted: "a norm above 0")
    }
    var first = start.duplicated()
    first.multiply(by: 1 / length)
    var basis = [first]
    var (diagonal, side): ([Double], [Double]) = ([], [])
    // Column k holds ⟨q_i, A q_k⟩ for i ≤ k + 1; further down it is 0.
    var columns: [[Double]] = []
    while true {
      let size = basis.count
      var next = try product(basis[size - 1])
      guard next.innerProduct(next).isFinite else {
        throw InputError(
          "cannot be used", at: "product \(size) of Lanczos' process", found: "NaN or infinity", wanted: "finite values")
      }
      var parts = [Double](repeating: 0, count: size)
      // Twice is enough to be orthogonal to working precision (Parlett, The symmetric eigenvalue problem, §6.9).
      for _ in 0..<2 {
        for (index, earlier) in basis.enumerated() {
          let part = next.innerProduct(earlier)
          next.add(earlier, times: -part)
          parts[index] += part
        }
      }
      let rest = next.innerProduct(next).squareRoot()
      diagonal.append(parts[size - 1])
      columns.append(parts + [rest])
      let scale = Self.scale(diagonal, side)
      let isExhausted = size >= dimension || rest <= Vector.roundingShare * scale
      let left = isExhausted ? 0 : rest
      let isLast = isExhausted || size >= limit
      // T's eigenvalues take k³ operations, which would outgrow the products if they were found after each.
      let asks = isEnough != nil && (size <= 128 || size % (size / 64) == 0)
      let ritz = isLast || asks ? try Self.ritz(diagonal, side, rest: left) : []
      if isLast || (asks && isEnough?(ritz) == true) {
        self.basis = basis
        (self.diagonal, self.side, self.rest, self.ritz) = (diagonal, side, left, ritz)
        asymmetry = try ProductAsymmetry(
          (0..<size).map { row in (0..<size).map { row < columns[$0].count ? columns[$0][row] : 0 } })
        return
      }
      side.append(rest)
      next.multiply(by: 1 / rest)
      basis.append(next)
    }
  }

  /// The vector of norm 1 that belongs to an eigenvalue of T.
  ///
  /// - Parameter pair: one of `ritz`.
  public func vector(of pair: RitzPair) -> Vector {
    var sum = basis[0].duplicated()
    sum.multiply(by: pair.coefficients[0])
    for (index, one) in basis.enumerated().dropFirst() { sum.add(one, times: pair.coefficients[index]) }
    sum.multiply(by: 1 / sum.innerProduct(sum).squareRoot())
    return sum
  }

  /// An upper bound of ‖T‖₂ that needs no eigenvalues (Gershgorin).
  private static func scale(_ diagonal: [Double], _ side: [Double]) -> Double {
    diagonal.indices.map { row in
      abs(diagonal[row]) + (row > 0 ? side[row - 1] : 0) + (row < side.count ? side[row] : 0)
    }.max() ?? 0
  }

  private static func ritz(_ diagonal: [Double], _ side: [Double], rest: Double) throws -> [RitzPair] {
    let small = try SymmetricEigenproblem(
      diagonal.indices.map { row in
        diagonal.indices.map { column in
          if row == column { return diagonal[row] }
          return abs(row - column) == 1 ? side[min(row, column)] : 0
        }
      })
    return zip(small.values, small.vectors).map { value, vector in
      RitzPair(
        value: value, residual: rest * abs(vector[vector.count - 1]), weight: vector[0] * vector[0], coefficients: vector)
    }
  }
}
