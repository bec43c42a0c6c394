import Cells
import Compute
import Formats
import Foundation

extension QuadraticBilevelProblem.Coefficients {
  /// Throws where an extent disagrees with d or n, or a curvature is not symmetric positive definite.
  func check(alphaCount: Int) throws {
    let size = trainingCurvature.rows
    guard size > 0, alphaCount > 0 else {
      throw unfitForQuadratic("ω and α", found: "\(size) and \(alphaCount) values", wanted: "at least one each")
    }
    for (name, matrix, extent) in [
      ("trainingCurvature", trainingCurvature, size), ("validationCurvature", validationCurvature, size),
      ("alphaCurvature", alphaCurvature, alphaCount),
    ] {
      guard matrix.rows == extent, matrix.columns == extent else {
        throw unfitForQuadratic(name, found: "shape [\(matrix.rows), \(matrix.columns)]", wanted: "[\(extent), \(extent)]")
      }
      guard matrix.isPositiveDefinite else {
        throw unfitForQuadratic(name, found: "another matrix", wanted: "a symmetric positive definite one")
      }
    }
    guard response.rows == size, response.columns == alphaCount else {
      throw unfitForQuadratic(
        "response", found: "shape [\(response.rows), \(response.columns)]", wanted: "[\(size), \(alphaCount)]")
    }
    for (name, vector, extent) in [
      ("responseOffset", responseOffset, size), ("weightTarget", weightTarget, size),
      ("alphaTarget", alphaTarget, alphaCount),
    ] where vector.count != extent {
      throw unfitForQuadratic(name, found: "\(vector.count) values", wanted: "\(extent)")
    }
  }
}

extension QuadraticBilevelProblem {
  /// A well-conditioned problem of random coefficients of order 1, in which first-order DARTS is visibly wrong.
  ///
  /// A has eigenvalues in [1, 4], so that SGD with learning rate 0.025…0.2 and momentum 0.9 converges; V = I + rank one,
  /// D = ½I + rank one; entries of B, b, w* and a* are normal of order 1 / √n and 1.
  ///
  /// - Parameters:
  ///   - weightCount: d, at least 1.
  ///   - alphas: gives the shape of α and its starting values.
  /// - Throws: `InputError` where a count is not positive or the noise is negative.
  public static func random(
    seed: UInt64, weightCount: Int, alphas: ArchitectureParameters, stepsPerEpoch: Int = 10, noise: Double = 0
  ) throws -> QuadraticBilevelProblem {
    guard weightCount > 0 else {
      throw unfitForQuadratic("weightCount", found: "\(weightCount)", wanted: "at least 1")
    }
    var stream = RandomStream(seed: seed, purpose: .test)
    let count = alphas.count
    func curvature(_ size: Int, floor: Double, ceiling: Double) -> DenseMatrix {
      let direction = stream.normals(size)
      let scale = (ceiling - floor) / max(inner(direction, direction), 1e-12)
      var matrix = floor * DenseMatrix.identity(size)
      for row in 0..<size {
        for column in 0..<size { matrix[row, column] += scale * (direction[row] * direction[column]) }
      }
      return matrix
    }
    let coefficients = Coefficients(
      trainingCurvature: curvature(weightCount, floor: 1, ceiling: 4),
      response: DenseMatrix(
        rows: weightCount, columns: count,
        values: stream.normals(weightCount * count).map { $0 / Double(max(count, 1)).squareRoot() }),
      responseOffset: stream.normals(weightCount).map { 0.5 * $0 },
      validationCurvature: curvature(weightCount, floor: 1, ceiling: 2),
      weightTarget: stream.normals(weightCount),
      alphaCurvature: curvature(count, floor: 0.5, ceiling: 1),
      alphaTarget: stream.normals(count), trainingFloor: 0.125, validationFloor: 0.25)
    return try QuadraticBilevelProblem(
      coefficients: coefficients, initialAlphas: alphas, stepsPerEpoch: stepsPerEpoch, noise: noise, seed: seed)
  }
}

/// A part from which no quadratic problem can be made.
func unfitForQuadratic(_ part: String, found: String, wanted: String) -> InputError {
  InputError("does not make a quadratic problem", at: .words(part), found: found, wanted: wanted)
}
