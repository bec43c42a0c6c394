import Compute
import Datasets

extension PathDrops {
  /// Draws for each path, and of a path for each image, whether it is kept: a function of the batch's key, the number of
  /// paths and the number of images alone.
  ///
  /// - Parameter probability: with which a path of an image is dropped, below 1.
  init(paths: Int, of batch: ImageBatch, probability: Double) {
    var stream = RandomStream(seed: batch.noiseKey, purpose: .dropPath)
    self.init(
      isKept: (0..<paths * batch.count).map { _ in stream.uniform() >= probability }, images: batch.count,
      probability: probability)
  }
}
