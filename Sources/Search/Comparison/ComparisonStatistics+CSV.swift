import Formats

extension ComparisonStatistics {
  /// Writes comparison-summary.csv and comparison-tests.csv.
  ///
  /// - Throws: `InputError` where a file cannot be written.
  public func write(to folder: ComparisonFolder) throws {
    func real(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    try CSVWriter.write(
      columns: [
        "space", "dataset", "method", "quantity", "runs", "mean", "deviation", "median", "least", "greatest",
      ],
      rows: summaries.map { summary in
        [
          .text(summary.space.rawValue), .text(summary.dataset), .text(summary.contender.name),
          .text(summary.quantity.rawValue), .integer(summary.runs), .real(summary.mean), real(summary.deviation),
          .real(summary.median), .real(summary.least), .real(summary.greatest),
        ]
      }, to: folder.summaryPath)
    try CSVWriter.write(
      columns: [
        "space", "dataset", "quantity", "method", "reference", "pairs", "mean_difference", "lower", "upper", "wilcoxon",
        "p_value", "p_holm", "interval", "resampled",
      ],
      rows: tests.map { test in
        [
          .text(test.space?.rawValue ?? "all"), .text(test.dataset), .text(test.quantity.rawValue),
          .text(test.contender.name), .text(test.reference.name), .integer(test.pairs), .real(test.difference),
          real(test.interval?.lower), real(test.interval?.upper), real(test.statistic), real(test.pValue),
          real(test.adjustedPValue), .text(test.interval?.method.rawValue ?? ""),
          .text(test.interval == nil ? "" : test.resampled.rawValue),
        ]
      }, to: folder.testsPath)
  }
}
