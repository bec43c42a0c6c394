import Figures
import Foundation
import Testing

/// Figures against stored pictures of them.
///
/// Same machine, same bytes: that is tested elsewhere. Between machines, versions of cairo and of the mathematical library
/// may place the grey edge of a letter or of a line a little differently, and DejaVu Sans has had corrections; so here a
/// few pixels may differ. Areas, colours and places may not.
///
/// `ZARTS_WRITE_REFERENCES=1 swift test --filter ReferencePictureTests` stores the pictures anew; look at them then.
@Suite struct ReferencePictureTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
    "References")

  static let names = ["heatmap", "surface", "scatter", "lines", "eigenvalues", "strips"]

  /// - Parameter nudge: a change of the data that must show.
  private static func picture(_ name: String, nudge: Double = 0) throws -> DecodedPNG? {
    func image(_ figure: some Figure) throws -> DecodedPNG? {
      DecodedPNG(try FigureFile.render(figure, as: .png, scale: 0.75))
    }
    let list = (0..<21).map { -1 + Double($0) / 10 }
    switch name {
    case "heatmap":
      var figure = try LandscapeFigure.comparison(
        title: "Loss",
        losses: [
          ("L_{1}(α)", try sampled(7) { x, y in 1 + x * x + y * y + nudge * x }),
          ("L_{M}(α)", try sampled(7) { x, y in x > 0.9 && y > 0.9 ? .nan : 1.1 + (x - 0.3) * (x - 0.3) + y * y }),
        ])
      figure.paths = [try examplePath()]
      figure.width = 252
      return try image(figure)
    case "surface":
      let grid = try sampled(9) { x, y in 1 + x * x * (1 + nudge) + 0.5 * y * y - 0.3 * x * y }
      return try image(try SurfaceFigure(title: "", panels: [LandscapePanel(title: "L_{1}(α)", grid: grid)]))
    case "scatter":
      let y = list.map { 0.1 + 0.8 * $0 + nudge * $0 }
      return try image(
        try ScatterFigure(
          title: "",
          panels: [
            try ScatterPanel(
              title: "L_{1}(α)", x: list, y: y, shade: list.map(abs), notes: ["Pearson 0.9"],
              regression: ScatterPanel.leastSquares(list, y))
          ], xLabel: "truth", yLabel: "approximation"))
    case "lines":
      let series = try LineSeries(
        label: "L_{1}(α)", x: list, y: list.map { (1 + nudge) * $0 * $0 },
        band: .init(lower: list.map { $0 * $0 - 0.1 }, upper: list.map { $0 * $0 + 0.1 }))
      return try image(try LineFigure(title: "", series: [series], xLabel: "t", yLabel: "loss"))
    case "eigenvalues":
      let epochs = (1...30).map(Double.init)
      var figure = try LineFigure(
        title: "", series: [try LineSeries(label: "λ_{1}", x: epochs, y: epochs.map { ($0 - 8) * $0 * $0 * (1 + nudge) })],
        xLabel: "epoch", yLabel: "eigenvalue", yScale: .symmetric(threshold: 10))
      figure.isWholeX = true
      figure.references = [ReferenceLine(.upright, at: 20 + 10 * nudge, label: "stop")]
      return try image(figure)
    default:
      let values = (0..<6).map { row in (0..<12).map { Double(row * $0) + (nudge == 0 ? 0 : Double(60 - row)) } }
      return try image(
        try StripFigure(
          title: "", panels: [StripPanel(title: "a", values: values), StripPanel(title: "b", values: values.reversed())],
          rows: (0..<6).map { Label("\($0)") }, epochs: Array(1...12), columns: 2, valueLabel: "weight", width: 252))
    }
  }

  /// Share of the pixels that differ by more than a quarter of the range in a component, and mean difference.
  private static func difference(_ a: DecodedPNG, _ b: DecodedPNG) -> (share: Double, mean: Double)? {
    guard a.width == b.width, a.height == b.height else { return nil }
    var (large, sum) = (0, 0)
    for pixel in stride(from: 0, to: a.rgb.count, by: 3) {
      let gaps = (0..<3).map { abs(Int(a.rgb[pixel + $0]) - Int(b.rgb[pixel + $0])) }
      if gaps.contains(where: { $0 > 64 }) { large += 1 }
      sum += gaps.reduce(0, +)
    }
    return (Double(large) / Double(a.rgb.count / 3), Double(sum) / Double(a.rgb.count))
  }

  private static func isAlike(_ a: DecodedPNG, _ b: DecodedPNG) -> Bool {
    guard let difference = difference(a, b) else { return false }
    return difference.share < 0.004 && difference.mean < 0.8
  }

  @Test(arguments: names) func figuresLookLikeTheirReference(name: String) throws {
    let path = Self.folder.appendingPathComponent("\(name).png")
    let drawn = try #require(try Self.picture(name))
    if ProcessInfo.processInfo.environment["ZARTS_WRITE_REFERENCES"] == "1" {
      let sketch = Sketch(
        name: name, size: Size(width: Double(drawn.width) * 0.75, height: Double(drawn.height) * 0.75)
      ) { canvas in
        for y in 0..<drawn.height {
          for x in 0..<drawn.width {
            let colour = drawn[x, y].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            let area = Rectangle(x: Double(x) * 0.75, y: Double(y) * 0.75, width: 0.75, height: 0.75)
            if colour != 0xFFFFFF { canvas.fill(area, Colour(hex: colour)) }
          }
        }
      }
      try Data(FigureFile.render(sketch, as: .png, scale: 1)).write(to: path)
    }
    let stored = try #require(DecodedPNG(Array(try Data(contentsOf: path))))
    #expect(Self.isAlike(drawn, stored), "\(name): \(String(describing: Self.difference(drawn, stored)))")
  }

  /// The tolerance is not so wide that other data would pass.
  @Test(arguments: names) func otherDataLooksDifferent(name: String) throws {
    let stored = try #require(DecodedPNG(Array(try Data(contentsOf: Self.folder.appendingPathComponent("\(name).png")))))
    #expect(!Self.isAlike(try #require(try Self.picture(name, nudge: 0.3)), stored))
  }
}
