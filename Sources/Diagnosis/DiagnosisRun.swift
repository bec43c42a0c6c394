import Formats
import Foundation
import Problems
import Runs
import Search

/// Measures the checkpoints of a search, one after another, and keeps what it has measured: a diagnosis that was stopped, or
/// of a search that has gone on since, computes only what is new.
public struct DiagnosisRun<Problem: DerivableProblem> {
  private let run: SearchRunFolder
  private let configuration: SearchConfiguration
  private let settings: MeasurementSettings
  private let every: Int
  private let folder: OutputFolder
  private var journalPath: String { folder.file("diagnosis-measurements.csv") }
  private let dataset: String
  private let makeProblem: () throws -> Problem

  /// - Parameters:
  ///   - every: epochs from one measured checkpoint to the next; the last one is always measured.
  ///   - folder: where measurements are kept.
  ///   - dataset: where the run's data now are; nil for where they were.
  ///   - makeProblem: asked only where something is left to measure.
  /// - Throws: `InputError` for settings out of range, and where config.yaml cannot be read.
  public init(
    of run: SearchRunFolder, settings: MeasurementSettings = MeasurementSettings(), every: Int = 1, in folder: OutputFolder,
    dataset: String? = nil, makeProblem: @escaping () throws -> Problem
  ) throws {
    try settings.validate()
    try RunBounds.interval.require(every, at: .setting("every"))
    self.run = run
    self.settings = settings
    self.every = every
    self.makeProblem = makeProblem
    configuration = try run.configuration()
    self.folder = folder
    self.dataset = dataset ?? configuration.dataset
  }

  private static var keyColumns: [String] { ["epoch", "checkpoint", "settings"] }
  private var columns: [String] { Self.keyColumns + CheckpointMeasurement.columns(settings.approximations) }

  /// Epochs whose checkpoints are there and are to be measured.
  ///
  /// - Parameter finished: epochs of which α is known.
  func epochs(upTo finished: Int) -> [Int] {
    let present = run.checkpoints().filter { $0.step == 0 && (1...max(1, finished)).contains($0.epoch) }.map(\.epoch)
    return present.filter { $0.isMultiple(of: every) || $0 == present.last }
  }

  /// Measures what is not measured yet.
  ///
  /// - Parameters:
  ///   - diagnosis: of the run's files alone.
  /// - Returns: by epoch, those of earlier calls with the same settings among them.
  /// - Throws: `CancellationError` where a stop is requested, with what is finished kept; `InputError` where another process
  ///   measures in the folder; what the problem throws.
  public func measure(
    _ diagnosis: CollapseDiagnosis, isStopRequested: @escaping () -> Bool = { false },
    warn: (String) -> Void = { _ in },
    progress: (_ done: Int, _ total: Int, _ epoch: Int) -> Void = { _, _, _ in }
  ) throws -> [Int: CheckpointMeasurement] {
    let lock = try folder.lock()
    defer { withExtendedLifetime(lock) {} }
    let known = try readJournal()
    let wanted = epochs(upTo: diagnosis.epochs.count)
    var result: [Int: CheckpointMeasurement] = [:]
    var (problem, journal): (Problem?, CSVWriter?) = (nil, nil)
    for (done, epoch) in wanted.enumerated() {
      if isStopRequested() { throw CancellationError() }
      progress(done, wanted.count, epoch)
      let file: TensorFile
      do {
        file = try TensorFile(readingFrom: run.checkpointPath(epoch: epoch))
      } catch  where !FileManager.default.fileExists(atPath: run.checkpointPath(epoch: epoch)) {
        // A search that goes on has removed it meanwhile.
        continue
      }
      let (state, own) = (diagnosis.epochs[epoch - 1], try searchEigenvalue(of: epoch))
      let name = file.metadata[TensorFile.checksumKey] ?? TensorFile.checksum(Array(file.tensors.values), metadata: [:])
      let key = settings.key(of: configuration) + (own == nil ? "" : " own_eigenvalue")
      if let measured = known["\(epoch) \(name) \(key)"] {
        result[epoch] = measured
        continue
      }
      try file.verifyChecksum()
      let current = try problem ?? makeProblem()
      problem = current
      if let earlier = RunData(metadata: file.metadata), earlier.checksum != nil {
        try RunData(dataset: dataset, checksum: current.dataChecksum).require(sameAs: earlier, from: file.path)
      }
      let measured = try CheckpointMeasurement(
        of: SearchCheckpoint(file, for: current), epoch: epoch, genotype: state.genotype, problem: current,
        configuration: configuration, settings: settings, wantsEigenvalue: own == nil, isStopRequested: isStopRequested,
        warn: warn)
      let writer = try journal ?? CSVWriter(continuing: journalPath, columns: journalColumns())
      journal = writer
      let cells = Dictionary(
        uniqueKeysWithValues: zip(
          columns, [.integer(epoch), .text(name), .text(key)] + measured.fields(settings.approximations)))
      try writer.append(writer.columns.map { cells[$0] ?? .text("") })
      result[epoch] = measured
    }
    try journal?.synchronise()
    progress(wanted.count, wanted.count, wanted.last ?? 0)
    return result
  }

  private func searchEigenvalue(of epoch: Int) throws -> Double? {
    guard settings.takesLogged(by: configuration) else { return nil }
    return try run.metrics().first { $0.epoch == epoch }?.dominantEigenvalue
  }

  /// Gives the journal the columns that it lacks. Measurements by other approximations may stand in it.
  ///
  /// - Returns: its columns.
  private func journalColumns() throws -> [String] {
    guard FileManager.default.fileExists(atPath: journalPath) else { return columns }
    let line = try FileBytes.read(journalPath).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let header = String(decoding: line[0], as: UTF8.self).split(separator: ",", omittingEmptySubsequences: false)
      .map(String.init)
    let missing = columns.filter { !header.contains($0) }
    guard line.count > 1, !missing.isEmpty, header.starts(with: Self.keyColumns + CheckpointMeasurement.columns([])) else {
      // Opening it says where it is of something else.
      return line.count > 1 && missing.isEmpty ? header : columns
    }
    // Opening it drops a row that a crash has cut short.
    try CSVWriter(continuing: journalPath, columns: header).synchronise()
    let rows = try CSVTable(readingFrom: journalPath).rows
    try CSVWriter.write(
      columns: header + missing, rows: rows.map { row in row.map(CSVField.text) + missing.map { _ in .text("") } },
      to: journalPath)
    return header + missing
  }

  /// Measurements by epoch, checkpoint and settings, which name the approximations.
  private func readJournal() throws -> [String: CheckpointMeasurement] {
    guard FileManager.default.fileExists(atPath: journalPath) else { return [:] }
    let present = try journalColumns()
    try CSVWriter(continuing: journalPath, columns: present).synchronise()
    let table = try CSVTable(readingFrom: journalPath)
    let places = columns.dropFirst(Self.keyColumns.count).compactMap { present.firstIndex(of: $0) }
    var result: [String: CheckpointMeasurement] = [:]
    for row in table.rows {
      guard let measured = CheckpointMeasurement(cells: places.map { row[$0] }, settings.approximations) else { continue }
      result["\(row[0]) \(row[1]) \(row[2])"] = measured
    }
    return result
  }
}
