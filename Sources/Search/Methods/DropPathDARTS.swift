import Formats

extension SearchMethod {
  /// R-DARTS (DP): DARTS of second order on a supernet whose edges are dropped and on images of which squares are cut, more of
  /// both from epoch to epoch (RobustDARTS, §5).
  public static let rdartsDP = SearchMethod(DropPathDARTS())
}

/// DARTS with the regularisation of Zela et al., *Understanding and robustifying differentiable architecture search*, ICLR 2020,
/// by drop-path and cutout. Both are of the supernet and its batches, so the method is DARTS with other defaults; every other method
/// takes the same settings.
///
/// The authors searched with drop-path of 0, 0.2, 0.4 and 0.6 (scripts/start_search.sh of their code, commit 3dec3fe) and chose
/// among what was found; 0.2 is the default of src/search/args.py, line 49, as 16 is of its cutout, line 47.
struct DropPathDARTS: DARTSVariant {
  let base = DARTS(isSecondOrder: true)

  var name: String { "rdarts-dp" }
  var summary: String { "DARTS of second order with dropped edges and cutout, more of both from epoch to epoch" }

  /// Without drop-path their code has no cutout either (src/search/args.py, lines 103–105).
  var publishedVariants: [[(key: String, value: String)]] {
    [[("drop_path", "0.0"), ("cutout", "0")]] + ["0.2", "0.4", "0.6"].map { [("drop_path", $0)] }
  }

  func setDefaults(_ configuration: inout SearchConfiguration) {
    configuration.dropPath = 0.2
    configuration.cutout = 16
  }
}

extension SearchPreset {
  /// A search of RobustDARTS' grid (scripts/start_search.sh and DARTS_search.sh, the defaults of src/search/args.py): S1 on CIFAR-10
  /// with drop-path up to 0.2. Its cutout is of every image from the first epoch on, since the probability that
  /// train_search.py, line 113, raises is not the one that `Cutout` reads (src/utils.py, lines 243 and 246). Validation batches as
  /// in its train_search.py, line 348.
  static let dropPath = SearchPreset(
    name: "paper-rdarts-dp-s1-cifar10",
    summary: "R-DARTS with drop-path up to 0.2 on S1, CIFAR-10, as RobustDARTS' code runs it",
    settings: [("method", "rdarts-dp")] + robustDARTSCode + [
      ("drop_path", "0.2"), ("cutout", "16"), ("cutout_probability", "1.0"), ("cutout_ramp", "false"),
    ])
}
