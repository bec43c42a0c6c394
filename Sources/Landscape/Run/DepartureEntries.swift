import Problems

/// What differs from the search in how losses are come by, as keys and values of a YAML mapping; nothing at the defaults, so that
/// results begun before there was a choice go on.
package enum DepartureEntries {
  package static func of(
    unrolledRate: Float?, startsAtRest: Bool, drawing: BatchDrawing = .fixed
  ) -> [(key: String, value: String)] {
    (unrolledRate.map { [("unrolled_learning_rate", "\($0)")] } ?? [])
      + (startsAtRest ? [("fresh_momentum", "true")] : [])
      + (drawing == .fixed ? [] : [("batches", drawing.rawValue)])
  }
}

extension WeightStep {
  /// The same at another learning rate; itself where there is none.
  package func at(_ rate: Float?) -> WeightStep {
    var result = self
    result.learningRate = rate ?? learningRate
    return result
  }
}
