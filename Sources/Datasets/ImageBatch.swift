/// Normalised images with their labels.
public struct ImageBatch: Equatable, Sendable {
  /// Row-major [count, channels, height, width].
  public let images: [Float]
  /// Class of each image.
  public let labels: [Int32]
  public let channels: Int
  public let height: Int
  public let width: Int
  /// The key from which the `noise` operation of space s4 draws; fixed by seed, split, epoch and step.
  public let noiseKey: UInt64
  /// The rate at which skip connections drop values on this batch, with masks keyed by `noiseKey`; 0 for none. Only networks
  /// that are built with dropout take notice.
  public var skipDropout = 0.0
  /// The probability with which an image drops an edge of a cell, drawn from `noiseKey`; 0 for none. Only supernets that are built
  /// with paths take notice, in passes that normalise with the batch's own statistics.
  public var dropPath = 0.0

  public var count: Int { labels.count }

  public init(images: [Float], labels: [Int32], channels: Int, height: Int, width: Int, noiseKey: UInt64) {
    precondition(images.count == labels.count * channels * height * width, "a batch has one label an image")
    self.images = images
    self.labels = labels
    self.channels = channels
    self.height = height
    self.width = width
    self.noiseKey = noiseKey
  }
}
