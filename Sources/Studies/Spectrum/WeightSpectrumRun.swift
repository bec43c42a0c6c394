import Cells
import Compute
import Formats
import Foundation
import Landscape
import Problems

/// Spectra of ∇²_ω L at one checkpoint or several, from the settings to the files: `spectrum.yaml`, `journal.csv` while it
/// runs, and at the end those of `WeightSpectrumFiles`.
///
/// A run of Lanczos' process and a random vector of the trace are pieces, which workers and ranks share and which the
/// journal holds once they are done; where there are fewer pieces than workers of all ranks, ranks share the batches of each
/// product.
public struct WeightSpectrumRun<Problem: BilevelProblem> {
  public typealias Checkpoint = SpectrumRun<Problem>.Checkpoint

  private let problems: [Problem]
  private let settings: WeightSpectrumSettings
  private let checkpoints: [Checkpoint]
  private let crew: Crew
  private let origin: [(key: String, value: String)]

  /// - Parameter copies: of the problem, as many as pieces are computed at a time; none for the problem itself.
  /// - Throws: `InputError` where there are no checkpoints, where eigenvectors of several are wanted, and where the problem
  ///   has no batch of the data.
  public init(
    problem: Problem, checkpoints: [Checkpoint], settings: WeightSpectrumSettings, copies: [Problem] = []
  ) throws {
    try self.init(
      problem: problem, checkpoints: checkpoints, settings: settings, copies: copies,
      crew: Crew(workers: max(1, copies.count)), origin: [])
  }

  /// The same with a crew that may span ranks; the others make the run with crews of their own and serve (`serve`).
  ///
  /// - Parameter origin: where problem and checkpoints come from, which ranks must agree on.
  /// - Throws: as the other.
  package init(
    problem: Problem, checkpoints: [Checkpoint], settings: WeightSpectrumSettings, copies: [Problem], crew: Crew,
    origin: [(key: String, value: String)]
  ) throws {
    guard !checkpoints.isEmpty else { throw InputError("none given", at: "checkpoints", wanted: "at least one") }
    guard !settings.keepsVectors || checkpoints.count == 1 else {
      throw InputError(
        "eigenvectors of several checkpoints", at: .setting("vectors"), found: "\(checkpoints.count) checkpoints",
        wanted: "one at a time")
    }
    guard problem.splitCount(settings.data) > 0 else {
      throw InputError(
        "there are no such images", at: .setting("data"), found: settings.data.rawValue,
        wanted: DataSplit.allCases.filter { problem.splitCount($0) > 0 }.map(\.rawValue).joined(separator: " or "))
    }
    problems = copies.isEmpty ? [problem] : copies
    self.checkpoints = checkpoints
    self.settings = settings
    self.crew = crew
    self.origin = origin
  }

  private static var journalColumns: [String] { ["checkpoint", "piece", "row", "rows", "first", "second"] }

  /// - Parameters:
  ///   - origin: keys and values that say where problem and checkpoints come from.
  ///   - isContinued: whether the folder holds unfinished or finished spectra of the same settings.
  ///   - progress: told how many products are done, and of how many at most; from several threads, one at a time.
  /// - Throws: `CancellationError` when a stop was requested, with every finished piece in the journal; `InputError`
  ///   where a folder to be continued is of other settings or weights, and where files cannot be read or written;
  ///   what products throw.
  public func run(
    in folder: OutputFolder, origin: [(key: String, value: String)] = [], isContinued: Bool = false,
    isStopRequested: @escaping () -> Bool = { false }, progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> [SpectrumRow] {
    let lock = try folder.lock()
    defer { withExtendedLifetime(lock) {} }
    let files = StudyFolder(folder, .spectrum, result: WeightSpectrumFiles.result)
    let states = try checkpoints.map { try $0.load() }
    let digests = Self.digests(states)
    let bench = try bench(states)
    let names = checkpoints.map { JSONText.quoted($0.name) }.joined(separator: ", ")
    let measured: [(key: String, value: String)] = [
      ("checkpoints", "[\(names)]"), (SettingsFile.checkpointDigests, "[\(digests.joined(separator: ", "))]"),
      ("parameters", "\(bench.dimension)"), ("loss_batches", "\(settings.batchCount(of: problems[0]))"),
    ]
    if try files.begin(SettingsFile(origin: origin + measured, settings: settings.entries), isContinued: isContinued) {
      return try SpectrumRow.rows(of: CSVTable(readingFrom: files.resultPath))
    }
    let journal = try CSVWriter(continuing: files.journalPath, columns: Self.journalColumns)
    var known = try known(in: CSVTable(readingFrom: files.journalPath), folder)
    let pieces = WeightSpectrumPiece.all(settings)
    let work = checkpoints.indices.flatMap { checkpoint in pieces.indices.map { Place(checkpoint, $0) } }
    let tally = ProductTally(
      total: settings.products * checkpoints.count, done: known.keys.reduce(0) { $0 + pieces[$1.piece].products(settings) },
      progress)
    func finish(_ place: Place, _ found: WeightSpectrumResult) throws {
      if !found.vectors.isEmpty { try writeVectors(found, digests[place.checkpoint], bench, folder) }
      try journal.append(
        rows: found.rows.enumerated().map { index, row in
          [
            .integer(place.checkpoint), .integer(place.piece), .integer(index), .integer(found.rows.count), .real(row.first),
            .real(row.second),
          ]
        })
      try journal.synchronise()
      known[place] = WeightSpectrumResult(rows: found.rows)
    }
    let left = work.filter { known[$0] == nil }
    try crew.prepare(account(digests).bytes)
    if crew.ranks > 1, left.count < (try crew.expectedWorkers()) {
      for place in left {
        try finish(
          place,
          try namingCheckpoint(place) {
            try tally.counting(pieces[place.piece].products(settings)) { counted in
              try bench.result(
                of: pieces[place.piece], place.checkpoint, over: crew, isStopRequested: isStopRequested, counted: counted)
            }
          })
      }
    } else {
      try crew.run(
        left.count, isStopRequested: isStopRequested,
        make: { index, worker in
          let place = left[index]
          return try namingCheckpoint(place) {
            try tally.counting(pieces[place.piece].products(settings)) { counted in
              try bench.result(
                of: pieces[place.piece], place.checkpoint, worker: worker, isStopRequested: isStopRequested, counted: counted
              )
            }
          }
        },
        courier: Crew.Courier(
          to: WeightSpectrumBench<Problem>.pieceStation,
          request: { index, writer in
            writer.write(left[index].checkpoint)
            writer.write(left[index].piece)
          },
          result: { index, reader in
            guard try reader.bool() else { throw CancellationError() }
            tally.add(pieces[left[index].piece].products(settings))
            return try WeightSpectrumResult(from: &reader)
          }),
        finished: { index, found in try finish(left[index], found) })
    }
    let found = checkpoints.indices.map { checkpoint in
      WeightSpectrumFindings(
        epoch: checkpoints[checkpoint].epoch, dimension: bench.dimension, settings: settings,
        results: pieces.indices.compactMap { known[Place(checkpoint, $0)] })
    }
    let rows = try WeightSpectrumFiles(found, settings).write(in: folder)
    files.removeJournals()
    return rows
  }

  /// A piece of a checkpoint, by their numbers.
  private struct Place: Hashable {
    let checkpoint: Int
    let piece: Int
    init(_ checkpoint: Int, _ piece: Int) { (self.checkpoint, self.piece) = (checkpoint, piece) }
  }

  private func namingCheckpoint<Result>(_ place: Place, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as Divergence {
      throw InputError(
        "no curvature", at: .file(checkpoints[place.checkpoint].name), found: error.account,
        wanted: "products that are finite")
    }
  }

  private static func digests(_ states: [(weights: ParameterVector, alphas: ArchitectureParameters)]) -> [String] {
    states.map { SHA256.ofState($0.weights, nil, $0.alphas) }
  }

  private func bench(
    _ states: [(weights: ParameterVector, alphas: ArchitectureParameters)]
  ) throws -> WeightSpectrumBench<Problem> {
    try WeightSpectrumBench(
      problems: problems, states: states, epochs: checkpoints.map { max(0, ($0.epoch ?? 1) - 1) }, settings: settings)
  }

  private func writeVectors(
    _ found: WeightSpectrumResult, _ digest: String, _ bench: WeightSpectrumBench<Problem>, _ folder: OutputFolder
  ) throws {
    let tensors = try found.vectors.enumerated().flatMap { index, values in
      problems[0].export(try bench.vector(of: values)).map { tensor in
        NamedTensor(
          name: WeightSpectrumFiles.vectorPrefix(index + 1) + tensor.name, shape: tensor.shape, values: tensor.values)
      }
    }
    var metadata = ["state_sha256": digest]
    for (index, row) in found.rows.prefix(found.vectors.count).enumerated() {
      metadata["eigenvalue\(index + 1)"] = "\(row.first)"
    }
    try TensorFile.write(tensors, metadata: metadata, to: folder.file(WeightSpectrumFiles.vectors))
  }

  private func account(_ digests: [String]) -> StudyAccount {
    StudyAccount(
      origin + settings.entries
        + [(SettingsFile.checkpointDigests, digests.joined(separator: ", ")), ("data", problems[0].dataChecksum ?? "none")])
  }

  /// Serves rank 0, which runs the same, until it is dismissed. Writes nothing.
  ///
  /// - Parameter signal: that asked this process to stop, which ends pieces at hand.
  /// - Throws: what checkpoints throw; `TeamError` where rank 0 can't be heard any more.
  package func serve(_ team: any Team, signal: @escaping @Sendable () -> Int32? = { nil }) throws {
    let states = try checkpoints.map { try $0.load() }
    let bench = try bench(states)
    let server = StudyServer(
      account(Self.digests(states)),
      stations: [
        WeightSpectrumBench<Problem>.pieceStation: { reader, worker in
          try bench.answerPiece(&reader, worker: worker) { signal() != nil }
        },
        WeightSpectrumBench<Problem>.productStation: { reader, worker in
          try bench.answerProduct(&reader, worker: worker)
        },
      ])
    try server.serve(team, workers: problems.count, signal: signal)
  }

  /// How long the spectra take here, at most: what products cost, as training steps.
  ///
  /// - Throws: what the problem and checkpoints throw.
  public func estimate() throws -> TimeEstimate {
    let (weights, alphas) = try checkpoints[0].load()
    let walk = try PointWalk(
      evaluators: problems.map {
        try ObjectiveEvaluator(
          problem: $0, weights: weights,
          batches: .init(of: $0, epoch: 0, objectives: [.firstOrder], data: settings.data))
      })
    let seconds = try walk.measurePasses(at: alphas)
    let batches = settings.batchCount(of: problems[0])
    let workers = try crew.expectedWorkers()
    let pieces = WeightSpectrumPiece.all(settings)
    let isInParts = crew.ranks > 1 && pieces.count * checkpoints.count < workers
    let rounds = isInParts ? (batches + workers - 1) / workers : batches
    func points(_ isMine: (WeightSpectrumPiece) -> Bool) -> TimeEstimate.Points {
      let mine = pieces.filter(isMine)
      let products = mine.first?.products(settings) ?? 0
      return TimeEstimate.Points(
        mine.count * checkpoints.count,
        EvaluationWork(steps: Int((Double(rounds * products) * HessianProducts.stepsPerWeightProduct).rounded(.up))))
    }
    let main = points { $0 == .eigenvalues }
    var estimate = TimeEstimate(
      points: main.count, work: main.work, parallel: isInParts ? 1 : workers, ranks: crew.ranks,
      forwardSeconds: seconds.forward, stepSeconds: seconds.step)
    estimate.further = [points { $0.isDensity }, points { $0.isProbe }].filter { $0.count > 0 }
    return estimate
  }

  /// Pieces of which the journal holds all rows, and the eigenvectors lie beside it where they are wanted.
  private func known(in table: CSVTable, _ folder: OutputFolder) throws -> [Place: WeightSpectrumResult] {
    let (places, pieces) = (try table.integers("checkpoint"), try table.integers("piece"))
    let (indices, counts) = (try table.integers("row"), try table.integers("rows"))
    let (first, second) = (try table.doubles("first"), try table.doubles("second"))
    let all = WeightSpectrumPiece.all(settings)
    var rows: [Place: [WeightSpectrumResult.Row]] = [:]
    var whole: [Place: WeightSpectrumResult] = [:]
    for row in places.indices {
      let place = Place(places[row], pieces[row])
      guard checkpoints.indices.contains(place.checkpoint), all.indices.contains(place.piece) else {
        throw table.failure(
          "no piece of this spectrum", row: row, column: "piece", found: "\(place.piece)",
          expected: "0 to \(all.count - 1), of checkpoints 0 to \(checkpoints.count - 1)")
      }
      if indices[row] == 0 { rows[place] = [] }
      rows[place, default: []].append(.init(first[row], second[row]))
      if indices[row] + 1 == counts[row], rows[place]?.count == counts[row] {
        whole[place] = WeightSpectrumResult(rows: rows[place] ?? [])
      }
    }
    if settings.keepsVectors, !FileManager.default.fileExists(atPath: folder.file(WeightSpectrumFiles.vectors)) {
      whole = whole.filter { all[$0.key.piece] != .eigenvalues }
    }
    return whole
  }
}
