import Foundation

/// Values that change from epoch to epoch (DARTS, §3.1; ZARTS, §4.1).
public struct Schedules: Equatable, Sendable {
  private let configuration: SearchConfiguration

  public init(_ configuration: SearchConfiguration) { self.configuration = configuration }

  /// η of the weight steps, and ξ, of an epoch counted from 0: cosine from the largest to the smallest learning rate, which
  /// the epoch after the last would have.
  public func learningRate(epoch: Int) -> Double {
    let span = configuration.learningRate - configuration.minimumLearningRate
    return configuration.minimumLearningRate + span * cosine(Double(epoch) / Double(configuration.epochs))
  }

  /// σ of the candidates: constant through the warm-up, then cosine towards 0, which the epoch after the last would have.
  public func sigma(epoch: Int) -> Double {
    let length = configuration.epochs - configuration.warmup
    guard length > 0, epoch > configuration.warmup else { return configuration.sigma }
    return configuration.sigma * cosine(Double(epoch - configuration.warmup) / Double(length))
  }

  /// Settings of the weight steps of an epoch.
  public func weightStep(epoch: Int) -> WeightStep {
    WeightStep(
      learningRate: Float(learningRate(epoch: epoch)), momentum: Float(configuration.momentum),
      weightDecay: Float(configuration.weightDecay), gradientClip: Float(configuration.gradientClip))
  }

  /// From 1 at 0 to 0 at 1.
  private func cosine(_ fraction: Double) -> Double { (1 + cos(.pi * min(1, max(0, fraction)))) / 2 }
}
