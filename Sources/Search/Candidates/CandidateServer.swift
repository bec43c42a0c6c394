import Cells
import Compute
import Formats
import Problems
import Runs

/// Evaluates candidates for rank 0 on another rank, from the start of a search to its end.
///
/// It has read settings and data for itself; rank 0 says which problem they are candidates of, a stage after the other where
/// there are stages, and it makes that problem and the batches of each update.
package final class CandidateServer<Problem: BilevelProblem> {
  private let team: any Team
  private let search: SearchConfiguration
  private let workers: Int
  private let makeProblems: (SearchConfiguration) throws -> [Problem]
  private var current:
    (settings: String, perturbations: PerturbationSchedule?, problem: Problem, hands: CandidateHands<Problem>)?

  /// - Parameters:
  ///   - search: settings of the whole search, as this rank was given them.
  ///   - workers: candidates at a time.
  ///   - makeProblems: makes the copies of a problem that candidates of these settings are evaluated on, at least one.
  package init(
    team: any Team, search: SearchConfiguration, workers: Int,
    makeProblems: @escaping (SearchConfiguration) throws -> [Problem]
  ) {
    (self.team, self.search, self.workers, self.makeProblems) = (team, search, workers, makeProblems)
  }

  /// What requests are answered with.
  private enum Task {
    case none
    case failed(any Error)
    case candidates(CandidateHands<Problem>, CandidateStart<Problem>, ArchitectureParameters)
    case validationSplit(CandidateHands<Problem>, ParameterVector, ArchitectureParameters)
  }

  /// Returns when rank 0 has come to its end.
  ///
  /// - Parameter signal: that asked this process to stop; rank 0 is told.
  /// - Throws: `InputError` where rank 0 has other settings or data; what `makeProblems` throws; `TeamError`. Data that can't
  ///   be read later on are an error on rank 0.
  package func serve(signal: @escaping @Sendable () -> Int32? = { nil }) throws {
    // The problem of a search without stages is known: whoever can't make it should say so at once.
    if search.stages.isEmpty { try take(search, named: search.withoutHousekeeping.yaml) }
    try CrewServer(team: team, workers: workers, signal: signal).serve(prepare: prepare, answer: answer)
  }

  private func prepare(_ context: [UInt8]) throws -> Task {
    let message = try CandidateMessage(context)
    if case .problem(let notice) = message {
      try follow(notice)
      return .none
    }
    guard let current else { throw TruncatedMessage() }
    do {
      return try task(message, current.problem, current.hands)
    } catch let error as TruncatedMessage {
      throw error
    } catch {
      return .failed(error)
    }
  }

  private func task(
    _ message: CandidateMessage, _ problem: Problem, _ hands: CandidateHands<Problem>
  ) throws -> Task {
    func vector(_ bytes: ArraySlice<UInt8>) throws -> ParameterVector {
      let result = problem.makeVector()
      try result.take(bytes)
      return result
    }
    func statistics(_ bytes: ArraySlice<UInt8>) throws -> ParameterVector {
      let result = problem.makeInitialStatistics()
      try result.take(bytes)
      return result
    }
    switch message {
    case .problem: return .none
    case .update(let notice):
      let first = notice.epoch * problem.stepsPerEpoch + notice.step
      let start = CandidateStart<Problem>(
        weights: try vector(notice.weights), velocity: try notice.velocity.map(vector), step: notice.weightStep,
        trainingBatches: try (0..<notice.trainingBatches).map { try problem.trainingBatch(weightStep: first + $0) },
        validationBatch: try problem.validationBatch(epoch: notice.epoch, step: notice.step),
        perturbation: try current?.perturbations.map {
          InnerPerturbation(
            schedule: $0, epoch: notice.epoch, step: notice.step, statistics: try notice.statistics.map(statistics))
        })
      return .candidates(hands, start, problem.initialAlphas)
    case .validationSplit(let weights):
      return .validationSplit(hands, try vector(weights), problem.initialAlphas)
    }
  }

  private func answer(_ request: [UInt8], _ task: Task?, _ worker: Int) throws -> [UInt8] {
    switch task ?? .none {
    case .none: throw TruncatedMessage()
    case .failed(let error): throw error
    case .candidates(let hands, let start, let shape):
      let alphas = try CandidateLetter.alphas(request, like: shape)
      return hands.lend(to: worker) { CandidateLetter.answer($0.trueLoss(of: alphas, from: start)) }
    case .validationSplit(let hands, let weights, let shape):
      let alphas = try CandidateLetter.alphas(request, like: shape)
      return try hands.lend(to: worker) {
        CandidateLetter.answer(try $0.problem.evaluateValidationSplit(weights: weights, alphas: alphas))
      }
    }
  }

  private func follow(_ notice: CandidateMessage.ProblemNotice) throws {
    let place = "rank \(team.rank) on \(team.host)"
    try search.require(
      sameAs: SearchConfiguration(yaml: notice.search, from: "rank 0"), "other settings than rank 0's", at: place,
      from: "rank 0")
    guard search.engine.name == notice.engine else {
      throw InputError(
        "another engine than rank 0's", at: .setting("engine", in: place), found: search.engine.name,
        wanted: "\(notice.engine), as in rank 0")
    }
    if current?.settings != notice.settings {
      try take(
        SearchConfiguration(yaml: notice.settings, from: "rank 0").withHousekeeping(of: search), named: notice.settings)
    }
    let checksum = current?.problem.dataChecksum
    guard checksum == notice.checksum else {
      throw InputError(
        "other data than rank 0's", at: .setting("dataset", in: place),
        found: "'\(search.dataset)' of CRC-32C \(checksum ?? "none")", wanted: "that of CRC-32C \(notice.checksum ?? "none")"
      )
    }
  }

  private func take(_ settings: SearchConfiguration, named name: String) throws {
    // The copies of the stage before go first: both at once may not fit.
    current = nil
    let problems = try makeProblems(settings)
    current = (
      name, settings.perturbationSchedule, problems[0], CandidateHands(problems.map { CandidateHand($0) })
    )
  }
}

extension BilevelProblem {
  /// The training batch of a weight step counted from the start of a run.
  func trainingBatch(weightStep: Int) throws -> Batch {
    try trainingBatch(epoch: weightStep / stepsPerEpoch, step: weightStep % stepsPerEpoch)
  }
}
