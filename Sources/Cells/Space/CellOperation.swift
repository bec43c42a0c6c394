/// A candidate operation of a mixed edge. Raw values are the names used by every DARTS-family repository.
public enum CellOperation: String, CaseIterable, Codable, Sendable {
  case none
  case maxPool3x3 = "max_pool_3x3"
  case averagePool3x3 = "avg_pool_3x3"
  case skipConnect = "skip_connect"
  case separableConv3x3 = "sep_conv_3x3"
  case separableConv5x5 = "sep_conv_5x5"
  case dilatedConv3x3 = "dil_conv_3x3"
  case dilatedConv5x5 = "dil_conv_5x5"
  /// Standard normal numbers in place of the input (RobustDARTS, space S4).
  case noise

  /// Whether the operation holds no weights where it keeps the resolution.
  public var isParameterFree: Bool {
    switch self {
    case .none, .maxPool3x3, .averagePool3x3, .skipConnect, .noise: true
    case .separableConv3x3, .separableConv5x5, .dilatedConv3x3, .dilatedConv5x5: false
    }
  }
}

extension CellOperation {
  /// Kernel and dilation of its depthwise convolutions; nil where it has none.
  package var depthwise: (kernel: Int, dilation: Int)? {
    switch self {
    case .separableConv3x3: (3, 1)
    case .separableConv5x5: (5, 1)
    case .dilatedConv3x3: (3, 2)
    case .dilatedConv5x5: (5, 2)
    case .none, .maxPool3x3, .averagePool3x3, .skipConnect, .noise: nil
    }
  }
}
