/// How ω is drawn at the start, where versions of PyTorch differ.
public struct WeightInitialisation: Equatable, Sendable {
  public var depthwise: DepthwiseInitialisation
  public var batchNorm: BatchNormInitialisation

  /// As PyTorch 1.2 and later do where nothing else is said.
  public init(depthwise: DepthwiseInitialisation = .pytorch1, batchNorm: BatchNormInitialisation = .ones) {
    (self.depthwise, self.batchNorm) = (depthwise, batchNorm)
  }
}
