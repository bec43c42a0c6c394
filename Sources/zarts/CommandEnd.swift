import ArgumentParser
import Compute
import Formats
import Problems
import Runs

/// How a command ends: the only place where errors become messages and exit statuses (docs/runs.md has the table).
enum CommandEnd {
  /// What scripts tell numbers that diverged from other failures by.
  static let divergence = ExitCode(3)

  /// A command as it is typed: `suite run`.
  private static func words(of command: ParsableCommand.Type) -> String {
    let name = command.configuration.commandName ?? ""
    let commands = Zarts.configuration.groupedSubcommands.flatMap(\.subcommands)
    let parent = commands.first { $0.configuration.subcommands.contains { $0 == command } }
    return (parent?.configuration.commandName.map { $0 + " " } ?? "") + name
  }

  /// Says what went wrong and ends the process, and the others of its job: 64 for a wrong command line, 3 for numbers that
  /// diverged, 128 + N for a stop by signal N, 1 for everything else.
  ///
  /// - Parameter command: for its flags and a hint at its help; nil where none was recognised.
  static func exit(_ error: any Error, command: ParsableCommand.Type?) -> Never {
    // All processes of a job have got the same words.
    if command == nil, !RunningProgram.isLeader { RunningProgram.end(status: 0) }
    if let usage = UsageError(error) {
      let (help, hint) =
        command.map { command in
          let name = words(of: command)
          return (Zarts.helpMessage(for: command), "\n  See 'zarts help \(name)' for more information.")
        } ?? ("", "")
      end("Error: \(usage.description(flags: help))\(hint)\n", ExitCode.validationFailure)
    }
    if error is Divergence { end("zarts: \(error)\n", divergence) }
    if let error = error as? Interruption { end("zarts: \(error)\n", ExitCode(128 + error.signal)) }
    var error = error
    if var refused = error as? InputError, refused.wanted == OutputFile.nameOrLeave {
      refused.wanted = "another name, or --overwrite"
      error = refused
    }
    // Empty where a command has said all and gives a status alone.
    let text = Zarts.fullMessage(for: error)
    end(text.isEmpty ? "" : "\(text)\n", Zarts.exitCode(for: error))
  }

  private static func end(_ text: String, _ code: ExitCode) -> Never {
    guard RunningProgram.isLeader else { RunningProgram.fail(text, status: code.rawValue) }
    StandardStream.error.write(text)
    RunningProgram.end(status: code.rawValue)
  }
}
