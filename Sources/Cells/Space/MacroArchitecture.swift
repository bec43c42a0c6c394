import Formats

/// How cells make up a network.
public enum MacroArchitecture: Hashable, Sendable {
  /// The DARTS family: a row of cells, each of which reads the two before it through preprocessing convolutions; those at ⌊L/3⌋
  /// and ⌊2L/3⌋ are of the second kind, halve the resolution and double the channels (Liu et al., ICLR 2019, §2.1).
  case reductions
  /// Stages of as many cells each, one kind of cell, which reads the cell before it alone; a residual block between two
  /// stages halves the resolution and doubles the channels (Dong and Yang, NAS-Bench-201, ICLR 2020, §2.1).
  case residualStages(count: Int)

  /// Whether a cell of a network of `layers` halves the resolution.
  public func isReduction(_ index: Int, layers: Int) -> Bool {
    switch self {
    case .reductions: index == layers / 3 || index == 2 * layers / 3
    case .residualStages: false
    }
  }

  /// - Throws: `InputError` for a number of cells, blocks between them not counted, that no such network has.
  package func requireLayers(_ layers: Int) throws {
    try SupernetArchitecture.layerCounts.require(layers, at: .setting("layers"), "unsupported size")
    if case .residualStages(let count) = self {
      try InputError.require(
        layers.isMultiple(of: count), "layers", layers, "a multiple of \(count): \(count) stages of as many cells",
        "unsupported size")
    }
  }

  /// Cells and channels of the supernet that is searched in the paper of the space.
  public var searchSize: (channels: Int, layers: Int) {
    switch self {
    case .reductions: (16, 8)
    case .residualStages: (16, 15)
    }
  }

  /// Channels and cells of the network that is retrained on CIFAR in the paper of the space.
  public var retrainingSize: (channels: Int, layers: Int) {
    switch self {
    case .reductions: (36, 20)
    case .residualStages: (16, 15)
    }
  }

  /// Whether networks can have a second classifier while they train.
  public var hasAuxiliaryHead: Bool { self == .reductions }

  /// Whether its cells can compute an operation.
  public func takes(_ operation: CellOperation) -> Bool {
    switch (self, operation.form) {
    case (.reductions, .dense), (.residualStages, .depthwise), (.residualStages, .noise),
      (.residualStages, .pool(.maximum)):
      false
    default: true
    }
  }

  /// The kind of a cell, as a place in the space's kinds.
  public func kind(ofCell index: Int, layers: Int) -> Int { isReduction(index, layers: layers) ? 1 : 0 }
}
