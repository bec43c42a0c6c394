import Compute
import Formats

/// What a supernet and a derived network are alike: a network that an engine computes, whose weights live outside, in
/// `ParameterVector`s that `makeVector` shapes. Not for concurrent use.
public protocol NetworkModel: AnyObject {
  var engine: any NetworkEngine { get }
}

extension NetworkModel {
  /// Images that buffers are laid out for; a larger batch lays them out anew.
  public var batch: Int { engine.batch }
  /// Bytes of activations and scratch.
  public var activationBytes: Int { engine.byteCount }
  /// Threads that share one batch.
  public var threadCount: Int { engine.threadCount }
  /// Name of the instruction set in use, or of another device.
  public var instructionSet: String { engine.device }

  /// A zero vector with room for ω, a gradient or a momentum.
  public func makeVector() -> ParameterVector { engine.makeVector() }

  /// ω as PyTorch initialises it: U(±1/√fan-in) for convolutions and the classifier, scales of batch norms
  /// as `initialisation` says and shift 0.
  public func makeInitialWeights(
    seed: UInt64, initialisation: WeightInitialisation = WeightInitialisation()
  ) -> ParameterVector {
    engine.makeInitialWeights(seed: seed, initialisation: initialisation)
  }

  /// Running statistics at their start: mean 0, variance 1.
  public func makeInitialStatistics() -> ParameterVector { engine.makeInitialStatistics() }

  /// What one image costs without gradients, an auxiliary head left out.
  public var forwardCost: PlanCost { engine.forwardCost }
  /// What one image costs with gradients: of α alone, or of ω too.
  public func gradientCost(wantsWeights: Bool) -> PlanCost { engine.gradientCost(wantsWeights: wantsWeights) }

  /// [count, classes] of the last run, row-major.
  public func lastLogits(count: Int) -> [Float] { engine.logits(count: count) }
}

/// Exchange with PyTorch: tensors under the public names and shapes of the DARTS family's and NAS-Bench-201's networks.
extension NetworkModel {
  /// Names of the parameters, which `importVector` reads.
  public var parameterNames: [String] { engine.tensors.parameters.map(\.name) }

  /// Names of running statistics that a public state_dict of this network holds, `num_batches_tracked` among them.
  public var statisticsNames: [String] { engine.tensors.statisticsNames }

  /// Named tensors of a vector that holds ω, a gradient or a momentum.
  public func export(_ vector: ParameterVector) -> [NamedTensor] { engine.export(vector) }

  /// Reads what `export` wrote, each name preceded by `prefix`.
  ///
  /// - Throws: `InputError` for a tensor that is missing, misshapen, of another type or not finite.
  public func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector {
    try engine.importVector(from: file, prefix: prefix)
  }

  /// Running means and variances under every public name; pools that share theirs repeat them.
  public func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor] { engine.exportStatistics(statistics) }

  /// Reads running statistics, or nil where the file holds none. Of a shared batch norm the first name counts.
  ///
  /// - Throws: `InputError` for a tensor that is missing, misshapen, of another type or not finite.
  public func importStatistics(from file: TensorFile) throws -> ParameterVector? {
    try engine.importStatistics(from: file)
  }
}
