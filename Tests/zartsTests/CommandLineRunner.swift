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

  /// Runs a script of the shell that finds `zarts` through PATH.
  static func shell(_ script: String, in folder: String? = nil) throws -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", script]
    let programs = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["PATH": "\(programs):/usr/bin:/bin"]) { $1 }
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    return try run(process)
  }

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
