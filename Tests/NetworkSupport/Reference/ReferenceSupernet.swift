import Cells
import Compute
import Datasets
import Engine
import Formats

/// The supernet in double precision and plain loops, as the papers define it: what the engine is held against.
///
/// It knows public names and shapes only, no layout of the engine's.
public struct ReferenceSupernet: Sendable {
  let architecture: SupernetArchitecture
  let weights: [String: (shape: [Int], values: [Double])]

  /// - Parameter weights: ω under its public names.
  public init(_ architecture: SupernetArchitecture, weights: [NamedTensor]) {
    self.init(
      architecture,
      weights: Dictionary(uniqueKeysWithValues: weights.map { ($0.name, ($0.shape, $0.values.doubles)) }))
  }

  init(_ architecture: SupernetArchitecture, weights: [String: (shape: [Int], values: [Double])]) {
    self.architecture = architecture
    self.weights = weights
  }

  /// Everything that a pass computes.
  public struct Result: Sendable {
    public var loss: Double
    public var correct: Int
    /// [images, classes], row-major.
    public var logits: [Double]
    /// ∂L/∂α in the order of `ArchitectureParameters.flat`.
    public var alphaGradient: [Double]
    public var weightGradient: [String: [Double]]
    /// Mean and unbiased variance of each batch norm in the batch.
    public var statistics: [String: (means: [Double], variances: [Double])]
  }

  /// Loss and all gradients on a batch, whose images drop edges where the network has paths and statistics are the batch's own.
  ///
  /// - Parameter running: statistics to normalise with, by the names of the batch norms; nil for the batch's own.
  public func run(
    alphas: ArchitectureParameters, batch: ImageBatch,
    running: [String: (means: [Double], variances: [Double])]? = nil
  ) -> Result {
    let pass = ReferencePass<Double>(
      self, .alphas(alphas.flat.map(Double.init), like: alphas), batch: batch, running: running,
      drops: running == nil ? drops(of: batch) : nil)
    return Result(
      loss: pass.tape[pass.loss][0], correct: pass.correct, logits: pass.tape[pass.logits],
      alphaGradient: pass.mixtureGradients[0], weightGradient: pass.parameters.mapValues { pass.tape.gradient($0) },
      statistics: pass.statistics)
  }

  /// Drawn from the batch's key, edge after edge of cell after cell, and of an edge image after image.
  private func drops(of batch: ImageBatch) -> PathDrops? {
    guard architecture.variant.dropsPaths, batch.dropPath > 0 else { return nil }
    var blocks = 0
    // Residual blocks between stages are numbered with the cells.
    if case .residualStages(let stages) = architecture.space.macroArchitecture { blocks = stages - 1 }
    let paths = (architecture.layers + blocks) * architecture.operations.kinds[0].topology.edges.count
    var stream = RandomStream(seed: batch.noiseKey, purpose: .dropPath)
    return PathDrops(
      isKept: (0..<paths * batch.count).map { _ in stream.uniform() >= batch.dropPath }, images: batch.count,
      probability: batch.dropPath)
  }

  /// ∇²_α L · v without dropped edges, the derivative of the gradient along v: exact wherever no activation switches at α itself, as double
  /// backpropagation has it.
  public func hessianProduct(
    alphas: ArchitectureParameters, direction: [Double], batch: ImageBatch
  ) -> [Double] {
    let moving = zip(alphas.flat, direction).map { Dual(Double($0), derivative: $1) }
    return ReferencePass<Dual>(self, .alphas(moving, like: alphas), batch: batch, running: nil).mixtureGradients[0].map(
      \.derivative)
  }

  /// ∇²_ω L · v at fixed α, the derivative of the ω-gradient along v, by the names of the parameters, like v.
  public func weightHessianProduct(
    alphas: ArchitectureParameters, direction: [String: [Double]], batch: ImageBatch
  ) -> [String: [Double]] {
    let pass = ReferencePass<Dual>(
      self, .alphas(alphas.flat.map { Dual(Double($0)) }, like: alphas), weights: moving(along: direction), batch: batch,
      running: nil)
    return pass.parameters.mapValues { pass.tape.gradient($0).map(\.derivative) }
  }

  /// The network with ω + step · v in double precision.
  public func moved(by step: Double, along direction: [String: [Double]]) -> ReferenceSupernet {
    ReferenceSupernet(
      architecture,
      weights: Dictionary(
        uniqueKeysWithValues: weights.map { name, tensor in
          guard let own = direction[name] else { preconditionFailure("no direction of \(name)") }
          return (name, (shape: tensor.shape, values: zip(tensor.values, own).map { $0 + step * $1 }))
        }))
  }

  /// ω with its derivative along v.
  func moving(along direction: [String: [Double]]) -> [String: [Dual]] {
    Dictionary(
      uniqueKeysWithValues: weights.map { name, tensor in
        guard let own = direction[name] else { preconditionFailure("no direction of \(name)") }
        return (name, zip(tensor.values, own).map { Dual($0, derivative: $1) })
      })
  }
}

extension NamedTensor.Values {
  /// As double precision numbers.
  public var doubles: [Double] {
    switch self {
    case .float32(let values): values.map(Double.init)
    case .float64(let values): values
    case .int64(let values): values.map(Double.init)
    case .uint8(let values): values.map(Double.init)
    }
  }
}
