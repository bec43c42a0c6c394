import Compute
import Foundation
import Statistics
import Testing

struct NoiseCorrectionTests {
  private let x: [[Double]] = [[1, 2, 1.5], [3, 2.5, 3.5], [4, 5, 4.25], [6, 5.5, 7], [2, 3, 2.5]]
  private let y: [[Double]] = [[2, 1, 2.25], [4.5, 5, 4.25], [2, 1.5, 2.5], [5, 6.5, 6], [3, 3.5, 2]]

  /// Covariances of the means less those of the deviations from them, worked out in NumPy.
  @Test func fitIsThatOfTheCovariancesLessThoseOfTheNoise() throws {
    let fit = try #require(NoiseCorrectedFit(x, y))
    #expect(
      abs(fit.slope - 0.6803385416666666) < 1e-12 && abs((fit.correlation ?? 0) - 0.7123634277071402) < 1e-12, "\(fit)")
    #expect(abs(fit.reliability - 0.9696969696969697) < 1e-12)
    // What a repetition adds to all points alike changes nothing.
    let moved = try #require(
      NoiseCorrectedFit(x.map { [$0[0] + 8, $0[1] - 4, $0[2]] }, y.map { [$0[0], $0[1] + 2, $0[2]] }))
    #expect(abs(moved.slope - fit.slope) < 1e-9 && abs(moved.reliability - fit.reliability) < 1e-9)
  }

  /// 400 samples of 60 points measured six times; slope and r are ½, and the noise of a mean has the variance 1/6. Plain slopes
  /// are 0.43 of independent noise; of shared noise plain r is (½ + 1/6)/(7/6) = 0.57.
  @Test(arguments: [false, true])
  func noiseOfTheMeasurementsIsTakenOffSharedOrNot(isShared: Bool) throws {
    var (plain, corrected) = ((slope: 0.0, r: 0.0), (slope: 0.0, r: 0.0))
    for sample in 0..<400 {
      var stream = RandomStream(seed: 12, purpose: .test, step: sample, index: isShared ? 1 : 0)
      let points = (0..<60).map { _ -> (x: [Double], y: [Double]) in
        let place = stream.normal()
        let value = 0.5 * place + 0.75.squareRoot() * stream.normal()
        let noise = (0..<6).map { _ in (stream.normal(), stream.normal()) }
        return (noise.map { place + $0.0 }, noise.map { value + (isShared ? $0.0 : $0.1) })
      }
      let fit = try #require(NoiseCorrectedFit(points.map(\.x), points.map(\.y)))
      let means = (points.map { Moments.mean($0.x) ?? 0 }, points.map { Moments.mean($0.y) ?? 0 })
      plain.slope += (try LinearFit(means.0, means.1)?.slope ?? 0) / 400
      plain.r += (try Correlation.pearson(means.0, means.1) ?? 0) / 400
      corrected.slope += fit.slope / 400
      corrected.r += (fit.correlation ?? 0) / 400
    }
    // The standard error of a mean over the samples is 0.006 at most.
    #expect(abs(corrected.slope - 0.5) < 0.025 && abs(corrected.r - 0.5) < 0.025, "\(corrected)")
    #expect(isShared ? plain.r > 0.54 : plain.slope < 0.46 && plain.r < 0.46, "\(plain)")
  }

  @Test func pointsWithoutRepetitionsOrWithoutSpreadBeyondTheNoiseHaveNoFit() throws {
    #expect(NoiseCorrectedFit([], []) == nil)
    #expect(NoiseCorrectedFit(x.map { [$0[0]] }, y.map { [$0[0]] }) == nil, "one repetition tells no noise")
    #expect(NoiseCorrectedFit(Array(x.prefix(2)), Array(y.prefix(2))) == nil)
    #expect(NoiseCorrectedFit(x, Array(y.dropLast())) == nil)
    #expect(NoiseCorrectedFit(x, y.map { [$0[0], $0[1]] }) == nil)
    #expect(NoiseCorrectedFit(x, [[.nan, 1, 2]] + y.dropFirst()) == nil)
    // Means 0, 0, 0.1 and noise of 1.
    #expect(NoiseCorrectedFit([[-1, 1], [1, -1], [-0.9, 1.1]], [[1, 2], [3, 4], [5, 6]]) == nil)
    let flat = try #require(NoiseCorrectedFit([[1, 1], [2, 2], [3, 3]], [[-1, 1], [1, -1], [-0.9, 1.1]]))
    #expect(flat.correlation == nil && abs(flat.slope - 0.05) < 1e-12 && flat.reliability == 1)
  }

  /// The mean of the first four rows of x with jackknives over rows and over columns, in NumPy and SciPy 1.17.1.
  @Test func crossedIntervalsAddBothVariances() throws {
    let bootstrap = try Bootstrap()
    func mean(_ rows: [Int], _ columns: [Int]) -> Double? {
      Moments.mean(rows.flatMap { row in columns.map { x[row][$0] } })
    }
    func intervals(
      _ rows: Int, _ columns: Int, _ scale: StatisticScale = .plain, _ of: (_ rows: [Int], _ columns: [Int]) -> Double?
    ) -> ConfidenceInterval? {
      bootstrap.crossedIntervals(units: rows, crossed: columns, scales: [scale]) { [of($0, $1)] }[0]
    }
    let found = try #require(intervals(4, 3, .plain, mean))
    #expect(abs(found.lower - 0.6480737528722202) < 1e-9 && abs(found.upper - 6.893592913794446) < 1e-9, "\(found)")
    #expect(found.method == .student && found.units == 4 && found.crossedUnits == 3)
    #expect(intervals(4, 2, .plain, mean) == nil && intervals(2, 3, .plain, mean) == nil)
    // Third cumulants of both add up: the longer side is the one of the large values.
    let skewed = try #require(intervals(4, 3, .skewed(), mean))
    #expect(abs(skewed.lower - 0.6480737528722202) < 1e-9 && abs(skewed.upper - 7.004461844674142) < 1e-9, "\(skewed)")
    // Columns that are all the same add nothing.
    let alone = try #require(intervals(4, 3) { rows, _ in Moments.mean(rows.map { x[$0][0] }) })
    let over = try #require(bootstrap.interval(units: 4) { rows in Moments.mean(rows.map { x[$0][0] }) })
    #expect(alone.crossedUnits == nil && abs(alone.lower - over.lower) < 1e-9 && abs(alone.upper - over.upper) < 1e-9)
  }

  /// 12 directions on 4 batches, of which most of the spread is the batches': in NumPy 94 of 100 such intervals hold the mean, and
  /// 31 of those over directions alone.
  @Test func crossedIntervalsHoldTheTruthWhereThoseOverOneKindDoNot() throws {
    let bootstrap = try Bootstrap()
    var (crossed, alone) = (0, 0)
    for sample in 0..<1000 {
      var stream = RandomStream(seed: 41, purpose: .test, step: sample)
      let batches = stream.normals(4)
      let values = (0..<12).map { _ -> [Double] in
        let direction = 0.3 * stream.normal()
        return batches.map { $0 + direction + 0.3 * stream.normal() }
      }
      func mean(_ rows: [Int], _ columns: [Int]) -> Double? {
        Moments.mean(rows.flatMap { row in columns.map { values[row][$0] } })
      }
      let both = bootstrap.crossedIntervals(units: 12, crossed: 4, scales: [.plain]) { [mean($0, $1)] }[0]
      if both?.contains(0) == true { crossed += 1 }
      if bootstrap.interval(units: 12, of: { mean($0, [0, 1, 2, 3]) })?.contains(0) == true { alone += 1 }
    }
    #expect(crossed >= 920 && alone < 400, "\(crossed) and \(alone)")
  }
}
