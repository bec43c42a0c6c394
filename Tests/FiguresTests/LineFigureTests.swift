import Figures
import Formats
import TestSupport
import Testing

@Suite struct LineFigureTests {
  private func curve(_ name: Label, _ function: (Double) -> Double) throws -> LineSeries {
    let x = (0...40).map(Double.init)
    return try LineSeries(label: name, x: x, y: x.map(function))
  }

  @Test func textsNeitherOverlapNorLeaveThePage() throws {
    let series = try (1...6).map { slope in try curve("series \(slope)") { 1 + Double(slope) * $0 } }
    for scale in [Axis.Scale.linear, .logarithmic] {
      let figure = try LineFigure(
        title: "Lines", series: series, xLabel: "epoch", yLabel: "validation loss", yScale: scale, caption: ["A caption."])
      try expectClearTexts(figure)
      #expect(DecodedPNG(try FigureFile.render(figure, as: .png)) != nil)
    }
  }

  /// Lines that fill the frame leave no corner: the legend must go below and make the page higher.
  @Test func legendGoesBelowWhenEveryCornerIsTaken() throws {
    let free = try LineFigure(title: "", series: [curve("a") { $0 }], xLabel: "x", yLabel: "y")
    let full = try LineFigure(
      title: "", series: [curve("a") { Int($0).isMultiple(of: 2) ? 0 : 40 }], xLabel: "x", yLabel: "y")
    #expect(try full.pageSize().height > free.pageSize().height)
    try expectClearTexts(full)
  }

  @Test func lineIsDrawnInItsColourAndBreaksAtMissingValues() throws {
    func count(_ function: (Double) -> Double) throws -> Int {
      let figure = try LineFigure(title: "", series: [curve("", function)], xLabel: "x", yLabel: "y")
      return try #require(DecodedPNG(FigureFile.render(figure, as: .png))).find([0x00, 0x72, 0xB2]).count
    }
    let whole = try count { $0 }
    let broken = try count { $0 > 10 && $0 < 30 ? .nan : $0 }
    #expect(whole > 500)
    #expect(broken > whole / 4 && broken < whole * 3 / 4)
  }

  @Test func singlePointAndConstantLineHaveAxes() throws {
    let point = try LineSeries(label: "point", x: [3], y: [0])
    try expectClearTexts(try LineFigure(title: "", series: [point], xLabel: "x", yLabel: "y"))
    try expectClearTexts(try LineFigure(title: "", series: [curve("c") { _ in 2.3 }], xLabel: "x", yLabel: "y"))
  }

  @Test func whatCannotBeShownIsRefused() throws {
    #expect(refusal { try LineSeries(label: "a", x: [0, 1], y: [0]) } == "figure: series a: 1 values")
    #expect(
      refusal {
        try LineSeries(label: "a", x: [0], y: [0], band: .init(lower: [0, 1], upper: [1]))
      } == "figure: series a: 1, 2, 1 values")
    #expect(refusal { try LineFigure(title: "", series: [], xLabel: "x", yLabel: "y") }?.hasPrefix("figure: axis ") == true)
    let negative = try curve("a") { -1 - $0 }
    #expect(
      refusal {
        try LineFigure(title: "", series: [negative], xLabel: "x", yLabel: "y", yScale: .logarithmic)
      } == "figure: axis y: no value to show")
  }

  @Test func markupBecomesPlainText() {
    #expect(Label("L_{M}(α) × 10^{5} sep_conv_3x3 ${x}").plain == "LM(α) × 105 sep_conv_3x3 x")
    #expect(Label("L₁") == Label("L_{1}"))
    #expect(Label("a_{b").plain == "a_{b")
  }
}
