import Statistics

/// What the pieces of one checkpoint's spectrum of ∇²_ω L say together.
struct WeightSpectrumFindings {
  /// Epochs finished; nil where the checkpoint does not say.
  let epoch: Int?
  /// The largest eigenvalues from the first down, then the smallest, with residuals.
  let ends: [WeightSpectrumResult.Row]
  /// Of the products of the eigenvalues, with how far it can move one.
  let asymmetry: WeightSpectrumResult.Row
  /// zᵀHz of each random vector of the trace.
  let traces: [Double]
  /// Nodes and weights, a rule a start.
  let rules: [StochasticLanczosQuadrature.Rule]
  private let dimension: Int

  /// - Parameter results: of all pieces, in the order of `WeightSpectrumPiece.all`.
  init(epoch: Int?, dimension: Int, settings: WeightSpectrumSettings, results: [WeightSpectrumResult]) {
    (self.epoch, self.dimension) = (epoch, dimension)
    let pieces = WeightSpectrumPiece.all(settings)
    precondition(results.count == pieces.count, "a result for each piece")
    ends = Array(results[0].rows.dropLast(2))
    asymmetry = results[0].rows[ends.count]
    traces = zip(pieces, results).filter { $0.0.isProbe }.map { $0.1.rows[0].first }
    rules = zip(pieces, results).filter { $0.0.isDensity }.map {
      .init(nodes: $0.1.rows.map(\.first), weights: $0.1.rows.map(\.second))
    }
  }

  var largest: [WeightSpectrumResult.Row] { Array(ends.dropLast()) }

  /// The rows of `spectrum.csv`.
  var rows: [SpectrumRow] {
    func eigenvalue(_ quantity: SpectrumRow.Quantity, _ index: Int, _ row: WeightSpectrumResult.Row) -> SpectrumRow {
      SpectrumRow(
        epoch: epoch, quantity, index: index, value: row.first, error: row.second,
        uncertainty: max(row.second, asymmetry.second))
    }
    func mean(_ quantity: SpectrumRow.Quantity, _ values: [Double]) -> [SpectrumRow] {
      Moments.mean(values).map {
        [SpectrumRow(epoch: epoch, quantity, value: $0, error: Moments.standardError(values))]
      } ?? []
    }
    let means = rules.map { rule in zip(rule.nodes, rule.weights).reduce(0) { $0 + $1.0 * $1.1 } }
    return largest.enumerated().map { eigenvalue(.eigenvalue, $0 + 1, $1) }
      + ends.suffix(1).map { eigenvalue(.smallest, 1, $0) } + mean(.trace, traces)
      + mean(.densityTrace, means.map { Double(dimension) * $0 })
      + [SpectrumRow(epoch: epoch, .asymmetry, value: asymmetry.first)]
  }
}
