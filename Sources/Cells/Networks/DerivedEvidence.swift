/// What the names and shapes of a file's tensors say about the derived network that they are of.
///
/// The names are those of the public `NetworkCIFAR` and `NetworkImageNet` (DARTS, cnn/model.py, lines 111–213, commit f276dd3) and,
/// for NAS-Bench-201, of its networks of one architecture. Which operations there are the genotype says; tensors only tell
/// whether it fits.
public struct DerivedEvidence: Equatable, Sendable {
  public let scale: DerivedArchitecture.Scale
  /// How its cells make up the network.
  public let macroArchitecture: MacroArchitecture
  /// C; nil without a stem.
  public let channels: Int?
  /// Cells; nil where there is none.
  public let layers: Int?
  /// nil without a classifier.
  public let classes: Int?
  /// Whether there is an auxiliary head.
  public let hasAuxiliaryHead: Bool

  /// What stands before the names of the auxiliary head.
  public static let auxiliaryPrefix = "auxiliary_head."

  /// - Parameter shapes: of all tensors, by name.
  /// - Returns: nil for tensors of no derived network, such as those of a supernet: its batch norms between cells have neither scale
  ///   nor shift (DARTS, §3.1), and its edges have several operations.
  public init?(shapes: [String: [Int]]) {
    hasAuxiliaryHead = shapes.keys.contains { $0.hasPrefix(Self.auxiliaryPrefix) }
    classes = shapes["classifier.bias"]?.first
    let blocks = shapes.keys.compactMap { Self.cell(of: $0, where: { $0 == "conv_a" }) }
    let hasEdges = shapes.keys.contains { Self.cell(of: $0, where: { $0 == "edges" }) != nil }
    if let first = blocks.min() {
      // A residual block stands between stages, so that the first has as many cells before it as every stage has.
      guard !hasEdges else { return nil }
      macroArchitecture = .residualStages(count: Set(blocks).count + 1)
      (scale, channels, layers) = (.cifar, shapes["stem.0.weight"]?.first, first * (Set(blocks).count + 1))
      return
    }
    let cells = shapes.keys.compactMap { Self.cell(of: $0, where: { $0 == "preprocess1" }) }
    guard let last = cells.max(), shapes["cells.0.preprocess1.op.2.weight"] != nil else { return nil }
    macroArchitecture = .reductions
    layers = last + 1
    if let stem = shapes["stem0.3.weight"]?.first {
      (scale, channels) = (.imagenet, stem)
    } else {
      let stem = shapes["stem.0.weight"]?.first
      (scale, channels) = (.cifar, stem.flatMap { $0.isMultiple(of: 3) ? $0 / 3 : nil })
    }
  }

  /// In words: "a derived network of the cifar kind, 16 channels, 8 cells, 10 classes, auxiliary head".
  public var text: String {
    var parts = ["a derived network of the \(scale.rawValue) kind"]
    if let channels { parts.append("\(channels) channels") }
    if let layers { parts.append("\(layers) cells") }
    if let classes { parts.append("\(classes) classes") }
    if hasAuxiliaryHead { parts.append("auxiliary head") }
    return parts.joined(separator: ", ")
  }

  /// The cell that a tensor is of where a part of it is one that is looked for.
  private static func cell(of name: String, where isWanted: (Substring) -> Bool) -> Int? {
    let parts = name.split(separator: ".", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == "cells", isWanted(parts[2]), let cell = Int(parts[1]), (0..<1 << 16).contains(cell)
    else { return nil }
    return cell
  }
}
