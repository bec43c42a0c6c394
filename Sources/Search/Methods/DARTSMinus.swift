import Formats

extension SearchMethod {
  /// DARTS of first order with auxiliary skip connections whose weight fades.
  public static let dartsMinus = SearchMethod(DARTSMinus())
}

/// DARTS- (Chu et al., *DARTS-: Robustly stepping out of performance collapse without indicators*, ICLR 2021): a skip connection that
/// belongs to every edge, whatever its mixture, takes over what a candidate skip connection does for the training of a deep
/// network, so that the candidate is judged by what it is worth as an operation. Its weight β falls to 0 over the search, and the
/// derived network hasn't got it.
///
/// All of it is in the setting `auxiliary_skip`, which every method takes; the method is DARTS of first order with it as the authors
/// set it (scripts/run_darts_minus.sh: β = 1, linear, no `--unrolled`).
struct DARTSMinus: DARTSVariant {
  let base = DARTS(isSecondOrder: false)

  var name: String { "darts-minus" }
  var summary: String { base.summary + ", with a skip connection beside every edge's mixture that fades" }
  var searchesInStages: Bool { false }

  func setDefaults(_ configuration: inout SearchConfiguration) {
    configuration.auxiliarySkip = 1
    configuration.auxiliaryDecay = .linear
  }

  func validate(_ configuration: SearchConfiguration) throws {
    try InputError.require(
      configuration.auxiliarySkip > 0, "auxiliary_skip", configuration.auxiliarySkip,
      "more than 0: without it the method is darts1")
  }
}
