/// One cell, laid out and ready to be drawn.
struct CellDrawing {
  let diagram: CellDiagram
  private let placement: CellPlacement

  var size: Size { placement.size }

  private static let stateHeight = 16.0
  private static let labelHeight = 11.5
  private static let labelSize = 7.0
  /// Labels beside each other: more would make two cells wider than a page.
  private static let labelsInRow = 3

  init(_ diagram: CellDiagram, ruler: Ruler) {
    self.diagram = diagram
    let candidates = CellOrder(CellRows(diagram)).best().prefix(24).map { order in
      let rows = order.staggered(most: Self.labelsInRow)
      return CellPlacement(rows, sizes: Self.sizes(rows, diagram, ruler))
    }
    placement = candidates.dropFirst().reduce(candidates[0]) { $1.cost < $0.cost ? $1 : $0 }
  }

  private static func sizes(_ rows: CellRows, _ diagram: CellDiagram, _ ruler: Ruler) -> [Size] {
    var up = [Int](repeating: 0, count: rows.items.count)
    var down = up
    for link in rows.links {
      up[link.lower] += 1
      down[link.upper] += 1
    }
    return rows.items.indices.map { item in
      switch rows.items[item].role {
      case .pass: return Size(width: 0, height: 0)
      case .label(let edge):
        let (label, isBold) = (diagram.edges[edge].label, diagram.edges[edge].isBold)
        return Size(width: ruler.width(label, size: labelSize, bold: isBold) + 7, height: labelHeight)
      case .state, .output:
        let text = label(rows.items[item].role, diagram).map { ruler.width($0, size: Theme.labelSize) } ?? 0
        let lines = Double(max(up[item], down[item]) - 1) * CellPlacement.portDistance + 10
        return Size(width: max(text + 9, lines, stateHeight), height: stateHeight)
      }
    }
  }

  private static func label(_ role: CellRows.Role, _ diagram: CellDiagram) -> Label? {
    switch role {
    case .state(let state):
      state < diagram.inputs.count ? diagram.inputs[state] : diagram.nodes[state - diagram.inputs.count]
    case .output: diagram.output
    case .label, .pass: nil
    }
  }

  /// Boxes of states and labels, and lines as points, each with the boxes at its ends: for checks that nothing overlaps.
  func geometry(at origin: Point) -> (boxes: [Rectangle], lines: [(points: [Point], ends: [Rectangle])]) {
    let boxes = placement.rows.items.indices.map { item in
      let (centre, size) = (placement.centres[item], placement.sizes[item])
      return Rectangle(
        x: origin.x + centre.x - size.width / 2, y: origin.y + centre.y - size.height / 2, width: size.width,
        height: size.height)
    }
    let lines = diagram.connections.indices.flatMap { connection in
      let chain = placement.rows.chains[connection]
      return placement.lines(of: connection).enumerated().map { index, line in
        (points: line.moved(by: origin).points(), ends: [boxes[chain[index]], boxes[chain[index + 1]]])
      }
    }
    return (boxes.filter { $0.width > 0 }, lines)
  }

  /// The same drawing as shapes, for places with a typesetting of their own.
  var shapes: CellShapes {
    let items = placement.rows.items.indices.compactMap { item -> CellShapes.Box? in
      let (centre, size) = (placement.centres[item], placement.sizes[item])
      let box = Rectangle(
        x: centre.x - size.width / 2, y: centre.y - size.height / 2, width: size.width, height: size.height)
      switch placement.rows.items[item].role {
      case .pass: return nil
      case .label(let edge): return CellShapes.Box(area: box, label: diagram.edges[edge].label, edge: edge, isUsed: true)
      case .state, .output:
        let isUsed = placement.rows.items[item].role == .output || placement.rows.chains.contains { $0.first == item }
        let label = Self.label(placement.rows.items[item].role, diagram) ?? ""
        return CellShapes.Box(area: box, label: label, edge: nil, isUsed: isUsed)
      }
    }
    let lines = diagram.connections.enumerated().map { index, connection in
      CellShapes.Line(strokes: strokes(of: index, at: Point(0, 0)), edge: connection.edge)
    }
    return CellShapes(size: size, boxes: items, lines: lines)
  }

  func draw(on canvas: Canvas, at origin: Point) {
    let connections = diagram.connections
    func strength(_ index: Int) -> Double { connections[index].edge.map { diagram.edges[$0].strength } ?? 1 }
    // Strong lines lie over weak ones.
    for index in connections.indices.sorted(by: { (strength($0), $0) < (strength($1), $1) }) {
      let edge = connections[index].edge.map { diagram.edges[$0] }
      let colour = (edge?.kind.colour ?? Theme.joining).with(opacity: 0.25 + 0.75 * strength(index))
      // What only joins states stands back behind operations.
      let width = edge.map { 0.4 + 0.8 * $0.strength } ?? 0.7
      drawLine(index, colour, width: width, on: canvas, at: origin)
    }
    for item in placement.rows.items.indices { drawItem(item, on: canvas, at: origin) }
  }

  private func drawLine(_ connection: Int, _ colour: Colour, width: Double, on canvas: Canvas, at origin: Point) {
    // Lines go on through points that they only pass, as one stroke: no joint shows where they are translucent.
    var strokes = strokes(of: connection, at: origin)
    guard let tip = strokes.last?.end else { return }
    // The head is a shape of its own; the line ends inside of it.
    let base = Point(tip.x, tip.y - CellPlacement.arrowLength)
    strokes[strokes.count - 1].end(at: Point(base.x, base.y + 1))
    for stroke in strokes { canvas.stroke(stroke, colour, width: width) }
    canvas.fill([tip, Point(tip.x - 2.3, base.y), Point(tip.x, base.y + 1), Point(tip.x + 2.3, base.y)], colour)
  }

  /// The lines of a connection, which a label interrupts.
  private func strokes(of connection: Int, at origin: Point) -> [Path] {
    var strokes: [Path] = []
    var isGoingOn = false
    for (index, line) in placement.lines(of: connection).enumerated() {
      let moved = line.moved(by: origin)
      if isGoingOn { strokes[strokes.count - 1].append(moved) } else { strokes.append(moved) }
      isGoingOn = placement.sizes[placement.rows.chains[connection][index + 1]].width == 0
    }
    return strokes
  }

  private func drawItem(_ item: Int, on canvas: Canvas, at origin: Point) {
    let (centre, size) = (placement.centres[item], placement.sizes[item])
    let box = Rectangle(
      x: origin.x + centre.x - size.width / 2, y: origin.y + centre.y - size.height / 2, width: size.width,
      height: size.height)
    switch placement.rows.items[item].role {
    case .pass: return
    case .label(let index):
      let edge = diagram.edges[index]
      let outline = Path.rounded(box, radius: 3)
      canvas.fill(outline, .white)
      canvas.fill(outline, edge.kind.colour.with(opacity: 0.14))
      canvas.stroke(outline, edge.kind.colour.with(opacity: 0.25 + 0.75 * edge.strength), width: 0.6, closed: true)
      canvas.text(
        edge.label, at: box.centre, size: Self.labelSize, bold: edge.isBold, horizontal: .centre, vertical: .middle)
    case .state, .output:
      let isUsed = placement.rows.items[item].role == .output || placement.rows.chains.contains { $0.first == item }
      let outline = Path.rounded(box, radius: 4)
      canvas.fill(outline, Theme.state)
      canvas.stroke(outline, isUsed ? .ink : Theme.joining, width: 0.8, closed: true, dash: isUsed ? [] : [2, 1.6])
      guard let label = Self.label(placement.rows.items[item].role, diagram) else { return }
      // A subscript hangs below what vertical centring looks at.
      let lift = label.runs.contains { $0.script == .lowered } ? 0.1 * Theme.labelSize : 0
      canvas.text(
        label, at: Point(box.centre.x, box.centre.y - lift), size: Theme.labelSize, horizontal: .centre, vertical: .middle)
    }
  }
}

extension CellDiagram.Kind {
  /// Of Okabe and Ito's palette (2008), told apart with any colour vision.
  var colour: Colour {
    switch self {
    case .convolution: Colour(hex: 0x0072B2)
    case .pool: Colour(hex: 0x009E73)
    case .skip: Colour(hex: 0xD55E00)
    case .noise: Colour(hex: 0xCC79A7)
    case .none: Colour(hex: 0x777777)
    }
  }
}
