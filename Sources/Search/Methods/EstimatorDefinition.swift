import Compute
import Problems

/// How an update of α is studied as if it estimated ∇_α of the true loss: which points around α it is made of, and what it
/// makes of their losses. Declared in the file of the method that makes such updates (`MethodDefinition.estimators`), over
/// the same formula as the search's own.
///
/// Studies ask; none of them knows an estimator by name.
public protocol EstimatorDefinition: Sendable {
  /// As in lists and tables.
  var name: String { get }
  /// What it is, in a few words.
  var summary: String { get }
  /// What an estimate depends on, beside the place in the data.
  var dependence: EstimatorDependence { get }
  /// The gradient at ω that it is made of or that guides its candidates; nil where it needs none.
  var guide: GradientEstimator? { get }
  /// Whether L_M(α) itself is needed.
  var needsBaseline: Bool { get }
  /// Whether a study may have it compare candidates with L_val(ω, α), for which nothing is trained, in the place of L_M(α).
  var mayCompareUntrained: Bool { get }
  /// Inner steps of the loss whose central differences it is made of, where that is always the same: 0 for L₁. Nil for the M of
  /// the estimate.
  var differencedSteps: Int? { get }
  /// Whether an estimate may be zero because the method would rather stay.
  var mayStay: Bool { get }
  /// Whether a study that names no estimators takes it.
  var isUsual: Bool { get }
  /// Whether a study of fidelity holds it beside the gradients of the objectives.
  var isGradientOfFidelity: Bool { get }

  /// The cells `objective` and `inner_steps` of tables where it is the very gradient of an objective; nil elsewhere.
  func objective(innerSteps: Int) -> (name: String, innerSteps: Int)?
  /// What N has to be.
  ///
  /// - Returns: what is wrong with it and what would be right; nil where it can be.
  func fault(candidates: Int) -> (problem: String, wanted: String)?
  /// Points around α whose losses make an estimate of N candidates. Those of fewer candidates are the first of more.
  func families(candidates: Int) -> [CandidateFamily]
  /// The estimate, flat; nil where no finite loss is left to make it of.
  func estimate(_ draw: CandidateDraw, _ losses: CandidateLosses) -> [Double]?
}

extension EstimatorDefinition {
  public var dependence: EstimatorDependence { .candidates }
  public var guide: GradientEstimator? { nil }
  public var needsBaseline: Bool { false }
  public var mayCompareUntrained: Bool { false }
  public var differencedSteps: Int? { nil }
  public var mayStay: Bool { false }
  public var isUsual: Bool { true }
  public var isGradientOfFidelity: Bool { false }
  public func objective(innerSteps: Int) -> (name: String, innerSteps: Int)? { nil }
  public func fault(candidates: Int) -> (problem: String, wanted: String)? { nil }
  public func families(candidates: Int) -> [CandidateFamily] { [] }
}

/// What an estimate depends on, beside the place in the data.
public enum EstimatorDependence: Sendable {
  /// Nothing: it looks at ω, or one step ahead.
  case place
  /// M.
  case innerSteps
  /// M, N, σ and the draw of the candidates.
  case candidates
}

/// Points around α, one a candidate, that estimators may share: those of a name are the same points.
public struct CandidateFamily: Sendable {
  /// As in a study's journal.
  public let name: String
  public let count: Int
  /// From α to the point, flat.
  public let displacement: @Sendable (CandidateDraw, _ candidate: Int) -> [Double]

  public init(
    _ name: String, count: Int, displacement: @escaping @Sendable (CandidateDraw, _ candidate: Int) -> [Double]
  ) {
    (self.name, self.count, self.displacement) = (name, count, displacement)
  }
}

/// How RS and GLD are studied, beside N and the size of their steps.
public struct ZeroOrderSettings: Equatable, Sendable {
  public var rsDistribution: DirectionDistribution
  public var gldDistribution: RadialDistribution
  /// Whether GLD's candidates have to be better than L_val(ω, α), for which nothing is trained.
  public var hasUntrainedBaseline: Bool

  public init(
    rsDistribution: DirectionDistribution = .gaussian, gldDistribution: RadialDistribution = .ball,
    hasUntrainedBaseline: Bool = false
  ) {
    self.rsDistribution = rsDistribution
    self.gldDistribution = gldDistribution
    self.hasUntrainedBaseline = hasUntrainedBaseline
  }
}

/// A draw of candidates of a study. Their random numbers are those that a search meets in epoch 0 with the draw's number for
/// its step.
public struct CandidateDraw: Sendable {
  public var seed: UInt64
  /// Tells draws apart.
  public var number: Int
  /// Where the values of each matrix of α stand.
  public var matrices: [Range<Int>]
  /// N; the most of the study where a point is drawn.
  public var candidates: Int
  /// σ.
  public var sigma: Double
  /// The estimator's guide, flat; zeros where it has none.
  public var guide: [Double]
  /// τ, λ and the weighting of MGS.
  public var mgs: MGSSettings
  public var zeroOrder: ZeroOrderSettings

  public init(
    seed: UInt64, number: Int, matrices: [Range<Int>], candidates: Int, sigma: Double, guide: [Double]? = nil,
    mgs: MGSSettings = MGSSettings(), zeroOrder: ZeroOrderSettings = ZeroOrderSettings()
  ) {
    (self.seed, self.number, self.matrices, self.candidates) = (seed, number, matrices, candidates)
    (self.sigma, self.mgs, self.zeroOrder) = (sigma, mgs, zeroOrder)
    self.guide = guide ?? [Double](repeating: 0, count: matrices.reduce(0) { $0 + $1.count })
  }

  /// d, the values of α.
  public var count: Int { matrices.reduce(0) { $0 + $1.count } }

  /// The random numbers of a candidate.
  public func stream(_ candidate: Int) -> RandomStream {
    RandomStream(seed: seed, purpose: .candidates, epoch: 0, step: number, index: candidate)
  }
}

/// The losses that an estimate is made of.
public struct CandidateLosses {
  /// L_M(α), or L_val(ω, α) where the study has the estimator compare with that; NaN where it asks for none.
  public let baseline: Double
  private let family: (_ name: String) -> [Double]
  private let difference: () -> [Double]

  /// - Parameters:
  ///   - family: the losses of a family, as many as the estimator has points in it.
  ///   - difference: the gradient of the estimator's loss by central differences, flat.
  public init(
    baseline: Double, family: @escaping (_ name: String) -> [Double], difference: @escaping () -> [Double]
  ) {
    (self.baseline, self.family, self.difference) = (baseline, family, difference)
  }

  /// L_M at the points of a family.
  public subscript(name: String) -> [Double] { family(name) }

  /// The gradient of L_M, or of what the estimator names (`differencedSteps`), by central differences, flat.
  public var gradient: [Double] { difference() }
}
