import Figures
import Formats
import TestSupport
import Testing

@Suite struct SurfaceFigureTests {
  /// Row 0, nearest to the viewer, is a wall; behind it lies `behind` from row 3 on.
  private func walled(_ behind: Double, azimuth: Double) throws -> DecodedPNG {
    let list = coordinates(11)
    let values = (0..<11).flatMap { row in
      [Double](repeating: row == 0 ? 1 : row < 3 ? 0.12 : behind, count: 11)
    }
    var figure = try SurfaceFigure(
      title: "", panels: [LandscapePanel(title: "", grid: try Grid(x: list, y: list, values: values))])
    (figure.azimuth, figure.elevation, figure.range) = (azimuth, 12, 0...1)
    return try #require(DecodedPNG(FigureFile.render(figure, as: .png)))
  }

  /// Lines reach half of their width beyond the edge of the wall, and edges of facets are grey: a few pixels, or hardly.
  @Test func whatLiesBehindAWallIsHidden() throws {
    func changed(_ azimuth: Double) throws -> Int {
      let (a, b) = (try walled(0.13, azimuth: azimuth), try walled(0.18, azimuth: azimuth))
      return zip(a.rgb, b.rgb).count { abs(Int($0) - Int($1)) > 16 }
    }
    let (hidden, seen) = (try changed(-90), try changed(90))
    #expect(hidden < 600 && seen > 6000, "\(hidden), \(seen)")
  }

  @Test func unusualValuesLeaveAReadableFigure() throws {
    let functions: [(Double, Double) -> Double] = [
      { x, y in x * x + y * y }, { _, _ in 2.3 }, { _, _ in .nan }, { x, y in x > 0.9 && y > 0.9 ? .infinity : x },
      { x, y in x > 0.9 && y > 0.9 ? 1e9 : x }, { x, y in 1e-8 * x }, { x, _ in x < -0.9 ? .nan : -1e300 * x },
    ]
    for function in functions {
      for (count, size) in [(1, 2), (2, 11), (3, 25), (6, 5)] {
        let panels = try (0..<count).map {
          LandscapePanel(title: Label("L_{\($0)}(α)"), grid: try sampled(size, function))
        }
        try expectClearTexts(
          try SurfaceFigure(title: "Surface", panels: panels, caption: ["A caption."]),
          slanted: ["direction 1", "direction 2"])
      }
    }
  }

  @Test func clippedHeightsAndHolesAreSaid() throws {
    var values = try sampled(11) { x, y in x * x + y * y }.values
    values[0] = .nan
    values[120] = 1e7
    let grid = try Grid(x: coordinates(11), y: coordinates(11), values: values)
    let figure = try SurfaceFigure(title: "", panels: [LandscapePanel(title: "L", grid: grid)])
    let text = try FigureFile.texts(of: figure).map(\.text).joined(separator: " ")
    #expect(text.contains("Heights and colours are clipped to 0 … 2 (largest 1 × 107)."))
    #expect(text.contains("Holes: 1 value that is not a number."))
  }

  @Test func pointsAndMissingPanelsAreRefused() throws {
    #expect(refusal { try SurfaceFigure(title: "", panels: []) } == "figure: surface panels: none")
    let point = LandscapePanel(title: "p", grid: try Grid(x: [0], y: [0], values: [1]))
    #expect {
      try SurfaceFigure(title: "", panels: [point])
    } throws: { error in "\(error)".contains("surface p") && "\(error)".contains("1 × 1 points") }
    let panel = LandscapePanel(title: "p", grid: try sampled(3) { x, _ in x })
    #expect(refusal { try SurfaceFigure(title: "", panels: [panel], width: 10) } == "figure: surface width: 10.0")
  }
}
