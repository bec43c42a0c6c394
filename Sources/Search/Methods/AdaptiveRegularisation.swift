import Formats

extension SearchMethod {
  /// DARTS-ADA: DARTS of second order that goes back and is regularised more where the validation loss grows sharp in α.
  public static let dartsADA = SearchMethod(AdaptiveDARTS())
}

/// DARTS-ADA (Zela et al., *Understanding and robustifying differentiable architecture search*, ICLR 2020; the code of
/// RobustDARTS, commit 3dec3fe, src/search/train_search.py, lines 224–306): second-order DARTS with `AdaptiveRegularisation`
/// switched on, which other methods may have too.
struct AdaptiveDARTS: DARTSVariant {
  let base = DARTS(isSecondOrder: true)

  var name: String { "darts-ada" }
  var summary: String { base.summary + ", taken back with more weight decay where that loss grows sharp in alpha" }
  var settings: Set<String> { base.settings.union(EarlyStopping.settings) }
  var searchesInStages: Bool { false }

  func setDefaults(_ configuration: inout SearchConfiguration) {
    configuration.eigenvalueEvery = 1
    configuration.adaptiveDecayFactor = AdaptiveRegularisation.publishedFactor
  }

  func validate(_ configuration: SearchConfiguration) throws {
    try InputError.require(
      configuration.adaptiveDecayFactor > 1, "adaptive_decay_factor", configuration.adaptiveDecayFactor,
      "above 1; darts2 is the method without it")
  }
}

/// Regularisation of ω that grows with the curvature of L_val in α: where the rule of early stopping says to stop, the search
/// goes back to the epoch that early stopping would return, with all that it had there, and goes on with a larger weight
/// decay of ω; again and again, until weight decay is at its maximum. From one return to the next is a *round*.
public struct AdaptiveRegularisation: Equatable, Sendable {
  /// η and R_max of the authors' script, scripts/DARTS-ADA_search.sh of RobustDARTS (`--mul_factor 10 --max_weight_decay
  /// 0.03`): two raises from 3e-4. The defaults of src/search/args.py, lines 67 and 68, are 3 and 0.0243: four raises.
  public static let publishedFactor = 10.0
  public static let publishedMaximum = 0.03
  /// The least factor above 1, so that raises are counted in hundreds at most.
  static let leastFactor = 1.01

  /// When, and how far back.
  public let rule: EarlyStopping
  /// Weight decay of the first round.
  public let initial: Double
  public let factor: Double
  public let maximum: Double

  public init(rule: EarlyStopping, initial: Double, factor: Double, maximum: Double) {
    (self.rule, self.initial, self.factor, self.maximum) = (rule, initial, factor, maximum)
  }

  /// The weight decay that follows on another; nil where that is at the maximum. What is the maximum but for rounding is the
  /// maximum.
  public func raised(from weightDecay: Double) -> Double? {
    func isMaximal(_ value: Double) -> Bool { value >= maximum * (1 - 1e-9) }
    guard !isMaximal(weightDecay) else { return nil }
    return isMaximal(weightDecay * factor) ? maximum : weightDecay * factor
  }

  /// Raises that are left at a weight decay.
  package func raises(from weightDecay: Double) -> Int {
    var (count, value) = (0, weightDecay)
    while value > 0, factor > 1, let next = raised(from: value) { (count, value) = (count + 1, next) }
    return count
  }

  /// Which of so many eigenvalues the search may still go back to, the one that the last of them decides on included.
  ///
  /// A return goes from the newest eigenvalue ⌊w/2⌋ + k back, so the next one, after a new eigenvalue at least, to as many less
  /// one before that.
  package func returnable(of count: Int, at weightDecay: Double) -> Range<Int> {
    let raises = raises(from: weightDecay)
    guard raises > 0, count > 0 else { return count..<count }
    let depth = raises * (rule.window / 2 + rule.distance) - (raises - 1)
    let first = (rule.start + rule.every - 1) / rule.every
    return min(count, max(first, count - 1 - depth, 0))..<count
  }
}

extension SearchConfiguration {
  /// When and how far the search goes back and is regularised more; nil where it never does.
  public var adaptiveRegularisation: AdaptiveRegularisation? {
    guard adaptiveDecayFactor > 1 else { return nil }
    return AdaptiveRegularisation(
      rule: EarlyStopping(self), initial: weightDecay, factor: adaptiveDecayFactor, maximum: adaptiveDecayMaximum)
  }

  /// The rule on dominant eigenvalues that the search follows, whether it ends there or goes back; nil where it follows none.
  public var eigenvalueRule: EarlyStopping? { earlyStopping ?? adaptiveRegularisation?.rule }

  /// Whether a setting makes a difference to this search: to its method, or to a rule that it follows besides.
  public func takes(_ key: String) -> Bool {
    method.takes(key) || adaptiveDecayFactor > 1 && EarlyStopping.settings.contains(key)
  }

  /// Checks what goes with regularisation that grows.
  func validateAdaptiveRegularisation() throws {
    guard adaptiveDecayFactor != 1 else { return }
    let key = "adaptive_decay_factor"
    try InputError.require(
      adaptiveDecayFactor >= AdaptiveRegularisation.leastFactor, key, adaptiveDecayFactor,
      "1 for none, or \(AdaptiveRegularisation.leastFactor) or more")
    try InputError.require(
      earlyStopping == nil, key, adaptiveDecayFactor, "1 with \(method.rawValue), which ends where others go back")
    try InputError.require(stages.isEmpty, key, adaptiveDecayFactor, "1 in a search in stages")
    try InputError.require(
      eigenvalueEvery > 0, "eigenvalue_every", eigenvalueEvery,
      "1 or more, since regularisation grows by averages of eigenvalues")
    try InputError.require(
      weightDecay > 0, "weight_decay", weightDecay, "above 0, since it is to be multiplied by adaptive_decay_factor")
    try InputError.require(
      adaptiveDecayMaximum > weightDecay, "adaptive_decay_maximum", adaptiveDecayMaximum,
      "above weight_decay, \(weightDecay)")
  }
}
