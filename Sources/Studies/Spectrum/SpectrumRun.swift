import Cells
import Compute
import Formats
import Landscape
import Problems

/// Spectra at one checkpoint or several, from the settings to the files: `spectrum.yaml`, `journal.csv` while it runs, one
/// checkpoint at a time, and `spectrum.csv`.
public struct SpectrumRun<Problem: BilevelProblem> {
  /// A checkpoint, read once.
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
  private let copies: [Problem]
  private let settings: SpectrumSettings
  private let checkpoints: [Checkpoint]
  private let crew: Crew
  private let origin: [(key: String, value: String)]

  /// - Parameter copies: of the problem, as many as checkpoints are measured at a time; none for the problem itself.
  /// - Throws: `InputError` where there are no checkpoints.
  public init(
    problem: Problem, checkpoints: [Checkpoint], settings: SpectrumSettings, copies: [Problem] = []
  ) throws {
    try self.init(
      problem: problem, checkpoints: checkpoints, settings: settings, copies: copies, crew: Crew(workers: copies.count),
      origin: [])
  }

  /// The same with a crew that may span ranks; the others make the run with crews of their own and serve (`serve`).
  ///
  /// - Parameter origin: where problem and checkpoints come from, which ranks must agree on.
  /// - Throws: `InputError` where there are no checkpoints.
  package init(
    problem: Problem, checkpoints: [Checkpoint], settings: SpectrumSettings, copies: [Problem], crew: Crew,
    origin: [(key: String, value: String)]
  ) throws {
    guard !checkpoints.isEmpty else {
      throw InputError("none given", at: "checkpoints", wanted: "at least one")
    }
    self.problem = problem
    self.copies = copies.isEmpty ? [problem] : copies
    self.checkpoints = checkpoints
    self.settings = settings
    self.crew = crew
    self.origin = origin
  }

  private static var journalColumns: [String] { ["checkpoint", "state_sha256"] + SpectrumRow.columns }
  /// A row that says that all rows of a checkpoint stand before it.
  private static var closing: SpectrumRow { SpectrumRow(epoch: nil, .smoothed, index: 0, value: 0) }

  /// - Parameters:
  ///   - origin: keys and values that say where problem and checkpoints come from.
  ///   - isContinued: whether the folder holds unfinished or finished spectra of the same settings.
  ///   - progress: told how many checkpoints are done, and of how many.
  /// - Throws: `CancellationError` when a stop was requested, with every finished checkpoint in the journal; `InputError`
  ///   where a folder to be continued is of other settings or weights, and where files cannot be read or written;
  ///   what measurements throw.
  public func run(
    in folder: OutputFolder, origin: [(key: String, value: String)] = [], isContinued: Bool = false,
    isStopRequested: @escaping () -> Bool = { false }, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> [SpectrumRow] {
    let lock = try folder.lock()
    defer { withExtendedLifetime(lock) {} }
    let files = StudyFolder(folder, .spectrum, result: "spectrum.csv")
    let names = checkpoints.map { JSONText.quoted($0.name) }.joined(separator: ", ")
    let states = try checkpoints.map { try $0.load() }
    let digests = states.map { SHA256.ofState($0.weights, nil, $0.alphas) }
    let measured: [(key: String, value: String)] = [
      ("checkpoints", "[\(names)]"), (SettingsFile.checkpointDigests, "[\(digests.joined(separator: ", "))]"),
    ]
    if try files.begin(SettingsFile(origin: origin + measured, settings: settings.entries), isContinued: isContinued) {
      return try SpectrumRow.rows(of: CSVTable(readingFrom: files.resultPath))
    }
    let journal = try CSVWriter(continuing: files.journalPath, columns: Self.journalColumns)
    var known = try Self.known(in: CSVTable(readingFrom: files.journalPath))
    for (index, finished) in known where finished.digest != digests[index] {
      throw InputError(
        "not the checkpoint that the spectrum was begun with", at: .file(checkpoints[index].name),
        found: "state \(digests[index].prefix(12))…", wanted: "\(finished.digest.prefix(12))…")
    }
    let left = checkpoints.indices.filter { known[$0] == nil }
    progress(known.count, checkpoints.count)
    try crew.prepare(account(digests).bytes)
    func finish(_ index: Int, _ found: [SpectrumRow]) throws {
      try journal.append(rows: (found + [Self.closing]).map { [.integer(index), .text(digests[index])] + $0.fields })
      try journal.synchronise()
      known[index] = (digests[index], found)
      progress(known.count, checkpoints.count)
    }
    if isInParts(left.count, try crew.expectedWorkers()) {
      let work = parts(states)
      for index in left {
        try finish(
          index, try measure(index, states[index], worker: 0, isStopRequested, spread: work.spread(index, isStopRequested)))
      }
    } else {
      try crew.run(
        left.count, isStopRequested: isStopRequested,
        make: { place, worker in try measure(left[place], states[left[place]], worker: worker, isStopRequested) },
        courier: Crew.Courier(
          to: Self.station, request: { place, writer in writer.write(left[place]) },
          result: { _, reader in
            guard case .rows(let rows) = try SpectrumAnswer(from: &reader) else { throw CancellationError() }
            return rows
          }),
        finished: { place, found in try finish(left[place], found) })
    }
    var rows = checkpoints.indices.flatMap { known[$0]?.rows ?? [] }
    rows += SpectrumMeasurement.smoothed(rows)
    let kind = CSVField.text(settings.products.kind.rawValue)
    try CSVWriter.write(
      columns: SpectrumRow.columns + [SpectrumRow.kindColumn], rows: rows.map { $0.fields + [kind] }, to: files.resultPath)
    files.removeJournals()
    return rows
  }

  private func measure(
    _ index: Int, _ state: (weights: ParameterVector, alphas: ArchitectureParameters), worker: Int,
    _ isStopRequested: @escaping () -> Bool, spread: ArchitectureHessian<Problem>.Spread? = nil
  ) throws -> [SpectrumRow] {
    do {
      return try SpectrumMeasurement(
        problem: copies[worker], weights: state.weights, alphas: state.alphas, epoch: checkpoints[index].epoch,
        settings: settings, isStopRequested: isStopRequested, spread: spread
      ).rows
    } catch let error as Divergence {
      throw InputError(
        "no curvature", at: .file(checkpoints[index].name), found: error.account, wanted: "gradients that are finite")
    }
  }

  private static var station: String { "checkpoints" }

  private func parts(_ states: [(weights: ParameterVector, alphas: ArchitectureParameters)]) -> SpectrumParts<Problem> {
    SpectrumParts(problems: copies, states: states, batchCount: settings.batchCount(of: problem), crew: crew)
  }

  private func account(_ digests: [String]) -> StudyAccount {
    StudyAccount(
      origin + settings.entries
        + [(SettingsFile.checkpointDigests, digests.joined(separator: ", ")), ("data", problem.dataChecksum ?? "none")])
  }

  /// Serves rank 0, which runs the same, until it is dismissed. Writes nothing.
  ///
  /// - Parameter signal: that asked this process to stop, which ends measurements at hand.
  /// - Throws: what checkpoints throw; `TeamError` where rank 0 can't be heard any more.
  package func serve(_ team: any Team, signal: @escaping @Sendable () -> Int32? = { nil }) throws {
    let states = try checkpoints.map { try $0.load() }
    let digests = states.map { SHA256.ofState($0.weights, nil, $0.alphas) }
    let work = parts(states)
    let server = StudyServer(
      account(digests),
      stations: [
        Self.station: { reader, worker in
          let index = try reader.int()
          guard checkpoints.indices.contains(index) else { throw TruncatedMessage() }
          do {
            return SpectrumAnswer.rows(try measure(index, states[index], worker: worker) { signal() != nil }).bytes
          } catch is CancellationError {
            return SpectrumAnswer.stopped.bytes
          }
        },
        SpectrumParts<Problem>.station: work.answer,
      ])
    try server.serve(team, workers: copies.count, signal: signal)
  }

  /// How long the spectra take here, at most: what products usually cost, as training steps.
  ///
  /// - Throws: what the problem and checkpoints throw.
  public func estimate() throws -> TimeEstimate {
    let (weights, alphas) = try checkpoints[0].load()
    let walk = try PointWalk(
      evaluators: copies.map {
        try ObjectiveEvaluator(problem: $0, weights: weights, epoch: 0, objectives: [.firstOrder])
      })
    let seconds = try walk.measurePasses(at: alphas)
    let (products, usual) = (settings.products, settings.products.usualCost)
    // The largest eigenvalue is found once more at half of a displacement, and in mixing weights.
    let again = (products.halved == nil ? 0 : usual) + (settings.takesMixing ? usual : 0)
    let steps =
      again
      + (settings.isFull
        ? products.stepsPerProduct * Double(alphas.count) : usual + products.stepsPerProduct * Double(settings.probes))
    let batches = settings.batchCount(of: problem)
    let workers = try crew.expectedWorkers()
    let isInParts = isInParts(checkpoints.count, workers)
    // Of a product that is computed in parts at least those of its batches go side by side.
    let rounds = isInParts ? (batches + workers - 1) / workers : batches
    return TimeEstimate(
      points: checkpoints.count, work: EvaluationWork(steps: Int(Double(rounds) * steps)),
      parallel: isInParts ? 1 : workers, ranks: crew.ranks, forwardSeconds: seconds.forward, stepSeconds: seconds.step)
  }

  /// Whether there are fewer checkpoints than workers, so that ranks share the parts of each one's products.
  private func isInParts(_ left: Int, _ workers: Int) -> Bool { crew.ranks > 1 && left < workers }

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
