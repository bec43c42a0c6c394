import Figures
import Formats
import TestSupport
import Testing

@Suite struct ScatterFigureTests {
  @Test func leastSquaresIsExactOnALineAndKnownOnThreePoints() throws {
    let exact = try #require(ScatterPanel.leastSquares([0, 1, 2, .nan], [1, 3, 5, 9]))
    #expect(exact == .init(slope: 2, intercept: 1))
    // By hand: Σ(x − 4/3)(y − 5/3) = 16/3, Σ(x − 4/3)² = 14/3.
    let line = try #require(ScatterPanel.leastSquares([0, 1, 3], [1, 0, 4]))
    #expect(abs(line.slope - 8.0 / 7) < 1e-12 && abs(line.intercept - (5.0 / 3 - 4.0 / 3 * 8 / 7)) < 1e-12)
    #expect(ScatterPanel.leastSquares([1, 1], [0, 2]) == nil)
    #expect(ScatterPanel.leastSquares([1], [0]) == nil)
  }

  private func example(panels: Int, outlier: Double? = nil) throws -> ScatterFigure {
    let list = (0..<60).map { Double($0) / 60 }
    return try ScatterFigure(
      title: "Approximations and the truth",
      panels: (0..<panels).map { panel in
        var y = list.map { 0.2 + 0.7 * $0 + 0.1 * (($0 * 977).truncatingRemainder(dividingBy: 1) - 0.5) }
        if let outlier { y[3] = outlier }
        return try ScatterPanel(
          title: Label("L_{\(panel)}(α)"), x: list, y: y, shade: list.map { ($0 * 4).rounded() },
          notes: ["Pearson 0.98 [0.97, 0.99]", "n = 60"], regression: ScatterPanel.leastSquares(list, y))
      }, xLabel: "L_{M}(α)", yLabel: "approximation", caption: ["A caption."])
  }

  @Test(arguments: [1, 2, 3, 4, 6]) func textsNeitherOverlapNorLeaveThePage(panels: Int) throws {
    try expectClearTexts(try example(panels: panels))
    try expectClearTexts(try example(panels: panels, outlier: 1e6))
  }

  @Test func whatLiesFarOutOrIsMissingIsSaid() throws {
    func text(_ outlier: Double) throws -> String {
      try FigureFile.texts(of: try example(panels: 2, outlier: outlier)).map(\.text).joined(separator: " ")
    }
    #expect(try text(1e6).contains("Triangles on the border: 2 points farther out (up to 1 × 106)."))
    #expect(try text(.nan).contains("Left out: 2 points without two finite losses."))
    #expect(!(try text(0.5)).contains("Triangles"))
  }

  @Test func badPointsAreRefused() {
    #expect(refusal { try ScatterPanel(title: "", x: [1], y: []) } == "figure: scatter : 1, 0 and 0 values")
    #expect(refusal { try ScatterPanel(title: "", x: [1], y: [1], shade: [1, 2]) } == "figure: scatter : 1, 1 and 2 values")
    #expect(refusal { try ScatterFigure(title: "", panels: [], xLabel: "", yLabel: "") } == "figure: scatter panels: none")
    #expect(
      refusal {
        try ScatterFigure(
          title: "", panels: [try ScatterPanel(title: "", x: [.nan], y: [1])], xLabel: "", yLabel: "")
      } == "figure: scatter: no point to show")
  }
}
