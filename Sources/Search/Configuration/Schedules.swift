import Foundation
import Problems

/// How a value falls from its start at 0 to 0 at 1.
public enum Decay: String, CaseIterable, Codable, Sendable {
  case cosine, linear, constant
  /// A quarter of a cosine, which begins flat and ends steep.
  case slowCosine = "slow-cosine"

  /// The part of the start that is left at a fraction of the way, which is clamped to [0, 1].
  public func remainder(at fraction: Double) -> Double {
    let place = min(1, max(0, fraction))
    return switch self {
    case .cosine: (1 + cos(.pi * place)) / 2
    case .linear: 1 - place
    case .constant: 1
    case .slowCosine: cos(.pi / 2 * place)
    }
  }
}

/// Values that change from epoch to epoch (DARTS, §3.1; ZARTS, §4.1).
public struct Schedules: Equatable, Sendable {
  private var configuration: SearchConfiguration

  /// - Parameter weightDecay: where it is no longer that of the settings (`AdaptiveRegularisation`).
  public init(_ configuration: SearchConfiguration, weightDecay: Double? = nil) {
    self.configuration = configuration
    if let weightDecay { self.configuration.weightDecay = weightDecay }
  }

  /// Of the weight steps.
  public var weightDecay: Double { configuration.weightDecay }

  /// η of the weight steps, and ξ, of an epoch counted from 0: cosine from the largest to the smallest learning rate, which
  /// the epoch after the last would have.
  public func learningRate(epoch: Int) -> Double {
    let span = configuration.learningRate - configuration.minimumLearningRate
    let fraction = Double(epoch) / Double(configuration.epochs)
    return configuration.minimumLearningRate + span * Decay.cosine.remainder(at: fraction)
  }

  /// σ of the candidates of MGS: constant through the warm-up, then by its decay towards 0, which the epoch after the last
  /// would have.
  public func sigma(epoch: Int) -> Double {
    let length = configuration.epochs - configuration.warmup
    guard length > 0, epoch > configuration.warmup else { return configuration.sigma }
    let fraction = Double(epoch - configuration.warmup) / Double(length)
    return configuration.sigma * configuration.sigmaDecay.remainder(at: fraction)
  }

  /// β of the auxiliary skip connections in an epoch counted from 0: from its start towards 0, which the epoch after the last would
  /// have. With T epochs β₀(T − t)/T where the decay is linear, β₀(1 + cos πt/T)/2 with the cosine and β₀ cos(πt/2T) with the slow
  /// one (Meituan-AutoML/DARTS-, src/utils.py, lines 181–192, with its T_start of 0).
  public func auxiliarySkip(epoch: Int) -> Double {
    let fraction = Double(epoch) / Double(configuration.epochs)
    return configuration.auxiliarySkip * configuration.auxiliaryDecay.remainder(at: fraction)
  }

  /// Settings of the weight steps of an epoch.
  public func weightStep(epoch: Int) -> WeightStep {
    WeightStep(
      learningRate: Float(learningRate(epoch: epoch)), momentum: Float(configuration.momentum),
      weightDecay: Float(configuration.weightDecay), gradientClip: Float(configuration.gradientClip))
  }
}
