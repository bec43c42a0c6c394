import Compute
import Formats

/// The shape of a supernet: DARTS' search network of `layers` cells (Liu et al., ICLR 2019, §3.1).
public struct SupernetArchitecture: Hashable, Sendable {
  public let space: SearchSpace
  /// Counts that the engine takes, in supernets and derived networks alike.
  public static let channelCounts = CountBounds(4...1024, multipleOf: 4)
  public static let layerCounts = CountBounds(3...200)
  public static let classCounts = CountBounds(2...1_000_000)
  public static let imageSizes = CountBounds(8...2048, multipleOf: 4)

  /// C, channels of the first cells' nodes; doubled at each reduction. A multiple of 4.
  public let channels: Int
  /// Number of cells, at least 3; in stages, a multiple of their number, the blocks between them not counted.
  public let layers: Int
  public let classes: Int
  /// Height and width of the images, as the variant's scale takes them: a multiple of 4, or of 32 for ImageNet.
  public let imageSize: Int
  /// Stem, partial channels, edge normalisation, dropped skip connections, merged convolutions, auxiliary skip connections.
  public let variant: SupernetVariant

  /// The candidate operations of each edge.
  public var operations: EdgeOperations { variant.operations ?? space.operations }

  /// - Throws: `InputError` naming the value and what would be right.
  public init(
    space: SearchSpace, channels: Int, layers: Int, classes: Int = 10, imageSize: Int = 32,
    variant: SupernetVariant = SupernetVariant()
  ) throws {
    try variant.scale.require(channels: channels)
    try space.macroArchitecture.requireLayers(layers)
    try Self.classCounts.require(classes, at: .setting("classes"), "unsupported size")
    try Self.imageSizes.require(imageSize, at: .setting("image_size"), "unsupported size")
    try InputError.require(
      variant.scale.imageSizes.contains(imageSize), "image_size", imageSize,
      "\(variant.scale.imageSizes.wanted), for the \(variant.scale.rawValue) network", "unsupported size")
    let ways = variant.partialChannels
    // Half of the channels that operations see are the outputs of each convolution of a factorised reduction.
    try InputError.require(
      ways == 1 || 1 < ways && ways <= channels && channels % (2 * ways) == 0, "partial_channels", ways,
      "1, or a number of which the channels, \(channels), are an even multiple", "unsupported size")
    // Both weigh what batch norm would take away again: the edge, or copies of a kernel that share one block.
    if variant.mergedConvolutions, ways > 1 || variant.edgeNormalisation {
      throw InputError(
        "variants that do not go together", at: .setting("merged_convolutions"),
        found: ways > 1 ? "\(ways) partial channels" : "edge normalisation", wanted: "all channels and no edge normalisation"
      )
    }
    // No published network has both, and so no names for the tensors of such an edge.
    if variant.mergedConvolutions, variant.auxiliarySkip {
      throw InputError(
        "variants that do not go together", at: .setting("merged_convolutions"), found: "auxiliary skip connections",
        wanted: "one of the two")
    }
    if space.macroArchitecture != .reductions,
      ways > 1 || variant.edgeNormalisation || variant.skipDropout || variant.mergedConvolutions || variant.scale != .cifar
    {
      throw InputError(
        "variant of another network", at: "space \(space.rawValue)",
        found: "partial channels, edge normalisation, dropped skip connections, merged convolutions or scale imagenet",
        wanted: "none of them, or a space of the DARTS family")
    }
    self.variant = variant
    self.space = space
    self.channels = channels
    self.layers = layers
    self.classes = classes
    self.imageSize = imageSize
  }

  /// Whether cell `index` halves the resolution: at ⌊L/3⌋ and ⌊2L/3⌋.
  public func isReduction(_ index: Int) -> Bool { space.macroArchitecture.isReduction(index, layers: layers) }

  /// The kind of cell `index`, as a place in the space's kinds.
  public func kind(ofCell index: Int) -> Int { space.macroArchitecture.kind(ofCell: index, layers: layers) }
}
