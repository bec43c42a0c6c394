import Formats
import Problems
import Statistics

/// The files of spectra of ∇²_ω L:
///
/// - `spectrum.csv`: eigenvalues with residuals, traces with standard errors (`SpectrumRow`);
/// - `spectrum-density.csv`: nodes and weights of the density by start, counted from 1;
/// - `spectrum-curve.csv`: the density over λ, with its standard error over the starts;
/// - `spectrum.npz`: the numbers of all three, by checkpoint, start and node; shorter rows end in NaN;
/// - `eigenvectors.safetensors`, where they are wanted: `hessian1.NAME`, `hessian2.NAME`, … under the public names of ω.
struct WeightSpectrumFiles {
  static let result = "spectrum.csv"
  static let density = "spectrum-density.csv"
  static let curve = "spectrum-curve.csv"
  static let arrays = "spectrum.npz"
  static let vectors = "eigenvectors.safetensors"

  /// What stands before the names of an eigenvector's tensors; the one of the largest eigenvalue is number 1.
  static func vectorPrefix(_ number: Int) -> String { "hessian\(number)." }

  private let found: [WeightSpectrumFindings]
  private let settings: WeightSpectrumSettings

  /// - Parameter found: of each checkpoint.
  init(_ found: [WeightSpectrumFindings], _ settings: WeightSpectrumSettings) {
    (self.found, self.settings) = (found, settings)
  }

  /// Writes all but the eigenvectors, the result last.
  ///
  /// - Returns: the rows of the result.
  /// - Throws: `InputError` where a file cannot be written.
  func write(in folder: OutputFolder) throws -> [SpectrumRow] {
    var arrays: [(name: String, array: NPYFile)] = [
      Self.rows("epochs", found.map { [$0.epoch.map(Double.init) ?? .nan] }, flat: true),
      Self.rows("eigenvalues", found.map { $0.largest.map(\.first) }),
      Self.rows("residuals", found.map { $0.largest.map(\.second) }),
      Self.rows("smallest", found.map { $0.ends.suffix(1).map(\.first) }, flat: true),
    ]
    if settings.probes > 0 { arrays.append(Self.rows("trace_samples", found.map(\.traces))) }
    if settings.densityStarts > 0 {
      let curves = try found.map { try StochasticLanczosQuadrature($0.rules).curve(width: settings.densityWidth) }
      try writeDensity(curves, in: folder)
      arrays += [
        Self.blocks("nodes", found.map { $0.rules.map(\.nodes) }),
        Self.blocks("weights", found.map { $0.rules.map(\.weights) }),
        Self.rows("curve_eigenvalues", curves.map(\.eigenvalues)), Self.rows("curve_density", curves.map(\.density)),
        Self.rows("density_width", curves.map { [$0.width] }, flat: true),
      ]
    }
    try NPZFile(arrays: arrays).write(to: folder.file(Self.arrays))
    let rows = found.flatMap(\.rows)
    let kind = CSVField.text(HessianKind.exact.rawValue)
    try CSVWriter.write(
      columns: SpectrumRow.columns + [SpectrumRow.kindColumn], rows: rows.map { $0.fields + [kind] },
      to: folder.file(Self.result))
    return rows
  }

  private func writeDensity(_ curves: [StochasticLanczosQuadrature.Curve], in folder: OutputFolder) throws {
    func epoch(_ place: Int) -> CSVField { found[place].epoch.map(CSVField.integer) ?? .text("") }
    try CSVWriter.write(
      columns: ["epoch", "start", "node", "weight"],
      rows: found.indices.flatMap { place in
        found[place].rules.enumerated().flatMap { start, rule in
          zip(rule.nodes, rule.weights).map { [epoch(place), .integer(start + 1), .real($0), .real($1)] }
        }
      }, to: folder.file(Self.density))
    try CSVWriter.write(
      columns: ["epoch", "eigenvalue", "density", "density_error", "width"],
      rows: curves.enumerated().flatMap { place, curve in
        curve.eigenvalues.indices.map { index in
          [
            epoch(place), .real(curve.eigenvalues[index]), .real(curve.density[index]),
            curve.errors.map { .real($0[index]) } ?? .text(""), .real(curve.width),
          ]
        }
      }, to: folder.file(Self.curve))
  }

  private static func rows(_ name: String, _ values: [[Double]], flat: Bool = false) -> (name: String, array: NPYFile) {
    let width = values.map(\.count).max() ?? 0
    return (
      name,
      NPYFile(shape: flat ? [values.count] : [values.count, width], values: .float64(values.flatMap { padded($0, width) }))
    )
  }

  private static func blocks(_ name: String, _ values: [[[Double]]]) -> (name: String, array: NPYFile) {
    let (rows, width) = (values.map(\.count).max() ?? 0, values.flatMap { $0.map(\.count) }.max() ?? 0)
    return (
      name,
      NPYFile(
        shape: [values.count, rows, width], values: .float64(values.flatMap { $0.flatMap { padded($0, width) } }))
    )
  }

  private static func padded(_ row: [Double], _ width: Int) -> [Double] {
    row + [Double](repeating: .nan, count: width - row.count)
  }
}
