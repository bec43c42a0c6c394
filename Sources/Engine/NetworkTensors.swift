import Compute
import Formats

/// The tensors of a network under their public names, before any engine gives them a place: what initial weights are drawn
/// for, and what files hold.
///
/// The order is part of what a seed means: the parameter at index i starts from the stream (seed, `weights`, i). So it
/// follows from the network's description alone, and no engine has a say in it.
public struct NetworkTensors: Equatable, Sendable {
  /// Where the values of a parameter start.
  public enum Start: Equatable, Sendable {
    /// U(±1/√fanIn), PyTorch's Kaiming-uniform with a = √5, for so many inputs that reach one output.
    case uniform(fanIn: Int)
    /// N(0, deviation²).
    case normal(deviation: Double)
    /// Scales of a batch norm (`BatchNormInitialisation`).
    case scale
    /// 0: biases, and the shifts of batch norms.
    case zero
  }

  /// A tensor that training moves.
  public struct Parameter: Equatable, Sendable {
    /// In the public state_dict, e.g. `cells.3._ops.7._ops.4.op.1.weight`.
    public let name: String
    /// As PyTorch has it; values are row-major.
    public let shape: [Int]
    public let start: Start
    /// Groups of a convolution: as many as it has channels where it is depthwise, else 1.
    public let groups: Int

    public init(name: String, shape: [Int], start: Start, groups: Int = 1) {
      (self.name, self.shape, self.start, self.groups) = (name, shape, start, groups)
    }

    public var count: Int { shape.reduce(1, *) }
  }

  /// The running statistics of a batch norm.
  public struct Norm: Equatable, Sendable {
    /// Public prefixes, e.g. `cells.0._ops.3._ops.4.op.3`. Pools of one state at one stride have the same statistics under
    /// several names, of which files are read by the first.
    public let names: [String]
    public let channels: Int

    public init(names: [String], channels: Int) {
      precondition(!names.isEmpty, "a batch norm has a name")
      (self.names, self.channels) = (names, channels)
    }
  }

  public private(set) var parameters: [Parameter] = []
  public private(set) var norms: [Norm] = []

  /// The parameters' values at the start for a seed, row-major each, in the order of `parameters`.
  public func initialValues(seed: UInt64, initialisation: WeightInitialisation = WeightInitialisation()) -> [[Float]] {
    parameters.enumerated().map { index, parameter in
      var stream = RandomStream(seed: seed, purpose: .weights, index: index)
      switch parameter.start {
      case .zero: return [Float](repeating: 0, count: parameter.count)
      case .scale: return initialisation.batchNorm.scales(parameter.count, from: &stream)
      case .normal(let deviation): return (0..<parameter.count).map { _ in Float(deviation * stream.normal()) }
      case .uniform(let fanIn):
        let bound = 1 / Double(initialisation.depthwise.fanIn(fanIn, groups: parameter.groups)).squareRoot()
        return (0..<parameter.count).map { _ in Float((2 * stream.uniform() - 1) * bound) }
      }
    }
  }

  /// Names of all running statistics in a public state_dict, `num_batches_tracked` among them.
  public var statisticsNames: [String] {
    norms.flatMap { norm in
      norm.names.flatMap { ["\($0).running_mean", "\($0).running_var", "\($0).num_batches_tracked"] }
    }
  }
}

/// Declaring.
extension NetworkTensors {
  /// A parameter; where nothing else is said it starts as the weights of a convolution or a classifier of its shape,
  /// [outputs, inputs of each, …].
  mutating func add(_ name: String, _ shape: [Int], start: Start? = nil, groups: Int = 1) {
    parameters.append(
      Parameter(
        name: name, shape: shape, start: start ?? .uniform(fanIn: shape.dropFirst().reduce(1, *)), groups: groups))
  }

  /// A batch norm: its statistics and, where it is affine, scale γ and shift β.
  mutating func addNorm(_ names: [String], channels: Int, isAffine: Bool) {
    norms.append(Norm(names: names, channels: channels))
    guard isAffine, let name = names.first else { return }
    add("\(name).weight", [channels], start: .scale)
    add("\(name).bias", [channels], start: .zero)
  }

  /// Two 1×1 convolutions of stride 2 that give half of the channels each, and their batch norm (DARTS, appendix A.1).
  mutating func addFactorisedReduction(_ name: String, outputs: Int, inputs: Int, isAffine: Bool) {
    for half in 1...2 { add("\(name).conv_\(half).weight", [outputs / 2, inputs, 1, 1]) }
    addNorm(["\(name).bn"], channels: outputs, isAffine: isAffine)
  }

  /// A linear classifier.
  mutating func addClassifier(_ name: String, classes: Int, inputs: Int) {
    add("\(name).weight", [classes, inputs])
    add("\(name).bias", [classes], start: .uniform(fanIn: inputs))
  }
}
