import Formats

/// What a retraining tells TensorBoard. Steps count weight steps from the start of the run.
struct RetrainingEvents {
  private let file: EventFile

  /// - Parameter weightSteps: taken before the run goes on; nil for a new one.
  /// - Throws: `InputError` where the file cannot be made.
  init(folder: OutputFolder, continuingAfter weightSteps: Int?) throws {
    file = try EventFile(in: folder, restartingAt: weightSteps.map { $0 + 1 })
  }

  /// One weight step.
  func add(step: Int, loss: Double, auxiliaryLoss: Double?, gradientNorm: Double) throws {
    var values: [TrainingEvent.Value] = [
      .scalar("step/training_loss", loss), .scalar("step/gradient_norm", gradientNorm),
    ]
    if let auxiliaryLoss { values.append(.scalar("step/auxiliary_loss", auxiliaryLoss)) }
    try file.append(values, step: step)
  }

  /// A finished epoch.
  func add(_ record: RetrainingRecord) throws {
    let measured: [(String, Double?)] = [
      ("loss/training", record.trainingLoss), ("loss/auxiliary", record.auxiliaryLoss), ("loss/test", record.testLoss),
      ("accuracy/training", record.trainingAccuracy), ("accuracy/test", record.testAccuracy),
      ("schedule/learning_rate", record.learningRate), ("schedule/drop_path", record.dropPath),
    ]
    try file.append(measured.compactMap { tag, value in value.map { .scalar(tag, $0) } }, step: record.weightSteps)
    try file.synchronise()
  }
}
