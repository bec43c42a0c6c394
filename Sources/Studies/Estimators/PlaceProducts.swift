/// Products of what was found at different places. These have no batch in common, neither of training nor of validation, and no
/// candidate, so that noise of any of these is in no product: the mean of ⟨g_p, g_q⟩ over p ≠ q is the square of the length of
/// E g, not of g. All places are at one checkpoint, so E g is one vector.
struct PlaceProducts: Equatable, Sendable {
  /// ‖γ̄‖², γ̄ the reference in the mean over training and validation batches.
  let referenceSquare: Double
  /// ⟨E g_r, γ̄⟩.
  let along: Double
  /// ‖E g_r‖².
  let square: Double
  /// The mean of ⟨g_r, γ̄⟩/‖g_r‖ over the estimates that are not zero; nil where there are none.
  let alongDirections: Double?
  /// The mean over places of ‖g‖², noise and all.
  let noisySquare: Double

  /// What a place brings.
  struct Part: Equatable, Sendable {
    /// g.
    let reference: [Double]
    /// The mean of the estimates.
    let estimate: [Double]
    /// Σ g_r/‖g_r‖ over the estimates that are not zero, and how many these are.
    let directions: [Double]
    let moved: Int

    /// nil for no estimate.
    init?(estimates: [[Double]], reference: [Double]) {
      guard !estimates.isEmpty else { return nil }
      self.reference = reference
      var (sum, directions, moved) = (reference.map { _ in 0.0 }, reference.map { _ in 0.0 }, 0)
      for estimate in estimates {
        let length = InnerProducts.of(estimate, estimate).squareRoot()
        for (index, value) in estimate.enumerated() {
          sum[index] += value / Double(estimates.count)
          if length > 0 { directions[index] += value / length }
        }
        if length > 0 { moved += 1 }
      }
      (estimate, self.directions, self.moved) = (sum, directions, moved)
    }
  }

  /// Fewest places: one may be left out, and two are still different.
  static let fewestPlaces = 3

  /// - Parameter units: places by number. One that comes twice is not another place.
  /// - Returns: nil where fewer than two places are different, or one has no estimate.
  init?(of parts: [Part?], over units: [Int]) {
    var times = [Int: Int]()
    for unit in units { times[unit, default: 0] += 1 }
    // In order, so that sums have the same bits however the units stand.
    let weighted = times.keys.sorted().compactMap { unit in parts[unit].map { (part: $0, times: Double(times[unit] ?? 0)) } }
    guard weighted.count == times.count, weighted.count >= 2 else { return nil }
    func total(_ value: (Part) -> Double) -> (sum: Double, squares: Double) {
      weighted.reduce((0, 0)) { ($0.0 + $1.times * value($1.part), $0.1 + $1.times * $1.times * value($1.part)) }
    }
    func total(_ vector: (Part) -> [Double]) -> [Double] {
      var result = [Double](repeating: 0, count: weighted[0].part.reference.count)
      for (part, times) in weighted {
        for (index, value) in vector(part).enumerated() { result[index] += times * value }
      }
      return result
    }
    /// Σ over p ≠ q of ⟨a_p, b_q⟩.
    func products(_ first: (Part) -> [Double], _ second: (Part) -> [Double]) -> Double {
      InnerProducts.of(total(first), total(second)) - total { InnerProducts.of(first($0), second($0)) }.squares
    }
    let (places, own) = total { _ in 1 }
    let pairs = places * places - own
    referenceSquare = products(\.reference, \.reference) / pairs
    along = products(\.estimate, \.reference) / pairs
    square = products(\.estimate, \.estimate) / pairs
    let moved = total { Double($0.moved) }
    let movedPairs = places * moved.sum - moved.squares
    alongDirections = movedPairs > 0 ? products(\.directions, \.reference) / movedPairs : nil
    noisySquare = total { InnerProducts.of($0.reference, $0.reference) }.sum / places
  }

  /// ‖E g_r − γ̄‖²: as a difference of products below 0 by chance where there is no bias.
  var squaredBias: Double { square - 2 * along + referenceSquare }
}
