import Compute
import Landscape
import Runs

/// What a process does in a command whose work ranks share: rank 0 leads and writes, the others answer it.
enum SharedWork {
  /// The crew of a process with so many workers. That of rank 0 spans all ranks; a signal that asks another one to stop stops rank 0
  /// as one of its own would.
  static func crew(_ team: any Team, workers: Int) -> Crew {
    team.rank == 0
      ? Crew(team: team, workers: workers, requestStop: { SignalTrap.stop.request(signal: $0) }) : Crew(workers: 1)
  }

  /// The signal that has asked this process to stop; traps signals from now on. A rank that serves tells rank 0 of it and goes on
  /// until it is dismissed.
  static func signal() -> @Sendable () -> Int32? {
    let stop = SignalTrap.install()
    return { stop.signal }
  }

  /// Points that a rank has to itself.
  static func share(of points: Int, _ team: any Team) -> Int { points / team.size + (points % team.size > 0 ? 1 : 0) }
}
