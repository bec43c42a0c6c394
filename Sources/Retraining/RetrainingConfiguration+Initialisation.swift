import Engine

extension RetrainingConfiguration {
  /// How ω is drawn at the start, where no file of weights is given.
  public var weightInitialisation: WeightInitialisation {
    WeightInitialisation(depthwise: depthwiseInitialisation, batchNorm: batchNormInitialisation)
  }
}
