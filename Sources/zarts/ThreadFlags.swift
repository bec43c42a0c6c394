import ArgumentParser
import Compute
import Formats

/// What all flags `--threads` say of their default.
enum ThreadHelp {
  static let number = """
    one a processor that the process may use, the least of its affinity mask, its cgroups' quota, SLURM_CPUS_PER_TASK and \
    OMP_NUM_THREADS; several ranks of a job divide what their machine has
    """
  /// What 0 stands for.
  static let zero = "0 for \(number)"
}

/// Where the threads of a command run. It stands wherever `--threads` does.
struct PinFlag: ParsableArguments {
  @Flag(
    help: """
      Bind each thread to a processor of its own, for machines whose memory is nearer to some processors than to others \
      (NUMA). The result does not depend on it.
      """)
  var pin = false

  /// To be called before anything computes.
  ///
  /// - Throws: `UsageError` where the system binds no threads.
  func apply() throws {
    guard pin, !ThreadPinning.turnOn() else { return }
    throw UsageError("threads cannot be bound", found: "--pin", wanted: "a system that sets the affinity of threads")
  }
}
