import Compute
import Formats
import Landscape
import Problems
import Runs
import Search

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
  /// How products of their Hessian are made; nil for as the search makes them.
  public var hessian: HessianKind?

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
    ] + (hessian.map { [(HessianKind.settingKey, $0.rawValue)] } ?? [])
      + (approximations == Self.unnamed ? [] : [("approximations", "[\(labels)]")])
  }

  private var labels: String { approximations.map(\.label).joined(separator: ", ") }

  /// The approximations of files that name none, as all of earlier versions.
  private static let unnamed: [Objective] = [.firstOrder, .secondOrder]

  /// What a measurement of a search depends on, in one cell. Those of versions without exact products name none.
  package func key(of configuration: SearchConfiguration) -> String {
    var settings = self
    let kind = products(of: configuration)
    settings.hessian = kind == .exact ? kind : nil
    return settings.entries.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
  }

  /// How products are made for a search.
  package func products(of configuration: SearchConfiguration) -> HessianKind { hessian ?? configuration.hessian }

  /// Whether eigenvalues that a search has logged are of the kind that is asked for.
  package func takesLogged(by configuration: SearchConfiguration) -> Bool {
    products(of: configuration) == configuration.hessian
  }
}
