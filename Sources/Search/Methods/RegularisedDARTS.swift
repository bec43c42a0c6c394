extension SearchMethod {
  /// DARTS of second order with a stronger weight decay of ω.
  public static let rdartsL2 = SearchMethod(RegularisedDARTS())
}

/// R-DARTS (L2): DARTS of second order whose weights decay faster (Zela et al., *Understanding and robustifying differentiable
/// architecture search*, ICLR 2020, §5). α keeps its own decay.
///
/// The authors' code searches with 3e-4 · 3^k, k = 0…4 (scripts/start_search.sh, lines 5–16, through scripts/DARTS_search.sh,
/// line 18, whose `--unrolled` is second order) and names none of them the method's. The default is the least at which the
/// verdict of `Diagnosis` calls none of their three logged searches without drop-path on S1, CIFAR-10 collapsed.
struct RegularisedDARTS: DARTSVariant {
  let base = DARTS(isSecondOrder: true)
  private static let strengths = ["0.0003", "0.0009", "0.0027", "0.0081", "0.0243"]

  let name = "rdarts-l2"
  var summary: String { base.summary + ", with a stronger weight decay of the weights" }
  var publishedVariants: [[(key: String, value: String)]] { Self.strengths.map { [("weight_decay", $0)] } }

  func setDefaults(_ configuration: inout SearchConfiguration) {
    configuration.weightDecay = 0.0081
  }
}
