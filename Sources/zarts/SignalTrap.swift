import Foundation
import Runs

/// Turns the first signal that asks a process to end into a request to stop cleanly; the same one again ends the process
/// as usual. One of several processes of a job may get it twice at once, from the scheduler and from `mpirun`, which itself ends
/// those that don't stop: there the first alone counts.
///
/// SIGINT and SIGTERM, SIGHUP of a terminal that closes, and SIGUSR1, which Slurm can send ahead of a time limit
/// (`--signal=USR1@120`). A SIGHUP or SIGUSR1 that the parent ignores, as nohup does, stays ignored.
enum SignalTrap {
  /// What signals become; other ranks may make a request of it too.
  static let stop = StopRequest()

  private static let isAlone = RunningProgram.launch == nil
  private static let isLeader = RunningProgram.isLeader

  static func install() -> StopRequest {
    // Known before a handler asks.
    _ = (isAlone, isLeader)
    let request = stop
    var stopping = sigset_t()
    sigemptyset(&stopping)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGUSR1] where !(isIgnored(number) && [SIGHUP, SIGUSR1].contains(number)) {
      sigaddset(&stopping, number)
      signal(number) { received in
        SignalTrap.stop.request(signal: received)
        guard SignalTrap.isLeader else { return }
        let text: StaticString =
          SignalTrap.isAlone
          ? "\nstopping after the current step; once more to stop at once\n" : "\nstopping after what is under way\n"
        if SignalTrap.isAlone { signal(received, SIG_DFL) }
        _ = write(2, text.utf8Start, text.utf8CodeUnitCount)
      }
    }
    // A parent with these signals blocked hands its mask on, and the search could not be stopped.
    pthread_sigmask(SIG_UNBLOCK, &stopping, nil)
    return request
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var present = sigaction()
    guard sigaction(number, nil, &present) == 0 else { return false }
    return unsafeBitCast(present.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
