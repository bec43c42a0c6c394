import Datasets
import Problems

extension SearchConfiguration {
  /// The rates of dropped edges and of cutout, epoch by epoch; of a search in stages each stage has its own.
  public var regularisation: RampedRegularisation {
    RampedRegularisation(
      dropPath: dropPath, cutoutProbability: cutoutProbability, rampsCutout: rampsCutout, epochs: epochs)
  }

  /// What is done to images of training batches and of the validation batches of updates; nil for what is usual with the dataset,
  /// as it is of images that are used as they are.
  public func augmentation(of dataset: ImageDataset) -> Augmentation? {
    guard cutout > 0, dataset.isAugmentable else { return nil }
    var augmentation = dataset.augmentation
    augmentation.cutoutLength = cutout
    return augmentation
  }
}
