import Compute

/// Where the running statistics of each declared batch norm live in the statistics vector: mean, then variance, padded to
/// lanes.
package struct StatisticsLayout {
  struct Entry {
    let norm: NetworkTensors.Norm
    let offset: Int
    /// From the mean of a channel to its variance.
    let lanes: Int
  }

  private let declared: [NetworkTensors.Norm]
  private let indices: [String: Int]
  private var places: [Entry?]
  private(set) var count = 0

  package init(_ declared: [NetworkTensors.Norm]) {
    self.declared = declared
    indices = Dictionary(declared.enumerated().map { ($1.names[0], $0) }) { first, _ in first }
    places = declared.map { _ in nil }
  }

  /// The batch norms in the order in which they are declared, once all are placed.
  var entries: [Entry] { places.compactMap { $0 } }

  /// What is wrong with placing a batch norm, or nil.
  package func fault(placing names: [String], channels: Int) -> String? {
    guard let name = names.first, let index = indices[name] else {
      return "batch norm \(names.first ?? "without a name") is placed and not declared"
    }
    if places[index] != nil { return "batch norm \(name) is placed twice" }
    let norm = declared[index]
    if norm.names != names { return "batch norm \(name) is declared as \(norm.names) and placed as \(names)" }
    return norm.channels == channels
      ? nil : "batch norm \(name) is declared with \(norm.channels) channels and placed with \(channels)"
  }

  /// The first batch norm that is declared and has no place, or nil.
  package var missing: String? { zip(declared, places).first { $0.1 == nil }?.0.names[0] }

  /// Places a batch norm; returns where its storage begins.
  package mutating func place(_ names: [String], channels: Int) -> Int {
    let (base, lanes) = (count, Lanes.padded(channels))
    put(names, channels: channels, at: base, lanes: lanes)
    count += 2 * lanes
    return base
  }

  /// Places batch norms that share one block, each with the lane where its channels begin; returns where the block begins.
  mutating func place(packed members: [(name: String, first: Int)], channels: Int) -> Int {
    let base = count
    for member in members { put([member.name], channels: channels, at: base + member.first, lanes: Lanes.count) }
    count += 2 * Lanes.count
    return base
  }

  private mutating func put(_ names: [String], channels: Int, at offset: Int, lanes: Int) {
    if let fault = fault(placing: names, channels: channels) { preconditionFailure(fault) }
    guard let name = names.first, let index = indices[name] else { return }
    places[index] = Entry(norm: declared[index], offset: offset, lanes: lanes)
  }
}
