/// Whole sets of images that losses are evaluated on.
public enum DataSplit: String, CaseIterable, Sendable {
  /// What weights are trained on.
  case training
  /// What α is chosen on; of a retraining the images held out, where there are any.
  case validation
  /// What neither has met.
  case test
}
