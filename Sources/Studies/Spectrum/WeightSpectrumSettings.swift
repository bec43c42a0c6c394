import Compute
import Formats
import Problems
import Runs

/// Everything that decides what is found of a spectrum of ∇²_ω L, bit for bit.
public struct WeightSpectrumSettings: Equatable, Sendable {
  /// Largest eigenvalues wanted.
  public var eigenvalues: Int
  /// Random vectors for the trace; 0 for no trace.
  public var probes: Int
  /// Steps of Lanczos' process from each random start of the density.
  public var densitySteps: Int
  /// Random starts of the density; 0 for none.
  public var densityStarts: Int
  /// σ of the Gaussian that stands for each node; nil for `StochasticLanczosQuadrature.usualWidth`.
  public var densityWidth: Double?
  /// The images of L.
  public var data: DataSplit
  /// Batches of the split, in fixed order and without augmentation, that L is the mean over.
  public var batches: Int
  /// Of the residual of an eigenvalue, relative to the largest one by magnitude.
  public var tolerance: Double
  /// Whether the eigenvectors of the largest eigenvalues are kept.
  public var keepsVectors: Bool
  /// With the epoch, the key of the random vectors.
  public var seed: UInt64

  /// - Throws: `InputError` where a setting is out of range.
  public init(
    eigenvalues: Int = 5, probes: Int = 20, densitySteps: Int = 80, densityStarts: Int = 2, densityWidth: Double? = nil,
    data: DataSplit = .validation, batches: Int = 4, tolerance: Double = 1e-3, keepsVectors: Bool = false, seed: UInt64 = 0
  ) throws {
    try CountBounds(1...1000).require(eigenvalues, at: .setting("eigenvalues"))
    try CountBounds(0...1_000_000).require(probes, at: .setting("probes"))
    try CountBounds(1...10_000).require(densitySteps, at: .setting("density_steps"))
    try CountBounds(0...100_000).require(densityStarts, at: .setting("density_starts"))
    if let densityWidth { try RealBounds.length.require(densityWidth, at: .setting("density_width")) }
    try RunBounds.batches.require(batches, at: .setting("batches"))
    try RealBounds.length.require(tolerance, at: .setting("tolerance"))
    self.eigenvalues = eigenvalues
    self.probes = probes
    self.densitySteps = densitySteps
    self.densityStarts = densityStarts
    self.densityWidth = densityWidth
    self.data = data
    self.batches = batches
    self.tolerance = tolerance
    self.keepsVectors = keepsVectors
    self.seed = seed
  }

  /// The key of the entry that tells these spectra from those of α, and its value.
  public static let kind = (key: "over", value: "weights")

  /// Products at most for the eigenvalues.
  public var eigenvalueSteps: Int { 60 + 4 * eigenvalues }

  /// Vectors of ω's size that a piece of the spectrum keeps at a time: bases of Lanczos' process, and what a product is made
  /// with.
  public var vectors: Int {
    max(eigenvalueSteps + (keepsVectors ? eigenvalues : 0), densityStarts > 0 ? densitySteps : 0) + 4
  }

  /// Products that all is made of, at most.
  var products: Int { eigenvalueSteps + densityStarts * densitySteps + probes }

  /// Batches that there are.
  func batchCount<Problem: BilevelProblem>(of problem: Problem) -> Int { min(batches, problem.splitCount(data)) }

  /// The settings as keys and values of a YAML mapping.
  public var entries: [(key: String, value: String)] {
    [
      Self.kind, ("data", data.rawValue), ("batches", "\(batches)"), ("eigenvalues", "\(eigenvalues)"),
      ("probes", "\(probes)"), ("density_steps", "\(densitySteps)"), ("density_starts", "\(densityStarts)"),
    ] + (densityWidth.map { [("density_width", "\($0)")] } ?? []) + [
      ("tolerance", "\(tolerance)"), ("spectrum_seed", "\(seed)"),
    ] + (keepsVectors ? [("vectors", "true")] : [])
  }
}
