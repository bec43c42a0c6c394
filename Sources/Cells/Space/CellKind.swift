/// A kind of cell of a search space: each has a matrix of α of its own. A kind is known by its name.
public struct CellKind: Sendable {
  /// In names of tensors and columns, and in keys: `normal`, `reduce`.
  public let name: String
  /// In titles and sentences: `Normal cell`, `Reduction cell`.
  public let title: String
  /// In titles of panels: `normal`, `reduction`.
  public let word: String
  /// Of the tensor of its α in the public state_dict.
  public let alphaName: String
  public let topology: CellTopology
  /// How its derived cell follows from α.
  public let derivation: DerivationRule
  /// States whose concatenation is the cell's output.
  public let outputs: [Int]
  /// The networks that it stands in.
  public let macroArchitecture: MacroArchitecture
  /// Of the edges that leave the cell's inputs: 2 where it halves the resolution.
  public let stride: Int

  /// - Parameters:
  ///   - alphaName: `alphas_NAME` where nil.
  ///   - outputs: all nodes where nil.
  public init(
    name: String, title: String, word: String, alphaName: String? = nil, topology: CellTopology,
    derivation: DerivationRule, macroArchitecture: MacroArchitecture = .reductions, outputs: [Int]? = nil, stride: Int = 1
  ) {
    self.name = name
    self.title = title
    self.word = word
    self.alphaName = alphaName ?? "alphas_\(name)"
    self.topology = topology
    self.derivation = derivation
    self.macroArchitecture = macroArchitecture
    self.outputs = outputs ?? Array(topology.nodeStates)
    self.stride = stride
  }

  /// Of the tensor of its β (PC-DARTS).
  public var betaName: String { "betas_\(name)" }
}

extension CellKind: Hashable, CustomStringConvertible {
  public var description: String { name }

  public static func == (a: CellKind, b: CellKind) -> Bool { a.name == b.name }
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension CellKind {
  /// The cell of full resolution of the DARTS family.
  public static let normal = CellKind(
    name: "normal", title: "Normal cell", word: "normal", topology: .darts, derivation: .strongestEdges(perNode: 2))
  /// The cell of the DARTS family that halves the resolution.
  public static let reduce = CellKind(
    name: "reduce", title: "Reduction cell", word: "reduction", topology: .darts,
    derivation: .strongestEdges(perNode: 2), stride: 2)
}

extension [CellKind] {
  /// The kinds of the DARTS family, in the order of α.
  public static let darts: [CellKind] = [.normal, .reduce]
}
