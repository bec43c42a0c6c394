/// A search space: the kinds of cells of its networks, the candidate operations of each edge, and what follows from the
/// choice of a space alone. Each is declared in a file of its own, or with its family, and known by its name.
public struct SearchSpace: RawRepresentable, Sendable {
  /// Its name.
  public let rawValue: String
  /// Kinds of cells and the candidates of all their edges.
  public let operations: EdgeOperations
  /// σ, the standard deviation of the candidates of MGS at the start (ZARTS, §4.1).
  public let defaultSigma: Double

  package init(_ name: String, operations: EdgeOperations, defaultSigma: Double) {
    rawValue = name
    self.operations = operations
    self.defaultSigma = defaultSigma
  }

  /// Spaces beside the declared ones while a task runs: of tests.
  @TaskLocal package static var guests: [SearchSpace] = []

  public init?(rawValue: String) {
    guard let space = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = space
  }
}

extension SearchSpace: Hashable, CaseIterable, Codable, CustomStringConvertible {
  public var description: String { rawValue }

  /// One entry a space or a family of them; its file says the rest.
  private static let declared: [SearchSpace] = robustDARTS + darts + [nb201]

  /// Every space there is.
  public static var allCases: [SearchSpace] { declared + guests }

  public static func == (a: SearchSpace, b: SearchSpace) -> Bool { a.rawValue == b.rawValue }
  public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}

extension SearchSpace {
  /// Kinds of cells, in the order of α.
  public var kinds: [CellKind] { operations.kinds }

  /// How cells make up a network.
  public var macroArchitecture: MacroArchitecture { kinds[0].macroArchitecture }

  /// Candidates of the 14 edges of a normal cell, in the order of the columns of α.
  public var normal: [[CellOperation]] { operations.normal }
  /// Candidates of the 14 edges of a reduction cell.
  public var reduce: [[CellOperation]] { operations.reduce }

  /// Columns of α.
  public var operationsPerEdge: Int { operations.operationsPerEdge }

  /// α of zeros.
  public var zeroAlphas: ArchitectureParameters { operations.zeroAlphas() }

  /// Whether an edge has several convolutions, which can be merged.
  public var hasEdgesOfConvolutions: Bool {
    operations.candidates.joined().contains { edge in edge.count { $0.depthwise != nil } > 1 }
  }
}
