import Figures
import Formats
import Foundation
import TestSupport
import Testing

func examplePath(_ label: Label = "darts1", reach: Double = 0.8, points: Int = 21) throws -> LandscapePath {
  try LandscapePath(
    label: label,
    points: (0..<points).map { index in
      let t = Double(index) / Double(max(points - 1, 1))
      return Point(-0.7 + 1.3 * t * reach, 0.6 - 1.2 * t * t)
    }, epochs: Array(0..<points))
}

@Suite struct LandscapePathTests {
  private func figure(_ paths: [LandscapePath]) throws -> LandscapeFigure {
    var figure = try exampleLandscape(points: 11)
    figure.paths = paths
    return figure
  }

  @Test func numbersOfEpochsKeepClearOfEverythingElse() throws {
    for points in [1, 2, 21, 300] {
      try expectClearTexts(try figure([examplePath(points: points), examplePath("zarts-mgs", reach: 0.4, points: points)]))
    }
  }

  @Test func pathsAreNamedDrawnAndExplained() throws {
    let drawn = try figure([examplePath()])
    let text = try FigureFile.texts(of: drawn).map(\.text).joined(separator: " ")
    #expect(
      text.contains("darts1") && text.contains("Paths lead from the circle to the square; numbers on them are epochs."))
    var mixed = try figure([examplePath(), examplePath("zarts-mgs", reach: 0.4)])
    mixed.paths[1].counts = "updates"
    let both = try FigureFile.texts(of: mixed).map(\.text).joined(separator: " ")
    #expect(both.contains("numbers on them are epochs or updates."))
    let vermilion: [UInt8] = [0xD5, 0x5E, 0x00]
    let (with, without) = (
      try #require(DecodedPNG(FigureFile.render(drawn, as: .png))),
      try #require(DecodedPNG(FigureFile.render(figure([]), as: .png)))
    )
    #expect(with.find(vermilion).count > 500 && without.find(vermilion).count == 0)
  }

  @Test func aPathThatLeavesThePlaneIsSaid() throws {
    let text = try FigureFile.texts(of: try figure([examplePath(reach: 5)])).map(\.text).joined(separator: " ")
    #expect(text.contains("Outside of what is drawn in part: darts1."))
  }

  @Test func badPathsAreRefused() {
    #expect(refusal { try LandscapePath(label: "p", points: [], epochs: []) } == "figure: path p: 0 points and 0 epochs")
    #expect(
      refusal { try LandscapePath(label: "p", points: [Point(0, 0)], epochs: [1, 2]) }
        == "figure: path p: 1 points and 2 epochs")
    #expect(
      refusal { try LandscapePath(label: "p", points: [Point(.nan, 0)], epochs: [1]) }
        == "figure: path p: a point that is not finite")
  }
}

@Suite struct LandscapeScaleTests {
  private func image(_ change: (inout LandscapeFigure) -> Void) throws -> DecodedPNG {
    let panels = [LandscapePanel(title: "L", grid: try Grid(x: [-1, 1], y: [-1, 1], values: [1, 10, 100, 1000]))]
    var figure = try LandscapeFigure(title: "", panels: panels, centre: Point(9, 9))
    change(&figure)
    return try #require(DecodedPNG(FigureFile.render(figure, as: .png)))
  }

  private func count(_ map: ColourMap, _ place: Double, in image: DecodedPNG) -> Int {
    let colour = map.colour(at: place)
    return image.find([colour.red, colour.green, colour.blue].map { UInt8(($0 * 255).rounded()) }).count
  }

  @Test func logarithmicColoursGoByTheLogarithm() throws {
    let logarithmic = try image { $0.isLogarithmic = true }
    for third in 0...3 { #expect(count(.viridis, Double(third) / 3, in: logarithmic) > 10_000) }
    #expect(count(.viridis, 1.0 / 3, in: try image { _ in }) < 1000)
  }

  @Test func givenLimitsAndMapsAreKept() throws {
    let limited = try image {
      $0.range = 0...20
      $0.colourMap = .magma
    }
    #expect(count(.magma, 0.5, in: limited) > 10_000 && count(.magma, 1, in: limited) > 20_000)
  }

  /// Differences of one sign only: the middle of the map still is 0, and white.
  @Test func differencesAreCentredAtZero() throws {
    let truth = try Grid(x: [-1, 1], y: [-1, 1], values: [1, 1, 1, 1])
    let other = try Grid(x: [-1, 1], y: [-1, 1], values: [1, 2, 3, 5])
    var figure = try LandscapeFigure.comparison(title: "", losses: [("a", other), ("b", truth)])
    figure.centre = Point(9, 9)
    let drawn = try #require(DecodedPNG(FigureFile.render(figure, as: .png)))
    #expect(count(.blueWhiteRed, 0.5, in: drawn) > 5000 && count(.blueWhiteRed, 1, in: drawn) > 5000)
    #expect(count(.blueWhiteRed, 0.625, in: drawn) > 5000, "a quarter of the way up to the largest difference")
  }

  @Test func accuraciesAreMarkedAtTheirHighest() throws {
    var figure = try exampleLandscape()
    figure.seeksMaximum = true
    let texts = try FigureFile.texts(of: figure).map(\.text)
    #expect(texts.contains("maximum of the panel") && !texts.contains("minimum of the panel"))
  }
}
