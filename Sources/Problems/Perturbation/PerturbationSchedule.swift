import Cells
import Compute

/// The perturbations of a run's weight steps: ε grows with the epochs, and each step has random numbers of its own.
public struct PerturbationSchedule: Equatable, Sendable {
  public var kind: PerturbationKind
  /// ε of the first epoch.
  public var start: Double
  /// ε that the epoch after the last would have.
  public var size: Double
  /// Steps of ascent.
  public var steps: Int
  public var epochs: Int
  public var seed: UInt64

  public init(
    kind: PerturbationKind, start: Double = 0.03, size: Double = 0.3, steps: Int = 7, epochs: Int, seed: UInt64
  ) {
    (self.kind, self.start, self.size, self.steps) = (kind, start, size, steps)
    (self.epochs, self.seed) = (epochs, seed)
  }

  /// Of an epoch counted from 0: ε = start + (size − start) · epoch / epochs (sota/cnn/train_search.py of SmoothDARTS, line 170).
  /// Inner training may look beyond the last epoch, where ε grows no further.
  public func perturbation(epoch: Int) -> MixingPerturbation {
    let fraction = min(1, Double(epoch) / Double(max(1, epochs)))
    return MixingPerturbation(kind: kind, size: start + (size - start) * fraction, steps: steps)
  }

  /// What the weight step of an epoch (both counted from 0) trains at: `MixingPerturbation.alphas`. A step past the end of an epoch is
  /// one of the next.
  public func alphas<Problem: BilevelProblem>(
    around alphas: ArchitectureParameters, of problem: Problem, epoch: Int, step: Int, weights: ParameterVector,
    batch: Problem.Batch, statistics: ParameterVector?
  ) -> ArchitectureParameters {
    let length = max(1, problem.stepsPerEpoch)
    let place = (epoch: epoch + step / length, step: step % length)
    return perturbation(epoch: place.epoch).alphas(
      around: alphas, of: problem, weights: weights, batch: batch,
      statistics: statistics.flatMap { $0.count > 0 ? $0 : nil },
      stream: RandomStream(seed: seed, purpose: .perturbation, epoch: place.epoch, step: place.step))
  }
}

/// The perturbations of inner training, whose steps stand for those of the run from some step on.
public struct InnerPerturbation {
  public var schedule: PerturbationSchedule
  /// The weight step of the run (both from 0) that the first inner step stands for.
  public var epoch: Int
  public var step: Int
  /// The run's running statistics, which inner steps do not move; nil for the batches' own.
  public var statistics: ParameterVector?

  public init(schedule: PerturbationSchedule, epoch: Int, step: Int, statistics: ParameterVector?) {
    (self.schedule, self.epoch, self.step, self.statistics) = (schedule, epoch, step, statistics)
  }
}
