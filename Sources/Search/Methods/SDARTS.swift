import Formats
import Problems

extension SearchMethod {
  /// SDARTS by random smoothing.
  public static let sdartsRS = SearchMethod(SDARTS(.random))
  /// SDARTS by adversarial perturbation.
  public static let sdartsADV = SearchMethod(SDARTS(.adversarial))
}

/// SmoothDARTS (Chen & Hsieh, ICML 2020): DARTS of first order, as in its code, whose weights are trained at perturbed mixing weights.
///
/// The perturbation is a setting of the run (`perturbation`), which any other method may have too; α is updated at itself.
struct SDARTS: DARTSVariant {
  let base = DARTS(isSecondOrder: false)
  private let kind: PerturbationKind

  init(_ kind: PerturbationKind) { self.kind = kind }

  var name: String { kind == .adversarial ? "sdarts-adv" : "sdarts-rs" }
  var summary: String {
    "darts1, whose weights train at mixing weights moved \(kind == .adversarial ? "against them" : "at random")"
  }

  func setDefaults(_ configuration: inout SearchConfiguration) { configuration.perturbation = kind }

  func validate(_ configuration: SearchConfiguration) throws {
    try InputError.require(
      configuration.perturbation == kind, "perturbation", configuration.perturbation.rawValue,
      "\(kind.rawValue), which makes the method \(name); another one goes with \(base.name)")
  }
}
