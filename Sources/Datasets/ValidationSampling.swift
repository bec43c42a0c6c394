/// How the validation batches of updates of α follow one another.
public enum ValidationSampling: String, CaseIterable, Codable, Sendable {
  /// One after the other through an order of all of L_val that is drawn anew for each epoch, and again where an epoch has more
  /// steps: the code of ZARTS and P-DARTS.
  case epoch
  /// Each drawn from all of L_val, whatever was drawn before, as where a shuffled iterator is made anew at each step: DARTS
  /// (cnn/train_search.py, line 143), RobustDARTS, PC-DARTS, SmoothDARTS.
  case fresh
}
