import Foundation
import Search

/// Turns the first SIGINT or SIGTERM into a request to stop cleanly; a second one ends the process as usual.
enum SignalTrap {
  private static let stop = StopRequest()

  static func install() -> StopRequest {
    let request = stop
    for number in [SIGINT, SIGTERM] {
      signal(number) { received in
        SignalTrap.stop.request(signal: received)
        signal(received, SIG_DFL)
        let text: StaticString = "\nstopping after the current step; once more to stop at once\n"
        _ = write(2, text.utf8Start, text.utf8CodeUnitCount)
      }
    }
    // A parent with these signals blocked hands its mask on, and the search could not be stopped.
    var stopping = sigset_t()
    sigemptyset(&stopping)
    for number in [SIGINT, SIGTERM] { sigaddset(&stopping, number) }
    pthread_sigmask(SIG_UNBLOCK, &stopping, nil)
    return request
  }
}
