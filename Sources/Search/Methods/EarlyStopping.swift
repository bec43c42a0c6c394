import Cells
import Formats

/// DARTS-ES: ends a search where the dominant eigenvalue of ∇²_α L_val has grown, and returns the architecture from before
/// (Zela et al., *Understanding and robustifying differentiable architecture search*, ICLR 2020, §4.3).
///
/// An eigenvalue is taken every c epochs. λ̄(t) is the mean of the w eigenvalues around epoch t. The search stops where
/// λ̄(t − k)/λ̄(t) is below a threshold, and the architecture is that of epoch t − k. λ̄(t) is known c⌊w/2⌋ epochs after t. The
/// paper has c = 1, w = 5, k = 5 epochs and 0.75, which are the defaults; `robustDARTSCode` has what the authors' code does.
public struct EarlyStopping: Equatable, Sendable {
  /// Why and where a search stops. Epochs are counted from 0, as `decision(of:from:)` says.
  public struct Decision: Equatable, Sendable {
    /// t.
    public let epoch: Int
    /// t − k, the epoch whose architecture is returned.
    public let returned: Int
    /// λ̄(t − k) and λ̄(t).
    public let before: Double
    public let after: Double
  }

  /// w: eigenvalues that are averaged, odd.
  public let window: Int
  /// k in eigenvalues: how far back the returned architecture lies.
  public let distance: Int
  /// c: epochs from one eigenvalue to the next.
  public let every: Int
  public let ratio: Double
  /// Architectures of epochs before this one are not returned.
  public let start: Int
  /// One every c epochs.
  public private(set) var eigenvalues: [Double] = []
  /// α at the end of the same epochs.
  public private(set) var alphas: [ArchitectureParameters] = []

  /// `start` where nothing says otherwise, in a search as in a diagnosis: that of RobustDARTS' code (commit 3dec3fe,
  /// src/search/args.py, line 62; src/utils.py, line 129). The paper does not mention one.
  public static let defaultStart = 10

  /// The rule of the paper, with the start of its code.
  ///
  /// - Parameter distance: nil for the window.
  public init(
    window: Int = 5, distance: Int? = nil, every: Int = 1, ratio: Double = 0.75, start: Int = EarlyStopping.defaultStart
  ) {
    self.window = window
    self.distance = distance ?? window
    self.every = every
    self.ratio = ratio
    self.start = start
  }

  /// The rule of the public code of RobustDARTS (commit 3dec3fe, src/utils.py, lines 31–139, and the defaults of
  /// src/search/args.py, lines 59–64): an eigenvalue every second epoch, windows of five (10 epochs), averages four eigenvalues
  /// (8 epochs) apart, stopped where the later is more than 1.3 times the earlier, nothing returned from before epoch 10.
  public static let robustDARTSCode = EarlyStopping(window: 5, distance: 4, every: 2, ratio: 1 / 1.3, start: 10)

  /// Keys of config.yaml that say what the rule of a search is.
  static let settings: Set<String> = ["early_stop_window", "early_stop_distance", "early_stop_ratio", "early_stop_start"]

  /// The rule that the settings of a search describe, without any history.
  public init(_ configuration: SearchConfiguration) {
    self.init(
      window: configuration.earlyStopWindow,
      distance: configuration.earlyStopDistance > 0 ? configuration.earlyStopDistance : nil,
      every: max(1, configuration.eigenvalueEvery), ratio: configuration.earlyStopRatio, start: configuration.earlyStopStart)
  }

  /// Takes over what an epoch ended with.
  public mutating func add(eigenvalue: Double, alphas: ArchitectureParameters) {
    eigenvalues.append(eigenvalue)
    self.alphas.append(alphas)
  }

  /// Where the search stops; nil while it goes on.
  public var decision: Decision? { decision(of: eigenvalues) }

  /// The first decision on a series of eigenvalues; nil where there is none.
  ///
  /// - Parameter first: the epoch of the first eigenvalue; the others follow c epochs apart.
  public func decision(of eigenvalues: [Double], from first: Int = 0) -> Decision? {
    let half = window / 2
    func average(_ index: Int) -> Double { eigenvalues[index - half...index + half].reduce(0, +) / Double(window) }
    func epoch(_ index: Int) -> Int { first + index * every }
    guard eigenvalues.count > 2 * half + distance else { return nil }
    for index in half + distance..<eigenvalues.count - half where epoch(index - distance) >= start {
      let (before, after) = (average(index - distance), average(index))
      // A loss that curves down has no sharpness that could have grown.
      guard after > 0, before / after < ratio else { continue }
      return Decision(epoch: epoch(index), returned: epoch(index - distance), before: before, after: after)
    }
    return nil
  }

  /// The history, for a checkpoint.
  public func exportState() -> [NamedTensor] {
    guard let first = alphas.first else { return [] }
    return [
      NamedTensor(name: "early_stop.eigenvalues", shape: [eigenvalues.count], values: .float64(eigenvalues)),
      NamedTensor(
        name: "early_stop.alphas", shape: [alphas.count, first.count], values: .float32(alphas.flatMap(\.flat))),
    ]
  }

  /// Takes over what `exportState` gave.
  ///
  /// - Parameter shape: any α of the problem.
  /// - Throws: `InputError` where a tensor is misshapen or only one of both is there.
  public mutating func importState(from file: TensorFile, like shape: ArchitectureParameters) throws {
    (eigenvalues, alphas) = ([], [])
    guard file.contains("early_stop.eigenvalues") || file.contains("early_stop.alphas") else { return }
    eigenvalues = try file.doubles("early_stop.eigenvalues")
    let values = try file.floats("early_stop.alphas", shape: [eigenvalues.count, shape.count])
    alphas = eigenvalues.indices.map { epoch in
      var entry = shape
      entry.flat = Array(values[epoch * shape.count..<(epoch + 1) * shape.count])
      return entry
    }
  }
}
