/// How the validation batches of updates of α follow one another.
public enum ValidationSampling: String, CaseIterable, Codable, Sendable {
  /// One after the other through an order of all of L_val that is drawn anew for each epoch, and again where an epoch has more
  /// steps: ZARTS, PC-DARTS, P-DARTS.
  case epoch
  /// Each drawn from all of L_val, whatever was drawn before: DARTS, whose code makes a shuffled iterator anew at each step.
  case fresh
}
