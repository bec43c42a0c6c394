import Plots
import Search
import Testing

@Suite("The mark of early stopping in a figure of eigenvalues") struct StoppingMarkTests {
  /// Eigenvalues that grow by a half from each to the next pass any limit at once, so that the start of the rule decides: with
  /// an eigenvalue an epoch and start 10 on t − k = 10 and t = 14 from 0, and so on epoch 15 of a search without warm-up.
  @Test(
    "is the epoch that the rule decides on, counted from 1 and after the warm-up",
    arguments: [(0, 1, 10, 15), (3, 1, 10, 18), (0, 2, 10, 19), (3, 2, 10, 22), (3, 1, 0, 10)])
  func markIsWhereTheRuleDecides(warmup: Int, every: Int, start: Int, expected: Int) throws {
    let rule = EarlyStopping(window: 5, distance: 4, every: every, ratio: 0.75, start: start)
    var value = 1.0
    let eigenvalues = (0..<20).map { _ -> Double in
      defer { value *= 1.5 }
      return value
    }
    let decision = try #require(rule.decision(of: eigenvalues))
    #expect(warmup + 1 + decision.epoch == expected)
    let smoothed = (2..<18).map { index in
      (epoch: warmup + 1 + index * every, value: eigenvalues[index - 2...index + 2].reduce(0, +) / 5)
    }
    #expect(SpectrumPlot.threshold(smoothed, rule, warmup: warmup).epoch == expected)
  }

  /// A search with eigenvalues of the warm-up has averages over them too; the rule has not.
  @Test("is not made of averages over epochs of the warm-up")
  func averagesOverTheWarmupDoNotCount() {
    let rule = EarlyStopping(window: 5, distance: 5, every: 1, ratio: 0.75, start: 0)
    // Passed everywhere, k = 5. After five epochs of warm-up t − k is 8 at the earliest, its average over 6 to 10; without, 3.
    let smoothed = (3...20).map { (epoch: $0, value: Double(1 << $0)) }
    #expect(SpectrumPlot.threshold(smoothed, rule, warmup: 5).epoch == 13)
    #expect(SpectrumPlot.threshold(smoothed, rule).epoch == 8)
  }

  @Test("is nowhere where the mean stays below the limit")
  func noMarkBelowTheLimit() {
    let smoothed = (3...30).map { (epoch: $0, value: 1.0) }
    #expect(SpectrumPlot.threshold(smoothed).epoch == nil)
  }
}
