import Cells
import Compute
import Formats
import Foundation

/// A bilevel problem that is known in closed form: the exact answer that optimisers and landscapes are tested against.
///
///     L_train(ω, α) = ½ (ω − Bα − b − s)ᵀ A (ω − Bα − b − s) + trainingFloor
///     L_val(ω, α)   = ½ (ω − w* − s)ᵀ V (ω − w* − s) + ½ (α − a*)ᵀ D (α − a*) + validationFloor
///
/// A, V and D are symmetric positive definite; s is the shift of a batch, zero for the validation split and everywhere
/// where `noise` is 0. Hence ω*(α) = Bα + b exactly. ∇_α L_val at fixed ω is D(α − a*), whatever ω is, so first-order
/// DARTS stops at a*, while the true optimum also pays for how far ω*(α) lies from w* (see `optimum`). α is taken flat,
/// the normal matrix first. Values are computed in double precision from the float32 of ω and α.
public final class QuadraticBilevelProblem: BilevelProblem {
  /// One batch: which of the two losses it belongs to, and the shift s of its target.
  public struct Batch: Equatable, Sendable {
    public enum Split: Equatable, Sendable { case training, validation }
    public var split: Split
    public var shift: [Double]

    public init(split: Split, shift: [Double]) {
      self.split = split
      self.shift = shift
    }
  }

  /// The constants of the two losses; n is the count of α, d that of ω.
  public struct Coefficients: Equatable, Sendable {
    /// A [d, d].
    public var trainingCurvature: DenseMatrix
    /// B [d, n].
    public var response: DenseMatrix
    /// b [d].
    public var responseOffset: [Double]
    /// V [d, d].
    public var validationCurvature: DenseMatrix
    /// w* [d].
    public var weightTarget: [Double]
    /// D [n, n].
    public var alphaCurvature: DenseMatrix
    /// a* [n].
    public var alphaTarget: [Double]
    public var trainingFloor: Double
    public var validationFloor: Double

    public init(
      trainingCurvature: DenseMatrix, response: DenseMatrix, responseOffset: [Double], validationCurvature: DenseMatrix,
      weightTarget: [Double], alphaCurvature: DenseMatrix, alphaTarget: [Double], trainingFloor: Double = 0,
      validationFloor: Double = 0
    ) {
      self.trainingCurvature = trainingCurvature
      self.response = response
      self.responseOffset = responseOffset
      self.validationCurvature = validationCurvature
      self.weightTarget = weightTarget
      self.alphaCurvature = alphaCurvature
      self.alphaTarget = alphaTarget
      self.trainingFloor = trainingFloor
      self.validationFloor = validationFloor
    }
  }

  public let coefficients: Coefficients
  public let initialAlphas: ArchitectureParameters
  public let stepsPerEpoch: Int
  /// Standard deviation of each entry of a batch's shift.
  public let noise: Double
  public let seed: UInt64
  private let initialWeights: [Double]
  private let kernels: KernelSet

  /// - Parameters:
  ///   - coefficients: A, B, b, V, w*, D, a* and the constants.
  ///   - initialAlphas: α at the start, of any shape with n values.
  ///   - initialWeights: ω at the start [d]; zeros where nil.
  ///   - noise: standard deviation of the batches' shifts; 0 makes every batch the split itself.
  ///   - seed: key of the shifts, which are functions of (seed, split, epoch, step) alone.
  ///   - kernels: of the vectors; nil for the set that `Kernels.select` chooses.
  /// - Throws: `InputError` where an extent disagrees or A, V or D is not symmetric positive definite; `KernelError` for an
  ///   unknown instruction set.
  public init(
    coefficients: Coefficients, initialAlphas: ArchitectureParameters, initialWeights: [Double]? = nil,
    stepsPerEpoch: Int = 10, noise: Double = 0, seed: UInt64 = 0, kernels: KernelSet? = nil
  ) throws {
    let size = coefficients.trainingCurvature.rows
    try coefficients.check(alphaCount: initialAlphas.count)
    let weights = initialWeights ?? [Double](repeating: 0, count: size)
    guard weights.count == size else {
      throw unfitForQuadratic("initialWeights", found: "\(weights.count) values", wanted: "\(size)")
    }
    guard stepsPerEpoch > 0 else {
      throw unfitForQuadratic("stepsPerEpoch", found: "\(stepsPerEpoch)", wanted: "at least 1")
    }
    guard noise >= 0, noise.isFinite else {
      throw unfitForQuadratic("noise", found: "\(noise)", wanted: "a finite number of at least 0")
    }
    self.coefficients = coefficients
    self.initialAlphas = initialAlphas
    self.initialWeights = weights
    self.stepsPerEpoch = stepsPerEpoch
    self.noise = noise
    self.seed = seed
    self.kernels = try kernels ?? Kernels.select()
  }

  /// Number of values of ω.
  public var weightCount: Int { coefficients.trainingCurvature.rows }

  // MARK: Batches

  public func trainingBatch(epoch: Int, step: Int) -> Batch {
    .init(split: .training, shift: shift(.trainingOrder, epoch: epoch, step: step))
  }

  public func validationBatch(epoch: Int, step: Int) -> Batch {
    .init(split: .validation, shift: shift(.validationOrder, epoch: epoch, step: step))
  }

  /// One batch without a shift: the expectation over validation batches, but for a constant.
  public var validationSplitCount: Int { 1 }
  public func validationSplitBatch(_ index: Int) -> Batch {
    .init(split: .validation, shift: [Double](repeating: 0, count: weightCount))
  }

  /// Of training and validation data likewise one batch without a shift; there are no test data.
  public func splitCount(_ split: DataSplit) -> Int { split == .test ? 0 : 1 }
  public func splitBatch(_ split: DataSplit, _ index: Int) throws -> Batch {
    .init(split: split == .training ? .training : .validation, shift: [Double](repeating: 0, count: weightCount))
  }

  private func shift(_ purpose: RandomStream.Purpose, epoch: Int, step: Int) -> [Double] {
    guard noise > 0 else { return [Double](repeating: 0, count: weightCount) }
    var stream = RandomStream(
      seed: seed, purpose: purpose, epoch: epoch + step / stepsPerEpoch, step: step % stepsPerEpoch)
    return stream.normals(weightCount).map { noise * $0 }
  }

  // MARK: Losses and gradients

  /// The loss of the batch's split; a pseudo-accuracy of ⌊1000 · exp(−loss)⌋ in 1000, which falls as the loss rises.
  public func evaluate(weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch) -> BatchLoss {
    let loss = loss(weights: weights.values.map(Double.init), alphas: alphas.flat.map(Double.init), batch: batch)
    return BatchLoss(loss: loss, correct: Int(1000 * exp(-max(0, loss))), count: 1000)
  }

  public func gradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, weightGradient: ParameterVector?,
    wantsAlphaGradient: Bool, statistics: ParameterVector?
  ) -> BatchGradient {
    let omega = weights.values.map(Double.init)
    let alpha = alphas.flat.map(Double.init)
    let pull = weightPull(weights: omega, alphas: alpha, batch: batch)
    if let weightGradient { weightGradient.assign(pull) }
    var gradient: ArchitectureParameters?
    if wantsAlphaGradient {
      switch batch.split {
      case .training: gradient = shaped(((-1) * coefficients.response.transposed) * pull)
      case .validation: gradient = shaped(firstOrderGradient(alphas: alpha))
      }
    }
    return BatchGradient(loss: evaluate(weights: weights, alphas: alphas, batch: batch), alphas: gradient)
  }

  /// D v of a validation batch. L_train is ½ (Bα − …)ᵀ A (Bα − …) in α, so of a training batch BᵀAB v. Neither depends on
  /// ω, α or the batch's shift. This problem mixes nothing: α stands in the place of mixing weights.
  public func hessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: [Double], coordinates: HessianCoordinates,
    batch: Batch
  ) throws -> BatchHessianProduct {
    let (omega, alpha) = (weights.values.map(Double.init), alphas.flat.map(Double.init))
    let loss = evaluate(weights: weights, alphas: alphas, batch: batch)
    let response = coefficients.response
    let (gradient, product): ([Double], [Double]) =
      switch batch.split {
      case .training:
        (
          ((-1) * response.transposed) * weightPull(weights: omega, alphas: alpha, batch: batch),
          response.transposed * (coefficients.trainingCurvature * (response * direction))
        )
      case .validation: (firstOrderGradient(alphas: alpha), coefficients.alphaCurvature * direction)
      }
    return BatchHessianProduct(loss: loss.loss, count: loss.count, gradient: gradient, product: product)
  }

  /// A v of a training batch, V v of a validation batch.
  public func weightHessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: ParameterVector, batch: Batch,
    product: ParameterVector
  ) throws -> BatchLoss {
    let curvature =
      switch batch.split {
      case .training: coefficients.trainingCurvature
      case .validation: coefficients.validationCurvature
      }
    product.assign(curvature * direction.values.map(Double.init))
    return evaluate(weights: weights, alphas: alphas, batch: batch)
  }

  /// The loss of a batch in double precision.
  public func loss(weights: [Double], alphas: [Double], batch: Batch) -> Double {
    let offset = weightOffset(weights: weights, alphas: alphas, batch: batch)
    let pull = weightPull(weights: weights, alphas: alphas, batch: batch)
    switch batch.split {
    case .training: return 0.5 * inner(offset, pull) + coefficients.trainingFloor
    case .validation:
      let away = sum(alphas, coefficients.alphaTarget, scaledBy: -1)
      return 0.5 * inner(offset, pull) + 0.5 * inner(away, coefficients.alphaCurvature * away)
        + coefficients.validationFloor
    }
  }

  private func weightOffset(weights: [Double], alphas: [Double], batch: Batch) -> [Double] {
    let target =
      switch batch.split {
      case .training: bestResponse(alphas: alphas)
      case .validation: coefficients.weightTarget
      }
    return sum(sum(weights, target, scaledBy: -1), batch.shift, scaledBy: -1)
  }

  /// ∂L/∂ω of a batch in double precision.
  func weightPull(weights: [Double], alphas: [Double], batch: Batch) -> [Double] {
    let offset = weightOffset(weights: weights, alphas: alphas, batch: batch)
    switch batch.split {
    case .training: return coefficients.trainingCurvature * offset
    case .validation: return coefficients.validationCurvature * offset
    }
  }

  /// Flat α in the shape that the problem was made with, rounded to float32.
  public func shaped(_ flat: [Double]) -> ArchitectureParameters {
    var result = initialAlphas
    result.flat = flat.map(Float.init)
    return result
  }

  // MARK: Vectors

  public func makeInitialWeights() -> ParameterVector {
    let result = makeVector()
    result.assign(initialWeights)
    return result
  }

  public func makeVector() -> ParameterVector { ParameterVector(count: weightCount, kernels: kernels) }

  public func makeInitialStatistics() -> ParameterVector { ParameterVector(count: 0, kernels: kernels) }

  /// One tensor, `omega` [d].
  public func export(_ vector: ParameterVector) -> [NamedTensor] {
    [NamedTensor(name: "omega", shape: [weightCount], values: .float32(vector.values))]
  }

  public func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor] { [] }

  public func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector {
    let values = try file.floats(prefix + "omega", shape: [weightCount])
    let result = makeVector()
    result.assign(values.map(Double.init))
    return result
  }

  public func importStatistics(from file: TensorFile) throws -> ParameterVector? { nil }
}

extension ParameterVector {
  func assign(_ values: [Double]) {
    precondition(values.count == count, "a vector of \(count) values cannot take \(values.count)")
    for (index, value) in values.enumerated() { self[index] = Float(value) }
  }
}
