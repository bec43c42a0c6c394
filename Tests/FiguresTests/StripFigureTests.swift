import Figures
import Formats
import TestSupport
import Testing

@Suite struct StripFigureTests {
  @Test func valuesStandInTheirRowAndColumn() throws {
    let figure = try StripFigure(
      title: "", panels: [StripPanel(title: "p", values: [[0, 1], [2, 3]])], rows: ["a", "b"], epochs: [1, 2], columns: 1,
      valueLabel: "v")
    let image = try #require(DecodedPNG(FigureFile.render(figure, as: .png)))
    let cells = (0..<4).map { value in
      let colour = ColourMap.viridis.colour(at: Double(value) / 3)
      return image.find([colour.red, colour.green, colour.blue].map { UInt8(($0 * 255).rounded()) })
    }
    #expect(cells.allSatisfy { $0.count > 2000 }, "\(cells)")
    #expect(cells[0].x < cells[1].x && cells[2].x < cells[3].x)
    #expect(cells[0].y < cells[2].y && cells[1].y < cells[3].y)
  }

  @Test(arguments: [(1, 1, 1), (2, 2, 5), (8, 4, 50), (16, 4, 600), (3, 3, 1)])
  func textsNeitherOverlapNorLeaveThePage(panels: Int, columns: Int, epochs: Int) throws {
    let values = (0..<14).map { row in (0..<epochs).map { $0 == row ? Double.nan : Double(row * $0) } }
    try expectClearTexts(
      try StripFigure(
        title: "Mixing weights", panels: (0..<panels).map { StripPanel(title: Label("operation \($0)"), values: values) },
        rows: (0..<14).map { Label("\($0) → 5") }, epochs: Array(1...epochs), columns: columns, valueLabel: "weight",
        caption: ["A caption."]))
  }

  @Test func shapesThatDoNotFitAreRefused() {
    func make(_ values: [[Double]]) throws {
      _ = try StripFigure(
        title: "", panels: [StripPanel(title: "p", values: values)], rows: ["a", "b"], epochs: [1, 2], columns: 1,
        valueLabel: "v")
    }
    #expect(refusal { try make([[1, 2]]) } == "figure: strips p: 1 rows of [2] values")
    #expect(refusal { try make([[1, 2], [3]]) } == "figure: strips p: 2 rows of [1, 2] values")
    #expect(
      refusal {
        try StripFigure(title: "", panels: [], rows: ["a"], epochs: [1], columns: 1, valueLabel: "v")
      } == "figure: strips: 0 panels of 1 rows and 1 epochs")
  }
}
