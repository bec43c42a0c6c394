import Foundation
import Runs

/// What a retraining does at the end of an epoch.
extension RetrainingRun {
  /// Loss and accuracy on the test split; nil where the epoch is not tested or there are no test images.
  package struct Test {
    let loss: Double
    let accuracy: Double
  }

  /// Tests with running statistics.
  package func measure() throws -> Test? {
    guard isTested(training.course.epoch), !loader.testMembers.isEmpty else { return nil }
    var (loss, correct) = (0.0, 0)
    let split = loader.testSplit
    for index in 0..<split.count {
      if training.stop.isRequested { throw CancellationError() }
      let batch = try split[index]
      let result = model.evaluate(weights: state.weights, statistics: state.statistics, batch: batch)
      loss += result.loss * Double(batch.count)
      correct += result.correct
    }
    let count = Double(loader.testMembers.count)
    return Test(loss: loss / count, accuracy: Double(correct) / count)
  }

  private func isTested(_ epoch: Int) -> Bool {
    (epoch + 1).isMultiple(of: configuration.testEvery) || epoch + 1 == configuration.epochs
  }

  package func record(of test: Test?) -> RetrainingRecord {
    let (epoch, tally) = (training.course.epoch, training.course.tally)
    let count = Double(max(1, tally.count))
    var record = RetrainingRecord()
    record.epoch = epoch + 1
    record.trainingLoss = tally.trainingLoss / count
    record.trainingAccuracy = Double(tally.correct) / count
    record.auxiliaryLoss = configuration.auxiliary ? tally.auxiliaryLoss / count : nil
    record.testLoss = test?.loss
    record.testAccuracy = test?.accuracy
    record.learningRate = configuration.learningRate(epoch: epoch)
    record.dropPath = configuration.dropPath(epoch: epoch)
    record.gradientNorm = tally.gradientNorm / Double(max(1, tally.steps))
    record.weightSteps = training.weightSteps(of: self)
    record.seconds = tally.seconds
    return record
  }

  package func account(of record: RetrainingRecord) -> String {
    let test = record.testAccuracy.flatMap { accuracy in
      record.testLoss.map { String(format: ", test accuracy %.2f %%, test loss %.4f", 100 * accuracy, $0) }
    }
    return "training loss \(String(format: "%.4f", record.trainingLoss)), "
      + "accuracy \(String(format: "%.2f", 100 * record.trainingAccuracy)) %\(test ?? "")"
  }
}
