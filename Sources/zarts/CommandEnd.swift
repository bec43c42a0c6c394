import ArgumentParser
import Compute
import Problems

/// How a command ends: the only place where errors become messages and exit statuses (docs/runs.md has the table).
enum CommandEnd {
  /// What scripts tell numbers that diverged from other failures by.
  static let divergence = ExitCode(3)

  /// Says what went wrong and ends the process: 64 for a wrong command line, 3 for numbers that diverged, 128 + N for a stop
  /// by signal N, 1 for everything else.
  ///
  /// - Parameter command: the command's name, for a hint at its help; nil where none was recognised.
  static func exit(_ error: any Error, command: String?) -> Never {
    if let usage = UsageError(error) {
      let hint = command.map { "\n  See 'zarts help \($0)' for more information." } ?? ""
      StandardStream.error.write("Error: \(usage)\(hint)\n")
      Zarts.exit(withError: ExitCode.validationFailure)
    }
    if case SearchError.diverged = error {
      complain("\(error)")
      Zarts.exit(withError: divergence)
    }
    if case SearchError.interrupted(let signal, _, _, _) = error {
      complain("\(error)")
      Zarts.exit(withError: ExitCode(128 + signal))
    }
    Zarts.exit(withError: error)
  }
}
