import ArgumentParser
import Compute
import Foundation
import Synchronization

/// What the processes of a job do with a command, where a launcher (`mpirun`, `srun`) started several.
enum RankUse {
  /// Rank 0 runs it; the others have nothing to do, and end.
  case leader
  /// Rank 0 runs it and the others serve it (`RunningProgram.team`).
  case team
  /// Each runs it, and they meet in files alone.
  case each
}

/// A command that takes more than one process of a job.
protocol RankedCommand: ParsableCommand {
  static var rankUse: RankUse { get }
}

extension RunningProgram {
  /// How this process was started, where it is one of several; nil for one that is alone.
  static let launch = TeamStart.launch(environment: ProcessInfo.processInfo.environment)

  private static let started = Result { try TeamStart.team(environment: ProcessInfo.processInfo.environment) }
  private static let hasTeam = Atomic<Bool>(false)
  /// Whether other processes may wait for this one to join them.
  private static let isAwaited = Atomic<Bool>(true)

  /// The team that this process belongs to, made once: before a command runs whose `rankUse` is `.team`.
  ///
  /// - Throws: `LaunchError` where several processes were started and can't find each other.
  static func team() throws -> any Team {
    let team = try started.get()
    hasTeam.store(true, ordering: .relaxed)
    return team
  }

  /// The team where it has been made.
  private static var presentTeam: (any Team)? { hasTeam.load(ordering: .relaxed) ? try? started.get() : nil }

  private static var rank: Int { presentTeam?.rank ?? launch?.rank ?? 0 }

  /// Whether this process speaks for all: its standard output is the job's.
  static var isLeader: Bool { rank == 0 }

  /// What the messages of a process begin with where it doesn't speak for all.
  static var speaker: String { isLeader ? "" : "rank \(rank) on \(HostName.current): " }

  /// Memory that this process may still take, in bytes: its part of the machine's where ranks of one job share it.
  static var availableMemory: Int { AvailableMemory.bytes() / max(1, launch?.localSize ?? 1) }

  /// Makes the team that a command wants, if any.
  ///
  /// - Returns: whether this process has part in it.
  /// - Throws: as `team`.
  static func join(_ command: ParsableCommand.Type) throws -> Bool {
    // Programs that this one starts are none of the job's.
    let isOneOfSeveral = launch != nil
    defer { if isOneOfSeveral || hasTeam.load(ordering: .relaxed) { setenv(TeamStart.variable, "none", 1) } }
    let use = (command as? any RankedCommand.Type)?.rankUse ?? .leader
    isAwaited.store(use == .team, ordering: .relaxed)
    switch use {
    case .leader: return isLeader
    case .each: return true
    case .team:
      _ = try team()
      return true
    }
  }

  /// Ends the process after its work, or after its error has been told: with all others of its team.
  static func end(status: Int32) -> Never {
    let status = Output.status(status)
    if let team = presentTeam {
      team.leave()
    } else if status != 0 {
      // Sooner than others that fail alike would say so (`fail`).
      endAwaitedJob(status: status, passing: 0.5)
    }
    exit(status)
  }

  private static func endAwaitedJob(status: Int32, passing: Double) {
    if isAwaited.load(ordering: .relaxed) { launch?.endJob(status: status, passing: passing) }
  }

  /// Ends a process that doesn't lead and has failed: quietly where the others end by themselves, as where all meet the same
  /// error, of which rank 0 tells; else with its message and the whole job.
  ///
  /// - Parameter text: empty where it has been said.
  static func fail(_ text: String, status: Int32) -> Never {
    guard let team = presentTeam else {
      // Most launchers end a job at the first status that isn't 0; the words should be those of rank 0, if it fails alike.
      sleep(1)
      if !text.isEmpty { StandardStream.error.write(speaker + text) }
      endAwaitedJob(status: status, passing: 1)
      exit(status)
    }
    if status > 128 {
      // Stopped by a signal. Rank 0 decides, and stops as if it had been asked.
      CrewServer.tellOfStop(signal: status - 128, team: team)
      end(status: 0)
    }
    if team.leaderHasLeft(within: 1) { end(status: 0) }
    if !text.isEmpty { StandardStream.error.write(speaker + text) }
    team.abort(status: status)
  }
}
