import Foundation

/// The rate at which skip connections drop values, epoch by epoch (Chen et al., P-DARTS, ICCV 2019, §3.3.1, with the decay
/// of its code: linear over the warm-up, as if it were to reach 0 at the end of the stage, then from the initial rate anew
/// by a factor of e^−0.2 an epoch).
public struct SkipDropout: Equatable, Sendable {
  public var initialRate: Double
  /// Epochs of the search or of its stage.
  public var epochs: Int
  /// Epochs at its start that train ω alone.
  public var warmup: Int

  public init(initialRate: Double, epochs: Int, warmup: Int) {
    self.initialRate = initialRate
    self.epochs = epochs
    self.warmup = warmup
  }

  /// The rate of an epoch counted from 0.
  public func rate(epoch: Int) -> Double {
    guard epoch >= warmup else { return initialRate * Double(max(0, epochs - epoch - 1)) / Double(max(1, epochs)) }
    return initialRate * exp(-0.2 * Double(epoch - warmup))
  }
}
