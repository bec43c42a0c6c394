import Cells
import Compute
import Formats

/// min over α of L_val(ω*(α), α) subject to ω*(α) = argmin over ω of L_train(ω, α) (ZARTS, eq. 1–2).
///
/// Optimisers and landscape objectives see only this protocol: a supernet on images and a closed-form quadratic both
/// conform. A batch is a pure function of its position, so that methods on one seed share batches and a resumed run
/// meets the batches that the interrupted one would have met.
public protocol BilevelProblem: AnyObject {
  associatedtype Batch

  /// α at the start of a search; its shape is the shape of every α of the problem.
  var initialAlphas: ArchitectureParameters { get }
  /// ω at the start of a search, a fresh copy at each call.
  func makeInitialWeights() -> ParameterVector
  /// A zero vector that can hold ω, a gradient or a momentum.
  func makeVector() -> ParameterVector
  /// Running batch-norm statistics at the start of a search; of count 0 for a problem without any.
  func makeInitialStatistics() -> ParameterVector

  /// Names the content of the data, wherever they lie (`ImageDataset.checksum`); nil for a problem without any.
  var dataChecksum: String? { get }
  /// Weight steps in one epoch.
  var stepsPerEpoch: Int { get }
  /// The training batch of a weight step (both counted from 0). A step past the end of an epoch is one of the next, so that
  /// inner training can look ahead.
  ///
  /// - Throws: as every function that makes a batch does, where the data of the batch cannot be read or are damaged. So no
  ///   number is ever computed from a batch that does not hold what it should.
  func trainingBatch(epoch: Int, step: Int) throws -> Batch
  /// The validation batch that the α update before that weight step uses.
  func validationBatch(epoch: Int, step: Int) throws -> Batch
  /// The training batch of a weight step in a draw of its own (counted from 0): its order and augmentation are met by no search
  /// and by no other draw; all else is as in that epoch. A step past the end of an epoch is one of the next draw.
  func trainingBatch(epoch: Int, step: Int, draw: Int) throws -> Batch
  /// The same of validation batches.
  func validationBatch(epoch: Int, step: Int, draw: Int) throws -> Batch
  /// Batches of the whole validation split.
  var validationSplitCount: Int { get }
  /// A batch of the whole validation split (counted from 0), in fixed order and without augmentation. Made on demand, since
  /// all of them at once can take more memory than the network.
  func validationSplitBatch(_ index: Int) throws -> Batch

  /// Mean loss and accuracy on a batch, with the batch's own normalisation statistics. No gradient is computed.
  func evaluate(weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch) -> BatchLoss
  /// The same with normalisation statistics that are given and stay as they are, and without dropout: `eval()` of PyTorch.
  func evaluate(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, statistics: ParameterVector
  ) -> BatchLoss
  /// Moves statistics r towards the batch's s without a gradient: r + momentum · (s − r). A momentum of 1/k at the k-th
  /// batch makes r the mean over the batches.
  func moveStatistics(
    _ statistics: ParameterVector, momentum: Float, weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch)
  /// The loss with gradients: ∂L/∂ω overwrites `weightGradient` where one is given, ∂L/∂α is returned where
  /// `wantsAlphaGradient` asks for it. `statistics`, where given, is moved towards the batch's statistics
  /// (momentum 0.1), as a training step does.
  func gradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch,
    weightGradient: ParameterVector?, wantsAlphaGradient: Bool, statistics: ParameterVector?
  ) -> BatchGradient

  /// How α becomes the weights by which operations are mixed.
  var mixingRule: MixingRule { get }
  /// The loss with its gradient with respect to those weights, β of edges being as they are.
  ///
  /// - Parameter statistics: running normalisation statistics, which stay as they are, and then without dropout: the gradient that
  ///   `eval()` of PyTorch gives; nil for the batch's own.
  func mixingGradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, statistics: ParameterVector?
  ) -> BatchMixingGradient

  /// ∇²L(ω, α) · v on a batch at fixed ω, by α or by the mixing weights that it stands for, with the batch's own
  /// normalisation statistics: exact up to rounding wherever L has a second derivative.
  ///
  /// - Parameters:
  ///   - direction: v, of as many values as α or `mixingCount`.
  ///   - coordinates: by what L is differentiated.
  /// - Throws: `MemoryShortage` where that needs more memory than there is.
  func hessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: [Double], coordinates: HessianCoordinates,
    batch: Batch
  ) throws -> BatchHessianProduct
  /// How many mixing weights α stands for.
  var mixingCount: Int { get }
  /// ∇²_ω L(ω, α) · v on a batch at fixed α, with the batch's own normalisation statistics: exact up to rounding wherever L has a
  /// second derivative.
  ///
  /// - Parameters:
  ///   - direction: v, a vector of ω's shape.
  ///   - product: overwritten with the product.
  /// - Throws: `MemoryShortage` where that needs more memory than there is.
  func weightHessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: ParameterVector, batch: Batch,
    product: ParameterVector
  ) throws -> BatchLoss

  /// Batches of a whole split; 0 where the problem has no such data.
  func splitCount(_ split: DataSplit) -> Int
  /// A batch of a whole split (counted from 0), in fixed order and without augmentation.
  func splitBatch(_ split: DataSplit, _ index: Int) throws -> Batch

  /// Named tensors of a vector that holds ω, a gradient or a momentum, in the public layout of the problem.
  func export(_ vector: ParameterVector) -> [NamedTensor]
  /// Named tensors (running_mean, running_var) of the statistics.
  func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor]
  /// Reads what `export` wrote. `prefix` stands before each name. Throws when a tensor is missing or misshapen.
  func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector
  /// Reads what `exportStatistics` wrote, or nil when the file holds none.
  func importStatistics(from file: TensorFile) throws -> ParameterVector?
}

extension BilevelProblem {
  /// A closed form has no data.
  public var dataChecksum: String? { nil }
  /// A problem that mixes nothing has α in their place.
  public var mixingCount: Int { initialAlphas.count }

  public var mixingRule: MixingRule { .identity }
  /// Of a problem that mixes nothing and normalises nothing: ∂L/∂α.
  public func mixingGradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, statistics: ParameterVector?
  ) -> BatchMixingGradient {
    let found = gradient(
      weights: weights, alphas: alphas, batch: batch, weightGradient: nil, wantsAlphaGradient: true, statistics: nil)
    return BatchMixingGradient(
      loss: found.loss,
      mixing: found.requestedAlphas(like: alphas).matrices.map { $0.values.map(Double.init) })
  }

  public func splitCount(_ split: DataSplit) -> Int { split == .validation ? validationSplitCount : 0 }

  public func splitBatch(_ split: DataSplit, _ index: Int) throws -> Batch {
    precondition(split == .validation, "the problem has no \(split.rawValue) data")
    return try validationSplitBatch(index)
  }

  public func trainingBatch(epoch: Int, step: Int, draw: Int) throws -> Batch {
    try trainingBatch(epoch: BatchDraws.epoch(draw), step: step)
  }

  public func validationBatch(epoch: Int, step: Int, draw: Int) throws -> Batch {
    try validationBatch(epoch: BatchDraws.epoch(draw), step: step)
  }

  /// A problem without normalisation has one loss, whatever the statistics.
  public func evaluate(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, statistics: ParameterVector
  ) -> BatchLoss {
    evaluate(weights: weights, alphas: alphas, batch: batch)
  }
  /// A problem without normalisation has none to move.
  public func moveStatistics(
    _ statistics: ParameterVector, momentum: Float, weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch
  ) {}
}

/// Loss on a batch and, where asked for, its gradient with respect to α.
public struct BatchGradient: Sendable {
  public var loss: BatchLoss
  /// ∂L/∂α, of the shape of α; nil where it was not asked for.
  public var alphas: ArchitectureParameters?

  public init(loss: BatchLoss, alphas: ArchitectureParameters?) {
    self.loss = loss
    self.alphas = alphas
  }
}

extension BatchGradient {
  /// The α-gradient that was asked for. NaN throughout where the problem gave none: it must not pass for a gradient of zero.
  func requestedAlphas(like shape: ArchitectureParameters) -> ArchitectureParameters {
    if let alphas { return alphas }
    var result = shape
    result.flat = [Float](repeating: .nan, count: shape.count)
    return result
  }
}

/// A Hessian product on a batch with what comes along. Loss, gradient and product are means over the examples.
public struct BatchHessianProduct: Equatable, Sendable {
  public var loss: Double
  /// Examples in the batch.
  public var count: Int
  /// ∇L by the coordinates of the product.
  public var gradient: [Double]
  /// ∇²L · v.
  public var product: [Double]

  public init(loss: Double, count: Int, gradient: [Double], product: [Double]) {
    self.loss = loss
    self.count = count
    self.gradient = gradient
    self.product = product
  }
}

/// Loss and accuracy of a batch.
public struct BatchLoss: Equatable, Sendable {
  /// Mean loss over the examples.
  public var loss: Double
  /// Examples classified correctly.
  public var correct: Int
  /// Examples in the batch.
  public var count: Int

  public init(loss: Double, correct: Int, count: Int) {
    self.loss = loss
    self.correct = correct
    self.count = count
  }
}
