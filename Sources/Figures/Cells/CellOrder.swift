/// Orders of the rows in which few lines cross.
struct CellOrder {
  private let links: [[(upper: Int, lower: Int)]]
  private let upper: [[Int]]
  private let lower: [[Int]]
  private let start: CellRows

  private static let starts = 24
  private static let sweeps = 12

  init(_ rows: CellRows) {
    start = rows
    var links = [[(upper: Int, lower: Int)]](repeating: [], count: rows.rows.count)
    var upper = [[Int]](repeating: [], count: rows.items.count)
    var lower = upper
    for link in rows.links {
      links[rows.items[link.upper].row].append((link.upper, link.lower))
      upper[link.lower].append(link.upper)
      lower[link.upper].append(link.lower)
    }
    (self.links, self.upper, self.lower) = (links, upper, lower)
  }

  /// The orders with the fewest crossings that were found, each once: median sweeps and exchanges of neighbours from
  /// several starts. The first row keeps its order, which only chooses between a layout and its mirror image.
  func best() -> [CellRows] {
    var found: [[[Int]]] = []
    var fewest = Int.max
    for attempt in 0..<Self.starts {
      var rows = start.rows
      for index in rows.indices.dropFirst() where attempt > 0 {
        // Any fixed mixing does: it only has to start elsewhere each time.
        rows[index].sort { ($0 * 37 + 11) * (2 * attempt + 1) % 61 < ($1 * 37 + 11) * (2 * attempt + 1) % 61 }
      }
      for sweep in 0..<Self.sweeps {
        sortByNeighbours(&rows, downwards: sweep.isMultiple(of: 2))
        exchange(&rows)
        let count = crossings(rows)
        if count < fewest { (fewest, found) = (count, []) }
        if count == fewest, !found.contains(rows) { found.append(rows) }
      }
    }
    return found.map { rows in
      var result = start
      result.rows = rows
      return result
    }
  }

  private func places(_ rows: [[Int]]) -> [Int] {
    var place = [Int](repeating: 0, count: start.items.count)
    for row in rows { for (index, item) in row.enumerated() { place[item] = index } }
    return place
  }

  func crossings(_ rows: [[Int]]) -> Int {
    let place = places(rows)
    return links.reduce(0) { sum, gap in
      sum
        + gap.indices.reduce(0) { inner, a in
          inner
            + gap[(a + 1)...].count { b in
              (place[gap[a].upper] - place[b.upper]) * (place[gap[a].lower] - place[b.lower]) < 0
            }
        }
    }
  }

  private func sortByNeighbours(_ rows: inout [[Int]], downwards: Bool) {
    var place = places(rows)
    for index in downwards ? Array(rows.indices.dropFirst()) : Array(rows.indices.dropFirst().dropLast().reversed()) {
      let keys = rows[index].map { item -> Double in
        let neighbours = (downwards ? upper : lower)[item].map { place[$0] }.sorted()
        guard !neighbours.isEmpty else { return Double(place[item]) }
        return Double(neighbours[(neighbours.count - 1) / 2] + neighbours[neighbours.count / 2]) / 2
      }
      let order = rows[index].indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
      rows[index] = order.map { rows[index][$0] }
      for (position, item) in rows[index].enumerated() { place[item] = position }
    }
  }

  /// Exchanges neighbours as long as fewer lines cross for it.
  private func exchange(_ rows: inout [[Int]]) {
    var place = places(rows)
    func pairs(_ left: [Int], _ right: [Int]) -> Int {
      left.reduce(0) { sum, a in sum + right.count { place[a] > place[$0] } }
    }
    var isImproving = true
    while isImproving {
      isImproving = false
      for index in rows.indices.dropFirst() {
        for position in rows[index].indices.dropLast() {
          let (a, b) = (rows[index][position], rows[index][position + 1])
          let now = pairs(upper[a], upper[b]) + pairs(lower[a], lower[b])
          let then = pairs(upper[b], upper[a]) + pairs(lower[b], lower[a])
          guard then < now else { continue }
          rows[index].swapAt(position, position + 1)
          (place[a], place[b]) = (position + 1, position)
          isImproving = true
        }
      }
    }
  }
}
