import Formats
import Foundation
import Logging

/// log.txt of a run folder behind a swift-log `Logger`: time, level and message, one line each, appended.
package struct RunLogHandler: LogHandler {
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?
  package var logLevel = Logger.Level.info
  private let file: LogFile

  /// - Throws: `InputError` where the file cannot be opened.
  package init(path: String) throws { file = try LogFile(path: path) }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    let message = "\(event.message)".replacingOccurrences(of: "\n", with: " ")
    file.append("\(Date().formatted(.iso8601)) \(event.level) \(message)\n")
  }
}

private final class LogFile: Sendable {
  private let descriptor: Int32

  package init(path: String) throws {
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw InputError(
        "cannot be opened", at: .file(path), found: String(cString: strerror(errno)), wanted: "a file that can be written")
    }
  }

  deinit { close(descriptor) }

  /// One system call a line, so that lines of one run never interleave. A full disk must not end a search; the files that
  /// matter are written with their errors checked.
  package func append(_ line: String) {
    Array(line.utf8).withUnsafeBytes { _ = write(descriptor, $0.baseAddress, $0.count) }
  }
}
