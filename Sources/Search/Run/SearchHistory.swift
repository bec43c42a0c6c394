import Cells
import Formats
import Foundation
import Runs

/// What the files of a search tell of its finished epochs, to be held against each other and against a checkpoint.
struct SearchHistory {
  private let files: SearchRunFolder
  let records: [EpochRecord]
  /// nil where there is no such file.
  private let genotypes: [String]?
  /// All values of each epoch.
  private let alphas: [ArraySlice<Float>]?

  /// Reads the table first: a run that goes on writes it last, so what is read afterwards is never behind it.
  ///
  /// - Throws: `InputError` where a file cannot be read.
  init(of files: SearchRunFolder) throws {
    self.files = files
    func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
    records = isThere(files.metricsPath) ? try files.metrics() : []
    genotypes =
      isThere(files.genotypesPath)
      ? String(decoding: try FileBytes.read(files.genotypesPath), as: UTF8.self).split(separator: "\n").map(String.init)
      : nil
    guard isThere(files.alphasPath) else {
      alphas = nil
      return
    }
    alphas = try AlphaHistory.values(readingFrom: files.alphasPath)
  }

  /// What the files say of each other.
  ///
  /// That rows are of epoch 1, 2, 3 and so on is checked where the table is read (`RecordTable`).
  ///
  /// - Throws: `InputError` with file and row where a file is behind the table or more than the epoch ahead that a
  ///   crash can leave, and where a row is not of the α or the architecture of its epoch.
  func check() throws {
    for (path, count, what) in [
      (files.genotypesPath, genotypes?.count, "lines"), (files.alphasPath, alphas?.count, "epochs"),
    ] {
      // A search on its way back drops rows of metrics.csv first.
      guard let count, !(records.count...(files.hasRounds ? .max : records.count + 1)).contains(count) else { continue }
      guard !records.isEmpty else {
        throw InputError(
          "no row of a finished epoch", at: .file(files.metricsPath), found: "none",
          wanted: "\(count), as \(path) has \(what)")
      }
      throw InputError(
        "does not go with metrics.csv beside it", at: .file(path, "row \(min(count, records.count + 1) + 1)"),
        found: "\(count) \(what)", wanted: "\(records.count), or one more, beside \(records.count) rows")
    }
    try checkRows(upTo: records.count)
  }

  /// - Parameter count: epochs, of which every file that is there holds as many.
  private func checkRows(upTo count: Int) throws {
    for (index, record) in records.prefix(count).enumerated() {
      if let alphas { try check(record, at: index, alphas: alphas[index]) }
      if let genotypes { try check(record, at: index, genotype: genotypes[index]) }
    }
  }

  private func check(_ record: EpochRecord, at index: Int, alphas: ArraySlice<Float>) throws {
    let norm = alphas.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    // Sums of another order end in other last digits.
    guard abs(norm - record.alphaNorm) > 1e-6 * max(norm, record.alphaNorm) else { return }
    throw InputError(
      "not of the α of its epoch", at: .file(files.metricsPath, "row \(index + 1), column alpha_norm"),
      found: "\(record.alphaNorm)", wanted: "\(norm), the norm of α in \(files.alphasPath)")
  }

  private func check(_ record: EpochRecord, at index: Int, genotype line: String) throws {
    let genotype: Genotype
    do { genotype = try Genotype(parsing: line) } catch {
      throw InputError(
        "no genotype", at: .file(files.genotypesPath, "row \(index + 1)"), found: "'\(line.prefix(60))'",
        wanted: "a Genotype(…) line")
    }
    for (column, found, wanted) in [
      ("skip_connections", record.skipConnections, genotype.skipConnectionCount),
      ("skip_connections_reduce", record.reduceSkipConnections, genotype.reduceSkipConnectionCount),
    ] {
      guard let found, found != wanted else { continue }
      throw InputError(
        "not of the architecture of its epoch", at: .file(files.metricsPath, "row \(index + 1), column \(column)"),
        found: "\(found)", wanted: "\(wanted.map(String.init) ?? "none"), as in row \(index + 1) of \(files.genotypesPath)")
    }
  }

  /// What a checkpoint says of the files.
  ///
  /// - Throws: `InputError` with file and row where one is not what the checkpoint was written after.
  func check(against metadata: [String: String], of checkpoint: String) throws {
    func require(_ found: [String]?, _ key: HistoryCheck.Key, _ path: String) throws {
      try HistoryCheck.require(found ?? [], key, in: metadata, of: checkpoint, at: path)
    }
    try require(records.map(EpochRecord.table.check), .metrics, files.metricsPath)
    try require(genotypes?.map { HistoryCheck.of(line: $0) }, .genotypes, files.genotypesPath)
    try require(alphas?.map { HistoryCheck.of($0) }, .alphas, files.alphasPath)
  }

  /// What a run that goes on from a checkpoint needs of the files: rows beyond it are of epochs that are computed again,
  /// and may be anything.
  ///
  /// - Throws: as `check`, and where the files end before the checkpoint or its name is that of another.
  func check(goingOnFrom checkpoint: TensorFile, epoch: Int, step: Int) throws {
    try files.requirePlace(of: checkpoint, epoch: epoch, step: step)
    for (path, count) in [
      (files.metricsPath, Optional(records.count)), (files.genotypesPath, genotypes?.count),
      (files.alphasPath, alphas?.count),
    ] {
      guard let count, count < epoch else { continue }
      throw InputError(
        "a row is missing", at: .file(path, "row \(count + 1)"), found: "\(count) rows",
        wanted: "\(epoch), since \(checkpoint.path) follows epoch \(epoch)")
    }
    try checkRows(upTo: epoch)
    try check(against: checkpoint.metadata, of: checkpoint.path)
  }
}

extension SearchRunFolder {
  /// Holds metrics.csv, genotypes.txt and alphas.npy against each other and against the newest checkpoint.
  ///
  /// - Throws: as `RunFolder.checkHistory`.
  public func checkHistory() throws {
    // A progressive search has lines of its stages and no rows of its own.
    guard !FileManager.default.fileExists(atPath: stage(0).configurationPath) else { return }
    _ = try history()
  }

  /// The rows of the finished epochs, checked as `checkHistory` does.
  func history() throws -> SearchHistory {
    for _ in 0..<4 {
      let before = try? FileBytes.read(metricsPath)
      do {
        return try readHistory()
      } catch {
        // A run that finished an epoch in between has changed files under the reader's eyes.
        guard (try? FileBytes.read(metricsPath)) != before else { throw error }
      }
    }
    return try readHistory()
  }

  private func readHistory() throws -> SearchHistory {
    // Before the tables, which are written before it: what it says of them they hold already.
    let carriers = checkpointMetadata()
    let history = try SearchHistory(of: self)
    try history.check()
    if let carrier = HistoryCheck.carrier(of: history.records.count, among: carriers) {
      try history.check(against: carrier.metadata, of: carrier.path)
    }
    return history
  }
}
