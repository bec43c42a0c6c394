import Problems

/// Which of several removals hurts: the comparisons of DARTS-PT's code, with equals.
package enum RemovalChoice {
  /// Whether the first hurts more than the second.
  private static func hurts(_ first: BatchLoss, moreThan second: BatchLoss, by criterion: ProjectionSettings.Criterion)
    -> Bool
  {
    switch criterion {
    // Of the same images, so that counts are compared.
    case .accuracy: first.correct < second.correct
    case .loss: first.loss > second.loss
    }
  }

  /// The place of the removal that hurts most; of equals the first (sota/cnn/projection.py, lines 28–53).
  package static func worst(_ results: [BatchLoss], by criterion: ProjectionSettings.Criterion) -> Int? {
    results.indices.dropFirst().reduce(results.indices.first) { best, place in
      guard let best else { return place }
      return hurts(results[place], moreThan: results[best], by: criterion) ? place : best
    }
  }

  /// The places of so many whose removal hurts most, in their order; of equals the first stay (the same, lines 74–100, where the
  /// one whose removal hurts least goes until two are left, of equals the last).
  package static func kept(_ count: Int, of results: [BatchLoss], by criterion: ProjectionSettings.Criterion) -> [Int] {
    results.indices.sorted { first, second in
      if hurts(results[first], moreThan: results[second], by: criterion) { return true }
      if hurts(results[second], moreThan: results[first], by: criterion) { return false }
      return first < second
    }.prefix(count).sorted()
  }

  /// The same of strengths: the place of the largest.
  static func strongest(_ strengths: [Double]) -> Int? {
    strengths.indices.dropFirst().reduce(strengths.indices.first) { best, place in
      guard let best else { return place }
      return strengths[place] > strengths[best] ? place : best
    }
  }

  /// The places of so many largest, in their order.
  static func strongest(_ count: Int, of strengths: [Double]) -> [Int] {
    strengths.indices.sorted { strengths[$0] == strengths[$1] ? $0 < $1 : strengths[$0] > strengths[$1] }
      .prefix(count).sorted()
  }
}
