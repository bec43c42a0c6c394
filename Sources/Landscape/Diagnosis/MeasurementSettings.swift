/// How a diagnosis measures a checkpoint.
public struct MeasurementSettings: Equatable, Sendable {
  /// Batches of the validation split that the losses of supernet and genotype are the mean over.
  public var validationBatches = 4
  /// Random points of α at which L₁ and L₂ are compared with the true loss; 0 for none.
  public var samples = 12
  /// Their standard deviation in each coordinate of α: 0.2 is σ of ZARTS on s1–s4.
  public var radius = 0.2
  /// M of the true loss.
  public var innerSteps = 10
  /// Key of the points.
  public var seed: UInt64 = 0
  /// Whether dominant eigenvalues are computed where the search has not.
  public var eigenvalues = true

  public init() {}

  /// - Throws: `LandscapeError` naming the flag of the first value out of range.
  public func validate() throws {
    func require(_ isRight: Bool, _ flag: String, _ found: some CustomStringConvertible, _ wanted: String) throws {
      guard isRight else {
        throw LandscapeError(item: flag, problem: "value out of range", found: "\(found)", expected: wanted)
      }
    }
    try require(validationBatches >= 1, "--validation-batches", validationBatches, "1 or more")
    try require(samples == 0 || (3...10_000).contains(samples), "--samples", samples, "3 to 10000, or 0 for none")
    try require(radius > 0 && radius.isFinite, "--radius", radius, "a positive finite number")
    try require(
      (1...Objective.largestInnerSteps).contains(innerSteps), "--inner-steps", innerSteps,
      "1 to \(Objective.largestInnerSteps)")
  }

  /// Keys and values, as diagnosis.yaml has them.
  public var entries: [(key: String, value: String)] {
    [
      ("validation_batches", "\(validationBatches)"), ("samples", "\(samples)"), ("radius", "\(radius)"),
      ("inner_steps", "\(innerSteps)"), ("seed", "\(seed)"), ("eigenvalues", "\(eigenvalues)"),
    ]
  }

  /// What a measurement depends on, in one cell.
  var key: String { entries.map { "\($0.key)=\($0.value)" }.joined(separator: " ") }
}
