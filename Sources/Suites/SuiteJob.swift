/// One piece of work of a suite, which one process does at a time: a shared warm-up, a search, a choice or a retraining.
public struct SuiteJob: Equatable, Sendable {
  public enum Kind: String, CaseIterable, Sendable {
    /// The first epochs of searches that share them.
    case warmup = "warm-up"
    /// One search of one method, or of one of its variants, on one space, dataset and seed.
    case search
    /// The choice among the searches of a cell on held-out training images.
    case choose
    /// The training of what was chosen, or found, on all training images, and its test.
    case retrain
  }

  public let kind: Kind
  /// Where it works, seen from the folder of the suite; files that are about the job are named after it.
  public let path: String
  /// Number of its cell in the plan; nil for a warm-up, which several may share.
  public let cell: Int?
  /// Number of the search in the plan of searches: of itself, of one that it warms up, or that it retrains; nil where it is
  /// about several.
  public let run: Int?
  /// The key of its random numbers.
  public let seed: UInt64
  /// Epochs of a warm-up.
  public let epochs: Int?
  /// Numbers, in the plan, of the jobs that have to end before it begins. They come before it.
  public let needs: [Int]

  /// Names its files: a name that a file may have, and that no other job has.
  public var key: String { path.replacing("/", with: ".") }
}
