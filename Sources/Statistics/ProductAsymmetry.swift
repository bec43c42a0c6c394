/// How far an operator that is known by its products is from a symmetric one, on the space of the vectors that it was
/// multiplied with. It costs no product.
public struct ProductAsymmetry: Equatable, Sendable {
  /// ‖B − Bᵀ‖/‖B‖ (Frobenius) of B_ij = v_iᵀ A v_j: 0 of a symmetric operator, √2 of nothing but noise.
  public let relative: Double
  /// A relative asymmetry above which a Hessian of differences is partly noise (docs/fidelity.md has measurements).
  public static let doubtful = 0.5

  /// Largest singular value of (B − Bᵀ)/2: how far noise of this size can move an eigenvalue (Weyl), as far as its symmetric
  /// part, which cannot be told from the operator, is no larger than the antisymmetric one.
  public let eigenvalueBound: Double

  /// - Parameters:
  ///   - vectors: orthonormal ones.
  ///   - products: the operator times each.
  /// - Throws: `InputError` where a product is not finite.
  public init(vectors: [[Double]], products: [[Double]]) throws {
    let form = vectors.map { left in products.map { right in zip(left, right).reduce(0) { $0 + $1.0 * $1.1 } } }
    try self.init(form)
  }

  /// - Parameter form: B itself, row by row.
  /// - Throws: `InputError` where a value is not finite.
  public init(_ form: [[Double]]) throws {
    let size = form.count
    var (apart, whole) = (0.0, 0.0)
    var half = form
    for row in 0..<size {
      for column in 0..<size {
        half[row][column] = (form[row][column] - form[column][row]) / 2
        apart += 4 * half[row][column] * half[row][column]
        whole += form[row][column] * form[row][column]
      }
    }
    relative = whole > 0 ? (apart / whole).squareRoot() : 0
    guard size > 0 else {
      eigenvalueBound = 0
      return
    }
    // −M² = MᵀM of an antisymmetric M.
    let square = (0..<size).map { row in
      (0..<size).map { column in (0..<size).reduce(0) { $0 + half[$1][row] * half[$1][column] } }
    }
    eigenvalueBound = max(0, try SymmetricEigenproblem(square).values[size - 1]).squareRoot()
  }
}
