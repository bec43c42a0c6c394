/// The shape of a supernet: DARTS' search network of `layers` cells (Liu et al., ICLR 2019, §3.1).
public struct SupernetArchitecture: Hashable, Sendable {
  public let space: SearchSpace
  /// C, channels of the first cells' nodes; doubled at each reduction. A multiple of 4.
  public let channels: Int
  /// Number of cells, at least 3.
  public let layers: Int
  public let classes: Int
  /// Height and width of the images, a multiple of 4.
  public let imageSize: Int
  /// Partial channels, edge normalisation, dropped skip connections, merged convolutions.
  public let variant: SupernetVariant

  /// The candidate operations of each edge.
  public var operations: EdgeOperations { variant.operations ?? space.operations }

  /// - Throws: `SupernetError` naming the value and what would be right.
  public init(
    space: SearchSpace, channels: Int, layers: Int, classes: Int = 10, imageSize: Int = 32,
    variant: SupernetVariant = SupernetVariant()
  ) throws {
    func require(_ condition: Bool, _ what: String, _ found: Int, _ wanted: String) throws {
      if !condition { throw SupernetError("unsupported size", at: what, found: "\(found)", wanted: wanted) }
    }
    try require(
      channels >= 4 && channels % 4 == 0 && channels <= 1024, "channels", channels, "a multiple of 4 from 4 to 1024")
    try require(layers >= 3 && layers <= 64, "layers", layers, "3 to 64 cells")
    try require(classes >= 2, "classes", classes, "at least 2")
    try require(imageSize >= 8 && imageSize % 4 == 0, "image size", imageSize, "a multiple of 4, at least 8")
    let ways = variant.partialChannels
    // Half of the channels that operations see are the outputs of each convolution of a factorised reduction.
    try require(
      ways >= 1 && channels % (2 * ways) == 0 || ways == 1, "partial channels", ways,
      "1, or a number of which the channels, \(channels), are an even multiple")
    // Both weigh what batch norm would take away again: the edge, or copies of a kernel that share one block.
    if variant.mergedConvolutions, ways > 1 || variant.edgeNormalisation {
      throw SupernetError(
        "variants that do not go together", at: "merged convolutions",
        found: ways > 1 ? "\(ways) partial channels" : "edge normalisation",
        wanted: "all channels and no edge normalisation")
    }
    self.variant = variant
    self.space = space
    self.channels = channels
    self.layers = layers
    self.classes = classes
    self.imageSize = imageSize
  }

  /// Whether cell `index` halves the resolution: at ⌊L/3⌋ and ⌊2L/3⌋.
  public func isReduction(_ index: Int) -> Bool { index == layers / 3 || index == 2 * layers / 3 }
}
