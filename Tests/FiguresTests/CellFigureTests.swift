import Figures
import Formats
import Foundation
import TestSupport
import Testing

@Suite struct CellFigureTests {
  private static func edge(_ source: Int, _ target: Int, _ kind: CellDiagram.Kind = .convolution) -> CellDiagram.Edge {
    let labels: [CellDiagram.Kind: Label] = [
      .convolution: "sep_conv_3x3", .pool: "max_pool_3x3", .skip: "skip_connect", .noise: "noise", .none: "none",
    ]
    return .init(from: source, to: target, label: labels[kind] ?? "", kind: kind)
  }

  /// Two edges a node, as genotypes have them.
  private static func cell(_ sources: [Int], kinds: [CellDiagram.Kind] = [.convolution], joined: [Int] = [2, 3, 4, 5]) throws
    -> CellDiagram
  {
    try CellDiagram(
      title: "Normal cell", edges: sources.enumerated().map { edge($1, 2 + $0 / 2, kinds[$0 % kinds.count]) }, joined: joined
    )
  }

  /// Published cells, collapsed ones, chains, repeated sources, and forty drawn at random.
  private static func cells() throws -> [CellDiagram] {
    var state: UInt64 = 1
    func below(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var cells = try [
      [0, 1, 0, 1, 1, 0, 0, 2], [0, 1, 2, 1, 0, 2, 2, 1], [0, 1, 0, 1, 0, 1, 0, 1], [1, 1, 1, 1, 1, 1, 1, 1],
      [0, 0, 2, 2, 3, 3, 4, 4], [0, 1, 2, 0, 3, 0, 4, 1],
    ].map { try cell($0, kinds: CellDiagram.Kind.allCases) }
    for _ in 0..<40 {
      let joined = (2...5).filter { _ in below(4) > 0 }
      cells.append(
        try cell(
          (0..<8).map { below(2 + $0 / 2) }, kinds: (0..<8).map { _ in CellDiagram.Kind.allCases[below(5)] },
          joined: joined.isEmpty ? [5] : joined))
    }
    return cells
  }

  @Test func nothingOverlapsInAnyCell() throws {
    for cell in try Self.cells() {
      let figure = try CellFigure(title: "A title", cells: [cell, cell], caption: ["A caption."])
      try expectClearTexts(figure)
      let page = try figure.pageSize()
      for (boxes, lines) in try figure.geometry() {
        #expect(boxes.count == 2 + 4 + 1 + 8)
        for (index, box) in boxes.enumerated() {
          #expect(box.x >= 0 && box.y >= 0 && box.right <= page.width && box.bottom <= page.height)
          for other in boxes[(index + 1)...] {
            let apart = box.right < other.x || other.right < box.x || box.bottom < other.y || other.bottom < box.y
            #expect(apart, "boxes \(box) and \(other) of \(cell.edges) overlap")
          }
        }
        for line in lines {
          for box in boxes where !line.ends.contains(box) {
            let isHit = line.points.contains {
              $0.x > box.x - 2 && $0.x < box.right + 2 && $0.y > box.y - 1 && $0.y < box.bottom + 1
            }
            #expect(!isHit, "a line of \(cell.edges) runs through \(box)")
          }
        }
      }
    }
  }

  @Test func everyLineJoinsItsBoxesAndGoesDown() throws {
    for cell in try Self.cells() {
      for (_, lines) in try CellFigure(cells: [cell]).geometry() {
        for line in lines {
          let (first, last) = (try #require(line.points.first), try #require(line.points.last))
          #expect(abs(first.y - line.ends[0].bottom) < 1e-9 && abs(last.y - line.ends[1].y) < 1e-9)
          #expect(first.x >= line.ends[0].x && first.x <= line.ends[0].right)
          #expect(last.x >= line.ends[1].x && last.x <= line.ends[1].right)
          #expect(zip(line.points, line.points.dropFirst()).allSatisfy { $0.y <= $1.y + 1e-9 })
        }
      }
    }
  }

  /// A chain whose every node takes the one before twice can be drawn in the plane.
  @Test func planarCellHasNoCrossings() throws {
    let lines = try CellFigure(cells: [Self.cell([0, 0, 2, 2, 3, 3, 4, 4])]).geometry()[0].lines.map(\.points)
    func side(_ a: Point, _ b: Point, _ c: Point) -> Double { (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x) }
    for (index, first) in lines.enumerated() {
      for second in lines[(index + 1)...] {
        for (a, b) in zip(first, first.dropFirst()) {
          for (c, d) in zip(second, second.dropFirst()) {
            #expect(!(side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0))
          }
        }
      }
    }
  }

  @Test func everyKindHasItsColour() throws {
    let colours: [CellDiagram.Kind: [UInt8]] = [
      .convolution: [0x00, 0x72, 0xB2], .pool: [0x00, 0x9E, 0x73], .skip: [0xD5, 0x5E, 0x00], .noise: [0xCC, 0x79, 0xA7],
      .none: [0x77, 0x77, 0x77],
    ]
    for kind in CellDiagram.Kind.allCases {
      let figure = try CellFigure(cells: [Self.cell([0, 1, 0, 1, 1, 0, 0, 2], kinds: [kind])])
      let image = try #require(DecodedPNG(FigureFile.render(figure, as: .png)))
      // Edges of the outlines of states have a few pixels of the grey of none.
      for (other, colour) in colours {
        let count = image.find(colour).count
        #expect(other == kind ? count > 800 : count < 100, "\(count) pixels of \(other) in a cell of \(kind)")
      }
    }
  }

  @Test func weakLinesAreThinAndPale() throws {
    func ink(_ strength: Double) throws -> Int {
      let edges = [0, 1].map { CellDiagram.Edge(from: $0, to: 2, label: "skip", kind: .skip, strength: strength) }
      let figure = try CellFigure(cells: [CellDiagram(title: "", nodes: ["0"], edges: edges, joined: [2])])
      return try #require(DecodedPNG(FigureFile.render(figure, as: .png))).find([0xD5, 0x5E, 0x00]).count
    }
    #expect(try ink(1) > 200)
    #expect(try ink(0.2) == 0)
  }

  @Test func stateThatNothingUsesIsDashed() throws {
    let svg = try String(
      decoding: FigureFile.render(CellFigure(cells: [Self.cell([0, 1, 0, 1, 0, 1, 0, 1], joined: [5])]), as: .svg),
      as: UTF8.self)
    #expect(svg.components(separatedBy: "stroke-dasharray").count - 1 == 3)
  }

  @Test(arguments: FigureFile.Format.allCases) func sameCellsGiveSameBytes(format: FigureFile.Format) throws {
    let figure = try CellFigure(cells: [Self.cell([0, 1, 2, 1, 0, 2, 2, 1], kinds: [.pool, .skip])])
    let first = try FigureFile.render(figure, as: format)
    #expect(try FigureFile.render(figure, as: format) == first)
    guard format == .pdf else { return }
    let text = String(decoding: first, as: UTF8.self)
    #expect(text.contains("DejaVuSans") && !text.contains("/Subtype /Image"))
  }

  @Test func pageOfTwoCellsIsNoWiderThanALandscapePage() throws {
    let widths = try Self.cells().map { try CellFigure(cells: [$0, $0]).pageSize().width }
    #expect((widths.max() ?? 0) < 680, "\(widths.max() ?? 0)")
  }

  @Test func impossibleCellsAreRefused() {
    func refused(_ make: () throws -> CellDiagram) {
      #expect {
        try make()
      } throws: { error in
        (error as? InputError)?.place.item?.hasPrefix("figure: cell diagram") ?? false
      }
    }
    refused { try CellDiagram(title: "", edges: [Self.edge(2, 2)], joined: [2]) }
    refused { try CellDiagram(title: "", edges: [Self.edge(0, 6)], joined: [2]) }
    refused { try CellDiagram(title: "", edges: [Self.edge(-1, 2)], joined: [2]) }
    refused { try CellDiagram(title: "", edges: [Self.edge(0, 1)], joined: [2]) }
    refused { try CellDiagram(title: "", edges: [], joined: [2, 2]) }
    refused { try CellDiagram(title: "", edges: [], joined: [6]) }
    refused { try CellDiagram(title: "", nodes: [], edges: [], joined: []) }
    refused {
      try CellDiagram(title: "", edges: [.init(from: 0, to: 2, label: "", kind: .skip, strength: .nan)], joined: [2])
    }
    #expect(refusal { try CellFigure(cells: []) } == "figure: cell figure: no cells")
  }
}
