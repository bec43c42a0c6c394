import Cells
import Compute
import Formats
import Problems

/// A method that updates α between weight steps: DARTS of either order, a zero-order method of ZARTS, or random search.
///
/// An update is a function of its arguments and of the optimiser's exported state alone. It leaves ω and the momentum
/// as they are, so a run may abandon one and repeat it later with the same result.
public protocol ArchitectureOptimiser<Problem>: AnyObject {
  associatedtype Problem: BilevelProblem

  /// When an update is due, what it reads and what it costs: what the method's definition says of its settings.
  var plan: UpdatePlan { get }

  /// Moves α.
  ///
  /// - Throws: `Divergence` where nothing finite is left to move by; `CancellationError` where the step's
  ///   `isStopRequested` answered true, with α and the optimiser's state as before.
  func update(_ alphas: inout ArchitectureParameters, at step: ArchitectureStep<Problem>) throws -> ArchitectureReport

  /// Closes an epoch after the warm-up, before its validation: a place to decide on an architecture. Abandoned and called
  /// again, also by a resumed run, it does the same.
  ///
  /// - Returns: how many architectures were tried whose loss is not finite.
  /// - Throws: as `update` does.
  func finishEpoch(_ alphas: inout ArchitectureParameters, at end: EpochEnd) throws -> Int
  /// Cost of closing an epoch in training steps.
  var epochEndCost: Double { get }

  /// State that a checkpoint has to hold, beside α.
  func exportState() -> [NamedTensor]
  /// Takes over what `exportState` gave.
  ///
  /// - Throws: `InputError` where a tensor is absent or misshapen.
  func importState(from file: TensorFile) throws
}

extension ArchitectureOptimiser {
  /// Weight steps from one update to the next.
  public var interval: Int { plan.interval }
  /// Upcoming training batches that an update reads.
  public var trainingBatchCount: Int { plan.trainingBatches }
  /// Cost of one update in training steps, for estimates of the time left.
  public var updateCost: Double { plan.trainingSteps }
  public func finishEpoch(_ alphas: inout ArchitectureParameters, at end: EpochEnd) throws -> Int { 0 }
  public var epochEndCost: Double { 0 }
  public func exportState() -> [NamedTensor] { [] }
  public func importState(from file: TensorFile) throws {}
}

/// Where an update of α happens: the network's state, the data and the schedules' values.
public struct ArchitectureStep<Problem: BilevelProblem> {
  /// Current ω; read, never written.
  public var weights: ParameterVector
  /// Momentum of the weight optimiser; read, never written.
  public var velocity: ParameterVector
  /// Settings of the weight step at its current learning rate, which is also ξ.
  public var weightStep: WeightStep
  /// The training batches that the weight steps after the update are going to take.
  public var trainingBatches: [Problem.Batch]
  public var validationBatch: Problem.Batch
  /// Current standard deviation of candidates (ZARTS).
  public var sigma: Double
  /// Key of the candidates' random numbers, with the epoch and step of the weight step that follows.
  public var seed: UInt64
  public var epoch: Int
  public var step: Int
  /// Asked between candidates, since an update of ZARTS can take as long as dozens of weight steps.
  public var isStopRequested: () -> Bool
  /// Who evaluates candidates; nil for the problem itself, one after the other.
  package var crew: CandidateCrew<Problem>?
  /// Of the mixing weights that candidates train ω at, as the run does; nil for none.
  package var perturbation: InnerPerturbation?

  public init(
    weights: ParameterVector, velocity: ParameterVector, weightStep: WeightStep, trainingBatches: [Problem.Batch],
    validationBatch: Problem.Batch, sigma: Double = 0, seed: UInt64 = 0, epoch: Int = 0, step: Int = 0,
    isStopRequested: @escaping () -> Bool = { false }
  ) {
    self.weights = weights
    self.velocity = velocity
    self.weightStep = weightStep
    self.trainingBatches = trainingBatches
    self.validationBatch = validationBatch
    self.sigma = sigma
    self.seed = seed
    self.epoch = epoch
    self.step = step
    self.isStopRequested = isStopRequested
  }
}

/// Where an epoch ends: the network's state after its last weight step.
public struct EpochEnd {
  /// Current ω; read, never written.
  public var weights: ParameterVector
  /// Key of random numbers, with the epoch (from 0) and the number of its steps, which no update within it has for a step.
  public var seed: UInt64
  public var epoch: Int
  public var steps: Int
  public var isStopRequested: () -> Bool
  /// The loss of each architecture on the whole validation split at `weights`, by whoever evaluates them; nil for the problem
  /// itself.
  package var evaluate: (([ArchitectureParameters]) throws -> [BatchLoss])?

  public init(
    weights: ParameterVector, seed: UInt64, epoch: Int, steps: Int, isStopRequested: @escaping () -> Bool = { false }
  ) {
    self.weights = weights
    self.seed = seed
    self.epoch = epoch
    self.steps = steps
    self.isStopRequested = isStopRequested
  }
}

/// What an update of α saw and did.
public struct ArchitectureReport: Equatable, Sendable {
  /// ‖∇_α‖ of the estimate that the update used; nil for methods without any.
  public var gradientNorm: Double?
  /// ‖u‖, the length of the change of α.
  public var updateNorm: Double
  /// (Σc)²/Σc² of the importance weights; nil for methods without any.
  public var effectiveSampleSize: Double?
  /// The loss on the update's validation batch at the current α and ω; nil for methods that do not need it.
  public var validationLoss: Double?
  /// L_M(α) before the update; nil for methods that do not need it.
  public var baselineLoss: Double?
  /// L_M of each candidate.
  public var candidateLosses: [Double]

  public init(
    gradientNorm: Double?, updateNorm: Double, effectiveSampleSize: Double? = nil, validationLoss: Double? = nil,
    baselineLoss: Double? = nil, candidateLosses: [Double] = []
  ) {
    self.gradientNorm = gradientNorm
    self.updateNorm = updateNorm
    self.effectiveSampleSize = effectiveSampleSize
    self.validationLoss = validationLoss
    self.baselineLoss = baselineLoss
    self.candidateLosses = candidateLosses
  }

  /// Candidates whose inner training left the finite range; they carry no weight.
  public var divergedCandidates: Int { candidateLosses.count { !$0.isFinite } }
}
