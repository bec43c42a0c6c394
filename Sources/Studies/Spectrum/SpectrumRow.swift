import Compute
import Formats
import Runs

/// A row of `spectrum.csv`.
public struct SpectrumRow: Equatable, Sendable {
  /// Epochs finished at the checkpoint; nil where it does not say.
  public var epoch: Int?
  public var quantity: Quantity
  /// Counts eigenvalues from the largest, 1; 1 for everything else.
  public var index: Int
  public var value: Double
  /// What the algorithm leaves open: the residual of an eigenvalue of the Hessian that the products are of, the standard
  /// error of a trace; nil where nothing.
  public var error: Double?
  /// How far an eigenvalue may be from that of the Hessian: the greatest of its residual, of what the antisymmetric part of the
  /// products can do, and of a difference's change as ε is halved; nil where it is not known.
  public var uncertainty: Double?

  /// What a row holds.
  public enum Quantity: String, CaseIterable, Sendable {
    case eigenvalue
    /// The smallest eigenvalue that the iteration has seen.
    case smallest
    case trace
    /// n times the mean node of a density's starts, the standard error over the starts: the trace once more. Of ω alone.
    case densityTrace = "trace_density"
    /// ‖H − Hᵀ‖/‖H‖ (Frobenius) before H was made symmetric: 0 of a quadratic, √2 of nothing but noise. Of a full Hessian, or
    /// on the vectors of Lanczos' iteration.
    case asymmetry
    /// The largest eigenvalue with half of ε; of differences alone.
    case halved = "eigenvalue_half_displacement"
    /// The mean largest eigenvalue of the epochs around, where all were measured.
    case smoothed
    /// Of the Hessian in the mixing weights.
    case mixingEigenvalue = "eigenvalue_mixing"
    case mixingSmallest = "smallest_mixing"
    case mixingAsymmetry = "asymmetry_mixing"
  }

  public init(
    epoch: Int?, _ quantity: Quantity, index: Int = 1, value: Double, error: Double? = nil, uncertainty: Double? = nil
  ) {
    self.epoch = epoch
    self.quantity = quantity
    self.index = index
    self.value = value
    self.error = error
    self.uncertainty = uncertainty
  }

  /// Numbers of eigenvalues; 0 closes the rows of a checkpoint in a journal.
  public static let indices = CountBounds(0...100_000)
  public static let columns = ["epoch", "quantity", "index", "value", "error", "uncertainty"]
  /// The column of `spectrum.csv` behind these that names how products were made, in each row the same. Tables that lack it
  /// are of differences.
  public static let kindColumn = "hessian"

  /// The row as it stands in the file.
  public var fields: [CSVField] {
    [
      epoch.map(CSVField.integer) ?? .text(""), .text(quantity.rawValue), .integer(index), .real(value),
      error.map(CSVField.real) ?? .text(""), uncertainty.map(CSVField.real) ?? .text(""),
    ]
  }

  /// - Throws: `InputError` where the table is not such a one.
  static func rows(of table: CSVTable) throws -> [SpectrumRow] {
    let (quantities, indices) = (try table.column("quantity"), try table.integers("index", Self.indices))
    let epochs = try table.optionalIntegers("epoch", RunBounds.start)
    let (values, errors) = (try table.doubles("value"), try table.optionalDoubles("error", .notNegative))
    // Tables of earlier versions have none.
    let uncertainties =
      table.columns.contains("uncertainty") ? try table.optionalDoubles("uncertainty") : quantities.map { _ in nil }
    return try quantities.indices.map { row in
      guard let quantity = Quantity(rawValue: quantities[row]) else {
        throw InputError(
          "unknown quantity", at: .file(table.path, "row \(row + 1)"), found: quantities[row],
          wanted: Quantity.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return SpectrumRow(
        epoch: epochs[row], quantity, index: indices[row], value: values[row], error: errors[row],
        uncertainty: uncertainties[row])
    }
  }
}
