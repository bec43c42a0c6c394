import Cells
import Foundation
import Problems
import Statistics

/// What a search does at the end of an epoch.
extension SearchRun {
  func finishEpoch() throws {
    if state.epoch >= configuration.warmup { try closeEpoch() }
    let validation = try problem.evaluateValidationSplit(
      weights: state.weights, alphas: state.alphas, isStopRequested: { [stop] in stop.isRequested })
    guard validation.loss.isFinite else {
      throw Divergence("\(place): validation loss \(validation.loss), ‖ω‖ \(state.weights.norm), ‖α‖ \(state.alphas.norm)")
    }
    let eigenvalue = try dominantEigenvalueIfDue()
    passTime()
    let genotype = try space.map { _ in
      try Genotype(
        alphas: state.alphas, operations: configuration.operations, maximumSkips: configuration.maximumSkips)
    }
    var record = makeRecord(validation: validation, genotype: genotype)
    record.dominantEigenvalue = eigenvalue
    if let eigenvalue, state.epoch >= configuration.warmup {
      earlyStopping?.add(eigenvalue: eigenvalue, alphas: state.alphas)
    }
    state.records.append(record)
    state.alphaHistory.append(state.alphas)
    if let genotype { state.genotypes.append(genotype) }
    state.epoch += 1
    state.step = 0
    state.tally = EpochTally()
    try events?.add(record, alphas: state.alphas, genotype: genotype)
    try writeEpoch()
    removeOldCheckpoints()
    let line =
      "epoch \(state.epoch)/\(configuration.epochs): training loss \(String(format: "%.4f", record.trainingLoss)), "
      + "validation loss \(String(format: "%.4f", record.validationLoss)), "
      + "accuracy \(String(format: "%.2f", 100 * record.validationAccuracy)) %"
    logger.info("\(line)")
    progress.note("\(configuration.method.rawValue)  \(line)")
  }

  /// The largest eigenvalue of ∇²_α L_val on the first batches of the validation split, the same in every epoch.
  func dominantEigenvalueIfDue() throws -> Double? {
    let every = configuration.eigenvalueEvery
    guard every > 0, (state.epoch + 1).isMultiple(of: every) else { return nil }
    let count = min(configuration.eigenvalueBatches, problem.validationSplitCount)
    let batches = try (0..<count).map(problem.validationSplitBatch)
    let hessian = ArchitectureHessian(
      problem: problem, weights: state.weights, alphas: state.alphas, batches: batches,
      isStopRequested: { [stop] in stop.isRequested })
    do {
      let largest = try hessian.dominantEigenvalue(seed: configuration.seed, epoch: state.epoch).largest
      if let asymmetry = hessian.asymmetry?.relative, asymmetry > ProductAsymmetry.doubtful {
        logger.warning(
          "epoch \(state.epoch + 1): the Hessian of the dominant eigenvalue is partly noise: asymmetry \(Float(asymmetry))")
      }
      return largest
    } catch let error as Divergence {
      throw Divergence("\(place): \(error.account)")
    }
  }

  private func closeEpoch() throws {
    let end = EpochEnd(
      weights: state.weights, seed: configuration.seed, epoch: state.epoch, steps: problem.stepsPerEpoch,
      isStopRequested: { [stop] in stop.isRequested })
    do {
      let diverged = try optimiser.finishEpoch(&state.alphas, at: end)
      state.tally.divergedCandidates += diverged
      if diverged > 0 { logger.warning("\(place): \(diverged) architectures diverged and do not count") }
    } catch let error as Divergence {
      throw Divergence("\(place): \(error.account)")
    }
  }

  private func makeRecord(validation: BatchLoss, genotype: Genotype?) -> EpochRecord {
    let tally = state.tally
    let samples = configuration.method.takes("sigma") && tally.alphaUpdates > 0
    func mean(_ total: Double, of count: Int) -> Double? { count > 0 ? total / Double(count) : nil }
    return EpochRecord(
      epoch: state.epoch + 1, trainingLoss: mean(tally.trainingLoss, of: tally.count) ?? .nan,
      trainingAccuracy: mean(Double(tally.correct), of: tally.count) ?? .nan, validationLoss: validation.loss,
      validationAccuracy: validation.accuracy, learningRate: schedules.learningRate(epoch: state.epoch),
      sigma: samples ? schedules.sigma(epoch: state.epoch) : nil,
      effectiveSampleSize: mean(tally.effectiveSampleSize, of: tally.weightedUpdates),
      normalEntropy: state.alphas.matrices[0].meanEntropy, reduceEntropy: state.alphas.matrices.last?.meanEntropy ?? .nan,
      alphaNorm: state.alphas.norm, alphaUpdates: tally.alphaUpdates,
      acceptedUpdates: tally.acceptedUpdates, baselineLoss: mean(tally.baselineLoss, of: tally.comparedUpdates),
      alphaGradientNorm: mean(tally.alphaGradientNorm, of: tally.guidedUpdates),
      alphaUpdateNorm: mean(tally.alphaUpdateNorm, of: tally.alphaUpdates), divergedCandidates: tally.divergedCandidates,
      skipConnections: genotype?.skipConnectionCount, reduceSkipConnections: genotype?.reduceSkipConnectionCount,
      gradientNorm: mean(tally.gradientNorm, of: tally.weightSteps) ?? .nan, weightSteps: weightSteps,
      dominantEigenvalue: nil,
      seconds: tally.seconds)
  }
}
