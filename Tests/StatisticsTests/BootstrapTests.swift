import Compute
import Formats
import Statistics
import Testing

struct BootstrapTests {
  /// The law school data, Efron & Tibshirani, *An introduction to the bootstrap*, table 3.1.
  private let scores: [Double] = [576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594]
  private let grades = [
    3.39, 3.30, 2.81, 3.03, 3.44, 3.07, 3.00, 3.43, 3.36, 3.13, 3.12, 2.74, 2.76, 2.88, 2.96,
  ]
  /// The spatial test data A, table 14.1 there.
  private let spatial: [Double] = [
    48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41,
  ]

  private func correlation(_ units: [Int]) throws -> Double? {
    try Correlation.pearson(units.map { scores[$0] }, units.map { grades[$0] })
  }

  private func variance(_ units: [Int]) -> Double? {
    let values = units.map { spatial[$0] }
    let mean = values.reduce(0, +) / Double(values.count)
    let squares: [Double] = values.map { ($0 - mean) * ($0 - mean) }
    return squares.reduce(0, +) / Double(values.count)
  }

  /// Expected ends are those of `scipy.stats.bootstrap((lsat, gpa), pearson, paired=True, n_resamples=200000)` and of the
  /// plug-in variance of the spatial data at level 0.9 with 100,000 resamples, SciPy 1.17.1; the book has [115.8, 259.6]
  /// for the latter by BCa. Tolerances are what 4,000 resamples leave to chance.
  @Test func intervalsAreThoseOfSciPyAndOfTheBook() throws {
    let accelerated = try #require(
      try Bootstrap(replicates: 4000, seed: 1).interval(units: 15) { try correlation($0) })
    #expect(abs(accelerated.lower - 0.3335) < 0.05 && abs(accelerated.upper - 0.9421) < 0.01, "\(accelerated)")
    let percentile = try #require(
      try Bootstrap(method: .percentile, replicates: 4000, seed: 1).interval(units: 15) { try correlation($0) })
    #expect(abs(percentile.lower - 0.4594) < 0.03 && abs(percentile.upper - 0.9621) < 0.005, "\(percentile)")
    let book = try #require(try Bootstrap(replicates: 4000, level: 0.9, seed: 2).interval(units: 26, of: variance))
    #expect(abs(book.lower - 115.67) < 4 && abs(book.upper - 261.17) < 8, "\(book)")
    let plain = try #require(
      try Bootstrap(method: .percentile, replicates: 4000, level: 0.9, seed: 2).interval(units: 26, of: variance))
    #expect(abs(plain.lower - 97.7) < 4 && abs(plain.upper - 235.5) < 5, "\(plain)")
  }

  /// 400 samples each. Of 95 % the standard error of a share is 1.1 %; three of them, and what small samples are known to
  /// cost a percentile interval (about 3 % at n = 20), are allowed.
  @Test func intervalsHoldTheTruthAsOftenAsTheyClaim() throws {
    var hits = ["percentile": 0, "accelerated": 0, "student": 0, "slope": 0, "clusters": 0, "points": 0]
    for trial in 0..<400 {
      var stream = RandomStream(seed: 77, purpose: .test, step: trial)
      let sample = stream.normals(20).map { 3 + 2 * $0 }
      func mean(_ units: [Int]) -> Double? {
        let total: Double = units.reduce(0.0) { $0 + sample[$1] }
        return total / Double(units.count)
      }
      for method in Bootstrap.Method.allCases {
        let found = try Bootstrap(method: method, replicates: 400, seed: UInt64(trial)).interval(units: 20, of: mean)
        if found?.contains(3) == true { hits[method.rawValue, default: 0] += 1 }
      }
      let paired = try PairedDifference(
        sample, [Double](repeating: 0, count: 20), bootstrap: Bootstrap(replicates: 2, seed: 0))
      if paired?.studentInterval?.contains(3) == true { hits["student", default: 0] += 1 }
      let x = stream.normals(12)
      let y = x.map { 1 - 0.5 * $0 + stream.normal() }
      if try LinearFit(x, y)?.slopeInterval()?.contains(-0.5) == true { hits["slope", default: 0] += 1 }
      // 20 clusters of 5 values that share most of their deviation, as points along one direction do.
      let clusters = (0..<20).map { _ -> [Double] in
        let common = stream.normal()
        return (0..<5).map { _ in common + 0.3 * stream.normal() }
      }
      let all = clusters.flatMap { $0 }
      let sums = clusters.map { $0.reduce(0, +) }
      let bootstrap = try Bootstrap(method: .percentile, replicates: 300, seed: UInt64(trial))
      let byCluster = bootstrap.interval(units: 20) { units in
        let total: Double = units.reduce(0.0) { $0 + sums[$1] }
        return total / Double(5 * units.count)
      }
      let byPoint = bootstrap.interval(units: 100) { units in
        let total: Double = units.reduce(0.0) { $0 + all[$1] }
        return total / Double(units.count)
      }
      if byCluster?.contains(0) == true { hits["clusters", default: 0] += 1 }
      if byPoint?.contains(0) == true { hits["points", default: 0] += 1 }
    }
    for name in ["percentile", "accelerated", "clusters"] {
      let share = Double(hits[name] ?? 0) / 400
      #expect(share > 0.885 && share < 0.983, "\(name): \(share)")
    }
    for name in ["student", "slope"] {
      let share = Double(hits[name] ?? 0) / 400
      #expect(abs(share - 0.95) < 0.033, "\(name): \(share)")
    }
    // The reason for drawing clusters: points alone pretend to know more than they do.
    #expect(Double(hits["points"] ?? 0) / 400 < 0.75)
  }

  @Test func resamplesDependOnSeedAndKeyAloneAndNotOnTheOtherStatistics() throws {
    let bootstrap = try Bootstrap(replicates: 200, seed: 5)
    let one = bootstrap.interval(units: 26, of: variance)
    let several = bootstrap.intervals(units: 26) { [1, variance($0), nil] }
    #expect(one != nil && several[1] == one)
    #expect(several[2] == nil)
    #expect(bootstrap.interval(units: 26, key: 1, of: variance) != one)
    #expect(try Bootstrap(replicates: 200, seed: 6).interval(units: 26, of: variance) != one)
  }

  @Test func constantStatisticsHaveIntervalsOfNoWidthAndUndefinedOnesNone() throws {
    let bootstrap = try Bootstrap(replicates: 50)
    #expect(bootstrap.interval(units: 10) { _ in 4 } == ConfidenceInterval(lower: 4, upper: 4))
    #expect(bootstrap.interval(units: 2) { _ in 4 } == nil, "two units say nothing of spread")
    #expect(bootstrap.interval(units: 10) { _ in nil } == nil)
    #expect(bootstrap.interval(units: 10) { _ in .nan } == nil)
    #expect(bootstrap.interval(units: 0) { $0.isEmpty ? nil : 1 } == nil)
    // Undefined on nearly every resample.
    #expect(bootstrap.interval(units: 10) { Set($0).count == 10 ? 1 : nil } == nil)
  }

  @Test func settingsThatMeanNothingAreRefused() {
    #expect(throws: InputError.self) { try Bootstrap(replicates: 1) }
    for level in [0, 1, -1, Double.nan] {
      #expect(throws: InputError.self) { try Bootstrap(level: level) }
    }
  }
}
