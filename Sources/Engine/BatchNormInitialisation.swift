import Compute

/// The scales γ of batch norms at the start; their shifts are 0.
///
/// PyTorch has 1 since version 1.2. Before, and so in 0.3.1 on which DARTS ran, `_BatchNorm.reset_parameters`
/// (`torch/nn/modules/batchnorm.py`) drew each γ from U(0, 1). Those of a supernet's cells have no γ; that of
/// its stem has, in NAS-Bench-201 those of its reduction blocks and its last one too, and in a derived network all.
public enum BatchNormInitialisation: String, CaseIterable, Codable, Sendable {
  case ones
  case uniform

  /// γ of so many channels.
  func scales(_ count: Int, from stream: inout RandomStream) -> [Float] {
    switch self {
    case .ones: [Float](repeating: 1, count: count)
    case .uniform: (0..<count).map { _ in Float(stream.uniform()) }
    }
  }
}
