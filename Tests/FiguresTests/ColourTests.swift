import Figures
import Foundation
import Testing

private func hex(_ colour: Colour) -> [Int] { [colour.red, colour.green, colour.blue].map { Int(($0 * 255).rounded()) } }

@Suite struct ColourTests {
  @Test(arguments: [ColourMap.viridis, .magma, .cividis]) func sequentialMapsGetSteadilyLighter(map: ColourMap) {
    let lightness = (0...200).map { map.lightness(at: Double($0) / 200) }
    let steps = zip(lightness, lightness.dropFirst()).map { $1 - $0 }
    #expect(steps.allSatisfy { $0 > 0 }, "\(map.name)")
    #expect(lightness[200] - lightness[0] > 0.45, "\(map.name)")
    let mean = steps.reduce(0, +) / Double(steps.count)
    #expect(steps.allSatisfy { $0 < 2.5 * mean }, "\(map.name) has a jump")
  }

  /// Rows 0, 127 and 255 of the published table; 127 is between two control colours.
  @Test func viridisIsThePublishedOne() {
    #expect(hex(ColourMap.viridis.colour(at: 0)) == [0x44, 0x01, 0x54])
    #expect(hex(ColourMap.viridis.colour(at: 1)) == [0xFD, 0xE7, 0x25])
    let middle = hex(ColourMap.viridis.colour(at: 127.0 / 255))
    for (found, published) in zip(middle, [0x21, 0x90, 0x8D]) { #expect(abs(found - published) <= 3) }
  }

  @Test func divergingMapIsPaleInTheMiddleAndAlikeOnBothSides() {
    let map = ColourMap.blueWhiteRed
    for step in 0...100 {
      let depth = Double(step) / 200
      #expect(abs(map.lightness(at: 0.5 - depth) - map.lightness(at: 0.5 + depth)) < 1e-12)
      #expect(abs(map.lightness(at: 0.5 + depth) - (0.97 - depth)) < 1e-12)
    }
    let middle = map.colour(at: 0.5)
    #expect(abs(middle.red - middle.blue) < 0.01)
    #expect(map.colour(at: 0).blue > map.colour(at: 0).red + 0.3)
    #expect(map.colour(at: 1).red > map.colour(at: 1).blue + 0.3)
    // Inside the gamut: lightness of the colour itself is what was asked for, so nothing was cut off.
    for step in 0...20 {
      let colour = map.colour(at: Double(step) / 20)
      #expect([colour.red, colour.green, colour.blue].allSatisfy { $0 > 0 && $0 < 1 })
    }
  }

  @Test func positionsOutsideGiveTheEndColours() {
    #expect(ColourMap.viridis.colour(at: -3) == ColourMap.viridis.colour(at: 0))
    #expect(ColourMap.viridis.colour(at: .infinity) == ColourMap.viridis.colour(at: 1))
  }

  @Test func wholeRangeIsShownWhenNothingExplodes() {
    let scale = ColourScale.sequential((0...100).map { Double($0) / 50 })
    #expect(scale.low == 0)
    #expect(scale.high == 2)
    #expect(!scale.extendsAbove && !scale.extendsBelow)
  }

  @Test func explodedCornerIsClippedAndSaid() {
    let scale = ColourScale.sequential((0...100).map { Double($0) / 50 } + [1e6, .infinity, .nan])
    #expect(scale.high == 2)
    #expect(scale.extendsAbove && !scale.extendsBelow)
    #expect(scale.colour(1e6) == scale.map.colour(at: 1))
    #expect(scale.colour(.infinity) == scale.map.colour(at: 1))
    #expect(scale.colour(.nan) == nil)
  }

  @Test func differencesKeepZeroInTheMiddle() {
    let scale = ColourScale.symmetric((0...100).map { -Double($0) / 100 } + [0.2, 700])
    #expect(scale.low == -1)
    #expect(scale.high == 1)
    #expect(scale.extendsAbove && !scale.extendsBelow)
    #expect(scale.colour(0) == ColourMap.blueWhiteRed.colour(at: 0.5))
  }

  @Test func equalOrMissingValuesStillGiveARange() {
    for values in [[], [2.5], [0, 0], [-1e-300, -1e-300], [.nan], [.infinity, 3]] as [[Double]] {
      for scale in [ColourScale.sequential(values), .symmetric(values)] {
        #expect(scale.low < scale.high && scale.low.isFinite && scale.high.isFinite, "\(values)")
      }
    }
    #expect(ColourScale.sequential([2.5, 2.5]).colour(2.5) == ColourMap.viridis.colour(at: 0.5))
  }
}
