import Formats
import Foundation
import Statistics
import TestSupport
import Testing

struct PairedTests {
  /// Darwin's maize, differences in eighths of an inch between crossed and self-fertilised plants (Fisher, *The design of
  /// experiments*, §17): W = 24 and P = 0.041, as published; digits of `scipy.stats.wilcoxon`, SciPy 1.17.1.
  @Test func darwinsMaizeHasItsPublishedProbability() throws {
    let differences: [Double] = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]
    let both = try #require(WilcoxonSignedRank(differences: differences))
    #expect(both.method == .exact && both.positive == 96 && both.negative == 24 && both.count == 15)
    #expect(close(both.probability, 0.041259765625, .absolute(1e-12)) && close(both.rankBiserial, 0.6, .absolute(1e-12)))
    #expect(
      close(
        WilcoxonSignedRank(differences: differences, alternative: .greater)?.probability, 0.0206298828125, .absolute(1e-12)))
    #expect(
      close(
        WilcoxonSignedRank(differences: differences, alternative: .less)?.probability, 0.982330322265625, .absolute(1e-12)))
  }

  /// All 2¹⁰ signs of the mean ranks of the magnitudes, counted in Python with `scipy.stats.rankdata` and
  /// `itertools.product`; the zero is left out.
  @Test func tiesAreCountedExactly() throws {
    let differences: [Double] = [1, -1, 2, 2, -3, 3, 4, 5, 5, -2, 0]
    let both = try #require(WilcoxonSignedRank(differences: differences))
    #expect(both.positive == 43 && both.negative == 12 && both.count == 10)
    #expect(close(both.probability, 0.1328125, .absolute(1e-12)))
    #expect(
      close(WilcoxonSignedRank(differences: differences, alternative: .greater)?.probability, 0.06640625, .absolute(1e-12)))
    #expect(
      close(WilcoxonSignedRank(differences: differences, alternative: .less)?.probability, 0.94921875, .absolute(1e-12)))
  }

  /// `scipy.stats.wilcoxon(d, method="approx", correction=False)` on 80 differences full of ties, two of them zero.
  @Test func largeSamplesHaveTheNormalApproximationOfSciPy() throws {
    let differences = (0..<80).map { Double(($0 * 37) % 41 - 18) / 4 }
    let expected: [(WilcoxonSignedRank.Alternative, Double)] = [
      (.twoSided, 0.08701746609905235), (.greater, 0.043508733049526176), (.less, 0.9564912669504738),
    ]
    for (alternative, probability) in expected {
      let found = try #require(WilcoxonSignedRank(differences: differences, alternative: alternative))
      #expect(found.method == .normal && found.count == 78 && found.positive == 1884 && found.negative == 1197)
      #expect(close(found.probability, probability, .absolute(1e-12)), "\(alternative)")
    }
  }

  /// `scipy.stats.wilcoxon` with method "exact" on 50 and "approx" on 51 differences; the exact one of the latter is 0.05598.
  @Test func largestExactSampleAndTheOneAboveAreThoseOfSciPy() throws {
    let differences = (1...51).map { Double($0) * ($0 % 3 == 0 ? -1 : 1) }
    let normal = try #require(WilcoxonSignedRank(differences: differences))
    let exact = try #require(WilcoxonSignedRank(differences: Array(differences.dropLast())))
    #expect(normal.method == .normal && close(normal.probability, 0.055852182035584695, .absolute(1e-12)))
    #expect(exact.method == .exact && close(exact.probability, 0.02616696817119646, .absolute(1e-12)))
  }

  @Test func oneSeedDecidesNothingAndFiveCannotReachFivePerCent() throws {
    #expect(close(try WilcoxonSignedRank([2], [1])?.probability, 1, .absolute(1e-12)))
    #expect(close(try WilcoxonSignedRank([2, 3, 4, 5, 6], [1, 1, 1, 1, 1])?.probability, 0.0625, .absolute(1e-12)))
    #expect(try WilcoxonSignedRank([1, 2], [1, 2]) == nil)
    #expect(try WilcoxonSignedRank([1, .nan], [1, 2]) == nil)
    #expect(refusal { try WilcoxonSignedRank([1], []) } == "second sample: 0 values")
  }

  @Test func meanDifferenceHasStudentsInterval() throws {
    let first = [0.71, 0.74, 0.69, 0.77, 0.73, 0.75, 0.70]
    let second = [0.68, 0.73, 0.70, 0.71, 0.70, 0.74, 0.66]
    let found = try #require(try PairedDifference(first, second, bootstrap: Bootstrap()))
    #expect(abs(found.mean - 0.17 / 7) < 1e-12 && found.count == 7)
    // x̄ ± t.ppf(0.975, 6) s/√7, from NumPy and SciPy 1.17.1.
    let interval = try #require(found.interval)
    #expect(abs(interval.lower - studentLower) < 1e-9 && abs(interval.upper - studentUpper) < 1e-9, "\(interval)")
    #expect(interval.method == .student && interval.units == 7)
    #expect(try PairedDifference([1, 2, 3], [0, 1, 2], bootstrap: Bootstrap())?.interval == nil, "all the same")
    #expect(try PairedDifference([1], [0], bootstrap: Bootstrap(replicates: 10))?.interval == nil)
    #expect(try PairedDifference([], [], bootstrap: Bootstrap(replicates: 10)) == nil)
    #expect(refusal { try PairedDifference([1], [], bootstrap: Bootstrap(replicates: 10)) } == "second sample: 0 values")
  }

  private let studentLower = 0.0030228803955895146
  private let studentUpper = 0.04554854817583903
}
