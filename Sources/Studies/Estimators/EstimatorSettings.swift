import Compute
import Formats
import Landscape
import Problems
import Runs
import Search
import Statistics

/// Everything that decides what a study of gradient estimators finds, bit for bit.
public struct EstimatorSettings: Equatable, Sendable {
  public var estimators: [StudiedEstimator]
  /// M, ascending. The gradient of L_M of the last one is the reference.
  public var innerSteps: [Int]
  /// N, ascending. Fewer candidates are the first ones of more.
  public var candidates: [Int]
  /// σ of MGS, μ of RS; GLD's largest radius is σ√d.
  public var sigmas: [Double]
  /// Independent draws of candidates.
  public var repeats: Int
  /// Independent training and validation batches. From `Bootstrap.fewestUnits` on, intervals are over places.
  public var places: Int
  /// h of the reference's central differences, in units of α.
  public var displacement: Double
  /// Other h whose gradient is compared with the reference.
  public var comparedDisplacements: [Double]
  /// τ, λ and the weighting of MGS.
  public var temperature: Double
  public var lambda: Double
  public var weighting: ProposalWeighting
  /// How RS and GLD draw candidates, and what GLD compares them with.
  public var zeroOrder: ZeroOrderSettings
  /// How candidates train, where otherwise than the reference.
  public var training: CandidateTraining
  /// Of inner steps; its learning rate is ξ too, unless `unrolledRate` says otherwise.
  public var step: WeightStep
  /// ξ of L₂ and of the gradients of DARTS, where inner training has another rate; nil for that of `step`.
  public var unrolledRate: Float?
  /// Whether steps of L₂ and L_M begin with zero momentum. Gradients of DARTS begin with the checkpoint's in any case.
  public var startsAtRest = false
  /// The weight step of the search (both counted from 0) whose batches come first.
  public var epoch: Int
  public var firstStep: Int
  /// Validation batches that each loss is the mean over.
  public var validationBatches: Int
  /// Of losses; the gradients of DARTS are with batch statistics, as a search takes them.
  public var batchNorm: BatchNormMode
  /// Key of the candidates.
  public var seed: UInt64
  public var bootstrap: Bootstrap

  /// h of directions along −∇L_M as well.
  public static let defaultDisplacement = TrueLossDescent.displacement

  /// - Throws: `InputError` where a list is empty or not ascending, a count below 1, or a number not positive and finite.
  public init(
    estimators: [StudiedEstimator] = StudiedEstimator.allCases, innerSteps: [Int], candidates: [Int], sigmas: [Double],
    repeats: Int, places: Int = 1, displacement: Double = EstimatorSettings.defaultDisplacement,
    comparedDisplacements: [Double] = [], temperature: Double = 0.01, lambda: Double = 1e-3,
    weighting: ProposalWeighting = .flattened, zeroOrder: ZeroOrderSettings = ZeroOrderSettings(),
    training: CandidateTraining = CandidateTraining(), step: WeightStep = WeightStep(), epoch: Int = 0, firstStep: Int = 0,
    validationBatches: Int = 1, batchNorm: BatchNormMode = .batch, seed: UInt64 = 0, bootstrap: Bootstrap
  ) throws {
    for (setting, list, bounds) in [
      ("inner_steps", innerSteps, RunBounds.innerSteps), ("candidates", candidates, RunBounds.candidates),
    ] {
      guard !list.isEmpty, list.allSatisfy(bounds.contains), zip(list, list.dropFirst()).allSatisfy(<) else {
        throw InputError(
          "not a list of counts", at: .setting(setting), found: "\(list)",
          wanted: "ascending whole numbers, \(bounds.wanted)")
      }
    }
    for (setting, count) in [("repeats", repeats), ("places", places), ("validation_batches", validationBatches)] {
      guard RunBounds.batches.contains(count) else {
        throw InputError("not a count", at: .setting(setting), found: "\(count)", wanted: RunBounds.batches.wanted)
      }
    }
    try batchNorm.check()
    let drawn = Int.saturatingProduct(sigmas.count, repeats, candidates.last ?? 1, places)
    guard drawn <= 10_000_000 else {
      throw InputError(
        "too many candidates: sigmas × repeats × candidates × places", at: .setting("repeats"), found: "\(drawn)",
        wanted: "10000000 at most")
    }
    guard !sigmas.isEmpty, zip(sigmas, sigmas.dropFirst()).allSatisfy(<) else {
      throw InputError("not ascending", at: .setting("sigmas"), found: "\(sigmas)", wanted: "ascending numbers")
    }
    for (setting, values) in [
      ("sigmas", sigmas), ("displacement", [displacement]), ("compare_displacements", comparedDisplacements),
      ("tau", [temperature]), ("inner_learning_rate", [Double(step.learningRate)]),
    ] {
      for value in values where !(value > 0 && value.isFinite) {
        throw InputError("value out of range", at: .setting(setting), found: "\(value)", wanted: "a positive finite number")
      }
    }
    for (setting, value, bounds) in [
      ("candidate_learning_rate", training.learningRate, RealBounds.aboveZero),
      ("candidate_momentum", training.momentum, .belowOne),
    ] {
      guard let value, !bounds.contains(value) else { continue }
      throw InputError("value out of range", at: .setting(setting), found: "\(value)", wanted: bounds.wanted)
    }
    guard (0...1).contains(lambda) else {
      throw InputError("value out of range", at: .setting("lambda"), found: "\(lambda)", wanted: "0 to 1")
    }
    guard !estimators.isEmpty else {
      throw InputError("none given", at: .setting("estimators"), wanted: "at least one")
    }
    for (estimator, count) in estimators.flatMap({ estimator in candidates.map { (estimator, $0) } }) {
      guard let fault = estimator.definition.fault(candidates: count) else { continue }
      throw InputError(fault.problem, at: .setting("candidates"), found: "\(count)", wanted: fault.wanted)
    }
    self.estimators = estimators
    self.innerSteps = innerSteps
    self.candidates = candidates
    self.sigmas = sigmas
    self.repeats = repeats
    self.places = places
    self.displacement = displacement
    self.comparedDisplacements = comparedDisplacements
    self.temperature = temperature
    self.lambda = lambda
    self.weighting = weighting
    self.zeroOrder = zeroOrder
    self.training = training
    self.step = step
    self.epoch = epoch
    self.firstStep = firstStep
    self.validationBatches = validationBatches
    self.batchNorm = batchNorm
    self.seed = seed
    self.bootstrap = bootstrap
  }

  var mgs: MGSSettings { MGSSettings(temperature: temperature, lambda: lambda, weighting: weighting) }

  /// The largest N.
  var mostCandidates: Int { candidates[candidates.count - 1] }

  /// M of the reference.
  public var referenceSteps: Int { innerSteps[innerSteps.count - 1] }

  /// Points that can be evaluated at a time, at least: those of the reference at one place.
  public func pointsAtATime(values: Int) -> Int { 2 * values }

  /// L_M for every M.
  public var objectives: [Objective] { innerSteps.map { .trueLoss(innerSteps: $0) } }

  /// The settings as keys and values of a YAML mapping.
  public var entries: [(key: String, value: String)] {
    func list(_ values: [some CustomStringConvertible]) -> String {
      "[\(values.map(\.description).joined(separator: ", "))]"
    }
    return [
      ("estimators", list(estimators.map(\.rawValue))), ("inner_steps", list(innerSteps)), ("candidates", list(candidates)),
      ("sigmas", list(sigmas)), ("repeats", "\(repeats)"), ("places", "\(places)"), ("displacement", "\(displacement)"),
      ("compared_displacements", list(comparedDisplacements)), ("tau", "\(temperature)"), ("lambda", "\(lambda)"),
      ("proposal", weighting.rawValue), ("candidates_seed", "\(seed)"),
    ] + SettingsText.entries(step: step, epoch: epoch, firstStep: firstStep, validationBatches: validationBatches)
      + batchNorm.entriesWhereSet + DepartureEntries.of(unrolledRate: unrolledRate, startsAtRest: startsAtRest)
      + entriesOfCandidates + SettingsText.entries(bootstrap)
  }

  /// Only what is not the default, so that studies begun before there was such a setting go on.
  private var entriesOfCandidates: [(key: String, value: String)] {
    let usual = ZeroOrderSettings()
    var entries = training.entriesWhereSet()
    if zeroOrder.rsDistribution != usual.rsDistribution {
      entries.append(("rs_distribution", zeroOrder.rsDistribution.rawValue))
    }
    if zeroOrder.gldDistribution != usual.gldDistribution {
      entries.append(("gld_distribution", zeroOrder.gldDistribution.rawValue))
    }
    if zeroOrder.hasUntrainedBaseline { entries.append(("untrained_baseline", "true")) }
    return entries
  }
}

/// Entries that several kinds of settings share.
enum SettingsText {
  static func entries(
    step: WeightStep, epoch: Int, firstStep: Int, validationBatches: Int
  ) -> [(key: String, value: String)] {
    [
      ("inner_learning_rate", "\(step.learningRate)"), ("momentum", "\(step.momentum)"),
      ("weight_decay", "\(step.weightDecay)"), ("gradient_clip", "\(step.gradientClip)"), ("batch_epoch", "\(epoch)"),
      ("batch_step", "\(firstStep)"), ("validation_batches", "\(validationBatches)"),
    ]
  }

  static func entries(_ bootstrap: Bootstrap) -> [(key: String, value: String)] {
    [
      ("bootstrap", bootstrap.method.rawValue), ("bootstrap_replicates", "\(bootstrap.replicates)"),
      ("confidence", "\(bootstrap.level)"), ("bootstrap_seed", "\(bootstrap.seed)"),
    ]
  }
}
