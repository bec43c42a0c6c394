import Compute
import Logging

/// Which program computed a result, and how it was called.
public enum Provenance {
  /// Of the program, as `zarts --version` prints it.
  public static let version = "0.1.0"

  /// The command line of this process as a shell would read it back; a path of the program is cut to its name.
  public static var commandLine: String {
    let program = CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "zarts"
    return ([program] + CommandLine.arguments.dropFirst().map(shellQuoted)).joined(separator: " ")
  }

  /// Puts both into a run's log, whose later readers find them nowhere else.
  package static func record(in logger: Logger, kernels: KernelSet) {
    logger.info("command: \(commandLine)")
    logger.info("version: zarts \(version), \(kernels.name)")
  }

  /// A word as a POSIX shell takes it literally.
  public static func shellQuoted(_ word: String) -> String {
    let isPlain = word.unicodeScalars.allSatisfy { scalar in
      scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "-_./:=,+@%".unicodeScalars.contains(scalar)
    }
    return isPlain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }
}
