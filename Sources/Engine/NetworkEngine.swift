import Compute
import Datasets
import Formats

/// One network, lowered for one device: losses, gradients and statistics on batches of images, and what they cost.
///
/// Weights and running statistics live outside, in vectors that the engine shapes, so that several copies of ω (the candidates
/// of a ZARTS update, the unrolled weights of second-order DARTS) share one engine. How a vector is stored is the engine's
/// own business: rooms above take it as an element of a vector space, and its tensors come and go by `values` and `makeVector`.
/// What all engines share (initial weights, exchange with files) is in extensions.
///
/// A run is a function of its arguments alone: the same again gives the same bits, whatever ran in between and whatever the
/// engine was laid out for. Not for concurrent use. `NetworkEngineLaws` of the tests holds every engine to this.
public protocol NetworkEngine: AnyObject {
  var network: NetworkDescription { get }
  /// Of `network`.
  var tensors: NetworkTensors { get }
  /// What computes, in a word: the instruction set of a processor.
  var device: String { get }
  /// Threads that share one batch.
  var threadCount: Int { get }
  /// Images that buffers are laid out for. A larger batch lays them out anew, and ends the program with an account where
  /// memory is too short for it.
  var batch: Int { get }
  /// Bytes of activations and scratch, with those of derivatives once they are laid out.
  var byteCount: Int { get }

  /// Loss and, where wanted, gradients.
  ///
  /// - Parameters:
  ///   - weightGradient: overwritten with ∂L/∂ω where given, L the loss plus `auxiliaryWeight` times that of an auxiliary head.
  ///   - wantsMixingGradient: whether ∂L/∂(mixing weights) is wanted.
  ///   - statistics: what batch norm normalises with, and what is moved. With running ones gradients are of a network whose batch
  ///     norms are fixed affine maps (PyTorch's `eval()`).
  /// - Precondition: vectors of this network, images of its size, mixing weights of its counts.
  func run(
    _ input: NetworkInput, weights: ParameterVector, weightGradient: ParameterVector?, wantsMixingGradient: Bool,
    statistics: NetworkStatistics
  ) -> NetworkResult

  /// Loss and ∂L/∂(mixing weights) with their derivatives along a direction of the mixing weights, at fixed ω and with the
  /// batch's own statistics: exact up to rounding wherever no ReLU or maximum switches at the mixing weights themselves. L is
  /// the plain cross-entropy.
  ///
  /// - Parameter direction: of the shape of `input.mixing`.
  /// - Throws: `MemoryShortage` where there is too little memory for the derivatives; `InputError` for a network whose
  ///   operations nothing mixes.
  /// - Precondition: as `run`; no smoothing, no auxiliary loss, no dropped paths.
  func tangents(_ input: NetworkInput, along direction: [[Float]], weights: ParameterVector) throws -> NetworkTangents
  /// Makes room for the derivatives of batches of so many images, so that a shortage shows before anything is computed;
  /// `tangents` does it where nothing has.
  ///
  /// - Throws: as `tangents`.
  func prepareTangents(images: Int) throws

  /// The derivative of ∂L/∂ω along a direction of ω, ∇²_ω L · v, at fixed mixing weights and with the batch's own statistics:
  /// exact up to rounding wherever no ReLU or maximum switches at ω itself. L is the plain cross-entropy of the classifier; an
  /// auxiliary head has no part in it, so that the product of its parameters is 0.
  ///
  /// - Parameters:
  ///   - direction: v, of ω's shape.
  ///   - gradientTangent: overwritten with the product.
  /// - Returns: mean cross-entropy over the batch, and correct predictions; the first of equal logits counts.
  /// - Throws: `MemoryShortage` where there is too little memory for the derivatives.
  /// - Precondition: as `tangents`.
  func weightTangents(
    _ input: NetworkInput, along direction: ParameterVector, weights: ParameterVector, gradientTangent: ParameterVector
  ) throws -> (loss: Double, correct: Int)
  /// Makes room for `weightTangents` of batches of so many images, beside that for `tangents`; `weightTangents` does it where
  /// nothing has.
  ///
  /// - Throws: as `weightTangents`.
  func prepareWeightTangents(images: Int) throws

  /// [count, classes] of the last run, row-major.
  func logits(count: Int) -> [Float]

  /// What one image costs without gradients, an auxiliary head left out.
  var forwardCost: PlanCost { get }
  /// What one image costs with gradients of the mixing weights alone, or of ω too.
  func gradientCost(wantsWeights: Bool) -> PlanCost

  /// A zero vector with room for ω, a gradient or a momentum.
  func makeVector() -> ParameterVector
  /// A vector of these values, row-major for each of `tensors.parameters`.
  func makeVector(_ values: [[Float]]) -> ParameterVector
  /// The values of a vector, row-major for each of `tensors.parameters`.
  func values(of vector: ParameterVector) -> [[Float]]
  /// Running statistics of these moments, one for each of `tensors.norms`.
  func makeStatistics(_ moments: [NormMoments]) -> ParameterVector
  /// The moments in running statistics, one for each of `tensors.norms`.
  func moments(of statistics: ParameterVector) -> [NormMoments]
}

/// What second derivatives along a direction of the mixing weights give.
public struct NetworkTangents: Equatable, Sendable {
  /// Mean cross-entropy over the batch, and its derivative along the direction.
  public var loss: Double
  public var lossTangent: Double
  /// ∂L/∂(mixing weights) of each kind of cell, and its derivative along the direction.
  public var mixingGradient: [[Double]]
  public var mixingGradientTangent: [[Double]]

  public init(loss: Double, lossTangent: Double, mixingGradient: [[Double]], mixingGradientTangent: [[Double]]) {
    self.loss = loss
    self.lossTangent = lossTangent
    self.mixingGradient = mixingGradient
    self.mixingGradientTangent = mixingGradientTangent
  }
}

/// What a network computes a loss of.
public struct NetworkInput {
  /// Images and labels; with them the key of what a network draws by itself and the rate at which skip connections drop values.
  public var batch: ImageBatch
  /// Of each kind of cell: the mixing weights of its edges' operations, row-major, with that of its auxiliary skip connection
  /// behind those of an edge, and with partial channels those of what bypasses them. `NetworkDescription.mixingCounts` many.
  public var mixing: [[Float]]
  /// ε of label smoothing (Szegedy et al., CVPR 2016, §7).
  public var smoothing = 0.0
  /// What an auxiliary head's loss counts in the gradient.
  public var auxiliaryWeight = 0.0
  /// Paths that images drop; nil where none is dropped.
  public var drops: PathDrops?

  public init(
    batch: ImageBatch, mixing: [[Float]], smoothing: Double = 0, auxiliaryWeight: Double = 0, drops: PathDrops? = nil
  ) {
    self.batch = batch
    self.mixing = mixing
    self.smoothing = smoothing
    self.auxiliaryWeight = auxiliaryWeight
    self.drops = drops
  }
}

/// Which paths of which images a training step drops (Larsson et al., FractalNet, ICLR 2017, §3: local drop-path). A path is an
/// operation of a derived network, an edge of a cell with all its operations in a supernet that is built with paths: number
/// c · edges + e is edge e of cell c.
public struct PathDrops: Equatable, Sendable {
  public let images: Int
  /// [paths, images].
  public let isKept: [Bool]
  /// What a kept path is multiplied by, 1 / (1 − p).
  public let scale: Float

  /// - Parameter probability: p, with which a path is dropped.
  public init(isKept: [Bool], images: Int, probability: Double) {
    self.images = images
    self.isKept = isKept
    scale = Float(1 / (1 - probability))
  }
}

/// What a run gives.
public struct NetworkResult: Equatable, Sendable {
  /// Mean cross-entropy over the batch.
  public var loss: Double
  /// Correct predictions; the first of equal logits counts.
  public var correct: Int
  /// The auxiliary head's loss, where a gradient was wanted and there is such a head.
  public var auxiliaryLoss: Double?
  /// ∂L/∂(mixing weights) of each kind of cell; empty where it was not wanted.
  public var mixingGradient: [[Double]] = []

  public init(loss: Double, correct: Int, auxiliaryLoss: Double? = nil, mixingGradient: [[Double]] = []) {
    self.loss = loss
    self.correct = correct
    self.auxiliaryLoss = auxiliaryLoss
    self.mixingGradient = mixingGradient
  }
}

/// What batch norm normalises with in a run, and what becomes of running statistics.
public enum NetworkStatistics {
  /// The batch's own statistics; nothing is moved.
  case ofBatch
  /// The batch's own statistics s, towards which running ones r move: r + momentum · (s − r), the variance unbiased.
  case moving(ParameterVector, momentum: Float = standardMomentum)
  /// These running ones, which stay as they are.
  case running(ParameterVector)

  /// PyTorch's default.
  public static let standardMomentum: Float = 0.1
}

/// Mean and variance of each channel of a batch norm.
public struct NormMoments: Equatable, Sendable {
  public var means: [Float]
  public var variances: [Float]

  public init(means: [Float], variances: [Float]) {
    self.means = means
    self.variances = variances
  }
}
