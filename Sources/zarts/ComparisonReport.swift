import Foundation
import Search

/// What `zarts compare` prints: a line a run, a line a method over its seeds, and the paired tests.
enum ComparisonReport {
  static func text(_ rows: [ComparisonRow]) throws -> String {
    let statistics = try ComparisonStatistics(of: rows)
    return [runs(rows), summary(statistics), tests(statistics)].compactMap { $0 }.joined(separator: "\n\n")
  }

  private static func runs(_ rows: [ComparisonRow]) -> String {
    let manyData = Set(rows.map(\.dataset)).count > 1
    let header =
      (manyData ? ["dataset"] : []) + [
        "space", "method", "seed", "status", "epoch", "loss", "accuracy", "skips n/r", "entropy n/r", "steps", "seconds",
        "genotype or reason",
      ]
    let offset = manyData ? 1 : 0
    return TextTable.text(
      header: header, rows: rows.map { (manyData ? [$0.dataset] : []) + cells($0) },
      rightAligned: Set((2...10).filter { $0 != 3 }.map { $0 + offset }))
  }

  private static func cells(_ row: ComparisonRow) -> [String] {
    let start = [row.space.rawValue, row.contender.name, "\(row.seed)", row.status.rawValue]
    let end = row.error ?? row.result?.genotype?.line ?? "-"
    guard let result = row.result else { return start + ["0/\(row.epochs)", "-", "-", "-", "-", "-", "-", end] }
    let record = result.record
    let entropies = [record.normalEntropy, record.reduceEntropy].map { $0.map { String(format: "%.2f", $0) } ?? "-" }
    let skips = [record.skipConnections, record.reduceSkipConnections].map { $0.map(String.init) ?? "-" }
    return start + [
      "\(result.isEarly ? "\(record.epoch) of \(result.finished)" : "\(record.epoch)")/\(row.epochs)",
      String(format: "%.4f", record.validationLoss), String(format: "%.2f %%", 100 * record.validationAccuracy),
      skips.joined(separator: "/"), entropies.joined(separator: "/"),
      "\(row.cost.weightSteps)", String(format: "%.1f", row.seconds), end,
    ]
  }

  private static func summary(_ statistics: ComparisonStatistics) -> String? {
    let groups = statistics.summaries.filter { $0.quantity == .validationLoss }
    guard !groups.isEmpty else { return nil }
    let manyData = Set(groups.map(\.dataset)).count > 1
    func mean(_ group: ComparisonStatistics.Summary, _ quantity: ComparisonQuantity, _ format: String, _ scale: Double = 1)
      -> String
    {
      let found = statistics.summaries.first {
        $0.quantity == quantity && $0.contender == group.contender && $0.space == group.space && $0.dataset == group.dataset
      }
      guard let found else { return "-" }
      let value = String(format: format, scale * found.mean)
      return found.deviation.map { value + " ± " + String(format: format, scale * $0) } ?? value
    }
    let rows = groups.map { group in
      (manyData ? [group.dataset] : []) + [
        group.space.rawValue, group.contender.name, "\(group.runs)", mean(group, .validationLoss, "%.4f"),
        mean(group, .validationAccuracy, "%.2f", 100), mean(group, .normalSkips, "%.1f"), mean(group, .reduceSkips, "%.1f"),
        mean(group, .weightSteps, "%.0f"), mean(group, .seconds, "%.1f"),
      ]
    }
    let header =
      (manyData ? ["dataset"] : []) + [
        "space", "method", "seeds", "loss", "accuracy in %", "skips normal", "skips reduce", "steps", "seconds",
      ]
    let offset = manyData ? 1 : 0
    return "mean ± sample deviation over seeds\n"
      + TextTable.text(header: header, rows: rows, rightAligned: Set((2...8).map { $0 + offset }))
  }

  private static func tests(_ statistics: ComparisonStatistics) -> String? {
    let shown: [ComparisonQuantity] = [.validationLoss, .normalSkips]
    let tests = statistics.tests.filter { shown.contains($0.quantity) && $0.interval != nil }
    guard !tests.isEmpty else { return nil }
    func number(_ value: Double?, _ format: String) -> String { value.map { String(format: format, $0) } ?? "-" }
    let rows = tests.map { test in
      [
        test.space?.rawValue ?? "all", test.quantity.rawValue, "\(test.contender.name) - \(test.reference.name)",
        "\(test.pairs)", number(test.difference, "%+.4f"),
        test.interval.map { String(format: "%+.4f to %+.4f", $0.lower, $0.upper) } ?? "-", number(test.pValue, "%.3g"),
        number(test.adjustedPValue, "%.3g"),
      ]
    }
    let manyData = Set(tests.map(\.dataset)).count > 1
    let header = ["space", "quantity", "difference", "pairs", "mean", "95 % (Student)", "p (Wilcoxon)", "p (Holm)"]
    let few = tests.contains { $0.pairs < ComparisonStatistics.fewestForWilcoxon }
    return "differences on the same seeds, with Student's intervals over the pairs\n"
      + TextTable.text(
        header: manyData ? ["dataset"] + header : header,
        rows: manyData ? zip(tests, rows).map { [$0.dataset] + $1 } : rows,
        rightAligned: Set((3...7).map { $0 + (manyData ? 1 : 0) }))
      + (few
        ? "\nno p below \(ComparisonStatistics.fewestForWilcoxon) pairs: the exact two-sided test could not fall below 0.05"
        : "")
  }
}
