import Formats

/// A column of what was found at a point. An error that one validation batch cannot tell is an empty cell.
package enum SampleColumn: String {
  case loss, accuracy
  case lossError = "loss_error"
  case accuracyError = "accuracy_error"
  /// With blanks between; empty with one validation batch.
  case batchLosses = "batch_losses"

  /// Whether tables of earlier versions may lack it.
  var isLater: Bool { self != .loss && self != .accuracy }

  func cell(_ sample: ObjectiveSample) -> CSVField {
    func optional(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    return switch self {
    case .loss: .real(sample.loss)
    case .accuracy: .real(sample.accuracy)
    case .lossError: optional(sample.lossError)
    case .accuracyError: optional(sample.accuracyError)
    case .batchLosses: .text(sample.batchLosses.map { "\($0)" }.joined(separator: " "))
    }
  }
}

/// How points stand in a table: one row an objective at a point, doubles written with the fewest digits that read back to
/// the same bits.
public struct PointTable<Key: Hashable> {
  private let places: [String]
  private let samples: [SampleColumn]
  private let cells: (Key) -> [CSVField]
  private let keys: (CSVTable) throws -> [Key]

  /// - Parameters:
  ///   - places: columns that name a point, and `cells` what stands in them.
  ///   - samples: columns of what was found.
  ///   - keys: the points of all rows, in order; throws where one is none of the walk's.
  package init(
    places: [String], samples: [SampleColumn] = [.loss, .accuracy], cells: @escaping (Key) -> [CSVField],
    keys: @escaping (CSVTable) throws -> [Key]
  ) {
    (self.places, self.samples, self.cells, self.keys) = (places, samples, cells, keys)
  }

  public var columns: [String] { places + ["objective", "inner_steps"] + samples.map(\.rawValue) }
  /// Those of tables that earlier versions wrote.
  var earlierColumns: [String] {
    places + ["objective", "inner_steps"] + samples.filter { !$0.isLater }.map(\.rawValue)
  }

  func row(_ key: Key, _ objective: Objective, _ sample: ObjectiveSample) -> [CSVField] {
    cells(key) + [.text(objective.name), .integer(objective.innerSteps)] + samples.map { $0.cell(sample) }
  }

  /// What is left of a sample when it is read back.
  func kept(_ sample: ObjectiveSample) -> ObjectiveSample {
    func of<Value>(_ column: SampleColumn, _ value: Value, else nothing: Value) -> Value {
      samples.contains(column) ? value : nothing
    }
    return ObjectiveSample(
      loss: sample.loss, accuracy: sample.accuracy, lossError: of(.lossError, sample.lossError, else: nil),
      accuracyError: of(.accuracyError, sample.accuracyError, else: nil),
      batchLosses: of(.batchLosses, sample.batchLosses, else: []))
  }

  /// The rows of a table in their order; those of earlier versions have no errors.
  ///
  /// - Parameter objectives: those that may be there; nil for any.
  /// - Throws: `InputError` where a row is of another point or objective.
  func read(_ table: CSVTable, _ objectives: [Objective]?) throws
    -> [(key: Key, objective: Objective, sample: ObjectiveSample)]
  {
    let keys = try keys(table)
    let (names, steps) = (try table.column("objective"), try table.integers("inner_steps"))
    let (losses, accuracies) = (try table.doubles("loss"), try table.doubles("accuracy"))
    func errors(_ column: SampleColumn) throws -> [Double?] {
      guard samples.contains(column), table.columns.contains(column.rawValue) else { return names.map { _ in nil } }
      return try table.optionalDoubles(column.rawValue)
    }
    let (lossErrors, accuracyErrors) = (try errors(.lossError), try errors(.accuracyError))
    let batchLosses = try lists(table)
    return try names.indices.map { row in
      let known = objectives.map { $0.first { $0.name == names[row] && $0.innerSteps == steps[row] } }
      guard let objective = known ?? Objective(name: names[row], innerSteps: steps[row]) else {
        throw InputError(
          objectives == nil ? "unknown objective" : "another objective", at: .file(table.path, "row \(row + 1)"),
          found: "\(names[row]) with \(steps[row]) steps",
          wanted: objectives?.map(\.label).joined(separator: ", ") ?? Objective.forms)
      }
      let sample = ObjectiveSample(
        loss: losses[row], accuracy: accuracies[row], lossError: lossErrors[row], accuracyError: accuracyErrors[row],
        batchLosses: batchLosses[row])
      return (keys[row], objective, sample)
    }
  }

  private func lists(_ table: CSVTable) throws -> [[Double]] {
    let name = SampleColumn.batchLosses.rawValue
    guard samples.contains(.batchLosses), table.columns.contains(name) else { return table.rows.map { _ in [] } }
    return try table.column(name).enumerated().map { row, cell in
      try cell.split(separator: " ").map { part in
        guard let value = Double(part) else {
          throw table.failure(
            "not a number", row: row, column: name, found: cell, expected: "numbers with blanks between")
        }
        return value
      }
    }
  }
}
