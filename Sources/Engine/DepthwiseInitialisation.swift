/// How large the weights of depthwise convolutions are at the start, on the same random numbers.
///
/// Both versions of PyTorch draw the weights of a convolution from U(±1/√n). PyTorch 1 and later take for n the inputs that
/// reach one output, k² in a depthwise convolution. PyTorch up to 0.3.1, on which DARTS ran, took in_channels · k² whatever the
/// number of groups (`torch/nn/modules/conv.py`, `_ConvNd.reset_parameters`): √C less in a depthwise one of C channels, and
/// the same in every other convolution of these networks, which have one group.
public enum DepthwiseInitialisation: String, CaseIterable, Codable, Sendable {
  case pytorch1 = "pytorch-1"
  case pytorch03 = "pytorch-0.3"

  /// n of a convolution of so many inputs that reach one output.
  func fanIn(_ inputs: Int, groups: Int) -> Int {
    switch self {
    case .pytorch1: inputs
    case .pytorch03: inputs * groups
    }
  }
}
