import Foundation
import Problems
import Runs

/// What a retraining does at the end of an epoch.
extension RetrainingRun {
  /// Loss and accuracies on the images that are reported on: the test split, or held-out training images.
  package struct Test {
    let loss: Double
    let accuracy: Double
    /// nil where there are too few classes.
    let top5: Double?
  }

  /// Tests with running statistics; nil where the epoch is not tested or there are no images to report on.
  package func measure() throws -> Test? {
    guard isTested(training.course.epoch), !loader.testMembers.isEmpty else { return nil }
    let classes = loader.dataset.classes
    var tally = SplitTally(countsTopFive: classes >= TopCount.fewestClasses)
    let split = loader.testSplit
    for index in 0..<split.count {
      if training.stop.isRequested { throw CancellationError() }
      let batch = try split[index]
      let result = model.evaluate(weights: state.weights, statistics: state.statistics, batch: batch)
      tally.add(
        BatchLoss(loss: result.loss, correct: result.correct, count: batch.count), labels: batch.labels, classes: classes
      ) { model.lastLogits(count: batch.count) }
    }
    return Test(loss: tally.loss, accuracy: tally.accuracy, top5: tally.topFive)
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
    if configuration.holdOut {
      (record.validationLoss, record.validationAccuracy, record.validationTop5) = (test?.loss, test?.accuracy, test?.top5)
    } else {
      (record.testLoss, record.testAccuracy, record.testTop5) = (test?.loss, test?.accuracy, test?.top5)
    }
    record.learningRate = configuration.learningRate(epoch: epoch)
    record.dropPath = configuration.dropPath(epoch: epoch)
    record.gradientNorm = tally.gradientNorm / Double(max(1, tally.steps))
    record.weightSteps = training.weightSteps(of: self)
    record.seconds = tally.seconds
    return record
  }

  package func account(of record: RetrainingRecord) -> String {
    let test = record.reported.map { report in
      let top5 = report.top5.map { String(format: ", top-5 %.2f %%", 100 * $0) } ?? ""
      return String(format: ", \(report.split) accuracy %.2f %%", 100 * report.accuracy) + top5
        + String(format: ", \(report.split) loss %.4f", report.loss)
    }
    return "training loss \(String(format: "%.4f", record.trainingLoss)), "
      + "accuracy \(String(format: "%.2f", 100 * record.trainingAccuracy)) %\(test ?? "")"
  }
}
