import Cells
import Formats
import Runs

/// How a search goes back to an earlier epoch and on with more weight decay (`AdaptiveRegularisation`).
///
/// Batches, noise and candidates are keyed by (seed, purpose, epoch, step), so a round meets those that the abandoned one met
/// there; what differs is weight decay alone.
extension SearchRun {
  /// The return that is due; nil where none is.
  private var nextRollBack: RollBack? {
    guard let adaptive, let decision = eigenvalueRule?.decision, let raised = adaptive.raised(from: weightDecay)
    else { return nil }
    var next = RollBack()
    (next.round, next.fired) = (state.rollBacks.count + 1, training.course.epoch)
    (next.sign, next.returned) = (row(of: decision.epoch), row(of: decision.returned))
    (next.before, next.after) = (decision.before, decision.after)
    (next.weightDecay, next.raised) = (weightDecay, raised)
    return next
  }

  /// The row of metrics.csv of an epoch that is counted from 0 after the warm-up.
  private func row(of epoch: Int) -> Int { configuration.warmup + epoch + 1 }

  package var wayBack: WayBack? { nextRollBack.map { WayBack(to: $0.returned, because: $0.account) } }

  package var neededEpochs: Set<Int> {
    guard let adaptive, let rule = eigenvalueRule else { return [] }
    return Set(adaptive.returnable(of: rule.eigenvalues.count, at: weightDecay).map { row(of: $0 * rule.every) })
  }

  /// Writes the whole path of the round that ends into a folder of its own, as a run's files are.
  package func keepAside(_ records: [EpochRecord]) throws -> OutputFolder? {
    let round = SearchRunFolder(try files.folder.subfolder(SearchRunFolder.roundName(state.rollBacks.count + 1)))
    try AtomicFile.write(configuration.yaml, to: round.configurationPath)
    try EpochRecord.table.write(records, to: round.metricsPath)
    try writeHistory(to: round)
    return round.folder
  }

  package func goBack(to file: TensorFile) throws {
    guard let rollBack = nextRollBack else { return }
    try state.take(SearchCheckpoint(file, for: problem))
    state.alphaHistory = Array(state.alphaHistory.prefix(rollBack.returned))
    state.genotypes = Array(state.genotypes.prefix(rollBack.returned))
    try optimiser.importState(from: file)
    try eigenvalueRule?.importState(from: file, like: state.alphas)
    state.rollBacks.append(rollBack)
    schedules = Schedules(configuration, weightDecay: rollBack.raised)
    forgetBatches()
  }

  /// Work behind the run that none of its rows tells of.
  func abandonedWork(_ work: SearchWork) -> Double {
    state.rollBacks.reduce(0) { sum, rollBack in
      func done(_ epochs: Int) -> Double { work.done(weightSteps: epochs * problem.stepsPerEpoch, epochs: epochs) }
      return sum + done(rollBack.fired) - done(rollBack.returned)
    }
  }

  /// Completes the row of an epoch with what only searches with growing regularisation have. Before α moves there are no
  /// rounds, and rows are those of any search.
  func addRound(to record: inout EpochRecord) {
    guard adaptive != nil, record.epoch > configuration.warmup else { return }
    (record.round, record.weightDecay) = (state.rollBacks.count + 1, weightDecay)
  }

  /// Weight decay of ω in the present round.
  var weightDecay: Double { schedules.weightDecay }

  /// What a checkpoint says of the rounds; nothing where there can be none.
  var roundMetadata: [String: String] {
    guard adaptive != nil else { return [:] }
    return RollBack.metadata(of: state.rollBacks).merging([SearchCheckpoint.weightDecayKey: "\(weightDecay)"]) { $1 }
  }

  package var mayHaveAbandonedRows: Bool { training.course.epoch == state.rollBacks.last?.returned }
}
