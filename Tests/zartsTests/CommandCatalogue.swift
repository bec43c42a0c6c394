import Foundation

/// Commands, options and arguments as the program itself lists them, so that a new option is under test without being named.
struct CommandCatalogue: Decodable {
  struct Argument: Decodable {
    struct Name: Decodable {
      let kind: String
      let name: String
    }
    let kind: String
    let names: [Name]?
    let abstract: String?

    /// `--name`; nil for an argument without one.
    var flag: String? { names?.first { $0.kind == "long" }.map { "--\($0.name)" } }
  }
  struct Command: Decodable {
    let commandName: String
    let arguments: [Argument]?
    let subcommands: [Command]?
  }
  let command: Command

  static func read() throws -> CommandCatalogue {
    let text = try CommandLineRunner.run(["--experimental-dump-help"]).output
    return try JSONDecoder().decode(CommandCatalogue.self, from: Data(text.utf8))
  }

  /// Every command that does something, as it is typed, with its options that take a value.
  var options: [(command: [String], flags: [String])] { Self.options(of: command, under: []) }

  private static func options(of command: Command, under path: [String]) -> [(command: [String], flags: [String])] {
    let own = (command.arguments ?? []).filter { $0.kind == "option" }.compactMap(\.flag)
    let inner = (command.subcommands ?? []).filter { $0.commandName != "help" }.flatMap { sub in
      options(of: sub, under: path + [sub.commandName])
    }
    return (path.isEmpty || (command.subcommands ?? []).contains { $0.commandName != "help" } ? [] : [(path, own)]) + inner
  }
}
