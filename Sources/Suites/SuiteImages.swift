import Datasets
import Retraining
import Search

/// How many images a dataset has: what the number of steps follows from.
public struct SuiteImages: Equatable, Sendable {
  public var training: Int
  /// Of a validation split of its own; nil where the training images are halved.
  public var validation: Int?
  public var test: Int
  /// Height and width.
  public var side: Int

  public init(training: Int, validation: Int? = nil, test: Int, side: Int = 32) {
    (self.training, self.validation, self.test, self.side) = (training, validation, test, side)
  }

  public init(of data: ImageDataset) {
    self.init(
      training: data.training.count, validation: data.validation?.count, test: data.test?.count ?? 0, side: data.side)
  }

  /// Of a published dataset, which need not be there; nil where every such dataset has its own number.
  public init?(published name: String) {
    guard let specification = try? DatasetSpecification(parsing: name), let counts = specification.publishedCounts else {
      return nil
    }
    self.init(training: counts.training, test: counts.test, side: specification.isOfHalfSide ? 16 : 32)
  }

  /// Images that one half, and the other, has of so many; a validation split is used as it is.
  private func halves(limit: Int?) -> (training: Int, validation: Int) {
    if let validation { return (training, validation) }
    let count = min(limit ?? training, training)
    return (count / 2, count - count / 2)
  }

  /// Weight steps of an epoch and passes over batches that an epoch ends with.
  package func search(_ settings: SearchConfiguration) -> (steps: Int, passes: Int) {
    let halves = halves(limit: settings.trainLimit)
    let passes = Self.batches(halves.validation, settings.batch) * (settings.runningValidation ? 2 : 1)
    return (max(1, halves.training / settings.batch), passes)
  }

  /// Weight steps of an epoch, and passes over batches of a test, of a retraining on all images, or on one half.
  package func retraining(_ settings: RetrainingConfiguration, holdOut: Bool) -> (steps: Int, passes: Int) {
    let halves = halves(limit: settings.trainLimit)
    let count = holdOut ? halves.training : min(settings.trainLimit ?? training, training)
    let tested = min(settings.testLimit ?? .max, holdOut ? halves.validation : test)
    return (max(1, Self.batches(count, settings.batch)), Self.batches(tested, settings.batch))
  }

  /// Images that a short training of these settings is judged by.
  func heldOut(_ settings: RetrainingConfiguration) -> Int { halves(limit: settings.trainLimit).validation }

  private static func batches(_ images: Int, _ size: Int) -> Int { (images + size - 1) / max(1, size) }
}
