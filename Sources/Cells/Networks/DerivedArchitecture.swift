import Compute
import Formats

/// The network that a genotype is retrained as: the DARTS family's evaluation networks (Liu et al., ICLR 2019, §3.2, §A.2).
/// An edge of `none`, which random search can draw, carries nothing, as the operation `Zero` of the public networks.
public struct DerivedArchitecture: Equatable, Sendable {
  /// What the network is built for.
  public typealias Scale = NetworkScale

  public let genotype: Genotype
  public let scale: Scale
  /// C, channels of the first cells' nodes; doubled at each reduction. A multiple of 4.
  public let channels: Int
  /// Number of cells, at least 3; reductions are at ⌊L/3⌋ and ⌊2L/3⌋, or blocks, not counted, between three stages.
  public let layers: Int
  public let classes: Int
  /// Height and width of the images.
  public let imageSize: Int
  /// Whether a second classifier trains on the output of cell ⌊2L/3⌋.
  public let hasAuxiliaryHead: Bool

  /// - Parameter hasAuxiliaryHead: nil for one wherever the kind of network takes it.
  /// - Throws: `InputError` naming the value and what would be right.
  public init(
    genotype: Genotype, scale: Scale = .cifar, channels: Int, layers: Int, classes: Int = 10, imageSize: Int = 32,
    hasAuxiliaryHead: Bool? = nil
  ) throws {
    try scale.require(channels: channels)
    let macro = genotype.macroArchitecture
    let hasAuxiliaryHead = hasAuxiliaryHead ?? macro.hasAuxiliaryHead
    try macro.requireLayers(layers)
    try SupernetArchitecture.classCounts.require(classes, at: .setting("classes"), "unsupported size")
    try InputError.require(
      scale.imageSizes.contains(imageSize), "image_size", imageSize,
      "\(scale.imageSizes.wanted), for the \(scale.rawValue) network", "unsupported size")
    guard macro.hasAuxiliaryHead || scale == .cifar && !hasAuxiliaryHead else {
      throw InputError(
        "network of another space", at: "genotype", found: hasAuxiliaryHead ? "an auxiliary head" : "scale imagenet",
        wanted: "scale cifar and no auxiliary head for a network of stages")
    }
    let auxiliarySide = imageSize / scale.divisor
    let leastSide = Self.auxiliarySide(of: scale)
    try InputError.require(
      !hasAuxiliaryHead || auxiliarySide == leastSide, "image_size", imageSize,
      "\(leastSide * scale.divisor), or no auxiliary head, which is made for features of \(leastSide)×\(leastSide)",
      "unsupported size")
    for cell in genotype.cells {
      for (index, edge) in cell.edges.enumerated() where !macro.takes(edge.operation) {
        throw InputError(
          "operation of another space", at: "genotype, \(cell.kind.name)[\(index)]", found: edge.operation.rawValue,
          wanted: CellOperation.allCases.filter(macro.takes).map(\.rawValue).joined(separator: ", "))
      }
    }
    self.genotype = genotype
    self.scale = scale
    self.channels = channels
    self.layers = layers
    self.classes = classes
    self.imageSize = imageSize
    self.hasAuxiliaryHead = hasAuxiliaryHead
  }

  /// Whether cell `index` halves the resolution.
  public func isReduction(_ index: Int) -> Bool { genotype.macroArchitecture.isReduction(index, layers: layers) }

  /// Side of the features that the auxiliary head is made for: its pool and last convolution take them to one pixel.
  static func auxiliarySide(of scale: Scale) -> Int { scale == .cifar ? 8 : 7 }
}
