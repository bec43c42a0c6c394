import Compute
import Formats

/// What a rank other than 0 does for a landscape or a study: it answers the requests that rank 0 sends to its stations.
///
/// A station is one kind of work, such as points or gradients, by name. What rank 0 sends first is its account
/// (`StudyAccount`); a rank whose own differs answers every request with an error that says in what.
package struct StudyServer {
  /// Answers one request; called from several threads at a time, each a worker of its own.
  package typealias Station = (_ request: inout MessageReader, _ worker: Int) throws -> [UInt8]

  private let account: StudyAccount
  private let stations: [String: Station]

  package init(_ account: StudyAccount, stations: [String: Station]) { (self.account, self.stations) = (account, stations) }

  /// Returns when rank 0 has dismissed this rank.
  ///
  /// - Parameters:
  ///   - workers: requests at a time.
  ///   - signal: that asked this process to stop; rank 0 is told of it.
  /// - Throws: `TeamError` where rank 0 can't be heard any more.
  package func serve(
    _ team: any Team, workers: Int, signal: @escaping @Sendable () -> Int32? = { nil }
  ) throws {
    try CrewServer(team: team, workers: workers, signal: signal).serve(
      prepare: { bytes -> (any Error)? in
        do { return account.difference(from: try StudyAccount(bytes)) } catch { return error }
      },
      answer: { request, difference, worker in
        guard let difference else {
          throw InputError("none of rank 0's", at: "account", wanted: "one before the first request")
        }
        if let difference { throw difference }
        var reader = MessageReader(request)
        let name = try reader.text()
        guard let station = stations[name] else {
          throw InputError(
            "unknown", at: "station of a request", found: name, wanted: stations.keys.sorted().joined(separator: ", "))
        }
        return try station(&reader, worker)
      })
  }
}

extension Crew.Courier {
  /// To a station of `StudyServer`, with both sides of the coding given.
  package init(
    to station: String, request: @escaping (_ index: Int, inout MessageWriter) throws -> Void,
    result: @escaping (_ index: Int, inout MessageReader) throws -> Result
  ) {
    self.init(
      request: { index in
        var writer = MessageWriter()
        writer.write(station)
        try request(index, &writer)
        return writer.bytes
      },
      result: { index, bytes in
        var reader = MessageReader(bytes)
        return try result(index, &reader)
      })
  }
}
