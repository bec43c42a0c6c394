import Compute
import Formats
import Landscape
import Problems
import Statistics

/// What a radius of 1 means.
public enum DirectionLength: String, CaseIterable, Sendable {
  /// The norm of α in each block, as in a landscape.
  case alpha
  /// 1 in each block, whatever α is: early in a search α itself is shorter than anything that matters.
  case unit
}

/// Everything that decides what a study of fidelity finds, bit for bit.
public struct FidelitySettings: Equatable, Sendable {
  public var objectives: [Objective]
  /// K, random directions that are independent of each other.
  public var directions: Int
  /// Ascending, in units of the directions' length.
  public var radii: [Double]
  public var length: DirectionLength
  public var normalisation: DirectionNormalisation
  public var directionsSeed: UInt64
  /// Points along each side of the square, in the plane of the first two directions, that a quadratic is fitted to; 0 for no
  /// fit. It reaches out to the largest radius.
  public var planePoints: Int
  /// Whether gradients are compared.
  public var comparesGradients: Bool
  /// Candidates, repeats, σ and the like of the sampled gradients. Its inner steps are those of the objectives.
  public var gradients: EstimatorSettings
  /// Whether the dominant eigenvalue of ∇²_α L₁ is taken.
  public var takesEigenvalue: Bool
  /// Whether the points of rays and plane share their batches; those of gradients do in any case.
  public var drawing = BatchDrawing.fixed
  /// How its products are made.
  public var hessian: HessianKind

  /// The smallest grid that fixes a quadratic in the plane.
  public static let fewestPlanePoints = 3

  /// - Parameter gradients: its step, batches and bootstrap are those of the whole study.
  /// - Throws: `InputError` where no objective is a true loss, or a setting is out of range.
  public init(
    objectives: [Objective], directions: Int, radii: [Double], length: DirectionLength = .alpha,
    normalisation: DirectionNormalisation = .cell, directionsSeed: UInt64 = 0, planePoints: Int = 5,
    comparesGradients: Bool = true, gradients: EstimatorSettings, takesEigenvalue: Bool = true,
    hessian: HessianKind = .exact
  ) throws {
    guard objectives.truth != nil else {
      throw InputError(
        "no true loss to compare with", at: .setting("objectives"), found: objectives.map(\.label).joined(separator: ","),
        wanted: "true:10, for example, among them")
    }
    if let other = objectives.first(where: { $0.quantity != .loss }) {
      throw InputError(
        "no loss, so there is nothing to compare", at: .setting("objectives"), found: other.label,
        wanted: "losses: first, second, true:10, for example")
    }
    try CountBounds(2...100_000).require(directions, at: .setting("directions"), "not a number of directions")
    guard !radii.isEmpty, radii.allSatisfy({ $0 > 0 && $0.isFinite }), zip(radii, radii.dropFirst()).allSatisfy(<) else {
      throw InputError(
        "not a list of radii", at: .setting("radii"), found: "\(radii)", wanted: "ascending positive finite numbers")
    }
    try CountBounds(Self.fewestPlanePoints...1001, zero: "no plane")
      .require(planePoints, at: .setting("plane"), "not a number of points along a side")
    self.objectives = objectives
    self.directions = directions
    self.radii = radii
    self.length = length
    self.normalisation = normalisation
    self.directionsSeed = directionsSeed
    self.planePoints = planePoints
    self.comparesGradients = comparesGradients
    self.gradients = gradients
    self.takesEigenvalue = takesEigenvalue
    self.hessian = hessian
  }

  /// The true loss of most inner steps, which the others are compared with.
  public var truth: Objective { objectives.truth ?? .trueLoss(innerSteps: 1) }

  /// The objectives but for the truth.
  public var approximations: [Objective] { objectives.filter { $0 != truth } }

  /// Points that can be evaluated at a time.
  public var pointsAtATime: Int { 1 + directions * radii.count + planePoints * planePoints }

  public var bootstrap: Bootstrap { gradients.bootstrap }

  /// The settings as keys and values of a YAML mapping. Files of earlier versions name no kind of products: theirs were
  /// differences.
  public var entries: [(key: String, value: String)] {
    let labels = objectives.map(\.label).joined(separator: ",")
    let sampled = gradients.entries.filter { entry in
      !["estimators", "inner_steps", "places", "compared_displacements"].contains(entry.key)
    }
    return [
      ("objectives", "\"\(labels)\""), ("directions", "\(directions)"),
      ("radii", "[\(radii.map(\.description).joined(separator: ", "))]"), ("length", length.rawValue),
      ("normalisation", normalisation.rawValue), ("directions_seed", "\(directionsSeed)"), ("plane", "\(planePoints)"),
      ("gradients", "\(comparesGradients)"), ("eigenvalue", "\(takesEigenvalue)"),
    ] + (takesEigenvalue && hessian == .exact ? [(HessianKind.settingKey, hessian.rawValue)] : []) + sampled
      + DepartureEntries.of(unrolledRate: nil, startsAtRest: false, drawing: drawing)
  }
}
