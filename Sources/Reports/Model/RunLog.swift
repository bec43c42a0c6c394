import Foundation

/// What log.txt of a run tells: how it was started, when, and how it ended.
public struct RunLog: Equatable, Sendable {
  public struct Line: Equatable, Sendable {
    /// ISO 8601, as written.
    public let time: String
    public let level: String
    public let message: String
  }

  public enum End: Equatable, Sendable {
    case finished
    /// The message of an error or a stop.
    case broken(String)
    /// The last line is none of an end: the run goes on, or was killed.
    case open
  }

  public let lines: [Line]

  /// Lines that are none of a log are left out.
  init(_ text: String) {
    lines = text.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: " ", maxSplits: 2)
      guard parts.count == 3, parts[0].contains("T"), parts[0].hasSuffix("Z") else { return nil }
      return Line(time: String(parts[0]), level: String(parts[1]), message: String(parts[2]))
    }
  }

  public var end: End {
    guard let last = lines.last else { return .open }
    if last.message == "finished" { return .finished }
    return last.level == "error" || last.message.hasPrefix("stopped") ? .broken(last.message) : .open
  }

  /// The command lines that started the run and went on with it, in their order, each once.
  public var commands: [String] {
    var result: [String] = []
    for line in lines where line.message.hasPrefix("command: ") {
      let command = String(line.message.dropFirst("command: ".count))
      if !result.contains(command) { result.append(command) }
    }
    return result
  }

  /// What the run was computed with: program, instruction set, threads; each once.
  public var versions: [String] {
    var result: [String] = []
    for line in lines where line.message.hasPrefix("version: ") {
      let version = String(line.message.dropFirst("version: ".count))
      if !result.contains(version) { result.append(version) }
    }
    return result
  }

  public var start: Date? { lines.first.flatMap { Self.date($0.time) } }
  public var lastChange: Date? { lines.last.flatMap { Self.date($0.time) } }

  private static func date(_ text: String) -> Date? { try? Date(text, strategy: .iso8601) }
}
