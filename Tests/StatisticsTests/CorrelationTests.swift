import Formats
import Statistics
import TestSupport
import Testing

@Suite("Correlation coefficients") struct CorrelationTests {
  /// Ten pairs with ties in x, in y and in both.
  private let tiedX = [1.5, 2.25, -0.5, 4.0, 3.125, 2.25, 0.0, -1.75, 5.5, 3.125]
  private let tiedY = [0.3, 1.1, -0.2, 2.9, 1.1, 0.7, 0.3, -2.4, 2.2, 1.1]
  /// Anscombe's first set, *Graphs in statistical analysis*, The American Statistician 27, 1973: r = 0.816.
  private let anscombeX: [Double] = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
  private let anscombeY = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]

  @Test("agree with SciPy 1.17 and with Anscombe's published r") func agreeWithSciPy() throws {
    #expect(close(try Correlation.pearson(anscombeX, anscombeY), 0.8164205163448395, .absolute(1e-14)))
    #expect(close(try Correlation.spearman(anscombeX, anscombeY), 0.8181818181818182, .absolute(1e-14)))
    #expect(close(try Correlation.kendall(anscombeX, anscombeY), 0.6363636363636364, .absolute(1e-14)))
  }

  @Test("treat ties as SciPy does") func ties() throws {
    #expect(close(try Correlation.pearson(tiedX, tiedY), 0.9052214774170393, .absolute(1e-14)))
    #expect(close(try Correlation.spearman(tiedX, tiedY), 0.9659859390052363, .absolute(1e-14)))
    #expect(close(try Correlation.kendall(tiedX, tiedY), 0.9050184656361279, .absolute(1e-14)))
    let (x, y): ([Double], [Double]) = ([12, 2, 1, 12, 2], [1, 4, 7, 1, 0])
    #expect(close(try Correlation.pearson(x, y), -0.5566399985665696, .absolute(1e-14)))
    #expect(close(try Correlation.spearman(x, y), -0.5407380704358752, .absolute(1e-14)))
    #expect(close(try Correlation.kendall(x, y), -0.4714045207910316, .absolute(1e-14)))
  }

  @Test("Kendall's fast count equals counting every pair, on samples full of ties") func kendallBruteForce() throws {
    for size in [2, 3, 17, 64, 201] {
      // Small multiplicative congruences give many ties and no order.
      let x = (0..<size).map { Double($0 * 37 % 101 % 13) }
      let y = (0..<size).map { Double(($0 * 53 + 5) % 97 % 7) }
      var (score, pairs, tiedX, tiedY) = (0, 0, 0, 0)
      for first in 0..<size {
        for second in 0..<first {
          let (dx, dy) = (x[first] - x[second], y[first] - y[second])
          pairs += 1
          if dx == 0 { tiedX += 1 }
          if dy == 0 { tiedY += 1 }
          score += dx * dy > 0 ? 1 : dx * dy < 0 ? -1 : 0
        }
      }
      let expected = Double(score) / (Double(pairs - tiedX) * Double(pairs - tiedY)).squareRoot()
      #expect(close(try Correlation.kendall(x, y), expected, .absolute(1e-14)), "size \(size)")
    }
  }

  /// 39 of the 40 pairs that neither sample ties, counted in Python; of Anscombe's 45 + 10, 45.
  @Test("concordance counts the pairs that both rank alike") func concordance() throws {
    #expect(close(try Correlation.concordance(tiedX, tiedY), 39.0 / 40, .absolute(1e-14)))
    #expect(close(try Correlation.concordance(anscombeX, anscombeY), 45.0 / 55, .absolute(1e-14)))
    #expect(close(try Correlation.concordance(anscombeY, anscombeY.map { -$0 }), 0, .absolute(1e-14)))
    #expect(try Correlation.concordance([1, 1, 2], [3, 4, 3]) == 0)
    #expect(try Correlation.concordance([1, 1], [3, 4]) == nil)
  }

  @Test("a sample agrees fully with itself and not at all with its mirror image") func extremes() throws {
    for coefficient in [Correlation.pearson, Correlation.spearman, Correlation.kendall] {
      #expect(close(try coefficient(anscombeY, anscombeY), 1, .absolute(1e-14)))
      #expect(close(try coefficient(anscombeY, anscombeY.map { -$0 }), -1, .absolute(1e-14)))
    }
  }

  @Test("are nil, not NaN, where they are undefined") func undefined() throws {
    for coefficient in [Correlation.pearson, Correlation.spearman, Correlation.kendall] {
      #expect(try coefficient([], []) == nil)
      #expect(try coefficient([1], [2]) == nil)
      #expect(try coefficient([1, 1, 1], [1, 2, 3]) == nil)
      #expect(try coefficient([1, 2, 3], [4, 4, 4]) == nil)
      #expect(try coefficient([1, .nan, 3], [1, 2, 3]) == nil)
      #expect(try coefficient([1, 2, 3], [1, .infinity, 3]) == nil)
    }
  }

  @Test("refuse samples of two lengths") func lengths() {
    for coefficient in [Correlation.pearson, Correlation.spearman, Correlation.kendall] {
      #expect(throws: InputError("cannot be used", at: "second sample", found: "1 values", wanted: "2, as in the first")) {
        try coefficient([1, 2], [1])
      }
    }
  }
}
