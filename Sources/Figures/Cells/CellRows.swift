/// The items of a diagram in rows from the top: states, labels of edges, and points where a line passes a row.
///
/// Every line runs from row to row, so that a line can only meet what its own row order puts beside it (the layering of
/// Sugiyama, Tagawa and Toda, IEEE Trans. SMC 11, 1981, with labels as items of their own).
struct CellRows {
  enum Role: Equatable {
    case state(Int)
    case output
    case label(edge: Int)
    case pass
  }

  struct Item {
    var role: Role
    var row: Int
  }

  private(set) var items: [Item] = []
  /// Items in each row, from the left.
  var rows: [[Int]] = []
  /// Items along each connection, from the top.
  private(set) var chains: [[Int]] = []

  /// Rows in which states and labels take turns, each row in the order in which its items came up.
  init(_ diagram: CellDiagram) {
    let states = diagram.inputs.count + diagram.nodes.count
    var row = [Int](repeating: 0, count: states)
    for state in diagram.inputs.count..<states {
      row[state] = diagram.edges.filter { $0.target == state }.reduce(2) { max($0, row[$1.source] + 2) }
    }
    let last = (row.max() ?? 0) + 1
    for state in 0..<states { add(.state(state), row[state]) }
    let output = add(.output, last)
    let labelRows = Self.labelRows(diagram.edges, row: row, last: last)
    for connection in diagram.connections {
      let bottom = connection.target ?? output
      var chain = [connection.source]
      for between in row[connection.source] + 1..<items[bottom].row {
        let edge = connection.edge.flatMap { labelRows[$0] == between ? $0 : nil }
        chain.append(add(edge.map { .label(edge: $0) } ?? .pass, between))
      }
      chains.append(chain + [bottom])
    }
  }

  @discardableResult
  private mutating func add(_ role: Role, _ row: Int) -> Int {
    while rows.count <= row { rows.append([]) }
    items.append(Item(role: role, row: row))
    rows[row].append(items.count - 1)
    return items.count - 1
  }

  /// The row of each edge's label: edges of one choice first, then each where the fewest are, the lowest of equals.
  private static func labelRows(_ edges: [CellDiagram.Edge], row: [Int], last: Int) -> [Int] {
    var load = [Int](repeating: 0, count: last + 1)
    var chosen = [Int](repeating: 0, count: edges.count)
    func span(_ edge: Int) -> Int { row[edges[edge].target] - row[edges[edge].source] }
    for edge in edges.indices.sorted(by: { (span($0), $0) < (span($1), $1) }) {
      let choices = stride(from: row[edges[edge].source] + 1, to: row[edges[edge].target], by: 2)
      let best = choices.reversed().min { load[$0] < load[$1] } ?? row[edges[edge].source] + 1
      chosen[edge] = best
      load[best] += 1
    }
    return chosen
  }

  /// The same order with each row of labels spread over as many rows as keep `most` labels side by side, taking turns:
  /// lines cross neither more nor less for it.
  func staggered(most: Int) -> CellRows {
    var result = self
    result.items = []
    result.rows = []
    // Copies of each item, from the top.
    var copies = [[Int]](repeating: [], count: items.count)
    for (index, row) in rows.enumerated() {
      let labels = row.filter { if case .label = items[$0].role { true } else { false } }
      let levels = index == rows.count - 1 || labels.isEmpty ? 1 : (labels.count + most - 1) / most
      let first = result.rows.count
      for level in 0..<levels {
        result.rows.append([])
        for item in row {
          let turn = labels.firstIndex(of: item).map { $0 % levels }
          let role: Role = turn == nil || turn == level ? items[item].role : .pass
          result.items.append(Item(role: role, row: first + level))
          result.rows[first + level].append(result.items.count - 1)
          copies[item].append(result.items.count - 1)
        }
      }
    }
    result.chains = chains.map { $0.flatMap { copies[$0] } }
    return result
  }

  /// Pieces of lines from one row to the next.
  struct Link {
    var upper: Int
    var lower: Int
    var connection: Int
  }

  var links: [Link] {
    chains.enumerated().flatMap { connection, chain in
      zip(chain, chain.dropFirst()).map { Link(upper: $0, lower: $1, connection: connection) }
    }
  }
}
