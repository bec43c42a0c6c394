/// How cells make up a network.
public enum MacroArchitecture: Hashable, Sendable {
  /// The DARTS family: a row of cells, each of which reads the two before it through preprocessing convolutions; those at ⌊L/3⌋
  /// and ⌊2L/3⌋ are of the second kind, halve the resolution and double the channels (Liu et al., ICLR 2019, §2.1).
  case reductions

  /// Whether a cell of a network of `layers` halves the resolution.
  public func isReduction(_ index: Int, layers: Int) -> Bool { index == layers / 3 || index == 2 * layers / 3 }

  /// The kind of a cell, as a place in the space's kinds.
  public func kind(ofCell index: Int, layers: Int) -> Int { isReduction(index, layers: layers) ? 1 : 0 }
}
