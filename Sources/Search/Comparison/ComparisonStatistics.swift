import Cells
import Statistics

/// What a comparison says over its seeds: a summary of each method and paired tests between methods, of finished runs alone. Each
/// variant of a method stands for itself.
public struct ComparisonStatistics: Equatable, Sendable {
  /// One quantity of one method on one space and dataset, over its seeds.
  public struct Summary: Equatable, Sendable {
    public let space: SearchSpace
    public let dataset: String
    public let contender: SearchContender
    public let quantity: ComparisonQuantity
    public let runs: Int
    public let mean: Double
    /// Sample standard deviation (divisor runs − 1); nil for a single run.
    public let deviation: Double?
    public let median: Double
    public let least: Double
    public let greatest: Double
  }

  /// One quantity of two methods on the same seeds: `contender` minus `reference`.
  public struct Test: Equatable, Sendable {
    /// nil: over all spaces.
    public let space: SearchSpace?
    public let dataset: String
    public let quantity: ComparisonQuantity
    public let contender: SearchContender
    public let reference: SearchContender
    public let pairs: Int
    /// Mean of the differences.
    public let difference: Double
    /// Student's of that mean over the pairs, 95 %; nil below `Bootstrap.fewestUnits` pairs and where all differences are
    /// the same.
    public let interval: ConfidenceInterval?
    /// What that is over.
    public var resampled: SamplingUnit { space == nil ? .spacesAndSeeds : .seeds }
    /// W⁺ and the two-sided p of Wilcoxon's signed-rank test; nil below `fewestForWilcoxon` pairs and where all differences
    /// are 0.
    public let statistic: Double?
    public let pValue: Double?
    /// Holm's correction for the tests of this space, dataset and quantity.
    public var adjustedPValue: Double?
  }

  /// With fewer pairs the exact two-sided test cannot come below 0.05: its least p-value is 2^(1 − pairs).
  public static let fewestForWilcoxon = 6
  public let summaries: [Summary]
  public let tests: [Test]

  /// - Throws: what a test throws.
  public init(of rows: [ComparisonRow]) throws {
    let finished = rows.filter { $0.status == .finished }
    let groups = Groups(finished)
    summaries = groups.places.flatMap { place in
      groups.contenders.flatMap { contender in
        ComparisonQuantity.allCases.compactMap { quantity in
          Self.summary(quantity, finished.filter { $0.isAt(place) && $0.contender == contender })
        }
      }
    }
    var tests: [Test] = []
    for dataset in groups.datasets {
      let spaces = groups.spaces.map(Optional.some) + (groups.spaces.count > 1 ? [nil] : [])
      for space in spaces {
        let members = finished.filter { $0.dataset == dataset && (space == nil || $0.space == space) }
        for quantity in ComparisonQuantity.allCases where quantity.isOutcome {
          tests += try Self.tests(quantity, members, groups.contenders, space, dataset)
        }
      }
    }
    self.tests = tests
  }

  private struct Groups {
    let contenders: [SearchContender]
    let spaces: [SearchSpace]
    let datasets: [String]
    let places: [(space: SearchSpace, dataset: String)]

    init(_ rows: [ComparisonRow]) {
      func unique<Value: Equatable>(_ values: [Value]) -> [Value] {
        values.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
      }
      let (contenders, spaces, datasets) = (
        unique(rows.map(\.contender)), unique(rows.map(\.space)), unique(rows.map(\.dataset))
      )
      (self.contenders, self.spaces, self.datasets) = (contenders, spaces, datasets)
      places = datasets.flatMap { dataset in spaces.map { (space: $0, dataset: dataset) } }
    }
  }

  private static func summary(_ quantity: ComparisonQuantity, _ rows: [ComparisonRow]) -> Summary? {
    let values = rows.compactMap(quantity.value).sorted()
    guard let first = rows.first, let least = values.first, let greatest = values.last else { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let middle = values.count / 2
    return Summary(
      space: first.space, dataset: first.dataset, contender: first.contender, quantity: quantity, runs: values.count,
      mean: mean, deviation: values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : nil,
      median: values.count.isMultiple(of: 2) ? (values[middle - 1] + values[middle]) / 2 : values[middle], least: least,
      greatest: greatest)
  }

  private static func tests(
    _ quantity: ComparisonQuantity, _ rows: [ComparisonRow], _ contenders: [SearchContender], _ space: SearchSpace?,
    _ dataset: String
  ) throws -> [Test] {
    let student = try Bootstrap(method: .student)
    var tests: [Test] = []
    for (index, reference) in contenders.enumerated() {
      for contender in contenders[(index + 1)...] {
        let differences = rows.filter { $0.contender == contender }.compactMap { row -> Double? in
          let other = rows.first { $0.contender == reference && $0.seed == row.seed && $0.space == row.space }
          guard let value = quantity.value(in: row), let base = other.flatMap(quantity.value) else { return nil }
          return value - base
        }
        guard !differences.isEmpty else { continue }
        // Pairs that don't differ say nothing about the direction; without any there is nothing to test.
        let isTested = differences.count >= fewestForWilcoxon && differences.contains { $0 != 0 }
        let outcome = isTested ? WilcoxonSignedRank(differences: differences) : nil
        tests.append(
          Test(
            space: space, dataset: dataset, quantity: quantity, contender: contender, reference: reference,
            pairs: differences.count, difference: differences.reduce(0, +) / Double(differences.count),
            interval: try PairedDifference(differences, differences.map { _ in 0 }, bootstrap: student)?.interval,
            statistic: outcome?.positive, pValue: outcome?.probability))
      }
    }
    let known = tests.indices.filter { tests[$0].pValue != nil }
    let adjusted = holm(known.compactMap { tests[$0].pValue })
    for (index, value) in zip(known, adjusted) { tests[index].adjustedPValue = value }
    return tests
  }

  /// p-values of one family, corrected (Holm, *A simple sequentially rejective multiple test procedure*, 1979).
  static func holm(_ values: [Double]) -> [Double] {
    var (result, largest) = (values, 0.0)
    for (rank, index) in values.indices.sorted(by: { (values[$0], $0) < (values[$1], $1) }).enumerated() {
      largest = max(largest, min(1, Double(values.count - rank) * values[index]))
      result[index] = largest
    }
    return result
  }
}

extension ComparisonRow {
  fileprivate func isAt(_ place: (space: SearchSpace, dataset: String)) -> Bool {
    space == place.space && dataset == place.dataset
  }
}
