import CGSL

/// Mean and spread of a sample (GSL, `gsl_stats_*`); nil where they are undefined.
public enum Moments {
  /// The mean; nil for an empty sample.
  public static func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : gsl_stats_mean(values, 1, values.count)
  }

  /// The unbiased variance, Σ(x − x̄)²/(n − 1); nil for fewer than two values.
  public static func variance(_ values: [Double]) -> Double? {
    values.count < 2 ? nil : gsl_stats_variance(values, 1, values.count)
  }

  /// The standard error of the mean, s/√n; nil for fewer than two values.
  public static func standardError(_ values: [Double]) -> Double? {
    variance(values).map { ($0 / Double(values.count)).squareRoot() }
  }

  /// The quantile of an ascending sample, interpolated between order statistics as R's type 7 and NumPy's default do
  /// (`gsl_stats_quantile_from_sorted_data`).
  static func quantile(ofSorted values: [Double], _ fraction: Double) -> Double {
    gsl_stats_quantile_from_sorted_data(values, 1, values.count, min(1, max(0, fraction)))
  }
}
