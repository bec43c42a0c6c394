import Formats

/// Wilcoxon's signed-rank test of paired samples: whether their differences are symmetric about zero (Wilcoxon, *Individual
/// comparisons by ranking methods*, Biometrics Bulletin 1, 1945; Hollander, Wolfe & Chicken, *Nonparametric statistical
/// methods*, 3rd ed., §3.1).
///
/// Pairs without a difference are left out, as Wilcoxon does, and equal magnitudes share their mean rank. Up to
/// `largestExact` differences the p values count all 2ⁿ choices of signs for these very ranks, ties included; beyond, the
/// normal approximation with its variance corrected for ties is taken, without a correction for continuity.
public struct WilcoxonSignedRank: Equatable, Sendable {
  /// Which differences, first − second, the test looks for.
  public enum Alternative: String, CaseIterable, Sendable { case twoSided, greater, less }

  /// Where the p value comes from.
  public enum Method: String, Sendable { case exact, normal }

  /// W⁺ and W⁻, sums of the ranks of positive and of negative differences.
  public let positive: Double
  public let negative: Double
  public let probability: Double
  public let method: Method
  /// Differences that are not zero.
  public let count: Int

  /// The matched-pairs rank-biserial correlation, (W⁺ − W⁻)/(W⁺ + W⁻): 1 where every difference is positive, −1 where every
  /// one is negative (Kerby, *The simple difference formula*, 2014).
  public var rankBiserial: Double { (positive - negative) / (positive + negative) }

  public static let largestExact = 50

  /// - Returns: nil where no difference is left, or one is not finite.
  /// - Throws: `InputError` where the samples differ in length.
  public init?(_ first: [Double], _ second: [Double], alternative: Alternative = .twoSided) throws {
    guard first.count == second.count else {
      throw InputError(
        "cannot be used", at: "second sample", found: "\(second.count) values", wanted: "\(first.count), as in the first")
    }
    self.init(differences: zip(first, second).map { $0 - $1 }, alternative: alternative)
  }

  public init?(differences: [Double], alternative: Alternative = .twoSided) {
    guard differences.allSatisfy(\.isFinite) else { return nil }
    let kept = differences.filter { $0 != 0 }.sorted { abs($0) < abs($1) }
    guard !kept.isEmpty else { return nil }
    // Ranks are doubled, so that mean ranks of ties are whole numbers.
    var ranks: [Int] = []
    var tieCorrection = 0.0
    var start = 0
    for index in 1...kept.count where index == kept.count || abs(kept[index]) != abs(kept[start]) {
      let size = index - start
      ranks += [Int](repeating: start + 1 + index, count: size)
      tieCorrection += Double(size * size * size - size)
      start = index
    }
    let total = ranks.reduce(0, +)
    let up = zip(kept, ranks).reduce(0) { $1.0 > 0 ? $0 + $1.1 : $0 }
    positive = Double(up) / 2
    negative = Double(total - up) / 2
    count = kept.count
    if count <= Self.largestExact {
      method = .exact
      probability = Self.exact(up, ranks: ranks, total: total, alternative)
    } else {
      method = .normal
      let size = Double(count)
      let mean = size * (size + 1) / 4
      let variance = size * (size + 1) * (2 * size + 1) / 24 - tieCorrection / 48
      let z = (positive - mean) / variance.squareRoot()
      probability =
        switch alternative {
        case .twoSided: min(1, 2 * Distributions.normalTail(abs(z)))
        case .greater: Distributions.normalTail(z)
        case .less: Distributions.normalProbability(z)
        }
    }
  }

  /// The share of sign choices whose W⁺ is as far out; `up` and `total` are doubled like the ranks.
  private static func exact(_ up: Int, ranks: [Int], total: Int, _ alternative: Alternative) -> Double {
    var shares = [Double](repeating: 0, count: total + 1)
    shares[0] = 1
    var reach = 0
    for rank in ranks {
      reach += rank
      for sum in stride(from: reach, through: rank, by: -1) { shares[sum] = 0.5 * (shares[sum] + shares[sum - rank]) }
      for sum in 0..<min(rank, reach + 1) { shares[sum] *= 0.5 }
    }
    let above = shares[up...].reduce(0, +)
    let below = shares[...up].reduce(0, +)
    return switch alternative {
    case .twoSided: min(1, 2 * min(above, below))
    case .greater: min(1, above)
    case .less: min(1, below)
    }
  }
}
