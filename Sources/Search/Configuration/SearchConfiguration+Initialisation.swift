import Engine

extension SearchConfiguration {
  /// How ω is drawn at the start.
  public var weightInitialisation: WeightInitialisation {
    WeightInitialisation(depthwise: depthwiseInitialisation, batchNorm: batchNormInitialisation)
  }
}
