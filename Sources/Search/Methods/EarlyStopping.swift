import Cells
import Formats

/// DARTS-ES: ends a search where the dominant eigenvalue of ∇²_α L_val has grown, and returns the architecture from before
/// (Zela et al., *Understanding and robustifying differentiable architecture search*, ICLR 2020, §4.3).
///
/// λ̄(t) is the mean eigenvalue of the k epochs around t. The search stops where λ̄(t − k)/λ̄(t) is below a threshold, 0.75
/// in the paper with k = 5, and the architecture is that of epoch t − k. λ̄(t) is known ⌊k/2⌋ epochs after t.
public struct EarlyStopping: Equatable, Sendable {
  /// Why and where a search stops. Epochs are those of the eigenvalues given, counted from 0.
  public struct Decision: Equatable, Sendable {
    /// t.
    public let epoch: Int
    /// t − k, the epoch whose architecture is returned.
    public let returned: Int
    /// λ̄(t − k) and λ̄(t).
    public let before: Double
    public let after: Double
  }

  /// k, odd.
  public let window: Int
  public let ratio: Double
  /// Architectures of epochs before this one are not returned. RobustDARTS's code has 10; the paper does not mention it.
  public let start: Int
  /// One an epoch.
  public private(set) var eigenvalues: [Double] = []
  /// α at the end of the same epochs.
  public private(set) var alphas: [ArchitectureParameters] = []

  public init(window: Int = 5, ratio: Double = 0.75, start: Int = 10) {
    self.window = window
    self.ratio = ratio
    self.start = start
  }

  /// Takes over what an epoch ended with.
  public mutating func add(eigenvalue: Double, alphas: ArchitectureParameters) {
    eigenvalues.append(eigenvalue)
    self.alphas.append(alphas)
  }

  /// Where the search stops; nil while it goes on.
  public var decision: Decision? { decision(of: eigenvalues) }

  /// The first decision on a series of eigenvalues; nil where there is none.
  public func decision(of eigenvalues: [Double]) -> Decision? {
    let half = window / 2
    func average(_ epoch: Int) -> Double { eigenvalues[epoch - half...epoch + half].reduce(0, +) / Double(window) }
    let first = max(half, start) + window
    guard eigenvalues.count > first + half else { return nil }
    for epoch in first..<eigenvalues.count - half {
      let (before, after) = (average(epoch - window), average(epoch))
      // A loss that curves down has no sharpness that could have grown.
      guard after > 0, before / after < ratio else { continue }
      return Decision(epoch: epoch, returned: epoch - window, before: before, after: after)
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
