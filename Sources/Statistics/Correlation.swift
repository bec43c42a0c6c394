import CGSL
import Formats

/// How strongly two paired samples agree. Each coefficient lies in [−1, 1] and is nil where it is undefined: for fewer
/// than two pairs, for a sample that is constant, and where a value is not finite.
public enum Correlation {
  /// Pearson's r, linear agreement (GSL, `gsl_stats_correlation`).
  ///
  /// - Throws: `InputError` where the samples differ in length.
  public static func pearson(_ x: [Double], _ y: [Double]) throws -> Double? {
    guard try isDefined(x, y) else { return nil }
    return bounded(gsl_stats_correlation(x, 1, y, 1, x.count))
  }

  /// Spearman's ρ, Pearson's r of the ranks, ties taking their mean rank (GSL, `gsl_stats_spearman`).
  ///
  /// - Throws: `InputError` where the samples differ in length.
  public static func spearman(_ x: [Double], _ y: [Double]) throws -> Double? {
    guard try isDefined(x, y) else { return nil }
    var work = [Double](repeating: 0, count: 2 * x.count)
    return bounded(gsl_stats_spearman(x, 1, y, 1, x.count, &work))
  }

  /// Kendall's τ-b = (C − D) / √((P − T_x)(P − T_y)): concordant minus discordant pairs, out of P = n(n−1)/2, of which
  /// T_x and T_y are tied in x or in y. Counted in O(n log n) by Knight's method (Knight, *A computer method for
  /// calculating Kendall's tau with ungrouped data*, JASA 61, 1966).
  ///
  /// - Throws: `InputError` where the samples differ in length.
  public static func kendall(_ x: [Double], _ y: [Double]) throws -> Double? {
    guard try isDefined(x, y) else { return nil }
    let counts = PairCounts(x, y)
    let difference = counts.concordant - counts.discordant
    return bounded(
      Double(difference)
        / (Double(counts.pairs - counts.tiedX).squareRoot() * Double(counts.pairs - counts.tiedY).squareRoot()))
  }

  /// The chance that a random pair of observations is ranked the same way by both samples: C/(C + D) over all pairs that
  /// neither sample ties. One half where they know nothing of each other.
  ///
  /// - Throws: `InputError` where the samples differ in length.
  public static func concordance(_ x: [Double], _ y: [Double]) throws -> Double? {
    guard try isDefined(x, y) else { return nil }
    let counts = PairCounts(x, y)
    let ranked = counts.concordant + counts.discordant
    return ranked > 0 ? Double(counts.concordant) / Double(ranked) : nil
  }

  private struct PairCounts {
    let pairs: Int
    let tiedX: Int
    let tiedY: Int
    let concordant: Int
    let discordant: Int

    init(_ x: [Double], _ y: [Double]) {
      let order = x.indices.sorted { (x[$0], y[$0]) < (x[$1], y[$1]) }
      pairs = pairCount(x.count)
      tiedX = tiedPairs(order.map { x[$0] }, by: ==)
      let tiedBoth = tiedPairs(order.map { (x[$0], y[$0]) }, by: ==)
      var values = order.map { y[$0] }
      discordant = sortCountingExchanges(&values)
      tiedY = tiedPairs(values, by: ==)
      concordant = pairs - tiedX - tiedY + tiedBoth - discordant
    }
  }

  private static func isDefined(_ x: [Double], _ y: [Double]) throws -> Bool {
    guard x.count == y.count else {
      throw InputError(
        "cannot be used", at: "second sample", found: "\(y.count) values", wanted: "\(x.count), as in the first")
    }
    guard x.count >= 2, x.allSatisfy(\.isFinite), y.allSatisfy(\.isFinite) else { return false }
    return x.contains { $0 != x[0] } && y.contains { $0 != y[0] }
  }

  /// Rounding may leave a coefficient one unit in the last place outside; variances may underflow.
  private static func bounded(_ value: Double) -> Double? { value.isFinite ? min(1, max(-1, value)) : nil }

  private static func pairCount(_ count: Int) -> Int { count * (count - 1) / 2 }

  /// Pairs within runs of equal values of a sorted sample.
  private static func tiedPairs<Value>(_ sorted: [Value], by areEqual: (Value, Value) -> Bool) -> Int {
    var total = 0
    var start = 0
    for index in 1...sorted.count where index == sorted.count || !areEqual(sorted[index], sorted[start]) {
      total += pairCount(index - start)
      start = index
    }
    return total
  }

  /// Merge sort, bottom up; the number of exchanges that a bubble sort would have made.
  private static func sortCountingExchanges(_ values: inout [Double]) -> Int {
    var exchanges = 0
    var width = 1
    var merged = values
    while width < values.count {
      for start in stride(from: 0, to: values.count, by: 2 * width) {
        let middle = min(start + width, values.count)
        let end = min(start + 2 * width, values.count)
        var (left, right) = (start, middle)
        for target in start..<end {
          if left < middle, right == end || values[left] <= values[right] {
            merged[target] = values[left]
            left += 1
          } else {
            merged[target] = values[right]
            right += 1
            exchanges += middle - left
          }
        }
      }
      swap(&values, &merged)
      width *= 2
    }
    return exchanges
  }
}
