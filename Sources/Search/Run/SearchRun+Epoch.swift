import Cells
import Foundation
import Problems
import Runs
import Statistics

/// What a search does at the end of an epoch.
extension SearchRun {
  /// What is measured of an epoch once its steps are taken.
  package struct EpochMeasurement {
    let validation: BatchLoss
    /// With running statistics, where the settings ask for it.
    let running: BatchLoss?
    let eigenvalue: Double?
    /// Architectures that diverged at the end of the epoch.
    let diverged: Int
  }

  private var epoch: Int { training.course.epoch }

  package func measure() throws -> EpochMeasurement {
    let diverged = epoch >= configuration.warmup ? try closeEpoch() : 0
    let validation = try problem.evaluateValidationSplit(
      weights: state.weights, alphas: state.alphas, isStopRequested: isStopRequested)
    guard validation.loss.isFinite else {
      throw Divergence("validation loss \(validation.loss), ‖ω‖ \(state.weights.norm), ‖α‖ \(state.alphas.norm)")
    }
    return EpochMeasurement(
      validation: validation, running: try validateWithRunningStatistics(), eigenvalue: try dominantEigenvalueIfDue(),
      diverged: diverged)
  }

  /// What is measured beside the search must not end it: without a finite loss the cells of the row stay empty.
  private func validateWithRunningStatistics() throws -> BatchLoss? {
    guard configuration.runningValidation else { return nil }
    let result = try problem.evaluateValidationSplit(
      weights: state.weights, alphas: state.alphas, statistics: state.statistics, isStopRequested: isStopRequested)
    guard result.loss.isFinite else {
      training.logger.warning("epoch \(epoch + 1): validation loss \(result.loss) with running statistics")
      return nil
    }
    return result
  }

  package func record(of measured: EpochMeasurement) throws -> EpochRecord {
    let genotype = try space.map { _ in
      try Genotype(
        alphas: state.alphas, operations: configuration.operations, maximumSkips: configuration.maximumSkips)
    }
    if let eigenvalue = measured.eigenvalue, epoch >= configuration.warmup {
      eigenvalueRule?.add(eigenvalue: eigenvalue, alphas: state.alphas)
    }
    state.alphaHistory.append(state.alphas)
    if let genotype { state.genotypes.append(genotype) }
    return makeRecord(of: measured, genotype: genotype)
  }

  package func account(of record: EpochRecord) -> String {
    "training loss \(String(format: "%.4f", record.trainingLoss)), "
      + "validation loss \(String(format: "%.4f", record.validationLoss)), "
      + "accuracy \(String(format: "%.2f", 100 * record.validationAccuracy)) %"
  }

  /// The largest eigenvalue of ∇²_α L_val on the first batches of the validation split, the same in every epoch. A rule that
  /// follows eigenvalues takes its first one after the first epoch in which α moves, as the code of RobustDARTS does.
  ///
  /// - Throws: as `ArchitectureHessian.product` does.
  func dominantEigenvalueIfDue() throws -> Double? {
    let every = configuration.eigenvalueEvery
    let first = eigenvalueRule == nil ? every - 1 : configuration.warmup
    guard every > 0, (epoch - first).isMultiple(of: every) else { return nil }
    let count = min(configuration.eigenvalueBatches, problem.validationSplitCount)
    let batches = try (0..<count).map(problem.validationSplitBatch)
    let hessian = ArchitectureHessian(
      problem: problem, weights: state.weights, alphas: state.alphas, batches: batches,
      products: configuration.hessian.products(), isStopRequested: isStopRequested)
    let largest = try hessian.dominantEigenvalue(seed: configuration.seed, epoch: epoch).largest
    if let asymmetry = hessian.asymmetry?.relative, asymmetry > ProductAsymmetry.doubtful {
      training.logger.warning(
        "epoch \(epoch + 1): the Hessian of the dominant eigenvalue is partly noise: asymmetry \(Float(asymmetry))")
    }
    return largest
  }

  /// - Returns: how many architectures diverged.
  private func closeEpoch() throws -> Int {
    var end = EpochEnd(
      weights: state.weights, seed: configuration.seed, epoch: epoch, steps: problem.stepsPerEpoch,
      isStopRequested: isStopRequested)
    if let crew {
      end.evaluate = { [weights = state.weights, isStopRequested] in
        try crew.validationSplitLosses(of: $0, weights: weights, isStopRequested: isStopRequested)
      }
    }
    let diverged = try optimiser.finishEpoch(&state.alphas, at: end)
    if diverged > 0 {
      training.logger.warning("\(training.place(of: self)): \(diverged) architectures diverged and do not count")
    }
    return diverged
  }

  private func makeRecord(of measured: EpochMeasurement, genotype: Genotype?) -> EpochRecord {
    let tally = training.course.tally
    let samples = configuration.method.takes("sigma") && tally.alphaUpdates > 0
    func mean(_ total: Double, of count: Int) -> Double? { count > 0 ? total / Double(count) : nil }
    var record = EpochRecord()
    record.epoch = epoch + 1
    record.trainingLoss = mean(tally.trainingLoss, of: tally.count) ?? .nan
    record.trainingAccuracy = mean(Double(tally.correct), of: tally.count) ?? .nan
    record.validationLoss = measured.validation.loss
    record.validationAccuracy = measured.validation.accuracy
    record.runningValidationLoss = measured.running?.loss
    record.runningValidationAccuracy = measured.running?.accuracy
    record.learningRate = schedules.learningRate(epoch: epoch)
    record.sigma = samples ? schedules.sigma(epoch: epoch) : nil
    record.effectiveSampleSize = mean(tally.effectiveSampleSize, of: tally.weightedUpdates)
    record.normalEntropy = state.alphas.matrices[0].meanEntropy
    record.reduceEntropy = state.alphas.matrices.dropFirst().last?.meanEntropy
    record.alphaNorm = state.alphas.norm
    record.alphaUpdates = tally.alphaUpdates
    record.acceptedUpdates = tally.acceptedUpdates
    record.baselineLoss = mean(tally.baselineLoss, of: tally.comparedUpdates)
    record.alphaGradientNorm = mean(tally.alphaGradientNorm, of: tally.guidedUpdates)
    record.alphaUpdateNorm = mean(tally.alphaUpdateNorm, of: tally.alphaUpdates)
    record.divergedCandidates = tally.divergedCandidates + measured.diverged
    record.skipConnections = genotype?.skipConnectionCount
    record.reduceSkipConnections = genotype?.reduceSkipConnectionCount
    record.gradientNorm = mean(tally.gradientNorm, of: tally.weightSteps) ?? .nan
    record.weightSteps = weightSteps
    record.dominantEigenvalue = measured.eigenvalue
    record.seconds = tally.seconds
    addRound(to: &record)
    return record
  }
}
