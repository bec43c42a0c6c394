import Formats
import Problems

/// What estimates ∇_α of the true loss, or is studied as if it did: a value that stands for a declared estimator and is known
/// by its name.
public struct StudiedEstimator: Sendable {
  public let definition: any EstimatorDefinition

  public init(_ definition: any EstimatorDefinition) { self.definition = definition }

  /// Every estimator: the gradients of DARTS, the difference that the reference is one of, then what methods declare.
  public static var allCases: [StudiedEstimator] {
    GradientEstimator.all.map { StudiedEstimator(GradientAtWeights(gradient: $0)) } + [.difference, .firstOrderDifference]
      + (SearchMethod.all + SearchMethod.guests).flatMap(\.definition.estimators)
  }

  /// Those of a study that names none.
  public static var usual: [StudiedEstimator] { allCases.filter(\.definition.isUsual) }
  /// Those that a study of fidelity holds beside the gradients of its objectives, which are among them.
  public static var ofFidelity: [StudiedEstimator] { allCases.filter(\.definition.isGradientOfFidelity) }

  /// ∇L₁, first-order DARTS.
  public static let darts1 = StudiedEstimator(GradientAtWeights(gradient: .first))
  /// ∇L₂, second-order DARTS.
  public static let darts2 = StudiedEstimator(GradientAtWeights(gradient: .second))
  /// The finite-difference gradient of L_M itself: what remains of the error when only M is too small.
  public static let difference = StudiedEstimator(TrueLossDifference())

  /// The finite-difference gradient of L₁ with the reference's h: what the difference alone makes of a gradient that is known.
  public static let firstOrderDifference = StudiedEstimator(FirstOrderDifference())

  /// Whether an estimate depends on drawn candidates, and so on N and σ.
  public var isSampled: Bool { definition.dependence == .candidates }
}

extension StudiedEstimator: RawRepresentable, CaseIterable, Hashable, CustomStringConvertible {
  public init?(rawValue: String) {
    guard let estimator = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = estimator
  }

  public var rawValue: String { definition.name }
  public var description: String { rawValue }

  public static func == (left: StudiedEstimator, right: StudiedEstimator) -> Bool { left.rawValue == right.rawValue }
  public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}

extension StudiedEstimator {
  /// Reads a list such as `darts1,rs,mgs`.
  ///
  /// - Throws: `InputError` for an unknown or repeated entry and for an empty list.
  public static func parse(list: String, setting: String = "estimators") throws -> [StudiedEstimator] {
    var result: [StudiedEstimator] = []
    for part in ListText.items(list) {
      guard let estimator = StudiedEstimator(rawValue: part) else {
        throw InputError(
          "unknown estimator", at: .setting(setting), found: "'\(part)'",
          wanted: allCases.map(\.rawValue).joined(separator: ", "))
      }
      guard !result.contains(estimator) else {
        throw InputError("the same estimator twice", at: .setting(setting), found: "'\(part)'")
      }
      result.append(estimator)
    }
    return result
  }
}

/// A gradient of DARTS, which knows neither M nor candidates.
private struct GradientAtWeights: EstimatorDefinition {
  let gradient: GradientEstimator

  var name: String { gradient.definition.studyName }
  var summary: String { gradient.definition.summary }
  var dependence: EstimatorDependence { .place }
  var guide: GradientEstimator? { gradient }
  var isGradientOfFidelity: Bool { true }

  func objective(innerSteps: Int) -> (name: String, innerSteps: Int)? {
    (gradient.definition.name, gradient.definition.innerSteps)
  }

  func estimate(_ draw: CandidateDraw, _ losses: CandidateLosses) -> [Double]? { draw.guide }
}

/// The central difference of L_M along every coordinate.
private struct TrueLossDifference: EstimatorDefinition {
  var name: String { "difference" }
  var summary: String { "differences of the true loss of M steps" }
  var dependence: EstimatorDependence { .innerSteps }
  var isGradientOfFidelity: Bool { true }

  func objective(innerSteps: Int) -> (name: String, innerSteps: Int)? { ("true", innerSteps) }

  func estimate(_ draw: CandidateDraw, _ losses: CandidateLosses) -> [Double]? { losses.gradient }
}

/// The central difference of L₁ along every coordinate: `darts1` as the reference would have it.
private struct FirstOrderDifference: EstimatorDefinition {
  var name: String { "darts1-difference" }
  var summary: String { "differences of L₁, a control of darts1" }
  var dependence: EstimatorDependence { .place }
  var differencedSteps: Int? { 0 }
  var isUsual: Bool { false }

  func estimate(_ draw: CandidateDraw, _ losses: CandidateLosses) -> [Double]? { losses.gradient }
}
