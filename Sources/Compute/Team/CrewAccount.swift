import Foundation

/// What working together has cost: messages to and from rank 0, as their senders made them (what carries them adds its own),
/// and the memory of each rank.
package struct CrewAccount: Equatable, Sendable {
  package struct Traffic: Equatable, Sendable {
    package var messagesSent = 0
    package var bytesSent = 0
    package var messagesReceived = 0
    package var bytesReceived = 0

    package init() {}
  }

  package struct Rank: Equatable, Sendable {
    /// Pieces that it has finished.
    package var pieces: Int
    /// The most memory that its process has held, as known when it last answered; nil of a rank that has not.
    package var peakBytes: Int?
  }

  package var traffic: Traffic
  /// Seconds from the beginning to the end of runs, in sum.
  package var wallSeconds: Double
  /// Seconds that the pieces of rank 0 have taken, summed over its workers.
  package var leaderSeconds: Double
  package var ranks: [Rank]

  /// The environment variable that names a file to which rank 0 appends an account as it ends: for measurements.
  static let variable = "ZARTS_CREW_ACCOUNT"

  /// In one line, for a log.
  package var text: String {
    let sent = "\(traffic.messagesSent) messages of \(traffic.bytesSent) bytes sent"
    let received = "\(traffic.messagesReceived) of \(traffic.bytesReceived) received"
    let pieces = ranks.map { "\($0.pieces)" }.joined(separator: ", ")
    let peaks = ranks.map { $0.peakBytes.map { "\($0 >> 20)" } ?? "-" }.joined(separator: ", ")
    return "\(ranks.count) ranks: \(sent), \(received); pieces of each: \(pieces); peak memory of each: \(peaks) MiB"
  }

  /// `ranks,messages_sent,bytes_sent,messages_received,bytes_received,wall_seconds,leader_seconds,pieces,peak_bytes`, the last
  /// two with a number a rank and semicolons between, empty where unknown.
  package var row: String {
    let pieces = ranks.map { "\($0.pieces)" }.joined(separator: ";")
    let peaks = ranks.map { $0.peakBytes.map { "\($0)" } ?? "" }.joined(separator: ";")
    let counts = [
      ranks.count, traffic.messagesSent, traffic.bytesSent, traffic.messagesReceived, traffic.bytesReceived,
    ]
    return (counts.map { "\($0)" } + ["\(wallSeconds)", "\(leaderSeconds)", pieces, peaks]).joined(separator: ",")
  }

  /// Appends the row to the file that the environment names, where it names one.
  func writeWhereAsked(_ environment: [String: String] = ProcessInfo.processInfo.environment) {
    guard let path = environment[Self.variable], !path.isEmpty, let file = fopen(path, "a") else { return }
    fputs(row + "\n", file)
    fclose(file)
  }
}
