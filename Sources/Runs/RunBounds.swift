import Compute

/// What counts of searches, retrainings and studies may be, where no other room has a limit of its own.
public enum RunBounds {
  public static let epochs = CountBounds(1...100_000)
  public static let warmup = CountBounds(0...100_000)
  /// Images that a limit leaves.
  public static let images = CountBounds(1...2_147_483_647)
  /// The same where half of them validate.
  public static let halvedImages = CountBounds(2...2_147_483_647, since: "half of the images validate")
  /// Batches that a loss or a Hessian is the mean over.
  public static let batches = CountBounds(1...1_000_000)
  /// M.
  public static let innerSteps = CountBounds(1...100_000)
  /// Inner steps of an objective: none of L₁, one of L₂.
  public static let objectiveSteps = CountBounds(0...innerSteps.range.upperBound)
  /// N.
  public static let candidates = CountBounds(1...100_000)
  /// K of GLD.
  public static let radii = CountBounds(1...64)
  /// Epochs between one measurement and the next, or checkpoints that stay.
  public static let interval = CountBounds(1...1_000_000)
  /// Weight steps between checkpoints.
  public static let stepInterval = CountBounds(1...1_000_000_000)
  /// Epochs of a moving average, which lies around one.
  public static let window = CountBounds(1...99_999, isOdd: true, since: "it lies around an epoch")
  /// From one moving average to another, in what is averaged.
  public static let lag = CountBounds(1...100_000)
  /// Epochs before something sets in.
  public static let start = CountBounds(0...100_000)
  /// Weight steps of a run and of all that it tries.
  public static let weightSteps = CountBounds(0...1_000_000_000_000_000)
  /// Weight steps that a comparison gives to each run.
  public static let budget = CountBounds(1...1_000_000_000_000)
  /// Edges of a derived cell that are of a kind.
  public static let cellEdges = CountBounds(0...8, since: "a derived cell has 8 edges")
  /// Candidates at a time.
  public static let groups = ThreadPool.counts.or(zero: "a choice by threads and memory")
  public static let threads = ThreadPool.counts.or(zero: "one a processor")
}
