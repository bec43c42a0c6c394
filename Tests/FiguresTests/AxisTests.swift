import Figures
import Formats
import TestSupport
import Testing

@Suite struct AxisTests {
  @Test func symmetricScaleIsLinearInsideAndLogarithmicBeyondItsThreshold() throws {
    let axis = try Axis(label: "", low: -100, high: 100, scale: .symmetric(threshold: 1))
    // From 0, one length to the threshold and one for each decade: three on each side.
    for (value, place) in [(-100, 0), (-10, 1.0 / 6), (-1, 2.0 / 6), (0, 0.5), (0.5, 0.5 + 0.5 / 6), (1, 4.0 / 6), (100, 1)]
    {
      #expect(abs(axis.fraction(value) - place) < 1e-12, "\(value)")
    }
    let ticks = axis.ticks(target: 9)
    #expect(ticks.values == [-100, -10, -1, 0, 1, 10, 100])
    #expect(ticks.labels.map(\.plain) == ["\u{2212}100", "\u{2212}10", "\u{2212}1", "0", "1", "10", "100"])
    #expect(
      refusal { try Axis(label: "", low: 0, high: 1, scale: .symmetric(threshold: 0)) }
        == "figure: axis : a threshold of 0.0")
  }

  @Test func epochsHaveTicksAtWholeNumbersOnly() throws {
    for last in 2...60 {
      let epochs = (1...last).map(Double.init)
      var figure = try LineFigure(
        title: "", series: [try LineSeries(label: "", x: epochs, y: epochs.map { _ in 0.5 })], xLabel: "epoch", yLabel: "v")
      figure.isWholeX = true
      let numbers = try FigureFile.texts(of: figure).map(\.text).prefix { $0 != "epoch" }
      #expect(numbers.allSatisfy { !$0.contains(".") } && numbers.count >= 2, "\(last): \(numbers)")
    }
  }

  @Test func referenceLinesAreNamedAndKeptInSight() throws {
    let epochs = (1...50).map(Double.init)
    var figure = try LineFigure(
      title: "Dominant eigenvalue", series: [try LineSeries(label: "λ_{1}", x: epochs, y: epochs.map { $0 / 50 })],
      xLabel: "epoch", yLabel: "eigenvalue")
    figure.references = [
      ReferenceLine(.across, at: 3, label: "threshold"), ReferenceLine(.upright, at: 31, label: "stops at epoch 31"),
    ]
    try expectClearTexts(figure)
    let texts = try FigureFile.texts(of: figure).map(\.text)
    #expect(texts.contains("threshold") && texts.contains("stops at epoch 31"))
    // The threshold lies above all values: the axis reaches to it.
    #expect(texts.contains("3") || texts.contains("3.0"))
  }
}
