import Compute
import Formats

/// A number of a record that has a name outside of it: a column of metrics.csv, or an entry of a checkpoint's metadata.
///
/// Declared once, with the property that holds it; from that come the header, the cells, what they are checked for, and
/// what TensorBoard is told. A property that may be nil makes a column whose cells may be empty.
public struct RecordColumn<Record: Sendable>: Sendable {
  enum Cells: Sendable {
    case whole(CountBounds)
    case real(RealBounds)
  }

  public let name: String
  let cells: Cells
  /// Whether a cell may be empty.
  package let isOptional: Bool
  /// The name under which TensorBoard is told; nil where it is not.
  let event: String?
  /// Whether tables of earlier versions lack it. A row that a checkpoint vouches for has none of it then, so in metrics.csv
  /// only a column whose cells may be empty can be new.
  package var isNew = false
  /// Whether the cells say which row it is: 1, 2, 3, ….
  var isNumbering = false
  /// Whether two runs that compute the same have the same cells, as they have not of the seconds that they took.
  var isReproduced = true
  /// The number of a record; nil where it has none.
  let number: @Sendable (Record) -> CSVField?
  let put: @Sendable (CSVField?, inout Record) -> Void

  /// A column of numbers.
  ///
  /// - Parameter isNew: whether tables of earlier versions lack it; the property keeps its initial value then.
  package static func real<Value: RecordReal>(
    _ name: String, _ path: WritableKeyPath<Record, Value> & Sendable, _ bounds: RealBounds = .any, event: String? = nil,
    isNew: Bool = false
  ) -> RecordColumn {
    RecordColumn(
      name: name, cells: .real(bounds), isOptional: Value.recordMayBeEmpty, event: event, isNew: isNew,
      number: { $0[keyPath: path].recordNumber.map(CSVField.real) },
      put: { number, record in
        if case .real(let value)? = number { record[keyPath: path] = Value(recordNumber: value) }
      })
  }

  /// A column of whole numbers.
  ///
  /// - Parameter isNew: whether tables of earlier versions lack it; the property keeps its initial value then.
  package static func count<Value: RecordCount>(
    _ name: String, _ path: WritableKeyPath<Record, Value> & Sendable, _ bounds: CountBounds = RunBounds.weightSteps,
    event: String? = nil, isNew: Bool = false
  ) -> RecordColumn {
    RecordColumn(
      name: name, cells: .whole(bounds), isOptional: Value.recordMayBeEmpty, event: event, isNew: isNew,
      number: { $0[keyPath: path].recordCount.map(CSVField.integer) },
      put: { number, record in
        if case .integer(let value)? = number { record[keyPath: path] = Value(recordCount: value) }
      })
  }

  /// The epoch of a row, counted from 1.
  package static func epoch(_ path: WritableKeyPath<Record, Int> & Sendable) -> RecordColumn {
    var column = count("epoch", path, RunBounds.epochs)
    column.isNumbering = true
    return column
  }

  /// Wall time in seconds, which no two runs share.
  package static func seconds(_ path: WritableKeyPath<Record, Double> & Sendable) -> RecordColumn {
    var column = real("seconds", path, .notNegative)
    column.isReproduced = false
    return column
  }

  /// The number of a record as TensorBoard has it.
  func scalar(of record: Record) -> TrainingEvent.Value? {
    guard let event else { return nil }
    return switch number(record) {
    case .real(let value): .scalar(event, value)
    case .integer(let value): .scalar(event, Double(value))
    case .text, nil: nil
    }
  }

  /// The checked cells of a table; nil where one is empty.
  ///
  /// - Throws: `InputError` naming file, row and column where one does not hold what it should, and where there is no such
  ///   column.
  func numbers(of table: CSVTable) throws -> [CSVField?] {
    let result: [CSVField?] =
      switch cells {
      case .whole(let bounds): try table.optionalIntegers(name, bounds).map { $0.map(CSVField.integer) }
      case .real(let bounds): try table.optionalDoubles(name, bounds).map { $0.map(CSVField.real) }
      }
    if !isOptional, let row = result.firstIndex(of: nil) {
      throw table.failure("empty", row: row, column: name, found: "", expected: "a number")
    }
    guard isNumbering else { return result }
    for (row, number) in result.enumerated() where number != .integer(row + 1) {
      throw table.failure(
        "not the next epoch", row: row, column: name, found: number?.encoded ?? "", expected: "\(row + 1)")
    }
    return result
  }

  /// The number in a text that is no cell of a table; nil where it is none.
  func number(in text: String) -> CSVField? {
    switch cells {
    case .whole(let bounds): bounds.count(text).map(CSVField.integer)
    case .real(let bounds): Double(text).flatMap { bounds.contains($0) ? .real($0) : nil }
    }
  }
}

/// A property that a column of numbers can be of.
package protocol RecordReal: Sendable {
  static var recordMayBeEmpty: Bool { get }
  var recordNumber: Double? { get }
  init(recordNumber: Double)
}

extension Double: RecordReal {
  package static var recordMayBeEmpty: Bool { false }
  package var recordNumber: Double? { self }
  package init(recordNumber: Double) { self = recordNumber }
}

extension Optional: RecordReal where Wrapped == Double {
  package var recordNumber: Double? { self }
  package init(recordNumber: Double) { self = recordNumber }
}

/// A property that a column of whole numbers can be of.
package protocol RecordCount: Sendable {
  static var recordMayBeEmpty: Bool { get }
  var recordCount: Int? { get }
  init(recordCount: Int)
}

extension Int: RecordCount {
  package static var recordMayBeEmpty: Bool { false }
  package var recordCount: Int? { self }
  package init(recordCount: Int) { self = recordCount }
}

extension Optional: RecordCount where Wrapped == Int {
  package var recordCount: Int? { self }
  package init(recordCount: Int) { self = recordCount }
}

extension Optional {
  package static var recordMayBeEmpty: Bool { true }
}
