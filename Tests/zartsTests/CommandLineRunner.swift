import Foundation

/// Runs the built `zarts` beside the tests.
enum CommandLineRunner {
  struct Result {
    var status: Int32
    var output: String
    var errors: String
  }

  /// A process that has not started yet.
  static func process(_ arguments: [String]) -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appendingPathComponent("zarts")
    process.arguments = arguments
    return process
  }

  static func run(_ arguments: [String]) throws -> Result { try run(process(arguments)) }

  /// Starts a process and waits for its end.
  static func run(_ process: Process) throws -> Result {
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    // Both are short, so one can wait in its pipe while the other is read.
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let complaints = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Result(
      status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
      errors: String(decoding: complaints, as: UTF8.self))
  }
}
