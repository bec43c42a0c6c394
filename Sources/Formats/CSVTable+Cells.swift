import Compute

extension CSVTable {
  /// The cells of a column as numbers.
  ///
  /// - Throws: `InputError` naming row and column where a cell is no number or out of bounds.
  public func doubles(_ name: String, _ bounds: RealBounds = .any) throws -> [Double] {
    try cells(name) { try real($0, $1, name, bounds, orNothing: "") }
  }

  /// The same with nil for an empty cell.
  public func optionalDoubles(_ name: String, _ bounds: RealBounds = .any) throws -> [Double?] {
    try cells(name) { $0.isEmpty ? nil : try real($0, $1, name, bounds, orNothing: " or nothing") }
  }

  /// The cells of a column as whole numbers.
  ///
  /// - Throws: `InputError` naming row and column where a cell is no whole number or out of bounds.
  public func integers(_ name: String, _ bounds: CountBounds = .cell) throws -> [Int] {
    try cells(name) { try whole($0, $1, name, bounds, orNothing: "") }
  }

  /// The same with nil for an empty cell.
  public func optionalIntegers(_ name: String, _ bounds: CountBounds = .cell) throws -> [Int?] {
    try cells(name) { $0.isEmpty ? nil : try whole($0, $1, name, bounds, orNothing: " or nothing") }
  }

  /// What is wrong with a cell (its row counted from 0).
  public func failure(
    _ problem: String, row: Int, column: String, found: String, expected: String
  ) -> InputError {
    InputError(problem, at: .file(path, "row \(row + 1), column \(column)"), found: "\"\(found)\"", wanted: expected)
  }

  private func cells<Value>(_ name: String, _ convert: (String, Int) throws -> Value) throws -> [Value] {
    try column(name).enumerated().map { try convert($1, $0) }
  }

  private func real(
    _ cell: String, _ row: Int, _ name: String, _ bounds: RealBounds, orNothing: String
  ) throws -> Double {
    guard let value = Double(cell) else {
      throw failure("not a number", row: row, column: name, found: cell, expected: "a number" + orNothing)
    }
    guard bounds.contains(value) else {
      throw failure("out of range", row: row, column: name, found: cell, expected: bounds.wanted + orNothing)
    }
    return value
  }

  /// Tables that went through pandas have whole numbers as 3.0.
  private func whole(
    _ cell: String, _ row: Int, _ name: String, _ bounds: CountBounds, orNothing: String
  ) throws -> Int {
    guard let value = Int(cell) ?? Double(cell).flatMap({ Int(exactly: $0) }) else {
      throw failure("not a number", row: row, column: name, found: cell, expected: "an integer" + orNothing)
    }
    guard bounds.contains(value) else {
      throw failure("out of range", row: row, column: name, found: cell, expected: bounds.wanted + orNothing)
    }
    return value
  }
}
