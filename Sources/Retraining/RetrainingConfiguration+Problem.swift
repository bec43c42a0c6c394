import Cells
import Compute
import Datasets
import Engine
import Formats
import Problems

extension RetrainingConfiguration {
  /// The network of the genotype on images of a dataset.
  ///
  /// - Parameter hasAuxiliaryHead: nil for what the settings say.
  /// - Throws: `InputError` for a network that cannot be built.
  package func architecture(on dataset: ImageDataset, hasAuxiliaryHead: Bool? = nil) throws -> DerivedArchitecture {
    try DerivedArchitecture(
      genotype: Genotype(parsing: genotype), scale: scale, channels: channels, layers: layers, classes: dataset.classes,
      imageSize: dataset.side, hasAuxiliaryHead: hasAuxiliaryHead ?? auxiliary)
  }

  /// The batches of the training.
  ///
  /// - Throws: `InputError` for data that cannot be used so.
  package func loader(on dataset: ImageDataset) throws -> RetrainingLoader {
    var augmentation = dataset.augmentation
    augmentation.cutoutLength = cutout > 0 ? cutout : nil
    return try RetrainingLoader(
      dataset: dataset, seed: seed, batchSize: batch, trainLimit: trainLimit, testLimit: testLimit, holdsOut: holdOut,
      split: split, augmentation: augmentation, threads: threads)
  }

  /// Threads that share a batch.
  package var threadCount: Int { threads > 0 ? threads : AvailableProcessors.count }

  /// The trained network as a problem of its weights.
  ///
  /// - Parameters:
  ///   - epoch: whose regularisation (dropped paths, auxiliary head, label smoothing) L_train has, counted from 0; nil for the plain
  ///     cross-entropy, of a network without auxiliary head.
  ///   - kernels: the set that the program has chosen; nil for the one that `Kernels.select` chooses.
  /// - Throws: `InputError` for a network that cannot be built and for data that cannot be used so.
  package func problem(
    on dataset: ImageDataset, regularisedAsIn epoch: Int? = nil, kernels: KernelSet? = nil
  ) throws -> DerivedProblem {
    try DerivedProblem(
      architecture: architecture(on: dataset, hasAuxiliaryHead: epoch == nil ? false : nil), loader: loader(on: dataset),
      seed: seed, threads: threadCount,
      regularisation: epoch.map {
        DerivedModel.Regularisation(
          dropPath: dropPath(epoch: $0), auxiliaryWeight: auxiliaryWeight, labelSmoothing: labelSmoothing)
      }, initialisation: weightInitialisation, engine: engine, kernels: kernels)
  }
}
