/// The line y = intercept + slope · x and Pearson's r through points at which x and y were both measured several times, cleared
/// of the noise of the measurements.
///
/// Noise of x draws the least-squares slope towards 0, noise of either the correlation (attenuation). Repetition b measures all
/// points: what it adds to all of them alike moves no slope, and what is left of it, its deviation at each point from the mean
/// over repetitions, tells the covariance of the noise, that shared by x and y included. Method of moments with that
/// covariance estimated (Fuller, *Measurement error models*, 1987, ch. 2); for r the correction for attenuation of Spearman,
/// *The proof and measurement of association between two things*, 1904.
public struct NoiseCorrectedFit: Equatable, Sendable {
  public let slope: Double
  /// nil where noise explains the spread of y; within [−1, 1].
  public let correlation: Double?
  /// The share of the variance of x over points (each the mean of its repetitions) that is not noise: what the least-squares
  /// slope is too small by where noise of x and y is not shared.
  public let reliability: Double

  /// - Parameters:
  ///   - x: points × repetitions.
  ///   - y: the same.
  /// - Returns: nil for fewer than three points or two repetitions, lists of other sizes, values that are not finite, and
  ///   where noise explains the spread of x.
  public init?(_ x: [[Double]], _ y: [[Double]]) {
    let (points, repetitions) = (x.count, x.first?.count ?? 0)
    guard points >= 3, repetitions >= 2, y.count == points,
      (x + y).allSatisfy({ $0.count == repetitions && $0.allSatisfy(\.isFinite) })
    else { return nil }
    func means(_ values: [[Double]]) -> [Double] { values.map { $0.reduce(0, +) / Double(repetitions) } }
    func covariance(_ a: [Double], _ b: [Double]) -> Double {
      let (meanA, meanB) = (a.reduce(0, +) / Double(points), b.reduce(0, +) / Double(points))
      return zip(a, b).reduce(0) { $0 + ($1.0 - meanA) * ($1.1 - meanB) } / Double(points - 1)
    }
    let (meanX, meanY) = (means(x), means(y))
    func noise(_ a: [[Double]], _ meanA: [Double], _ b: [[Double]], _ meanB: [Double]) -> Double {
      let each = (0..<repetitions).map { repetition in
        covariance(
          a.indices.map { a[$0][repetition] - meanA[$0] }, b.indices.map { b[$0][repetition] - meanB[$0] })
      }
      // (B − 1) for the covariance of one repetition, B for that of their mean.
      return each.reduce(0, +) / Double((repetitions - 1) * repetitions)
    }
    let spreadX = covariance(meanX, meanX)
    let clearX = spreadX - noise(x, meanX, x, meanX)
    let clearY = covariance(meanY, meanY) - noise(y, meanY, y, meanY)
    let shared = covariance(meanX, meanY) - noise(x, meanX, y, meanY)
    guard spreadX > 0, clearX > 0 else { return nil }
    slope = shared / clearX
    reliability = min(1, clearX / spreadX)
    correlation = clearY > 0 ? min(1, max(-1, shared / (clearX * clearY).squareRoot())) : nil
  }
}
