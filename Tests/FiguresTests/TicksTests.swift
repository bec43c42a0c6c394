import Figures
import Formats
import TestSupport
import Testing

private func texts(_ ticks: Ticks) -> [String] { ticks.labels.map(\.plain) }

@Suite struct TicksTests {
  @Test func valuesAreTheNearestDoublesToTheDecimals() {
    #expect(Ticks.linear(-1, 1).values == [-1, -0.5, 0, 0.5, 1])
    #expect(Ticks.linear(0, 1, target: 10).values == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1])
    #expect(Ticks.linear(1.23, 1.27).values == [1.23, 1.24, 1.25, 1.26, 1.27])
    #expect(Ticks.linear(-0.31, 0.29, target: 6).values == [-0.3, -0.2, -0.1, 0, 0.1, 0.2])
    #expect(Ticks.linear(3, -4).values == Ticks.linear(-4, 3).values)
  }

  @Test func labelsHaveATrueMinusAndNoNoise() {
    #expect(texts(.linear(-1, 1)) == ["\u{2212}1.0", "\u{2212}0.5", "0.0", "0.5", "1.0"])
    #expect(texts(.linear(0, 40)) == ["0", "10", "20", "30", "40"])
    #expect(texts(.linear(1.23, 1.27)) == ["1.23", "1.24", "1.25", "1.26", "1.27"])
    #expect(texts(.linear(0, 1, target: 5)) == ["0.00", "0.25", "0.50", "0.75", "1.00"])
    #expect(Ticks.linear(0, 40).annotation == nil)
  }

  @Test func hugeAndTinyNumbersShareAPowerOfTen() {
    let huge = Ticks.linear(0, 4e6)
    #expect(texts(huge) == ["0", "1", "2", "3", "4"])
    #expect(huge.annotation == "×10^{6}")
    let tiny = Ticks.linear(-3.1e-6, -2.9e-6)
    #expect(texts(tiny) == ["\u{2212}3.10", "\u{2212}3.05", "\u{2212}3.00", "\u{2212}2.95", "\u{2212}2.90"])
    #expect(tiny.annotation == "×10^{\u{2212}6}")
    #expect(Ticks.linear(0, 1e300).values.last == 1e300)
    #expect(Ticks.linear(0, 4e-200).values == [0, 1e-200, 2e-200, 3e-200, 4e-200])
  }

  @Test func longNumbersSayTheirBeginningOnce() {
    let ticks = Ticks.linear(2.3, 2.300_000_4)
    #expect(ticks.values == [2.3, 2.300_000_1, 2.300_000_2, 2.300_000_3, 2.300_000_4])
    #expect(texts(ticks) == ["0", "1", "2", "3", "4"])
    #expect(ticks.annotation == "×10^{\u{2212}7} + 2.3")
    #expect(Ticks.linear(-1_000_004, -1_000_000).annotation == "\u{2212} 1.000004 × 10^{6}")
  }

  @Test func rangesThatCannotBeDividedGetOneTick() {
    #expect(Ticks.linear(2.5, 2.5).values == [2.5])
    #expect(Ticks.linear(1, 1 + 1e-15).values.count == 1)
    #expect(Ticks.linear(0, 0).values == [0])
    #expect(Ticks.linear(.nan, 1).values.isEmpty)
    #expect(Ticks.linear(0, .infinity).values.isEmpty)
    #expect(Ticks.linear(-1.7e308, 1.7e308).values == [0])
  }

  @Test(arguments: [(-1.1, 1.1), (0.37, 0.92), (-7e-5, 3e-4), (12, 12_345), (-1e-3, 1e3), (0.999, 1.001)], 2...9)
  func ticksLieInsideAscendAndAreAboutAsManyAsAsked(range: (Double, Double), target: Int) {
    let ticks = Ticks.linear(range.0, range.1, target: target)
    let slack = 1e-9 * (range.1 - range.0)
    #expect(ticks.values.allSatisfy { $0 >= range.0 - slack && $0 <= range.1 + slack })
    #expect(zip(ticks.values, ticks.values.dropFirst()).allSatisfy { $0 < $1 })
    #expect(abs(ticks.values.count - target) <= max(1, target / 2))
    #expect(ticks.labels.count == ticks.values.count)
    #expect(Set(texts(ticks)).count == ticks.values.count)
  }

  @Test func logarithmicTicksArePowersOfTenWithMarksBetween() {
    let ticks = Ticks.logarithmic(0.05, 200)
    #expect(ticks.values == [0.1, 1, 10, 100])
    #expect(texts(ticks) == ["0.1", "1", "10", "100"])
    #expect(ticks.minor.contains(0.05) && ticks.minor.contains(200) && !ticks.minor.contains(10))
    #expect(Ticks.logarithmic(1e-9, 1e9, target: 4).labels.allSatisfy { $0.plain.hasPrefix("10") })
    #expect(Ticks.logarithmic(2, 9).values == [2, 5])
    #expect(Ticks.logarithmic(3, 4).values == Ticks.linear(3, 4).values)
  }

  @Test func numbersInSentencesAreShort() {
    #expect(Numeral.short(0) == "0")
    #expect(Numeral.short(-0.125) == "\u{2212}0.125")
    #expect(Numeral.short(3.14159265) == "3.142")
    #expect(Numeral.short(9999.96) == "10000" || Numeral.short(9999.96) == "1 × 10^{4}")
    #expect(Numeral.short(130_000) == "1.3 × 10^{5}")
    #expect(Numeral.short(.infinity) == "∞")
    #expect(Numeral.short(.nan) == "not a number")
    #expect(Numeral.fixed(-0.004, decimals: 2) == "0.00")
  }

  @Test func axesRefuseEndsThatAreNotARange() {
    #expect(refusal { try Axis(label: "x", low: 1, high: 1) } == "figure: axis x: 1.0 to 1.0")
    #expect(refusal { try Axis(label: "x", low: .nan, high: 1) } == "figure: axis x: nan to 1.0")
    #expect(refusal { try Axis(label: "x", low: 0, high: 1, scale: .logarithmic) } == "figure: axis x: 0.0 to 1.0")
  }

  @Test func fractionsAreExactAtTheEnds() throws {
    let axis = try Axis(label: "x", low: -1.1, high: 1.1)
    #expect(axis.fraction(-1.1) == 0)
    #expect(axis.fraction(0) == 0.5)
    #expect(axis.fraction(1.1) == 1)
    let log = try Axis(label: "x", low: 0.01, high: 100, scale: .logarithmic)
    #expect(abs(log.fraction(1) - 0.5) < 1e-15)
    #expect(log.fraction(-1).isNaN)
  }
}
