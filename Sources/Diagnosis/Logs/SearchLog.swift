import Cells
import Compute
import Formats

/// Searches that another program logged, PyTorch scripts for example: one CSV file with a row a run and epoch, in which the
/// architecture derived at the end of each epoch stands, and what else was measured. docs/diagnosis.md describes the columns.
public struct SearchLog: Equatable, Sendable {
  /// A row. What was not logged is nil.
  public struct Epoch: Equatable, Sendable {
    /// As the log counts, from 0 or 1.
    public let epoch: Int
    public let genotype: Genotype
    /// Largest eigenvalue of ∇²_α L_val.
    public let eigenvalue: Double?
    /// Trace of the same matrix.
    public let trace: Double?
    public let learningRate: Double?
    /// Losses in nats, accuracies as fractions.
    public let trainingLoss: Double?
    public let trainingAccuracy: Double?
    public let validationLoss: Double?
    public let validationAccuracy: Double?
  }

  /// Epochs in ascending order, none left out.
  public struct Run: Equatable, Sendable {
    public let name: String
    public let epochs: [Epoch]

    /// Epochs from the first eigenvalue to the second; nil where there are not two.
    public var eigenvalueSpacing: Int? {
      let places = epochs.indices.filter { epochs[$0].eigenvalue != nil }.prefix(2)
      return places.count == 2 ? places[1] - places[0] : nil
    }
  }

  public let path: String
  public let space: SearchSpace
  /// In the order in which the file first names them.
  public let runs: [Run]
  /// Columns of the file that are not read.
  public let otherColumns: [String]

  /// Columns that a log has to have, and those that it may have.
  public static let requiredColumns = ["epoch", "genotype"]
  public static let optionalColumns = [
    "run", "dominant_eigenvalue", "hessian_trace", "learning_rate", "training_loss", "training_accuracy", "validation_loss",
    "validation_accuracy",
  ]

  /// - Parameters:
  ///   - path: of a CSV file. Where it has no column `run`, all rows are one run with the name of the file.
  ///   - space: of which the architectures are.
  /// - Throws: `InputError` naming file, row and column of the first cell that cannot be used: no number, out of range, no
  ///   genotype, an operation that the space does not have on that edge, an epoch that is missing or there twice.
  public init(readingFrom path: String, space: SearchSpace) throws {
    let table = try CSVTable(readingFrom: path)
    guard !table.rows.isEmpty else {
      throw InputError("a log without rows", at: .file(path), wanted: "a row for each run and epoch")
    }
    func optional(_ name: String, _ bounds: RealBounds) throws -> [Double?] {
      table.columns.contains(name)
        ? try table.optionalDoubles(name, bounds) : [Double?](repeating: nil, count: table.rows.count)
    }
    let epochs = try table.integers("epoch", Self.epochs)
    let genotypes = try Self.genotypes(of: table, space)
    let (eigenvalues, traces) = (
      try optional("dominant_eigenvalue", .finite), try optional("hessian_trace", .finite)
    )
    let rates = try optional("learning_rate", .notNegative)
    let (trainingLosses, validationLosses) = (try optional("training_loss", .any), try optional("validation_loss", .any))
    let (trainingAccuracies, validationAccuracies) = (
      try optional("training_accuracy", .fraction), try optional("validation_accuracy", .fraction)
    )
    let names =
      table.columns.contains("run")
      ? try table.column("run") : [String](repeating: AtomicFile.split(path).name, count: table.rows.count)
    var (order, rows): ([String], [String: [Int]]) = ([], [:])
    for (row, name) in names.enumerated() {
      guard !name.isEmpty else {
        throw table.failure("no name of a run", row: row, column: "run", found: name, expected: "a name")
      }
      if rows[name] == nil { order.append(name) }
      rows[name, default: []].append(row)
    }
    self.path = path
    self.space = space
    otherColumns = table.columns.filter { !(Self.requiredColumns + Self.optionalColumns).contains($0) }
    runs = try order.map { name in
      let places = (rows[name] ?? []).sorted { epochs[$0] == epochs[$1] ? $0 < $1 : epochs[$0] < epochs[$1] }
      try Self.requireConsecutive(places, epochs, table)
      return Run(
        name: name,
        epochs: places.map { row in
          Epoch(
            epoch: epochs[row], genotype: genotypes[row], eigenvalue: eigenvalues[row], trace: traces[row],
            learningRate: rates[row], trainingLoss: trainingLosses[row], trainingAccuracy: trainingAccuracies[row],
            validationLoss: validationLosses[row], validationAccuracy: validationAccuracies[row])
        })
    }
  }

  private static let epochs = CountBounds(0...1_000_000)

  /// - Parameter rows: of one run, by epoch.
  private static func requireConsecutive(_ rows: [Int], _ epochs: [Int], _ table: CSVTable) throws {
    for (place, row) in rows.enumerated() {
      let wanted = place == 0 ? min(epochs[row], 1) : epochs[rows[place - 1]] + 1
      guard epochs[row] != wanted else { continue }
      let isTwice = place > 0 && epochs[row] == epochs[rows[place - 1]]
      throw table.failure(
        isTwice ? "an epoch that the run has already" : "epochs before it are missing", row: row, column: "epoch",
        found: "\(epochs[row])", expected: place == 0 ? "0 or 1 for the first of a run" : "\(wanted)")
    }
  }

  private static func genotypes(of table: CSVTable, _ space: SearchSpace) throws -> [Genotype] {
    // Searches change their mind seldom.
    var known: [String: Genotype] = [:]
    return try table.column("genotype").enumerated().map { row, text in
      if let genotype = known[text] { return genotype }
      do {
        let genotype = try Genotype(parsing: text)
        try require(genotype, of: space)
        known[text] = genotype
        return genotype
      } catch var error as InputError {
        // The cell is the place; what is wrong within it belongs to the problem.
        error.problem = "\(error.place): \(error.problem)"
        error.place = .file(table.path, "row \(row + 1), column genotype")
        throw error
      }
    }
  }

  private static func require(_ genotype: Genotype, of space: SearchSpace) throws {
    guard genotype.kinds == space.kinds else {
      throw InputError(
        "cells of another kind", at: "genotype", found: genotype.kinds.map(\.name).joined(separator: ", "),
        wanted: space.kinds.map(\.name).joined(separator: ", ") + " of space \(space)")
    }
    for (cell, candidates) in zip(genotype.cells, space.operations.candidates) {
      for (index, (edge, row)) in zip(cell.edges, cell.rows).enumerated() where !candidates[row].contains(edge.operation) {
        throw InputError(
          "an operation that space \(space) does not have there", at: "genotype, \(cell.kind.name)[\(index)]",
          found: "\(edge.operation.rawValue) from state \(edge.source)",
          wanted: candidates[row].map(\.rawValue).joined(separator: " or "))
      }
    }
  }
}
