/// A range that holds a quantity in a given share of repetitions, and what it was made from.
public struct ConfidenceInterval: Equatable, Sendable {
  public let lower: Double
  public let upper: Double
  public let method: Bootstrap.Method
  /// How many units were resampled.
  public let units: Int
  /// How many of a second kind, each seen by all of the first; nil for none.
  public let crossedUnits: Int?

  public init(lower: Double, upper: Double, method: Bootstrap.Method, units: Int, crossedUnits: Int? = nil) {
    self.lower = lower
    self.upper = upper
    self.method = method
    self.units = units
    self.crossedUnits = crossedUnits
  }

  public func contains(_ value: Double) -> Bool { lower <= value && value <= upper }
}

/// What intervals are over: the units that are independent of each other and would be others in a repetition.
public enum SamplingUnit: String, CaseIterable, Sendable {
  /// Random directions of α, each with all of its points.
  case directions
  /// Validation batches, on which every direction is evaluated.
  case batches
  /// Training and validation batches of their own, each with all that was estimated there.
  case places
  /// Draws of candidates at the same places.
  case repeats
  /// Runs of one plan on seeds of their own, paired by seed.
  case seeds
  /// The same on several spaces.
  case spacesAndSeeds = "spaces and seeds"
}
