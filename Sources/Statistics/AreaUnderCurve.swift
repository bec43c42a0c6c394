/// The area under the receiver operating characteristic of a score: the share of pairs, one of each class, in which the first
/// class has the larger score, ties counting half. It is U/(m n) of Mann and Whitney (Hanley and McNeil, *The meaning and use of
/// the area under a receiver operating characteristic (ROC) curve*, Radiology 143, 1982).
public struct AreaUnderCurve: Equatable, Sendable {
  /// Members of the two classes.
  public let positives: Int
  public let negatives: Int
  /// Pairs that were compared.
  public let pairs: Int
  /// Twice the pairs in which the first class has the larger score, and once the ties.
  private let halves: Int

  /// Compares every member of the one class with every one of the other; a score that is not a number equals all others.
  public init(of scores: [Double], above others: [Double]) {
    positives = scores.count
    negatives = others.count
    pairs = scores.count * others.count
    halves = scores.reduce(0) { sum, score in
      sum + others.reduce(0) { $0 + (score > $1 ? 2 : score < $1 ? 0 : 1) }
    }
  }

  private init(positives: Int, negatives: Int, pairs: Int, halves: Int) {
    (self.positives, self.negatives, self.pairs, self.halves) = (positives, negatives, pairs, halves)
  }

  /// 1 where the first class is always above, 0 where it is always below, 0.5 where the score says nothing; nil without pairs.
  public var value: Double? { pairs == 0 ? nil : Double(halves) / Double(2 * pairs) }

  /// Over the pairs of both, none across.
  public static func + (a: AreaUnderCurve, b: AreaUnderCurve) -> AreaUnderCurve {
    AreaUnderCurve(
      positives: a.positives + b.positives, negatives: a.negatives + b.negatives, pairs: a.pairs + b.pairs,
      halves: a.halves + b.halves)
  }
}
