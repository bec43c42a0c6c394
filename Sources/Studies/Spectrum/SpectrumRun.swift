import Cells
import Compute
import Formats
import Landscape
import Problems

/// Spectra at one checkpoint or several, from the settings to the files: `spectrum.yaml`, `journal.csv` while it runs, one
/// checkpoint at a time, and `spectrum.csv`.
public struct SpectrumRun<Problem: BilevelProblem> {
  /// A checkpoint that is read when its turn comes.
  public struct Checkpoint {
    public let name: String
    /// Epochs finished; nil where the checkpoint does not say.
    public let epoch: Int?
    public let load: () throws -> (weights: ParameterVector, alphas: ArchitectureParameters)

    public init(
      name: String, epoch: Int?, load: @escaping () throws -> (weights: ParameterVector, alphas: ArchitectureParameters)
    ) {
      self.name = name
      self.epoch = epoch
      self.load = load
    }
  }

  private let problem: Problem
  private let settings: SpectrumSettings
  private let checkpoints: [Checkpoint]

  /// - Throws: `InputError` where there are no checkpoints.
  public init(problem: Problem, checkpoints: [Checkpoint], settings: SpectrumSettings) throws {
    guard !checkpoints.isEmpty else {
      throw InputError("none given", at: "checkpoints", wanted: "at least one")
    }
    self.problem = problem
    self.checkpoints = checkpoints
    self.settings = settings
  }

  private static var journalColumns: [String] { ["checkpoint", "state_sha256"] + SpectrumRow.columns }
  /// A row that says that all rows of a checkpoint stand before it.
  private static var closing: SpectrumRow { SpectrumRow(epoch: nil, .smoothed, index: 0, value: 0) }

  /// - Parameters:
  ///   - origin: keys and values that say where problem and checkpoints come from.
  ///   - isContinued: whether the folder holds unfinished or finished spectra of the same settings.
  ///   - progress: told how many checkpoints are done, and of how many.
  /// - Throws: `CancellationError` when a stop was requested, with every finished checkpoint in the journal; `InputError`
  ///   where a folder to be continued is of other settings or weights; what measurements throw; `InputError` for files.
  public func run(
    in folder: OutputFolder, origin: [(key: String, value: String)] = [], isContinued: Bool = false,
    isStopRequested: @escaping () -> Bool = { false }, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> [SpectrumRow] {
    let lock = try folder.lock()
    defer { withExtendedLifetime(lock) {} }
    let files = StudyFolder(folder: folder, settingsName: "spectrum.yaml", resultName: "spectrum.csv")
    let names = checkpoints.map { JSONText.quoted($0.name) }.joined(separator: ", ")
    let digests = try checkpoints.map { checkpoint in
      let (weights, alphas) = try checkpoint.load()
      return SHA256.ofState(weights, nil, alphas)
    }
    let text = SettingsFile.text(
      origin + [
        ("checkpoints", "[\(names)]"), ("checkpoints_sha256", "[\(digests.joined(separator: ", "))]"),
      ] + settings.entries)
    if try files.begin(text, isContinued: isContinued) {
      return try SpectrumRow.rows(of: CSVTable(readingFrom: files.resultPath))
    }
    let journal = try CSVWriter(continuing: files.journalPath, columns: Self.journalColumns)
    let known = try Self.known(in: CSVTable(readingFrom: files.journalPath))
    var rows: [SpectrumRow] = []
    for (index, checkpoint) in checkpoints.enumerated() {
      progress(index, checkpoints.count)
      if isStopRequested() { throw CancellationError() }
      let digest = digests[index]
      if let finished = known[index] {
        guard finished.digest == digest else {
          throw InputError(
            "not the checkpoint that the spectrum was begun with", at: .file(checkpoint.name),
            found: "state \(digest.prefix(12))…", wanted: "\(finished.digest.prefix(12))…")
        }
        rows += finished.rows
        continue
      }
      let (weights, alphas) = try checkpoint.load()
      let found: [SpectrumRow]
      do {
        found = try SpectrumMeasurement(
          problem: problem, weights: weights, alphas: alphas, epoch: checkpoint.epoch, settings: settings,
          isStopRequested: isStopRequested
        ).rows
      } catch let error as Divergence {
        throw InputError(
          "no curvature", at: .file(checkpoint.name), found: error.account, wanted: "gradients that are finite")
      }
      try journal.append(rows: (found + [Self.closing]).map { [.integer(index), .text(digest)] + $0.fields })
      try journal.synchronise()
      rows += found
    }
    progress(checkpoints.count, checkpoints.count)
    rows += SpectrumMeasurement.smoothed(rows)
    try CSVWriter.write(columns: SpectrumRow.columns, rows: rows.map(\.fields), to: files.resultPath)
    files.removeJournal()
    return rows
  }

  /// Checkpoints of which the journal holds all rows.
  private static func known(in table: CSVTable) throws -> [Int: (digest: String, rows: [SpectrumRow])] {
    let (indices, digests) = (try table.integers("checkpoint"), try table.column("state_sha256"))
    let rows = try SpectrumRow.rows(of: table)
    var (result, open): ([Int: (digest: String, rows: [SpectrumRow])], [Int: [SpectrumRow]]) = ([:], [:])
    for (place, row) in rows.enumerated() {
      if row == closing {
        result[indices[place]] = (digests[place], open[indices[place]] ?? [])
        open[indices[place]] = nil
      } else {
        open[indices[place], default: []].append(row)
      }
    }
    return result
  }
}
