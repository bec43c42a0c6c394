import Compute
import Formats

/// Directions in the space of ω around a centre: what the axes of a landscape that are ω's run along. All evaluators of a process
/// share them.
public struct WeightDirections: Sendable {
  /// ω where the directions start.
  public let center: ParameterVector
  /// In the order of the axes that they are.
  public let vectors: [ParameterVector]

  /// - Throws: `InputError` where a vector is not of ω's size.
  public init(center: ParameterVector, vectors: [ParameterVector]) throws {
    for (index, vector) in vectors.enumerated() where vector.count != center.count {
      throw InputError(
        "does not fit ω", at: "direction \(index + 1) of ω", found: "\(vector.count) values", wanted: "\(center.count)")
    }
    (self.center, self.vectors) = (center, vectors)
  }

  /// Writes ω + Σ coordinates[k] · direction k to a vector, each value summed in double precision and rounded to float32 once. At
  /// coordinates 0 these are the bits of ω.
  public func move(_ vector: ParameterVector, to coordinates: [Double]) {
    precondition(coordinates.count == vectors.count, "\(coordinates.count) coordinates for \(vectors.count) directions")
    vector.assign(center, movedBy: zip(coordinates, vectors).map { (scale: $0, direction: $1) })
  }

  /// Euclidean lengths.
  public var norms: [Double] { vectors.map(\.norm) }

  /// Cosine of the angle between two directions, counted from 0.
  public func cosine(_ first: Int, _ second: Int) -> Double {
    vectors[first].dot(vectors[second]) / (vectors[first].norm * vectors[second].norm)
  }

  /// Names the directions by their bits.
  var digest: String {
    var digest = SHA256()
    for vector in vectors { digest.update(floats: vector.values) }
    return digest.hexadecimal()
  }
}
