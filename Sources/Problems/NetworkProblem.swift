import Compute
import Datasets
import Engine
import Formats

/// A problem of a network on images. Commands ask it what a copy takes and make copies, which work side by side on the same batches.
public protocol NetworkProblem: BilevelProblem where Batch == ImageBatch {
  var network: any NetworkModel { get }
  /// Classes of the images.
  var classes: Int { get }
  /// Bytes of the images of a training batch.
  var batchBytes: Int { get }
  /// The images that a loss of the network is reported on where nobody says otherwise.
  var reportedSplit: DataSplit { get }

  /// The same problem, batches included, on a network of its own.
  ///
  /// - Parameter threads: threads that share a batch; no result depends on their number.
  /// - Throws: what the engine throws where it cannot lay the network out.
  func copy(threads: Int) throws -> Self
  /// Makes room for exact products with ∇²_α L, which `network.activationBytes` then counts; nothing where there is no α.
  ///
  /// - Throws: `MemoryShortage` where that needs more memory than there is.
  func prepareHessianProducts() throws
}

extension NetworkProblem {
  /// Bytes of so many images of a dataset as a batch holds them.
  static func bytes(images: Int, of dataset: ImageDataset) -> Int {
    .saturatingProduct(images, ImageDataset.channels * dataset.side * dataset.side, MemoryLayout<Float>.stride)
  }
}

extension SupernetProblem: NetworkProblem {
  public var network: any NetworkModel { model }
  public var classes: Int { loader.dataset.classes }
  public var batchBytes: Int {
    Self.bytes(images: min(loader.batchSize, max(1, loader.trainingMembers.count)), of: loader.dataset)
  }
  public var reportedSplit: DataSplit { .validation }
  public func prepareHessianProducts() throws { try model.prepareHessianProducts() }
}
