import Compute
import Formats
import Landscape
import Runs

/// How a diagnosis measures a checkpoint.
public struct MeasurementSettings: Equatable, Sendable {
  /// Batches of the validation split that the losses of supernet and genotype are the mean over.
  public var validationBatches = 4
  /// Random points of α at which approximations are compared with the true loss; 0 for none.
  public var samples = 12
  /// What is compared with it.
  public var approximations = Objective.approximations
  /// Their standard deviation in each coordinate of α: 0.2 is σ of ZARTS on s1–s4.
  public var radius = 0.2
  /// M of the true loss.
  public var innerSteps = 10
  /// Key of the points.
  public var seed: UInt64 = 0
  /// Whether dominant eigenvalues are computed where the search has not.
  public var eigenvalues = true

  public init() {}

  /// - Throws: `InputError` naming the setting of the first value out of range.
  public func validate() throws {
    try RunBounds.batches.require(validationBatches, at: .setting("validation_batches"))
    try CountBounds(3...10_000, zero: "none").require(samples, at: .setting("samples"))
    try RealBounds.length.require(radius, at: .setting("radius"))
    try RunBounds.innerSteps.require(innerSteps, at: .setting("inner_steps"))
  }

  /// Keys and values, as diagnosis.yaml has them.
  public var entries: [(key: String, value: String)] {
    [
      ("validation_batches", "\(validationBatches)"), ("samples", "\(samples)"), ("radius", "\(radius)"),
      ("inner_steps", "\(innerSteps)"), ("seed", "\(seed)"), ("eigenvalues", "\(eigenvalues)"),
    ] + (approximations == Self.unnamed ? [] : [("approximations", "[\(labels)]")])
  }

  private var labels: String { approximations.map(\.label).joined(separator: ", ") }

  /// The approximations of files that name none, as all of earlier versions.
  private static let unnamed: [Objective] = [.firstOrder, .secondOrder]

  /// What a measurement depends on, in one cell.
  var key: String { entries.map { "\($0.key)=\($0.value)" }.joined(separator: " ") }
}
