import ArgumentParser
import Compute
import Foundation
import Watch

struct WatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Serve the report of a run that goes on, and follow it.",
    discussion: """
      The page of zarts report in a browser of this machine, with progress and time left; it takes on each epoch as it is \
      finished. Ctrl-C stops the server, not the run. Only files inside the folder are handed out, never through a link. \
      --host makes it reachable from elsewhere: there is no password, so think of who that is.
      """)

  @Argument(help: ArgumentHelp("Folder of zarts search, retrain or compare.", valueName: "run"))
  var path: String
  @Option(help: "Port to listen on; 0 for any that is free.")
  var port = 8080
  @Option(help: "Address to listen on.")
  var host = "127.0.0.1"

  func validate() throws { try CountBounds(1...65_535, zero: "any that is free").check(port, "--port") }

  func run() throws {
    let server = try WatchServer(folder: path, host: host, port: port)
    let (name, folder) = (host.contains(":") ? "[\(host)]" : host, path)
    let outcome = Outcome()
    let done = DispatchSemaphore(value: 0)
    Task {
      do {
        try await server.run { port in
          // At once, also into a pipe: whoever waits for the address gets it.
          print("watching \(folder) at http://\(name):\(port)/ (Ctrl-C stops)")
        }
      } catch {
        outcome.error = error
      }
      done.signal()
    }
    done.wait()
    if let error = outcome.error { throw error }
  }

  /// How the server ended; written before the semaphore is signalled, read after.
  private final class Outcome: @unchecked Sendable {
    var error: (any Error)?
  }
}
