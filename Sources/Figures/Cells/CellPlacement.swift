/// Where the items of ordered rows stand: x so that lines run straight and nothing in a row touches, y row by row.
struct CellPlacement {
  let rows: CellRows
  /// Centre of each item.
  private(set) var centres: [Point] = []
  /// Width and height of each item; a point where a line passes has none.
  let sizes: [Size]
  /// Where each link leaves its upper item and reaches its lower one, relative to their centres.
  private(set) var ports: [(upper: Double, lower: Double)] = []
  /// Least and greatest y of each row, between which lines run vertically.
  private(set) var bands: [(top: Double, bottom: Double)] = []
  private(set) var size = Size(width: 0, height: 0)
  /// Σ of squared sideways ways, the width, and nodes out of order: what one layout has over another.
  private(set) var cost = 0.0

  static let arrowLength = 5.5
  static let portDistance = 7.0
  private static let gap = 8.0
  private static let passGap = 7.0
  /// What a sideways way between labels and passes weighs, beside 2 and 1 where states are.
  private static let straightness = 40.0
  private static let sweeps = 300

  init(_ rows: CellRows, sizes: [Size]) {
    self.rows = rows
    self.sizes = sizes
    let links = rows.links
    ports = Self.ports(rows, links)
    let xs = Self.columns(rows, links, ports, sizes)
    let left = rows.items.indices.map { xs[$0] - sizes[$0].width / 2 }.min() ?? 0
    let right = rows.items.indices.map { xs[$0] + sizes[$0].width / 2 }.max() ?? 0
    let ways = links.enumerated().map { index, link in
      xs[link.lower] + ports[index].lower - xs[link.upper] - ports[index].upper
    }
    let states = rows.rows.map { row in
      row.compactMap { if case .state(let state) = rows.items[$0].role { state } else { nil } }
    }
    let inversions = states.reduce(0) { sum, row in
      sum + row.indices.reduce(0) { inner, index in inner + row[(index + 1)...].count { $0 < row[index] } }
    }
    cost = ways.reduce(0) { $0 + $1 * $1 } + 40 * (right - left) + 2000 * Double(inversions)
    var y = 0.0
    for row in rows.rows.indices {
      let height = rows.rows[row].map { sizes[$0].height }.max() ?? 0
      let isTarget = rows.rows[row].contains { item in
        switch rows.items[item].role {
        case .state, .output: true
        case .label, .pass: false
        }
      }
      if row > 0 {
        let longest = links.indices.filter { rows.items[links[$0].lower].row == row }.map { abs(ways[$0]) }.max() ?? 0
        y += min(34, 6 + 0.24 * longest)
        if isTarget { y += Self.arrowLength }
      }
      bands.append((y - (row > 0 && isTarget ? Self.arrowLength + 1 : 0), y + height))
      y += height
    }
    centres = rows.items.indices.map { item in
      let row = rows.items[item].row
      let height = rows.rows[row].map { sizes[$0].height }.max() ?? 0
      return Point(xs[item] - left, bands[row].bottom - height / 2)
    }
    size = Size(width: right - left, height: y)
  }

  /// A state's lines side by side along its edge, in the order of where they lead.
  private static func ports(_ rows: CellRows, _ links: [CellRows.Link]) -> [(upper: Double, lower: Double)] {
    var place = [Int](repeating: 0, count: rows.items.count)
    for row in rows.rows { for (index, item) in row.enumerated() { place[item] = index } }
    var ports = [(upper: Double, lower: Double)](repeating: (0, 0), count: links.count)
    for item in rows.items.indices {
      let down = links.indices.filter { links[$0].upper == item }
        .sorted { (place[links[$0].lower], $0) < (place[links[$1].lower], $1) }
      let up = links.indices.filter { links[$0].lower == item }
        .sorted { (place[links[$0].upper], $0) < (place[links[$1].upper], $1) }
      func port(_ index: Int, of count: Int) -> Double { (Double(index) - Double(count - 1) / 2) * portDistance }
      for (index, link) in down.enumerated() { ports[link].upper = port(index, of: down.count) }
      for (index, link) in up.enumerated() { ports[link].lower = port(index, of: up.count) }
    }
    return ports
  }

  /// Minimises Σ weight · (sideways way)² over all x that keep the rows' distances, row by row until nothing moves.
  private static func columns(
    _ rows: CellRows, _ links: [CellRows.Link], _ ports: [(upper: Double, lower: Double)], _ sizes: [Size]
  ) -> [Double] {
    func isState(_ item: Int) -> Bool {
      switch rows.items[item].role {
      case .state, .output: true
      case .label, .pass: false
      }
    }
    // Long lines should be the straight ones.
    let weights = links.map { link in [straightness, 2, 1][(isState(link.upper) ? 1 : 0) + (isState(link.lower) ? 1 : 0)] }
    var pulls = [[(item: Int, offset: Double, weight: Double)]](repeating: [], count: rows.items.count)
    for (index, link) in links.enumerated() {
      let offset = ports[index].upper - ports[index].lower
      pulls[link.lower].append((link.upper, offset, weights[index]))
      pulls[link.upper].append((link.lower, -offset, weights[index]))
    }
    let distances = rows.rows.map { row -> [Double] in
      [0.0]
        + zip(row, row.dropFirst()).map { a, b in
          let isNarrow = sizes[a].width == 0 || sizes[b].width == 0
          return (sizes[a].width + sizes[b].width) / 2 + (isNarrow ? passGap : gap)
        }
    }
    var xs = [Double](repeating: 0, count: rows.items.count)
    for (row, distance) in zip(rows.rows, distances) {
      let whole = distance.reduce(0, +)
      var x = -whole / 2
      for (item, step) in zip(row, distance) {
        x += step
        xs[item] = x
      }
    }
    for sweep in 0..<sweeps {
      let order = Array(rows.rows.indices)
      for index in sweep.isMultiple(of: 2) ? order : order.reversed() {
        let row = rows.rows[index]
        let wanted = row.map { item -> (x: Double, weight: Double) in
          let weight = pulls[item].reduce(0) { $0 + $1.weight }
          guard weight > 0 else { return (xs[item], 1e-3) }
          return (pulls[item].reduce(0) { $0 + $1.weight * (xs[$1.item] + $1.offset) } / weight, weight)
        }
        for (item, x) in zip(row, spaced(wanted, distances[index])) { xs[item] = x }
      }
      for chain in rows.chains { shift(chain.dropFirst().dropLast(), &xs, rows, pulls, distances) }
    }
    return xs
  }

  /// Moves the inner items of a line together as far as that helps and their neighbours let them: one by one, items that
  /// hold on to each other would take thousands of sweeps.
  private static func shift(
    _ run: ArraySlice<Int>, _ xs: inout [Double], _ rows: CellRows,
    _ pulls: [[(item: Int, offset: Double, weight: Double)]], _ distances: [[Double]]
  ) {
    var (force, weight) = (0.0, 0.0)
    var (left, right) = (-Double.infinity, Double.infinity)
    for item in run {
      for pull in pulls[item] where !run.contains(pull.item) {
        force += pull.weight * (xs[pull.item] + pull.offset - xs[item])
        weight += pull.weight
      }
      let row = rows.items[item].row
      guard let place = rows.rows[row].firstIndex(of: item) else { continue }
      if place > 0 { left = max(left, xs[rows.rows[row][place - 1]] + distances[row][place] - xs[item]) }
      if place + 1 < rows.rows[row].count {
        right = min(right, xs[rows.rows[row][place + 1]] - distances[row][place + 1] - xs[item])
      }
    }
    guard weight > 0 else { return }
    let step = max(min(left, 0), min(max(right, 0), force / weight))
    for item in run { xs[item] += step }
  }

  /// The x nearest to the wanted ones, in weighted squares, that keep the distances: monotone regression by pooling.
  private static func spaced(_ wanted: [(x: Double, weight: Double)], _ distances: [Double]) -> [Double] {
    var shifts: [Double] = []
    for distance in distances { shifts.append((shifts.last ?? 0) + distance) }
    var pools: [(mean: Double, weight: Double, count: Int)] = []
    for (target, shift) in zip(wanted, shifts) {
      var pool = (mean: target.x - shift, weight: target.weight, count: 1)
      while let last = pools.last, last.mean > pool.mean {
        let weight = last.weight + pool.weight
        pool = ((last.mean * last.weight + pool.mean * pool.weight) / weight, weight, last.count + pool.count)
        pools.removeLast()
      }
      pools.append(pool)
    }
    return zip(pools.flatMap { Array(repeating: $0.mean, count: $0.count) }, shifts).map { $0 + $1 }
  }

  /// The lines of a connection from item to item: as good as vertical within rows, curved between them.
  func lines(of connection: Int) -> [Path] {
    let chain = rows.chains[connection]
    let links = zip(rows.links, ports).filter { $0.0.connection == connection }
    let slopes = [0] + chain.indices.dropFirst().dropLast().map { slope(in: chain, at: $0) } + [0]
    return links.enumerated().map { index, element in
      let (link, port) = element
      let (upper, lower) = (rows.items[link.upper].row, rows.items[link.lower].row)
      let start = Point(centres[link.upper].x + port.upper, centres[link.upper].y + sizes[link.upper].height / 2)
      let end = Point(centres[link.lower].x + port.lower, centres[link.lower].y - sizes[link.lower].height / 2)
      let (topY, bottomY) = (bands[upper].bottom, bands[lower].top)
      let top = Point(start.x + slopes[index] * (topY - start.y), topY)
      let bottom = Point(end.x - slopes[index + 1] * (end.y - bottomY), bottomY)
      var path = Path(from: start)
      if top != start { path.line(to: top) }
      // Its y runs evenly from row to row, so it stays between them.
      let third = (bottomY - topY) / 3
      path.curve(
        Point(top.x + slopes[index] * third, topY + third), Point(bottom.x - slopes[index + 1] * third, bottomY - third),
        to: bottom)
      path.line(to: end)
      return path
    }
  }

  /// dx/dy of a line where it passes a row on its way to one side: without it, a slight drift would look like stairs
  /// (the harmonic mean of Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5, 1984, kept small beside `passGap`).
  private func slope(in chain: [Int], at place: Int) -> Double {
    guard sizes[chain[place]].width == 0 else { return 0 }
    let (above, here, below) = (centres[chain[place - 1]], centres[chain[place]], centres[chain[place + 1]])
    let (a, b) = ((here.x - above.x) / (here.y - above.y), (below.x - here.x) / (below.y - here.y))
    guard a * b > 0 else { return 0 }
    return max(-0.25, min(0.25, 2 * a * b / (a + b)))
  }
}
