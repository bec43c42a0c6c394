import Figures
import Formats
import TestSupport
import Testing

private func bytes(_ colour: Colour) -> [UInt8] {
  [colour.red, colour.green, colour.blue].map { UInt8(($0 * 255).rounded()) }
}

@Suite struct LandscapeFigureTests {
  @Test func cellsHaveTheColourOfTheirValueAndStandWhereTheyBelong() throws {
    // Values 0, 1, 2, 3: positions 0, 1/3, 2/3 and 1 of the map; y grows upwards.
    let grid = try Grid(x: [-1, 1], y: [-1, 1], values: [0, 1, 2, 3])
    let figure = try LandscapeFigure(title: "", panels: [LandscapePanel(title: "L", grid: grid)], centre: Point(9, 9))
    let image = try #require(DecodedPNG(FigureFile.render(figure, as: .png)))
    let cells = (0..<4).map { image.find(bytes(ColourMap.viridis.colour(at: Double($0) / 3))) }
    #expect(cells.allSatisfy { $0.count > 20_000 }, "each cell covers a quarter of the panel: \(cells)")
    #expect(cells[0].x < cells[1].x && abs(cells[0].x - cells[2].x) < 20)
    #expect(cells[0].y > cells[2].y && abs(cells[0].y - cells[1].y) < 20)
    #expect(cells[3].x > cells[2].x && cells[3].y < cells[1].y)
  }

  @Test func lossPanelsShareOneScale() throws {
    let panels = try [0.0, 1.0, 2.0].map { value in
      LandscapePanel(title: "L", grid: try Grid(x: [0], y: [0], values: [value]))
    }
    let image = try #require(
      DecodedPNG(FigureFile.render(LandscapeFigure(title: "", panels: panels, centre: Point(9, 9)), as: .png)))
    let found = [0, 0.5, 1].map { image.find(bytes(ColourMap.viridis.colour(at: $0))) }
    #expect(found.allSatisfy { $0.count > 50_000 })
    #expect(found[0].x < found[1].x && found[1].x < found[2].x)
  }

  @Test func divergedPointsAreHatchedAndCounted() throws {
    var values = try sampled(11) { x, y in x * x + y * y }.values
    values[0] = .nan
    values[7] = .nan
    values[120] = 1e7
    let grid = try Grid(x: coordinates(11), y: coordinates(11), values: values)
    let figure = try LandscapeFigure(title: "Diverged", panels: [LandscapePanel(title: "L", grid: grid)])
    let image = try #require(DecodedPNG(FigureFile.render(figure, as: .png)))
    #expect(image.find([199, 199, 199]).count > 100)
    let caption = try FigureFile.texts(of: figure).map(\.text).joined(separator: " ")
    #expect(caption.contains("Hatched: 2 values that are not a number."))
    #expect(caption.contains("clipped to 0 … 2 (largest 1 × 107)"))
  }

  static let shapes: [(points: Int, losses: Int)] = [
    (1, 1), (1, 3), (2, 2), (11, 1), (11, 2), (11, 3), (25, 3), (11, 4), (7, 5), (5, 7),
  ]

  @Test(arguments: shapes) func textsNeitherOverlapNorLeaveThePage(shape: (points: Int, losses: Int)) throws {
    let figure = try exampleLandscape(points: shape.points, losses: shape.losses)
    try expectClearTexts(figure)
  }

  @Test(
    arguments: [
      { (_: Double, _: Double) in 2.302585 }, { x, y in -3e-6 + 1e-7 * x * y }, { x, y in 2.3 + 1e-9 * (x + y) },
      { x, y in 1e7 * (1 + x * y) }, { _, _ in .nan }, { x, y in x > 0.5 ? .infinity : x * y }, { _, _ in 0 },
      { x, y in -1e300 * (x * x + y * y) },
    ] as [@Sendable (Double, Double) -> Double])
  func unusualValuesLeaveAReadableFigure(function: @Sendable (Double, Double) -> Double) throws {
    let grid = try sampled(9, function)
    let figure = try LandscapeFigure.comparison(
      title: "Unusual", losses: [("L₁(α)", grid), ("L₂(α)", try sampled(9) { x, y in 1 + x + y }), ("L_{M}(α)", grid)],
      caption: ["A caption."])
    try expectClearTexts(figure)
    #expect(DecodedPNG(try FigureFile.render(figure, as: .png)) != nil)
  }

  @Test func longTitlesAreShortenedToTheirPanel() throws {
    let grid = try sampled(5) { x, y in x + y }
    let panel = LandscapePanel(title: Label(String(repeating: "a long title ", count: 20)), grid: grid)
    try expectClearTexts(try LandscapeFigure(title: String(repeating: "very ", count: 80), panels: [panel, panel, panel]))
  }

  @Test func minimiserIsTheLowestFinitePoint() throws {
    let grid = try Grid(x: [0, 1, 2], y: [0, 5], values: [3, .nan, 1, -.infinity, 0.5, 0.5])
    #expect(grid.minimiser == Point(1, 5))
    #expect(try Grid(x: [0], y: [0], values: [.nan]).minimiser == nil)
  }

  @Test func gridsThatDoNotFitAreRefused() throws {
    for (x, y, count, what) in [
      ([0, 1], [0], 3, "values: 3 values"), ([], [0], 0, "x: []"), ([1, 0], [0], 2, "x: [1.0, 0.0]"),
      ([0, 0], [0], 2, "x: [0.0, 0.0]"), ([.nan], [0], 1, "x: [nan]"), ([0], [2, 1], 2, "y: [2.0, 1.0]"),
    ] as [([Double], [Double], Int, String)] {
      #expect(refusal { try Grid(x: x, y: y, values: Array(repeating: 0, count: count)) } == "figure: grid \(what)")
    }
    let (a, b) = (try sampled(3) { x, _ in x }, try sampled(5) { x, _ in x })
    #expect(refusal { try a.minus(b) } == "figure: difference of grids: different coordinates")
    #expect(
      refusal { try LandscapeFigure.comparison(title: "", losses: [("a", a), ("b", b)]) }
        == "figure: difference of grids: different coordinates")
    #expect(refusal { try LandscapeFigure(title: "", panels: []) } == "figure: landscape panels: none")
    let difference = LandscapePanel(title: "d", grid: a, isDifference: true)
    #expect(
      refusal { try LandscapeFigure(title: "", panels: [difference], reference: 0) } == "figure: landscape reference: 0")
    #expect(
      refusal { try LandscapeFigure(title: "", panels: [difference], reference: 1) } == "figure: landscape reference: 1")
  }

  @Test func comparisonSubtractsTheLastLoss() throws {
    let figure = try LandscapeFigure.comparison(
      title: "", losses: [("L₁", try sampled(3) { x, _ in 2 + x }), ("L_{M}", try sampled(3) { _, _ in 2 })])
    #expect(figure.panels.map(\.isDifference) == [false, false, true])
    #expect(figure.panels[2].grid.values == [-1, 0, 1, -1, 0, 1, -1, 0, 1])
    #expect(figure.panels[2].title.plain == "L1 \u{2212} LM")
    #expect(figure.reference == 1)
  }
}

/// Every text is inside the page and covers no other text.
///
/// - Parameter slanted: texts that stand aslant, whose upright bounds say nothing about what they cover.
func expectClearTexts(_ figure: some Figure, slanted: Set<String> = []) throws {
  let size = try figure.pageSize()
  let texts = try FigureFile.texts(of: figure)
  #expect(!texts.isEmpty)
  for (index, first) in texts.enumerated() {
    let area = first.area
    #expect(
      area.x >= 0 && area.y >= 0 && area.right <= size.width && area.bottom <= size.height,
      "'\(first.text)' leaves the page: \(area), \(size)")
    for second in texts[(index + 1)...] where slanted.isDisjoint(with: [first.text, second.text]) {
      let other = second.area
      let apart =
        area.right <= other.x || other.right <= area.x || area.bottom <= other.y || other.bottom <= area.y
      #expect(apart, "'\(first.text)' and '\(second.text)' overlap: \(area), \(other)")
    }
  }
}
