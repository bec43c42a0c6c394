import Cells
import Datasets
import Engine
import Formats
import Problems

/// Everything that decides what a search computes, bit for bit, and on how many threads.
public struct SearchConfiguration: Equatable, Sendable {
  public var method: SearchMethod
  public var space: SearchSpace
  /// What `DatasetSpecification` parses.
  public var dataset: String
  public var seed: UInt64 = 0
  public var epochs = 50
  /// Epochs at the start in which α stays as it is.
  public var warmup = 0
  /// C, the channels of the first cells.
  public var channels = 16
  /// Cells.
  public var layers = 8
  /// What images the network is built for, which its stem goes with.
  public var scale = NetworkScale.cifar
  /// K of partial channels; 1 for all channels.
  public var partialChannels = 1
  /// Whether the edges into a node are weighed by β.
  public var edgeNormalisation = false
  /// Whether the convolutions of an edge are one, whose kernel α shapes.
  public var mergedConvolutions = false
  /// Rate at which skip connections drop values in the first epoch.
  public var skipDropout = 0.0
  /// Probability with which an image drops an edge of a cell in the last epoch; it rises linearly from 0 in the first.
  public var dropPath = 0.0
  /// Side of the square that is cut out of images of training batches and of the validation batches of updates; 0 for none.
  public var cutout = 0
  /// Probability with which that is done to an image, in the last epoch.
  public var cutoutProbability = 1.0
  /// Whether that probability rises as that of dropped edges does; else it is the same in every epoch.
  public var rampsCutout = true
  /// β of auxiliary skip connections in the first epoch; 0 for none.
  public var auxiliarySkip = 0.0
  public var auxiliaryDecay = Decay.linear
  /// Skip connections that the normal cell of a genotype has at most; nil for any number.
  public var maximumSkips: Int?
  /// The candidates of each edge where they are fewer than the space's.
  public var keptOperations: EdgeOperations?
  /// Stages of a progressive search; empty for a search in one piece.
  public var stages: [SearchStage] = []
  /// Images in a batch, of L_train and L_val alike.
  public var batch = 64
  /// Use only so many training images, before they are split into halves; nil for all.
  public var trainLimit: Int?
  /// The order in which training images are taken and halved; a dataset's own splits are used as they are.
  public var split = SplitOrder.seeded
  /// Whether the validation split is evaluated with running statistics too at the end of an epoch, another forward pass.
  public var runningValidation = false
  /// How validation batches of updates follow one another.
  public var validationSampling = ValidationSampling.epoch
  /// How large depthwise weights are at the start.
  public var depthwiseInitialisation = DepthwiseInitialisation.pytorch1
  /// The scales of batch norms at the start.
  public var batchNormInitialisation = BatchNormInitialisation.ones
  /// Threads; 0 for `AvailableProcessors.count`. The result does not depend on it.
  public var threads = 0
  /// Candidates that are evaluated at a time, each on its part of the threads; 0 for a choice by threads and memory
  /// (`GroupPlan`). The result does not depend on it.
  public var groups = 0
  /// What computes the network. Engines agree to rounding, and a run may go on with another.
  public var engine = EngineKind.cpu
  /// M.
  public var innerSteps = 10
  /// N.
  public var candidates = 4
  /// σ before its decay.
  public var sigma: Double
  public var sigmaDecay = Decay.cosine
  /// τ.
  public var tau = 0.01
  /// λ.
  public var lambda = 1e-3
  public var proposal = ProposalWeighting.flattened
  public var rsDistribution = DirectionDistribution.gaussian
  /// μ; its default goes with the distribution of the directions.
  public var mu: Double
  /// ξ of RS.
  public var xi = 0.1
  public var antithetic = false
  /// R.
  public var radius: Double
  /// K.
  public var radii = 4
  public var gldDistribution = RadialDistribution.ball
  /// Whether GLD's candidates have to be better than L_val(ω, α), for which nothing is trained.
  public var untrainedBaseline = false
  /// η of candidates' inner training; nil for that of the epoch.
  public var candidateLearningRate: Double?
  /// Momentum of an optimiser of the candidates' own, which starts at rest; nil for the run's, with its velocity.
  public var candidateMomentum: Double?
  /// η of the first epoch.
  public var learningRate = 0.025
  /// η towards which the cosine falls.
  public var minimumLearningRate = 0.001
  public var momentum = 0.9
  public var weightDecay = 3e-4
  public var gradientClip = 5.0
  /// What the weights are trained against, in the place of the mixing weights (SDARTS).
  public var perturbation = PerturbationKind.none
  /// ε that the epoch after the last would have.
  public var perturbationSize = 0.3
  /// ε of the first epoch.
  public var perturbationStart = 0.03
  /// Steps of ascent of an adversarial perturbation.
  public var perturbationSteps = 7
  /// Adam's learning rate on α (DARTS).
  public var alphaLearningRate = 3e-4
  public var alphaBeta1 = 0.5
  public var alphaBeta2 = 0.999
  public var alphaEpsilon = 1e-8
  public var alphaWeightDecay = 1e-3
  /// Epochs from one dominant eigenvalue of ∇²_α L_val to the next; 0 for none.
  public var eigenvalueEvery = 0
  /// Batches of the validation split that this Hessian is the mean of.
  public var eigenvalueBatches = 4
  /// How products of this Hessian are made. Runs of versions without the setting had differences.
  public var hessian = HessianKind.exact
  /// Early stopping averages so many eigenvalues, which lie `eigenvalueEvery` epochs apart.
  public var earlyStopWindow = 5
  /// How many eigenvalues back the returned architecture lies; 0 for as many as the window has.
  public var earlyStopDistance = 0
  /// Early stopping sets in where the averaged eigenvalue at that distance is less than this part of the present one.
  public var earlyStopRatio = 0.75
  /// Epochs after the warm-up before the earliest architecture that early stopping may return.
  public var earlyStopStart = EarlyStopping.defaultStart
  /// What weight decay is multiplied by where that rule fires, the search going back to the epoch that the rule returns; 1
  /// where it does not go back (`AdaptiveRegularisation`).
  public var adaptiveDecayFactor = 1.0
  /// Weight decay that is not raised any more.
  public var adaptiveDecayMaximum = AdaptiveRegularisation.publishedMaximum
  /// Checkpoints kept; 0 for all.
  public var keepLast = 0
  /// Weight steps from one checkpoint within an epoch to the next; 0 for none.
  public var checkpointEvery = 0
  /// Whether event files for TensorBoard are written.
  public var tensorboard = false

  /// The published settings of a method on a space (design of the two papers: DARTS, §3.1; ZARTS, §4.1 and appendix). For μ,
  /// ξ, R and K, of which the paper has no values, docs/methods.md says how they were chosen.
  public init(method: SearchMethod, space: SearchSpace, dataset: String) {
    self.method = method
    self.space = space
    self.dataset = dataset
    (channels, layers) = space.macroArchitecture.searchSize
    sigma = Self.defaultSigma(space)
    mu = Self.defaultMu(space, .gaussian)
    radius = Self.defaultRadius(space)
    method.definition.setDefaults(&self)
  }

  /// σ of a space where none is given.
  public static func defaultSigma(_ space: SearchSpace) -> Double {
    space.defaultSigma
  }

  /// μ at which the candidates of RS lie as far from α as the noise of MGS, σ√d: σ where a direction is as long as √d, σ√d
  /// where it has length 1, σ√(d/k) where it has length 1 in each of k matrices.
  public static func defaultMu(_ space: SearchSpace, _ distribution: DirectionDistribution) -> Double {
    switch distribution {
    case .gaussian: defaultSigma(space)
    case .sphere: defaultRadius(space)
    case .matrixSphere: defaultRadius(space) / Double(space.zeroAlphas.ranges.count).squareRoot()
    }
  }

  /// R = σ√d, the usual length of the noise in a candidate of MGS: the largest ball of GLD reaches as far.
  public static func defaultRadius(_ space: SearchSpace) -> Double {
    defaultSigma(space) * Double(space.zeroAlphas.count).squareRoot()
  }

  /// Checks every value and every pair of values that must fit.
  ///
  /// - Throws: `InputError` naming the first setting that cannot be.
  public func validate() throws {
    for field in Self.fields { try field.check(self) }
    let usualWarmup = SearchConfiguration(method: method, space: space, dataset: dataset).warmup
    try InputError.require(
      (0...epochs).contains(warmup), "warmup", warmup,
      "0 to \(epochs), the number of epochs (\(usualWarmup) where it is not given)")
    try validateVariant()
    try InputError.require(
      (0...learningRate).contains(minimumLearningRate), "minimum_learning_rate", minimumLearningRate,
      "0 to the learning rate, \(learningRate)")
    try validateAdaptiveRegularisation()
    try method.definition.validate(self)
  }
}

extension SearchConfiguration {
  /// The first setting that makes another computation of it, with both values.
  package func difference(from other: SearchConfiguration) -> (key: String, own: String, other: String)? {
    let (own, other) = (withoutHousekeeping, other.withoutHousekeeping)
    return Self.fields.first { $0.write(own) != $0.write(other) }.map { ($0.key, $0.write(own), $0.write(other)) }
  }

  /// - Parameters:
  ///   - place: of these settings.
  ///   - otherPlace: of the others.
  /// - Throws: `InputError` that names the first setting that makes another computation of it.
  func require(sameAs other: SearchConfiguration, _ problem: String, at place: String, from otherPlace: String) throws {
    guard let difference = difference(from: other) else { return }
    throw InputError(
      problem, at: .setting(difference.key, in: place), found: difference.own,
      wanted: "\(difference.other), as in \(otherPlace)")
  }
}
