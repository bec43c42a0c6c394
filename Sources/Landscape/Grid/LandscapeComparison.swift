import Formats
import Statistics

/// How well an approximation follows the true loss over the points of a grid. Points where either is not finite are left
/// out; every figure is nil where the remaining points do not define it.
public struct LandscapeComparison: Equatable, Sendable {
  public let approximation: Objective
  public let truth: Objective
  /// Points at which both losses are finite.
  public let points: Int
  public let pearson: Double?
  public let spearman: Double?
  public let kendall: Double?
  /// Mean of approximation − truth.
  public let bias: Double?
  /// Root of the mean squared difference.
  public let rootMeanSquare: Double?
  /// Euclidean distance between the two minimisers, in the units of the grid.
  public let minimiserDistance: Double?

  /// - Throws: `InputError` where the landscape lacks one of the objectives.
  public init(of approximation: Objective, against truth: Objective, in landscape: LandscapePlane) throws {
    for objective in [approximation, truth] where landscape.samples[objective] == nil {
      throw InputError(
        "was not sampled", at: .words(objective.label), wanted: landscape.objectives.map(\.label).joined(separator: ", "))
    }
    self.approximation = approximation
    self.truth = truth
    let pairs = zip(landscape.losses(of: approximation), landscape.losses(of: truth)).filter {
      $0.0.isFinite && $0.1.isFinite
    }
    let (first, second) = (pairs.map(\.0), pairs.map(\.1))
    points = pairs.count
    pearson = try Correlation.pearson(first, second)
    spearman = try Correlation.spearman(first, second)
    kendall = try Correlation.kendall(first, second)
    let differences = pairs.map { $0.0 - $0.1 }
    let count = Double(differences.count)
    bias = differences.isEmpty ? nil : differences.reduce(0, +) / count
    rootMeanSquare = differences.isEmpty ? nil : (differences.reduce(0) { $0 + $1 * $1 } / count).squareRoot()
    minimiserDistance =
      if let a = landscape.minimiser(of: approximation)?.point, let b = landscape.minimiser(of: truth)?.point {
        ((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)).squareRoot()
      } else {
        nil
      }
  }

  /// Every other loss of a landscape against its true loss of the most inner steps; empty where it has none.
  public static func all(in landscape: LandscapePlane) throws -> [LandscapeComparison] {
    guard let truth = landscape.reference else { return [] }
    return try landscape.objectives.filter { $0 != truth && $0.quantity == truth.quantity }.map {
      try .init(of: $0, against: truth, in: landscape)
    }
  }

  public static let columns = [
    "approximation", "truth", "points", "pearson", "spearman", "kendall", "bias", "rmse", "minimiser_distance",
  ]

  /// The row of `comparison.csv`; an undefined figure is an empty cell.
  public var fields: [CSVField] {
    let figures = [pearson, spearman, kendall, bias, rootMeanSquare, minimiserDistance]
    return [.text(approximation.label), .text(truth.label), .integer(points)]
      + figures.map { $0.map(CSVField.real) ?? .text("") }
  }
}
