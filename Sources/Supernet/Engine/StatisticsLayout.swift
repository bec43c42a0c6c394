/// Where the running statistics of each batch norm live in the statistics vector: mean, then variance, padded to lanes.
///
/// Pools of one state share a batch norm in the engine while the public layout names one an edge, so an entry has names.
struct StatisticsLayout {
  struct Entry {
    /// Public prefixes, e.g. `cells.0._ops.3._ops.4.op.3`.
    var names: [String]
    let channels: Int
    let offset: Int

    var lanes: Int { (channels + 15) / 16 * 16 }
  }

  private(set) var entries: [Entry] = []
  private(set) var count = 0

  /// Returns the index of the new entry.
  mutating func add(_ name: String, channels: Int) -> Int {
    let entry = Entry(names: [name], channels: channels, offset: count)
    count += 2 * entry.lanes
    entries.append(entry)
    return entries.count - 1
  }

  /// Another public name of an entry.
  mutating func alias(_ name: String, of entry: Int) { entries[entry].names.append(name) }
}
