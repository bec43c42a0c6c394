/// Where the running statistics of each batch norm live in the statistics vector: mean, then variance, padded to lanes.
///
/// Pools of one state share a batch norm in the engine while the public layout names one an edge, so an entry has names.
struct StatisticsLayout {
  struct Entry {
    /// Public prefixes, e.g. `cells.0._ops.3._ops.4.op.3`.
    var names: [String]
    let channels: Int
    let offset: Int
    /// From the mean of a channel to its variance.
    let lanes: Int
    /// Where the storage of the batch norm begins: before `offset` where several public ones share it.
    let base: Int
  }

  private(set) var entries: [Entry] = []
  private(set) var count = 0

  /// Returns the index of the new entry.
  mutating func add(_ name: String, channels: Int) -> Int {
    let entry = Entry(
      names: [name], channels: channels, offset: count, lanes: (channels + 15) / 16 * 16, base: count)
    count += 2 * entry.lanes
    entries.append(entry)
    return entries.count - 1
  }

  /// Batch norms that share one block, each with the lane where its channels begin; returns the index of the first.
  mutating func add(packed members: [(name: String, first: Int)], channels: Int) -> Int {
    for member in members {
      entries.append(
        Entry(names: [member.name], channels: channels, offset: count + member.first, lanes: 16, base: count))
    }
    count += 32
    return entries.count - members.count
  }

  /// Another public name of an entry.
  mutating func alias(_ name: String, of entry: Int) { entries[entry].names.append(name) }
}
