import Figures
import Formats
import TestSupport
import Testing

@Suite struct LinePanelsTests {
  private func panel(_ label: Label, scale: Double = 1, missing: Int? = nil) throws -> LineFigure {
    let x = (1...8).map(Double.init)
    let series = try (0..<6).map { index in
      let xs = index == missing ? [] : x
      let y = xs.map { scale * (1 + Double(index)) / $0 }
      return try LineSeries(
        label: Label(plain: "zarts-\(index)"), x: xs, y: y, band: .init(lower: y.map { $0 - scale }, upper: y))
    }
    return try LineFigure(title: "not drawn", series: series, xLabel: "epoch", yLabel: label)
  }

  @Test(arguments: [1, 2, 3, 4, 5, 7]) func textsNeitherOverlapNorLeaveThePage(count: Int) throws {
    let panels = try (0..<count).map { try panel("validation loss (nats)", scale: $0.isMultiple(of: 2) ? 1 : 0.0001) }
    let figure = try LinePanels(title: "Six methods", panels: panels, caption: ["Means of 3 runs of different seeds."])
    try expectClearTexts(figure)
    let texts = try FigureFile.texts(of: figure).map(\.text)
    #expect(texts.filter { $0 == "zarts-0" }.count == 1, "one legend for all panels")
    #expect(texts.filter { $0.hasPrefix("validation loss (nats") }.count == count && !texts.contains("not drawn"))
  }

  @Test func plottingAreasBeginAtOneDistanceWhateverTheirTickLabels() throws {
    let figure = try LinePanels(title: "", panels: [panel("a"), panel("b", scale: 0.0001), panel("c", scale: 1000)])
    // Frames are centred over their x labels.
    let centres = try FigureFile.texts(of: figure).filter { $0.text == "epoch" }.map(\.area)
    #expect(centres.count == 3)
    let steps = zip(centres, centres.dropFirst()).map { $1.centre.x - $0.centre.x }
    #expect(steps.allSatisfy { abs($0 - 168) < 0.5 } && centres.allSatisfy { $0.y == centres[0].y }, "\(centres)")
  }

  /// A line that one panel lacks must not hand its colour on to the next line.
  @Test func lineThatIsMissingKeepsItsColourAndItsNameInTheLegend() throws {
    func pixels(_ panels: [LineFigure], _ colour: [UInt8]) throws -> Int {
      let figure = try LinePanels(title: "", panels: panels)
      return try #require(DecodedPNG(FigureFile.render(figure, as: .png))).find(colour).count
    }
    let (first, second): ([UInt8], [UInt8]) = ([0x00, 0x72, 0xB2], [0xD5, 0x5E, 0x00])
    let (whole, without) = (try panel("a"), try panel("a", missing: 0))
    #expect(try pixels([without], first) == 0)
    #expect(try pixels([without], second) > 100)
    let both = try LinePanels(title: "", panels: [without, whole])
    #expect(try FigureFile.texts(of: both).contains { $0.text == "zarts-0" })
    #expect(try !FigureFile.texts(of: LinePanels(title: "", panels: [without])).contains { $0.text == "zarts-0" })
  }

  @Test func bandOfASinglePointIsSeen() throws {
    func pixels(_ band: LineSeries.Band?) throws -> Int {
      let series = try LineSeries(label: "", x: [1], y: [2], band: band)
      let other = try LineSeries(label: "", x: [0, 2], y: [0, 4])
      let figure = try LineFigure(title: "", series: [other, series], xLabel: "x", yLabel: "y")
      let image = try #require(DecodedPNG(FigureFile.render(figure, as: .png)))
      // #D55E00 at opacity 0.2 on white; blending may round either way.
      let wanted: [UInt8] = [0xF7, 0xDF, 0xCC]
      return stride(from: 0, to: image.rgb.count, by: 3).count { start in
        (0..<3).allSatisfy { abs(Int(image.rgb[start + $0]) - Int(wanted[$0])) <= 1 }
      }
    }
    #expect(try pixels(nil) == 0)
    #expect(try pixels(.init(lower: [1], upper: [3])) > 100)
  }

  @Test func plainLabelsTakeNoMarkup() {
    #expect(Label(plain: "a_{b}").plain == "a_{b}" && Label("a_{b}").plain == "ab")
  }

  @Test func panelsThatCannotBeDrawnAreRefused() throws {
    #expect(
      refusal { try LinePanels(title: "", panels: []) }?.hasPrefix("figure: line panels: 0 panels in rows of ") == true)
    #expect(
      refusal { try LinePanels(title: "", panels: [panel("a"), panel("b")], width: 200) }
        == "figure: line panels width: 200.0")
    #expect(
      refusal { try LinePanels(title: "", panels: [panel("a")], columns: 0) } == "figure: line panels: 1 panels in rows of 0"
    )
    #expect(refusal { try LinePanels(title: "", panels: [panel("a")], width: .nan) } == "figure: line panels width: nan")
  }
}
