import Compute
import Formats
import Problems
import Runs

/// Everything that decides what is found of a spectrum, bit for bit.
public struct SpectrumSettings: Equatable, Sendable {
  /// Largest eigenvalues wanted.
  public var eigenvalues: Int
  /// Random vectors for the trace; 0 for no trace.
  public var probes: Int
  /// Batches of the validation split, in its fixed order and without augmentation, that L_val is the mean over.
  public var batches: Int
  /// How products are made.
  public var products: HessianProducts
  /// Whether the largest eigenvalues are found in the mixing weights too, which only exact products do.
  public var takesMixing: Bool
  /// Whether the whole Hessian is formed, one product a value of α.
  public var isFull: Bool
  /// Of the residual of an eigenvalue, relative to the largest one by magnitude.
  public var tolerance: Double
  /// With the epoch, the key of the random vectors.
  public var seed: UInt64

  /// Epochs around one that its smoothed eigenvalue is the mean over, as in the early stopping of RobustDARTS.
  public static let smoothingWindow = 5

  /// - Throws: `InputError` where a setting is out of range, and for differences in mixing weights.
  public init(
    eigenvalues: Int = 5, probes: Int = 20, batches: Int = 4, products: HessianProducts = .exact,
    takesMixing: Bool = false, isFull: Bool = false, tolerance: Double = 1e-3, seed: UInt64 = 0
  ) throws {
    try CountBounds(1...1000).require(eigenvalues, at: .setting("eigenvalues"))
    try CountBounds(0...1_000_000).require(probes, at: .setting("probes"))
    try RunBounds.batches.require(batches, at: .setting("batches"))
    if let displacement = products.displacement {
      try RealBounds.length.require(displacement, at: .setting("displacement"))
    }
    guard !takesMixing || products == .exact else {
      throw InputError(
        "eigenvalues in mixing weights by differences", at: .setting("hessian"), found: products.kind.rawValue,
        wanted: HessianKind.exact.rawValue)
    }
    try RealBounds.length.require(tolerance, at: .setting("tolerance"))
    self.eigenvalues = eigenvalues
    self.probes = probes
    self.batches = batches
    self.products = products
    self.takesMixing = takesMixing
    self.isFull = isFull
    self.tolerance = tolerance
    self.seed = seed
  }

  /// Batches that there are.
  func batchCount<Problem: BilevelProblem>(of problem: Problem) -> Int { min(batches, problem.validationSplitCount) }

  /// The settings as keys and values of a YAML mapping. Files of earlier versions name no kind of products: theirs were
  /// differences.
  public var entries: [(key: String, value: String)] {
    [
      ("eigenvalues", "\(eigenvalues)"), ("probes", "\(probes)"), ("batches", "\(batches)"),
      products.displacement.map { ("displacement", "\($0)") } ?? (HessianKind.settingKey, products.kind.rawValue),
      ("full", "\(isFull)"), ("tolerance", "\(tolerance)"), ("spectrum_seed", "\(seed)"),
    ] + (takesMixing ? [("mixing", "true")] : [])
  }
}
