import CGSL
import Formats

/// The full quadratic y = c + gᵀx + ½ xᵀHx of least squares in a few dimensions (GSL, `gsl_multifit_linear`): what a
/// landscape looks like to second order over the sampled range, not at a point.
public struct QuadraticFit: Equatable, Sendable {
  public let constant: Double
  /// g, the slope at x = 0.
  public let gradient: [Double]
  /// H, symmetric.
  public let hessian: [[Double]]
  /// Eigenvalues of H, ascending.
  public let eigenvalues: [Double]
  /// The share of the variance of y that the fit explains.
  public let determination: Double
  /// √(Σr²/(n − p)); 0 where n = p.
  public let residualDeviation: Double
  public let count: Int

  /// Parameters of a quadratic in so many dimensions, and so the fewest points that fix one.
  public static func parameterCount(dimensions: Int) -> Int { (dimensions + 1) * (dimensions + 2) / 2 }

  /// - Parameter points: x, all of one dimension.
  /// - Returns: nil where there are fewer points than parameters, where they do not fix all of them (points on one line in a
  ///   plane, for example), and where a value is not finite.
  /// - Throws: `InputError` where points and values differ in number, or points in dimension.
  public init?(points: [[Double]], values: [Double]) throws {
    guard points.count == values.count else {
      throw InputError(
        "cannot be used", at: "values of the fit", found: "\(values.count)", wanted: "\(points.count), one a point")
    }
    let dimensions = points.first?.count ?? 0
    guard dimensions > 0, points.allSatisfy({ $0.count == dimensions }) else {
      throw InputError(
        "cannot be used", at: "points of the fit", found: "dimensions \(Set(points.map(\.count)).sorted())",
        wanted: "one dimension, ≥ 1")
    }
    let parameters = Self.parameterCount(dimensions: dimensions)
    guard points.count >= parameters, values.allSatisfy(\.isFinite), points.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
      return nil
    }
    guard let solved = Self.solve(points, values, dimensions, parameters) else { return nil }
    let (coefficients, squares) = solved
    constant = coefficients[0]
    gradient = Array(coefficients[1...dimensions])
    var hessian = [[Double]](repeating: [Double](repeating: 0, count: dimensions), count: dimensions)
    var place = dimensions + 1
    for row in 0..<dimensions {
      for column in row..<dimensions {
        hessian[row][column] = coefficients[place]
        hessian[column][row] = coefficients[place]
        place += 1
      }
    }
    self.hessian = hessian
    eigenvalues = try SymmetricEigenproblem(hessian).values
    count = points.count
    let total = gsl_stats_tss(values, 1, values.count)
    determination = total > 0 ? 1 - squares / total : 1
    residualDeviation = count > parameters ? (squares / Double(count - parameters)).squareRoot() : 0
  }

  /// |λ|max / |λ|min, at least 1; infinite where an eigenvalue is 0.
  public var conditionNumber: Double {
    let magnitudes = eigenvalues.map(abs)
    let (largest, smallest) = (magnitudes.max() ?? 0, magnitudes.min() ?? 0)
    return smallest > 0 ? largest / smallest : .infinity
  }

  /// The stationary point −H⁻¹g where H is positive definite, the minimum of the fit; nil elsewhere.
  public var minimiser: [Double]? {
    guard let least = eigenvalues.first, least > 0, let solved = try? SymmetricEigenproblem(hessian) else { return nil }
    var result = [Double](repeating: 0, count: gradient.count)
    for (value, vector) in zip(solved.values, solved.vectors) {
      let part = zip(vector, gradient).reduce(0) { $0 + $1.0 * $1.1 } / value
      for index in result.indices { result[index] -= part * vector[index] }
    }
    return result
  }

  /// The fit at x.
  public func value(at x: [Double]) -> Double {
    precondition(x.count == gradient.count, "a point of \(x.count) coordinates for \(gradient.count) dimensions")
    var result = constant
    for row in x.indices {
      result += gradient[row] * x[row]
      for column in x.indices { result += 0.5 * hessian[row][column] * x[row] * x[column] }
    }
    return result
  }

  private static func row(_ x: [Double]) -> [Double] {
    var row = [1.0] + x
    for first in x.indices {
      for second in first..<x.count { row.append((first == second ? 0.5 : 1) * x[first] * x[second]) }
    }
    return row
  }

  /// Coefficients and Σr². Points are scaled to order 1 first, so that a tiny range does not look rank-deficient.
  private static func solve(
    _ points: [[Double]], _ values: [Double], _ dimensions: Int, _ parameters: Int
  ) -> (coefficients: [Double], squares: Double)? {
    guard GSLErrors.areReturned else { return nil }
    let scale = points.reduce(0) { max($0, $1.reduce(0) { max($0, abs($1)) }) }
    guard scale > 0, let work = gsl_multifit_linear_alloc(points.count, parameters),
      let matrix = gsl_matrix_alloc(points.count, parameters), let y = gsl_vector_alloc(points.count),
      let found = gsl_vector_alloc(parameters), let covariance = gsl_matrix_alloc(parameters, parameters)
    else { return nil }
    defer {
      gsl_multifit_linear_free(work)
      gsl_matrix_free(matrix)
      gsl_vector_free(y)
      gsl_vector_free(found)
      gsl_matrix_free(covariance)
    }
    for (index, point) in points.enumerated() {
      gsl_vector_set(y, index, values[index])
      for (column, value) in row(point.map { $0 / scale }).enumerated() { gsl_matrix_set(matrix, index, column, value) }
    }
    var squares = 0.0
    guard gsl_multifit_linear(matrix, y, found, covariance, &squares, work) == 0,
      gsl_multifit_linear_rank(1e-10, work) == parameters
    else { return nil }
    let coefficients = (0..<parameters).map { index in
      gsl_vector_get(found, index) / (index == 0 ? 1 : index <= dimensions ? scale : scale * scale)
    }
    return coefficients.allSatisfy(\.isFinite) ? (coefficients, squares) : nil
  }
}
