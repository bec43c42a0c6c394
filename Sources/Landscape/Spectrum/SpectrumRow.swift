import Formats

/// A row of `spectrum.csv`.
public struct SpectrumRow: Equatable, Sendable {
  /// Epochs finished at the checkpoint; nil where it does not say.
  public var epoch: Int?
  public var quantity: Quantity
  /// Counts eigenvalues from the largest, 1; 1 for everything else.
  public var index: Int
  public var value: Double
  /// How far off the value may be: the residual of an eigenvalue, the standard error of a trace; nil where it is not known.
  public var error: Double?

  /// What a row holds.
  public enum Quantity: String, CaseIterable, Sendable {
    case eigenvalue
    /// The smallest eigenvalue that the iteration has seen.
    case smallest
    case trace
    /// ‖H − Hᵀ‖/‖H‖ (Frobenius) before H was made symmetric: 0 of a quadratic, √2 of nothing but noise. Of a full Hessian.
    case asymmetry
    /// The mean largest eigenvalue of the epochs around, where all were measured.
    case smoothed
  }

  public init(epoch: Int?, _ quantity: Quantity, index: Int = 1, value: Double, error: Double? = nil) {
    self.epoch = epoch
    self.quantity = quantity
    self.index = index
    self.value = value
    self.error = error
  }

  public static let columns = ["epoch", "quantity", "index", "value", "error"]

  /// The row as it stands in the file.
  public var fields: [CSVField] {
    [
      epoch.map(CSVField.integer) ?? .text(""), .text(quantity.rawValue), .integer(index), .real(value),
      error.map(CSVField.real) ?? .text(""),
    ]
  }

  /// - Throws: `FormatError` or `LandscapeError` where the table is not such a one.
  static func rows(of table: CSVTable) throws -> [SpectrumRow] {
    let (quantities, indices) = (try table.column("quantity"), try table.integers("index"))
    let epochs = try OptionalCells.doubles(table, "epoch").map { $0.map { Int($0) } }
    let (values, errors) = (try table.doubles("value"), try OptionalCells.doubles(table, "error"))
    return try quantities.indices.map { row in
      guard let quantity = Quantity(rawValue: quantities[row]) else {
        throw LandscapeError(
          item: "\(table.path): row \(row + 1)", problem: "unknown quantity", found: quantities[row],
          expected: Quantity.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return SpectrumRow(epoch: epochs[row], quantity, index: indices[row], value: values[row], error: errors[row])
    }
  }
}
