/// How estimates of a gradient lie to each other and to the reference.
struct InnerProducts: Equatable, Sendable {
  /// ⟨g_r, g_s⟩.
  var gram: [[Double]]
  /// ⟨g_r, g⟩.
  var along: [Double]
  /// ‖g‖², g the reference.
  var referenceSquare: Double

  static func of(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

  init(estimates: [[Double]], reference: [Double]) {
    gram = estimates.map { first in estimates.map { Self.of(first, $0) } }
    along = estimates.map { Self.of($0, reference) }
    referenceSquare = Self.of(reference, reference)
  }

  /// The same without what the noise of validation batches adds: E⟨x + e, y + f⟩ = ⟨x, y⟩ + E⟨e, f⟩. The last is the jackknife's
  /// covariance over batches, (B − 1)/B Σ_b ⟨x_b − x̄, y_b − ȳ⟩, x_b being x without batch b, noise that x and y share included.
  /// Of means over batches, as of losses and what is linear in them, it has no bias, and the product is that of different
  /// batches alone.
  ///
  /// - Parameter withoutEach: estimates and reference without each batch, in the same order; at least two.
  func cleared(_ withoutEach: [(estimates: [[Double]], reference: [Double])]) -> InnerProducts {
    func centred(_ vectors: [[Double]]) -> [[Double]] {
      let count = Double(vectors.count)
      let mean = vectors[0].indices.map { index in vectors.reduce(0) { $0 + $1[index] } / count }
      return vectors.map { vector in zip(vector, mean).map { $0 - $1 } }
    }
    let batches = Double(withoutEach.count)
    func covariance(_ a: [[Double]], _ b: [[Double]]) -> Double {
      (batches - 1) / batches * zip(a, b).reduce(0) { $0 + Self.of($1.0, $1.1) }
    }
    let reference = centred(withoutEach.map(\.reference))
    let estimates = along.indices.map { estimate in centred(withoutEach.map { $0.estimates[estimate] }) }
    var result = self
    for first in along.indices {
      for second in along.indices { result.gram[first][second] -= covariance(estimates[first], estimates[second]) }
      result.along[first] -= covariance(estimates[first], reference)
    }
    result.referenceSquare -= covariance(reference, reference)
    return result
  }

  /// ‖ḡ‖², ⟨ḡ, g⟩ and Σ‖g_r‖² over some of the estimates, by number, with repetitions.
  func means(over units: [Int]) -> (square: Double, along: Double, squares: Double) {
    let size = Double(units.count)
    var (square, mean, squares) = (0.0, 0.0, 0.0)
    for unit in units {
      squares += gram[unit][unit]
      mean += along[unit] / size
      for other in units { square += gram[unit][other] / (size * size) }
    }
    return (square, mean, squares)
  }

  /// Σ‖g_r − ḡ‖²/(R − 1); nil for one estimate.
  func variance(over units: [Int]) -> Double? {
    guard units.count > 1 else { return nil }
    let (square, _, squares) = means(over: units)
    let size = Double(units.count)
    return max(0, squares - size * square) / (size - 1)
  }
}
