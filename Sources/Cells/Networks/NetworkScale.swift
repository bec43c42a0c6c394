import Compute
import Formats

/// The size of the images that a network of the DARTS family is built for, which its first layers go with.
public enum NetworkScale: String, CaseIterable, Sendable {
  /// A stem at full resolution: images of 8 pixels and more, 32 in the papers.
  case cifar
  /// A stem of three convolutions of stride 2, which divide the resolution by eight: images of 64 pixels and more, 224 in the
  /// paper (DARTS, §A.2).
  case imagenet

  /// Height and width of images that the network's resolutions divide, and that leave two pixels a side behind the last reduction.
  public var imageSizes: CountBounds {
    CountBounds(2 * divisor...SupernetArchitecture.imageSizes.range.upperBound, multipleOf: divisor)
  }

  /// What the stem and two reductions divide a side by.
  var divisor: Int { self == .cifar ? 4 : 32 }

  /// Height and width of the images in the papers.
  public var publishedImageSize: Int { self == .cifar ? 32 : 224 }

  /// - Throws: `InputError` for a number of channels that the first layers cannot halve into whole quarters of a block.
  func require(channels: Int) throws {
    try SupernetArchitecture.channelCounts.require(channels, at: .setting("channels"), "unsupported size")
    try InputError.require(
      self == .cifar || channels % 8 == 0, "channels", channels, "a multiple of 8 for the imagenet network",
      "unsupported size")
  }
}
