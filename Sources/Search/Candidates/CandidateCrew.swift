import Cells
import Compute
import Problems

/// Who evaluates the candidates of an update, and the architectures that an epoch ends with: groups of threads in this
/// process, each with a copy of the problem, and the ranks that serve this one (`CandidateServer`).
///
/// Each loss is a function of what it is asked for alone, and they are handed back in the order of the question. So neither
/// the number of groups and ranks nor who took what leaves a trace.
public final class CandidateCrew<Problem: BilevelProblem> {
  /// The problem of the weight steps, with all threads.
  private let whole: CandidateHand<Problem>
  private let hands: CandidateHands<Problem>
  private let crew: Crew
  private let hasServers: Bool

  /// - Parameters:
  ///   - problem: the one that weight steps are taken on.
  ///   - groups: copies of it, the same in everything but threads; none where candidates are evaluated on the problem itself.
  public convenience init(of problem: Problem, groups: [Problem]) {
    self.init(of: problem, groups: groups, crew: Crew(workers: max(1, groups.count)), hasServers: false)
  }

  /// With servers on other ranks, which are told of the problem.
  ///
  /// - Parameters:
  ///   - crew: of the whole search; stages follow one another with a `CandidateCrew` each.
  ///   - search: settings of the whole search.
  ///   - settings: those that the problem was made of: the same, or those of a stage.
  ///   - team: of `crew`.
  /// - Throws: `TeamError`.
  package convenience init(
    of problem: Problem, groups: [Problem], crew: Crew, team: any Team, search: SearchConfiguration,
    settings: SearchConfiguration
  ) throws {
    self.init(of: problem, groups: groups, crew: crew, hasServers: team.size > 1)
    guard hasServers else { return }
    try crew.prepare(
      CandidateMessage.bytes(
        .init(
          search: search.withoutHousekeeping.yaml, settings: settings.withoutHousekeeping.yaml, engine: search.engine.name,
          checksum: problem.dataChecksum)))
  }

  private init(of problem: Problem, groups: [Problem], crew: Crew, hasServers: Bool) {
    let whole = CandidateHand(problem)
    self.whole = whole
    hands = CandidateHands(groups.isEmpty ? [whole] : groups.map { CandidateHand($0) })
    self.crew = crew
    self.hasServers = hasServers
  }

  /// L_M of each α, as `CandidateHand.trueLoss` has it.
  ///
  /// - Parameters:
  ///   - epoch: of the update, as `step`, both from 0. The batches of `start` are the problem's own from there on.
  ///   - seen: told of each loss when it is there, in any order; what it throws ends the work.
  /// - Throws: `CancellationError` where `isStopRequested` answered true before a candidate; what `seen` throws; `TeamError`.
  func trueLosses(
    of candidates: [ArchitectureParameters], from start: CandidateStart<Problem>, epoch: Int, step: Int,
    isStopRequested: () -> Bool, seen: (_ index: Int, _ loss: Double) throws -> Void
  ) throws -> [Double] {
    if hasServers { try crew.prepare(CandidateMessage.bytes(start, epoch: epoch, step: step)) }
    var losses = [Double](repeating: .nan, count: candidates.count)
    let courier = Crew.Courier(request: { CandidateLetter.request(candidates[$0]) }) { _, answer in
      try CandidateLetter.loss(answer)
    }
    try run(candidates.count, isStopRequested: isStopRequested, courier: courier) { index, hand in
      hand.trueLoss(of: candidates[index], from: start)
    } finished: { index, loss in
      losses[index] = loss
      try seen(index, loss)
    }
    return losses
  }

  /// The loss of each α on the whole validation split at these weights.
  ///
  /// - Throws: `CancellationError` where `isStopRequested` answered true; what the problem throws where its data are
  ///   damaged; `TeamError`.
  func validationSplitLosses(
    of architectures: [ArchitectureParameters], weights: ParameterVector, isStopRequested: () -> Bool
  ) throws -> [BatchLoss] {
    if hasServers { try crew.prepare(CandidateMessage.bytes(validationSplitAt: weights)) }
    var losses = [BatchLoss?](repeating: nil, count: architectures.count)
    let courier = Crew.Courier(request: { CandidateLetter.request(architectures[$0]) }) { _, answer in
      try CandidateLetter.batchLoss(answer)
    }
    try run(architectures.count, isStopRequested: isStopRequested, courier: courier) { index, hand in
      try hand.problem.evaluateValidationSplit(
        weights: weights, alphas: architectures[index], isStopRequested: isStopRequested)
    } finished: { index, loss in
      losses[index] = loss
    }
    return losses.compactMap { $0 }
  }

  private func run<Result>(
    _ count: Int, isStopRequested: () -> Bool, courier: Crew.Courier<Result>,
    make: (_ index: Int, CandidateHand<Problem>) throws -> Result, finished: (_ index: Int, Result) throws -> Void
  ) throws {
    let alone = hasServers ? 0 : GroupPlan.remainder(of: count, groups: min(hands.count, crew.workers))
    try crew.run(
      count - alone, isStopRequested: isStopRequested,
      make: { index, worker in try hands.lend(to: worker) { try make(index, $0) } },
      courier: hasServers ? courier : nil, finished: finished)
    for index in count - alone..<count {
      if isStopRequested() { throw CancellationError() }
      try finished(index, make(index, whole))
    }
  }
}
