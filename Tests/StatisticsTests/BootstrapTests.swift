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

  /// The plug-in variance of the spatial data at level 0.9 by `scipy.stats.bootstrap` with 100,000 resamples, SciPy 1.17.1;
  /// the book has [115.8, 259.6] by BCa. Tolerances are what 4,000 resamples leave to chance.
  @Test func bootstrapIntervalsAreThoseOfSciPyAndOfTheBook() throws {
    let book = try #require(
      try Bootstrap(method: .accelerated, replicates: 4000, level: 0.9, seed: 2).interval(units: 26, of: variance))
    #expect(abs(book.lower - 115.67) < 4 && abs(book.upper - 261.17) < 8, "\(book)")
    #expect(book.method == .accelerated && book.units == 26)
    let plain = try #require(
      try Bootstrap(method: .percentile, replicates: 4000, level: 0.9, seed: 2).interval(units: 26, of: variance))
    #expect(abs(plain.lower - 97.7) < 4 && abs(plain.upper - 235.5) < 5, "\(plain)")
  }

  /// r = 0.776 and its jackknife error 0.1425 are the book's (§11.2); tanh(artanh r ± t s/(1 − r²)) with
  /// `scipy.stats.t.ppf(0.975, 14)`, in NumPy. On the plain scale the interval would reach beyond 1.
  @Test(arguments: Bootstrap.Method.allCases)
  func intervalsOfFewUnitsAreStudentsOnTheScaleOfTheStatistic(method: Bootstrap.Method) throws {
    let found = try #require(
      try Bootstrap(method: method).interval(units: 15, scale: .correlation) { try correlation($0) })
    #expect(found.method == .student && found.units == 15, "15 units are too few to draw from")
    #expect(abs(found.lower - 0.26054595868323926) < 1e-9 && abs(found.upper - 0.9473893208025896) < 1e-9, "\(found)")
  }

  /// Ends worked out in NumPy and SciPy 1.17.1 from the formulas in the comments.
  @Test func eachScaleHasItsEnds() throws {
    let student = try Bootstrap()
    func ends(_ scale: StatisticScale, _ units: Int, _ statistic: ([Int]) throws -> Double?) throws -> [Double] {
      let found = try #require(try student.interval(units: units, scale: scale, of: statistic))
      return [found.lower, found.upper]
    }
    func isClose(_ found: [Double], _ expected: [Double]) -> Bool {
      zip(found, expected).allSatisfy { abs($0 - $1) < 1e-9 }
    }
    // The root mean square v of these, v exp(−t s) and v exp((t + γ(2z² + 1)/6√n) s): s is the jackknife's of ln v, γ/√n = 0.908,
    // and 9 leaves t but 1.975 degrees of freedom.
    let lengths: [Double] = [1, 2, 3, 4, 5, 9]
    let logarithm = try ends(.logarithm, 6) { units in
      Moments.mean(units.map { lengths[$0] * lengths[$0] })?.squareRoot()
    }
    #expect(isClose(logarithm, [1.043237807099998, 34.353882734266264]), "\(logarithm)")
    // A mean of 0.5 ± 1.388…: as a square cleared of noise, the root of what is above 0; within a range, cut to it.
    let squares = [-1, 0.5, 1, 2, 0]
    func mean(_ units: [Int]) -> Double? { Moments.mean(units.map { squares[$0] }) }
    let square = try ends(.square, 5, mean)
    #expect(isClose(square, [0, 1.3741261050569182]), "\(square)")
    #expect(try ends(.within(0...1.2), 5, mean) == [0, 1.2])
    let plain = try ends(.plain, 5, mean)
    #expect(isClose(plain, [-0.8882225525988967, 1.8882225525988967]), "\(plain)")
    // The same with 3.81 degrees of freedom, not being skewed; then of skewed units, whose long side is the side of 3.
    #expect(isClose(try ends(.skewed(), 5, mean), [-0.9160301078077375, 1.9160301078077375]))
    #expect(isClose(try ends(.skewed(0...1.9), 5, mean), [0, 1.9]))
    let skewed = [0.1, 0.2, 0.4, 0.3, 3.0, 0.6]
    for sign in [1.0, -1] {
      let found = try ends(.skewed(), 6) { units in Moments.mean(units.map { sign * skewed[$0] }) }
      let expected = [-1.293616874841434, 3.446643643405186]
      #expect(isClose(found, sign > 0 ? expected : expected.reversed().map { -$0 }), "\(found)")
    }
    // A slope that one point of great leverage holds: 1.80 degrees of freedom.
    let line: (x: [Double], y: [Double]) = ([1, 2, 3, 4, 5, 20], [1.2, 1.8, 3.3, 3.9, 5.4, 14])
    let slope = try ends(.skewed(), 6) { units in
      try LinearFit(units.map { line.x[$0] }, units.map { line.y[$0] })?.slope
    }
    #expect(isClose(slope, [-1.4142290197045713, 2.249926150006006]), "\(slope)")
    // 11 of 15 pairs alike; Fisher's z of 2c − 1.
    let (x, y): ([Double], [Double]) = ([1, 2, 3, 4, 5, 6], [2, 1, 4, 6, 3, 5])
    let concordance = try ends(.concordance, 6) { units in
      try Correlation.concordance(units.map { x[$0] }, units.map { y[$0] })
    }
    #expect(isClose(concordance, [0.4075734017580632, 0.9166141333112183]), "\(concordance)")
  }

  /// 400 samples each. Of 95 % the standard error of a share is 1.1 %; three of them, and what small samples are known to
  /// cost a percentile interval (about 3 % at n = 20), are allowed. `CoverageTests` has Student's for fewer units.
  @Test func intervalsOfTwentyUnitsHoldTheTruthAsOftenAsTheyClaim() throws {
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
    let bootstrap = try Bootstrap(method: .accelerated, replicates: 200, seed: 5)
    let one = bootstrap.interval(units: 26, of: variance)
    let several = bootstrap.intervals(units: 26) { [1, variance($0), nil] }
    #expect(one != nil && several[1] == one)
    #expect(several[2] == nil)
    #expect(bootstrap.interval(units: 26, key: 1, of: variance) != one)
    #expect(try Bootstrap(method: .accelerated, replicates: 200, seed: 6).interval(units: 26, of: variance) != one)
  }

  @Test(arguments: Bootstrap.Method.allCases)
  func unitsThatAreAllTheSameOrTooFewHaveNoInterval(method: Bootstrap.Method) throws {
    let bootstrap = try Bootstrap(method: method, replicates: 50)
    for units in [10, 30] {
      #expect(bootstrap.interval(units: units) { _ in 4 } == nil)
      // 0.1 is no sum of powers of two: means of it differ by roundings.
      #expect(bootstrap.interval(units: units) { Moments.mean($0.map { _ in 0.1 }) } == nil)
      #expect(bootstrap.interval(units: units) { _ in nil } == nil)
      #expect(bootstrap.interval(units: units) { _ in .nan } == nil)
      // Undefined on nearly every resample, and without any unit.
      #expect(bootstrap.interval(units: units) { Set($0).count == units ? Double($0[0]) : nil } == nil)
    }
    #expect(bootstrap.interval(units: 2) { Double($0[0]) } == nil, "two units say nothing of spread")
    #expect(bootstrap.interval(units: 1) { Double($0.first ?? 0) } == nil)
    #expect(bootstrap.interval(units: 0) { $0.isEmpty ? nil : 1 } == nil)
    func sum(_ units: [Int]) -> Double { units.reduce(0.1) { $0 + 0.01 * Double($1) } }
    #expect(bootstrap.interval(units: 3, of: sum) != nil)
    #expect(bootstrap.interval(units: 4, scale: .correlation, of: sum) == nil, "three pairs are left without one")
    #expect(bootstrap.interval(units: 5, scale: .correlation, of: sum) != nil)
    #expect(bootstrap.interval(units: 5, scale: .correlation) { $0.count == 5 ? 1 : 0.1 * Double($0[0]) } == nil, "r = 1")
  }

  @Test func settingsThatMeanNothingAreRefused() {
    #expect(throws: InputError.self) { try Bootstrap(replicates: 1) }
    for level in [0, 1, -1, Double.nan] {
      #expect(throws: InputError.self) { try Bootstrap(level: level) }
    }
  }
}
