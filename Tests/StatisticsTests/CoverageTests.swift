import Compute
import Foundation
import Statistics
import Testing

/// How often 95 % intervals hold the truth, by simulation with the program's own code on fixed streams. With
/// `ZARTS_COVERAGE=1` in the environment the table of docs/fidelity.md is printed.
struct CoverageTests {
  @Test("95 % intervals of 3 to 50 units hold the truth in 93 % of samples at least, skewed ones as often as stated")
  func intervalsCover() throws {
    var lines: [String] = []
    for population in Population.all {
      var cells: [String] = []
      for units in [3, 5, 10, 20, 50] {
        let found = try population.coverage(units: units, samples: units > 10 ? 1000 : 2000)
        guard units >= population.scale.fewestUnits else {
          #expect(found.intervals == 0, "\(population.name) of \(units) units")
          cells.append("–")
          continue
        }
        cells.append(String(format: "%.1f", 100 * found.share))
        // Three standard errors of the simulation, of a true share of 95 % or of the stated one.
        let error = (population.least * (1 - population.least) / Double(found.intervals)).squareRoot()
        #expect(
          found.share >= population.least - (population.least < 0.93 ? 3 * error : 0),
          "\(population.name) of \(units) units: \(found.share)")
      }
      lines.append("| \(population.name) | \(cells.joined(separator: " | ")) |")
    }
    if ProcessInfo.processInfo.environment["ZARTS_COVERAGE"] != nil {
      let header = ["| statistic | 3 units | 5 | 10 | 20 | 50 |", "| --- | --- | --- | --- | --- | --- |"]
      print((header + lines).joined(separator: "\n"))
    }
  }
}

/// Units that can be drawn without end, and a statistic of them whose value over all of them is known.
struct Population: Sendable {
  /// Points of a unit, all of them dependent on each other.
  typealias Unit = [(x: Double, y: Double)]

  let name: String
  let truth: Double
  let scale: StatisticScale
  /// The least share of samples whose interval is to hold the truth.
  var least = 0.93
  let draw: @Sendable (inout RandomStream) -> Unit
  let statistic: @Sendable (_ x: [Double], _ y: [Double]) throws -> Double?

  /// Of `samples` samples those that have an interval, and the share of these that holds the truth.
  func coverage(units: Int, samples: Int) throws -> (share: Double, intervals: Int) {
    let student = try Bootstrap(method: .student)
    var (hits, intervals) = (0, 0)
    for sample in 0..<samples {
      var stream = RandomStream(seed: 95, purpose: .test, step: sample, index: units)
      let drawn = (0..<units).map { _ in draw(&stream) }
      let interval = try student.interval(units: units, scale: scale) { chosen in
        var (x, y): ([Double], [Double]) = ([], [])
        for unit in chosen {
          for point in drawn[unit] {
            x.append(point.x)
            y.append(point.y)
          }
        }
        return try statistic(x, y)
      }
      guard let interval else { continue }
      intervals += 1
      if interval.contains(truth) { hits += 1 }
    }
    return (intervals > 0 ? Double(hits) / Double(intervals) : 0, intervals)
  }

  /// Normal pairs of correlation ½ and variances 1.
  private static let pair: @Sendable (inout RandomStream) -> Unit = { stream in
    let x = stream.normal()
    return [(x, 0.5 * x + 0.75.squareRoot() * stream.normal())]
  }

  /// The same through exp(0.75 ·): skewness 3.3, correlation (e^{0.75²/2} − 1)/(e^{0.75²} − 1).
  private static let skewedPair: @Sendable (inout RandomStream) -> Unit = { stream in
    pair(&stream).map { (exp(0.75 * $0.x), exp(0.75 * $0.y)) }
  }

  /// Four points along a direction share a part of x and y: covariance 1, variances 1.25 and 1.5.
  private static let ray: @Sendable (inout RandomStream) -> Unit = { stream in
    let (common, own) = (stream.normal(), 0.5 * stream.normal())
    return (0..<4).map { _ in (common + 0.5 * stream.normal(), common + own + 0.5 * stream.normal()) }
  }

  /// Normal errors as large as x is far from its mean: nothing that leans on one variance holds.
  private static let fan: @Sendable (inout RandomStream) -> Unit = { stream in
    let x = stream.normal()
    return [(x, 0.5 * x + abs(x) * stream.normal())]
  }

  /// exp(0.75 z) of a normal z: mean exp(0.28125), mean square exp(1.125), skewness 3.3.
  private static let logNormal: @Sendable (inout RandomStream) -> Unit = { [(exp(0.75 * $0.normal()), 0)] }

  /// Mean 1, mean square 2, skewness 2.
  private static let exponential: @Sendable (inout RandomStream) -> Unit = { [(-log(1 - $0.uniform()), 0)] }

  private static func mean(_ x: [Double], _ y: [Double]) -> Double? { Moments.mean(x) }

  private static func slope(_ x: [Double], _ y: [Double]) throws -> Double? { try LinearFit(x, y)?.slope }

  private static func rootMeanSquare(_ x: [Double], _ y: [Double]) -> Double? {
    Moments.mean(zip(x, y).map { ($0 - $1) * ($0 - $1) })?.squareRoot()
  }

  /// Of `skewedPair`, whose variances are alike: the slope as well.
  private static let skewedCorrelation = (exp(0.28125) - 1) / (exp(0.5625) - 1)

  static let all = means + slopes + correlations + rootMeanSquares

  private static let means: [Population] = [
    Population(name: "mean, normal", truth: 0, scale: .plain, draw: { [($0.normal(), 0)] }, statistic: mean),
    Population(
      name: "mean, normal, as if skewed", truth: 0, scale: .skewed(), draw: { [($0.normal(), 0)] }, statistic: mean),
    Population(
      name: "mean, exponential, plain", truth: 1, scale: .plain, least: 0.88, draw: exponential, statistic: mean),
    Population(name: "mean, exponential", truth: 1, scale: .skewed(), least: 0.895, draw: exponential, statistic: mean),
    Population(
      name: "mean, log-normal", truth: exp(0.28125), scale: .skewed(), least: 0.9, draw: logNormal, statistic: mean),
  ]

  private static let slopes: [Population] = [
    Population(name: "slope, normal", truth: 0.5, scale: .skewed(), draw: pair, statistic: slope),
    Population(
      name: "slope, log-normal", truth: skewedCorrelation, scale: .skewed(), least: 0.925, draw: skewedPair,
      statistic: slope),
    Population(
      name: "slope, errors that grow with x", truth: 0.5, scale: .skewed(), least: 0.925, draw: fan, statistic: slope),
  ]

  private static let correlations: [Population] = [
    Population(name: "Pearson's r, normal", truth: 0.5, scale: .correlation, draw: pair, statistic: Correlation.pearson),
    Population(
      name: "Pearson's r, log-normal", truth: skewedCorrelation, scale: .correlation, least: 0.92, draw: skewedPair,
      statistic: Correlation.pearson),
    Population(
      name: "Spearman's ρ, normal or log-normal", truth: 6 / Double.pi * asin(0.25), scale: .correlation, draw: pair,
      statistic: Correlation.spearman),
    Population(
      name: "Kendall's τ, the same", truth: 1.0 / 3, scale: .correlation, draw: pair, statistic: Correlation.kendall),
    Population(
      name: "pairs alike, the same", truth: 2.0 / 3, scale: .concordance, draw: pair, statistic: Correlation.concordance),
    Population(
      name: "Pearson's r, rays of four points", truth: 1 / 1.875.squareRoot(), scale: .correlation, draw: ray,
      statistic: Correlation.pearson),
  ]

  private static let rootMeanSquares: [Population] = [
    Population(
      name: "RMSE, bias twice the deviation", truth: 5.0.squareRoot(), scale: .logarithm, draw: { [(2 + $0.normal(), 0)] },
      statistic: rootMeanSquare),
    Population(
      name: "RMSE, no bias", truth: 1, scale: .logarithm, draw: { [($0.normal(), 0)] }, statistic: rootMeanSquare),
    Population(
      name: "RMSE, exponential", truth: 2.0.squareRoot(), scale: .logarithm, least: 0.92, draw: exponential,
      statistic: rootMeanSquare),
    Population(
      name: "RMSE, log-normal", truth: exp(0.5625), scale: .logarithm, least: 0.89, draw: logNormal,
      statistic: rootMeanSquare),
  ]
}
