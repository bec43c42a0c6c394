import Compute
import Formats
import Runs

/// Everything that decides what is found of a spectrum, bit for bit.
public struct SpectrumSettings: Equatable, Sendable {
  /// Largest eigenvalues wanted.
  public var eigenvalues: Int
  /// Random vectors for the trace; 0 for no trace.
  public var probes: Int
  /// Batches of the validation split, in its fixed order and without augmentation, that L_val is the mean over.
  public var batches: Int
  /// ε of the differences behind a product, in units of α.
  public var displacement: Double
  /// Whether the whole Hessian is formed, one product a value of α.
  public var isFull: Bool
  /// Of the residual of an eigenvalue, relative to the largest one by magnitude.
  public var tolerance: Double
  /// With the epoch, the key of the random vectors.
  public var seed: UInt64

  /// Epochs around one that its smoothed eigenvalue is the mean over, as in the early stopping of RobustDARTS.
  public static let smoothingWindow = 5

  /// - Throws: `InputError` where a setting is out of range.
  public init(
    eigenvalues: Int = 5, probes: Int = 20, batches: Int = 4, displacement: Double = 0.5, isFull: Bool = false,
    tolerance: Double = 1e-3, seed: UInt64 = 0
  ) throws {
    try CountBounds(1...1000).require(eigenvalues, at: .setting("eigenvalues"))
    try CountBounds(0...1_000_000).require(probes, at: .setting("probes"))
    try RunBounds.batches.require(batches, at: .setting("batches"))
    try RealBounds.length.require(displacement, at: .setting("displacement"))
    try RealBounds.length.require(tolerance, at: .setting("tolerance"))
    self.eigenvalues = eigenvalues
    self.probes = probes
    self.batches = batches
    self.displacement = displacement
    self.isFull = isFull
    self.tolerance = tolerance
    self.seed = seed
  }

  /// The settings as keys and values of a YAML mapping.
  public var entries: [(key: String, value: String)] {
    [
      ("eigenvalues", "\(eigenvalues)"), ("probes", "\(probes)"), ("batches", "\(batches)"),
      ("displacement", "\(displacement)"), ("full", "\(isFull)"), ("tolerance", "\(tolerance)"),
      ("spectrum_seed", "\(seed)"),
    ]
  }
}
