import Foundation
import Statistics
import Testing

struct AreaUnderCurveTests {
  @Test func areaIsTheShareOfPairsInOrder() {
    // Of 3, 1, 2 above 2, 0: four of six pairs, and one tie.
    let area = AreaUnderCurve(of: [3, 1, 2], above: [2, 0])
    #expect(area.positives == 3 && area.negatives == 2 && area.pairs == 6)
    #expect(area.value == 0.75)
    #expect(AreaUnderCurve(of: [2, 0], above: [3, 1, 2]).value == 0.25)
    #expect(AreaUnderCurve(of: [5, 6], above: [1, 2, 3]).value == 1)
    #expect(AreaUnderCurve(of: [1], above: [1, 1]).value == 0.5)
  }

  @Test func withoutPairsThereIsNoArea() {
    #expect(AreaUnderCurve(of: [], above: [1]).value == nil && AreaUnderCurve(of: [1], above: []).value == nil)
  }

  @Test func whateverKeepsTheOrderKeepsTheArea() {
    let (a, b) = ([0.3, -1, 4, 2.5, 2.5], [0.1, 2.5, -3, 7])
    let area = AreaUnderCurve(of: a, above: b)
    #expect(AreaUnderCurve(of: a.map(exp), above: b.map(exp)) == area)
    #expect(AreaUnderCurve(of: a.reversed(), above: b.reversed()) == area)
  }

  @Test func strataAreComparedWithinAlone() {
    // Every pair within is in order, none across is.
    let (low, high) = (AreaUnderCurve(of: [2], above: [1]), AreaUnderCurve(of: [12], above: [11, 10]))
    let sum = low + high
    #expect(sum.value == 1 && sum.pairs == 3 && sum.positives == 2 && sum.negatives == 3)
    // 2 and 12 above 1, 11 and 10: four of six.
    #expect(AreaUnderCurve(of: [2, 12], above: [1, 11, 10]).value == 4.0 / 6)
  }
}
