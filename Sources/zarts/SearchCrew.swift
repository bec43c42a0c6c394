import Compute
import Formats
import Problems
import Runs
import Search

/// Who evaluates the candidates of a search: groups of threads in this process, and the other ranks of its team.
struct SearchCrew {
  private let search: SearchConfiguration
  private let team: any Team
  private let crew: Crew?
  private let progress: ProgressReporter

  /// Of rank 0.
  ///
  /// - Parameter search: settings of the whole search.
  init(of search: SearchConfiguration, team: any Team, stop: StopRequest, progress: ProgressReporter) {
    (self.search, self.team, self.progress) = (search, team, progress)
    let workers = Self.workers(search, team)
    crew =
      team.size > 1 || workers > 1
      ? Crew(team: team, workers: workers, requestStop: { stop.request(signal: $0) }) : nil
    guard team.size > 1 else { return }
    let pieces = search.lossesAtOnce
    let idle = team.size - max(1, pieces)
    guard idle > 0 else { return }
    progress.note(
      "note: \(idle) of \(team.size) ranks have nothing to do: \(search.method.rawValue) "
        + (pieces > 1 ? "evaluates \(pieces) candidates at once" : "has no candidates to share"))
  }

  /// For a problem of the search, or of one of its stages; nil where it evaluates its candidates itself.
  ///
  /// - Throws: what making copies of the problem throws; `TeamError`.
  func candidates(_ settings: SearchConfiguration, _ problem: SupernetProblem) throws -> CandidateCrew<SupernetProblem>? {
    guard let crew, search.lossesAtOnce > 1 else { return nil }
    let groups = try ProblemFactory.groups(of: problem, settings, pieces: Self.share(search, team)) { progress.note($0) }
    guard team.size > 1 || !groups.isEmpty else { return nil }
    return try CandidateCrew(of: problem, groups: groups, crew: crew, team: team, search: search, settings: settings)
  }

  /// Tells the other ranks that the search has ended.
  func dismiss() { try? crew?.dismiss() }

  /// Evaluates candidates on another rank until rank 0 has come to its end.
  ///
  /// - Throws: as `CandidateServer.serve` does.
  static func serve(_ search: SearchConfiguration, team: any Team, stop: StopRequest) throws {
    let signal: @Sendable () -> Int32? = { stop.signal }
    guard search.lossesAtOnce > 1 else {
      return try CrewServer(team: team, workers: 1, signal: signal).serve { _, _ in
        throw InputError(
          "other settings than rank 0's", at: .setting("method"), found: search.method.rawValue,
          wanted: "one with candidates to share, as in rank 0")
      }
    }
    let server = CandidateServer<SupernetProblem>(team: team, search: search, workers: workers(search, team)) { settings in
      let problem = try ProblemFactory.make(settings)
      let groups = try ProblemFactory.groups(of: problem, settings, pieces: share(search, team)) { _ in }
      return groups.isEmpty ? [problem] : groups
    }
    try server.serve(signal: signal)
  }

  /// Losses of those that are asked for at once, for a rank.
  private static func share(_ search: SearchConfiguration, _ team: any Team) -> Int {
    (search.lossesAtOnce + team.size - 1) / team.size
  }

  /// Candidates at a time where memory is enough; where it is not, some wait for others.
  private static func workers(_ search: SearchConfiguration, _ team: any Team) -> Int {
    GroupPlan.choose(requested: search.groups, cores: ProblemFactory.threads(search), pieces: share(search, team)).groups
  }
}

extension ProblemFactory {
  /// Who evaluates the candidates of one of several searches that share memory; nil for its problem itself.
  @Sendable static func crew(
    of problem: SupernetProblem, _ configuration: SearchConfiguration, jobs: Int
  ) throws -> CandidateCrew<SupernetProblem>? {
    guard configuration.lossesAtOnce > 1 else { return nil }
    let groups = try groups(of: problem, configuration, pieces: configuration.lossesAtOnce, jobs: jobs) { _ in }
    return groups.isEmpty ? nil : CandidateCrew(of: problem, groups: groups)
  }

  /// Copies of a problem for candidates that are evaluated side by side, on the same images; none where that is no gain or
  /// there is no memory for them.
  ///
  /// - Parameters:
  ///   - pieces: losses that are asked for at once.
  ///   - jobs: searches that share the memory.
  ///   - tell: told of groups and memory where there is something to say.
  static func groups(
    of problem: SupernetProblem, _ configuration: SearchConfiguration, pieces: Int, jobs: Int = 1,
    tell: (String) -> Void
  ) throws -> [SupernetProblem] {
    let bytes = GroupPlan.copyBytes(
      activations: problem.model.activationBytes, weights: problem.model.makeVector().count)
    let plan = GroupPlan.choose(
      requested: configuration.groups, cores: threads(configuration), pieces: pieces, copyBytes: bytes,
      availableBytes: RunningProgram.availableMemory / jobs)
    if let account = plan.account(copyBytes: bytes) { tell(account) }
    guard plan.groups > 1 else { return [] }
    return try (0..<plan.groups).map { _ in try make(configuration, loader: problem.loader, threads: plan.threads) }
  }
}
