import ClosedFormSupport
import Compute
import Formats
import Foundation
import Landscape
import Problems
import Search
import Statistics
import Studies
import TestSupport
import Testing

/// On the quadratic problem, with ranks that are threads. Every rank takes part: they meet before the first answers.
@Suite("Studies over ranks") struct StudyRankTests {
  /// Ranks, and workers of each.
  struct Shape: Sendable, CustomStringConvertible {
    var ranks: Int
    var workers: Int
    var description: String { "\(ranks) × \(workers)" }

    static let all = (1...3).flatMap { ranks in (1...2).map { Shape(ranks: ranks, workers: $0) } }
  }

  /// What is studied.
  enum Kind: String, CaseIterable, Sendable {
    case fidelity, estimators
    /// With candidates that train otherwise than the reference.
    case apart
    case spectrum

    var tables: [String] {
      switch self {
      case .fidelity: ["fidelity.csv", "fidelity-samples.csv", "fidelity-plane.csv"]
      case .estimators, .apart: ["estimators.csv", "gradients.safetensors"]
      case .spectrum: ["spectrum.csv"]
      }
    }
  }

  private static let step = WeightStep(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, gradientClip: 1e6)
  private static let origin = [(key: "seed", value: "3")]

  private static func sampled(_ kind: Kind) throws -> EstimatorSettings {
    try EstimatorSettings(
      estimators: kind == .fidelity ? StudiedEstimator.ofFidelity : StudiedEstimator.allCases, innerSteps: [1, 3],
      candidates: [2, 4], sigmas: [0.1, 0.3], repeats: 2, places: 3, comparedDisplacements: [0.05],
      training: kind == .apart ? CandidateTraining(learningRate: 0.05) : CandidateTraining(), step: step, epoch: 1,
      validationBatches: 2, seed: 11, bootstrap: Bootstrap(method: .percentile, replicates: 20, seed: 1))
  }

  private static func problems(_ workers: Int) throws -> [CountingProblem] {
    try (0..<workers).map { _ in CountingProblem(try quadratic(noise: 0.3)) }
  }

  private static func weights(_ problem: CountingProblem, moved: Float) -> ParameterVector {
    let weights = problem.makeInitialWeights()
    weights[1] += moved
    return weights
  }

  private static func fidelity(
    _ problems: [CountingProblem], _ crew: Crew, moved: Float = 0
  ) throws -> FidelityRun<CountingProblem> {
    let sampled = try sampled(.fidelity)
    return try FidelityRun(
      problem: problems[0], weights: weights(problems[0], moved: moved), velocity: nil, statistics: nil,
      alphas: smallAlphas(),
      settings: FidelitySettings(
        objectives: [.firstOrder, .secondOrder, .trueLoss(innerSteps: 3)], directions: 5, radii: [0.5, 1],
        planePoints: 3, gradients: sampled), copies: problems, crew: crew, origin: origin)
  }

  private static func estimators(
    _ kind: Kind, _ problems: [CountingProblem], _ crew: Crew, moved: Float = 0
  ) throws -> EstimatorRun<CountingProblem> {
    try EstimatorRun(
      problem: problems[0], weights: weights(problems[0], moved: moved), velocity: nil, statistics: nil,
      alphas: smallAlphas(), settings: sampled(kind), copies: problems, crew: crew, origin: origin)
  }

  private static func spectrum(
    _ problems: [CountingProblem], _ crew: Crew, moved: Float = 0
  ) throws -> SpectrumRun<CountingProblem> {
    try SpectrumRun(
      problem: problems[0],
      checkpoints: (0..<9).map { epoch in
        .init(name: "epoch-\(epoch)", epoch: epoch) {
          (
            weights(problems[0], moved: moved),
            smallAlphas().moved(by: (0..<6).map { 0.1 * Double(epoch * $0) })
          )
        }
      }, settings: SpectrumSettings(eigenvalues: 2, probes: 3, seed: 4), copies: problems, crew: crew, origin: origin)
  }

  private static func lead(
    _ kind: Kind, _ problems: [CountingProblem], _ crew: Crew, in folder: OutputFolder, isContinued: Bool,
    isStopRequested: @escaping () -> Bool, progress: @escaping (Int, Int) -> Void
  ) throws {
    switch kind {
    case .fidelity:
      _ = try fidelity(problems, crew).run(
        in: folder, isContinued: isContinued, isStopRequested: isStopRequested, progress: progress)
    case .estimators, .apart:
      _ = try estimators(kind, problems, crew).run(
        in: folder, isContinued: isContinued, isStopRequested: isStopRequested, progress: progress)
    case .spectrum:
      _ = try spectrum(problems, crew).run(
        in: folder, isContinued: isContinued, isStopRequested: isStopRequested, progress: progress)
    }
  }

  private static func serve(
    _ kind: Kind, _ team: any Team, workers: Int, moved: Float, damage: InputError?,
    signal: @escaping @Sendable () -> Int32?
  ) throws {
    let (problems, crew) = (try problems(workers), Crew(workers: 1))
    for problem in problems { problem.damage = damage }
    switch kind {
    case .fidelity: try fidelity(problems, crew, moved: moved).server.serve(team, workers: workers, signal: signal)
    case .estimators, .apart:
      try estimators(kind, problems, crew, moved: moved).server.serve(team, workers: workers, signal: signal)
    case .spectrum: try spectrum(problems, crew, moved: moved).serve(team, signal: signal)
    }
  }

  /// A study by a team, in a folder.
  ///
  /// - Parameters:
  ///   - moved, damage: of rank 1, how far its weights are from the others', and what it finds of its data.
  ///   - signal: that asks rank 1 to stop.
  ///   - stops: told of a signal that another rank got.
  ///   - hold: what rank 0 waits for in each pass.
  private func make(
    _ kind: Kind, _ shape: Shape, in folder: OutputFolder, isContinued: Bool = false, stopAfter: Int? = nil,
    moved: Float = 0, damage: InputError? = nil, signal: Int32? = nil,
    stops: @escaping @Sendable (Int32) -> Void = { _ in }, isStopRequested: @escaping () -> Bool = { false },
    hold: @escaping () -> Void = {}
  ) throws {
    let meeting = Meeting(of: shape.ranks)
    defer { #expect(meeting.isComplete, "every rank had a piece") }
    try ThreadTeam(size: shape.ranks).run(
      leader: { team in
        let problems = try Self.problems(shape.workers)
        for problem in problems {
          problem.beforePass = {
            meeting.attend(0)
            hold()
          }
        }
        let crew = Crew(team: team, workers: shape.workers, requestStop: stops)
        defer { #expect(throws: Never.self) { try crew.dismiss() } }
        var done = 0
        try Self.lead(
          kind, problems, crew, in: folder, isContinued: isContinued,
          isStopRequested: { isStopRequested() || stopAfter.map { done >= $0 } ?? false },
          progress: { finished, _ in done = finished })
      },
      server: { team in
        let isFirst = team.rank == 1
        try Self.serve(
          kind, meeting.member(team), workers: shape.workers, moved: isFirst ? moved : 0, damage: isFirst ? damage : nil,
          signal: { isFirst ? signal : nil })
      })
  }

  /// As one process makes it with a crew of its own.
  private func reference(_ kind: Kind, in scratch: ScratchFolder) throws -> OutputFolder {
    let folder = try OutputFolder.create(at: scratch.file("reference"))
    try Self.lead(
      kind, Self.problems(1), Crew(workers: 1), in: folder, isContinued: false, isStopRequested: { false },
      progress: { _, _ in })
    return folder
  }

  private func requireSame(_ kind: Kind, _ folder: OutputFolder, _ expected: OutputFolder, _ note: String) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: expected.path).sorted()
    #expect(Set(kind.tables).isSubset(of: names))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == names, "\(note)")
    for name in names {
      #expect(try FileBytes.read(folder.file(name)) == FileBytes.read(expected.file(name)), "\(name) of \(note)")
    }
  }

  @Test("files are the same on any number of ranks and workers", arguments: Kind.allCases) func files(kind: Kind) throws {
    let scratch = try ScratchFolder()
    let expected = try reference(kind, in: scratch)
    for shape in Shape.all {
      let folder = try OutputFolder.create(at: scratch.file("\(shape.ranks)-\(shape.workers)"))
      try make(kind, shape, in: folder)
      try requireSame(kind, folder, expected, "\(shape)")
    }
  }

  @Test("a stop finishes what all ranks had begun, and others of them go on to the same files", arguments: Kind.allCases)
  func stop(kind: Kind) throws {
    let scratch = try ScratchFolder()
    let expected = try reference(kind, in: scratch)
    let folder = try OutputFolder.create(at: scratch.file("parts"))
    // Of 9 checkpoints, or of 20 points and more. What was sent ahead may be done before the stop is heard of, but the last pieces
    // are not sent ahead.
    #expect(throws: CancellationError.self) { try make(kind, Shape(ranks: 3, workers: 1), in: folder, stopAfter: 2) }
    let kept = try pieces(kind, in: folder)
    #expect(kept >= 2 && kind.tables.allSatisfy { !FileManager.default.fileExists(atPath: folder.file($0)) })
    #expect(throws: CancellationError.self) {
      try make(kind, Shape(ranks: 2, workers: 1), in: folder, isContinued: true, stopAfter: kept + 1)
    }
    let more = try pieces(kind, in: folder)
    #expect(more > kept && kind.tables.allSatisfy { !FileManager.default.fileExists(atPath: folder.file($0)) })
    try make(kind, Shape(ranks: 1, workers: 2), in: folder, isContinued: true)
    try requireSame(kind, folder, expected, "parts")
  }

  /// Points or checkpoints that the journal holds.
  private func pieces(_ kind: Kind, in folder: OutputFolder) throws -> Int {
    let table = try CSVTable(readingFrom: folder.file("journal.csv"))
    guard kind != .spectrum else { return Set(try table.column("checkpoint")).count }
    let columns = try ["part", "place", "first", "second"].map { try table.column($0) }
    return Set(table.rows.indices.map { row in columns.map { $0[row] }.joined(separator: " ") }).count
  }

  @Test("a rank with other weights is refused by name", arguments: Kind.allCases) func otherWeights(kind: Kind) throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let error = #expect(throws: TeamError.self) { try make(kind, Shape(ranks: 2, workers: 1), in: folder, moved: 0.5) }
    #expect(error?.rank == 1 && error?.host == "thread-1")
    let key = kind == .spectrum ? "checkpoints_sha256" : "state_sha256"
    #expect(error?.problem.hasPrefix("\(key): not that of rank 0: found ") == true, "\(error?.problem ?? "")")
    #expect(kind.tables.allSatisfy { !FileManager.default.fileExists(atPath: folder.file($0)) })
  }

  @Test("a checkpoint that cannot be measured on another rank ends the run with that rank, host and message")
  func failure() throws {
    let scratch = try ScratchFolder()
    let expected = try reference(.spectrum, in: scratch)
    let folder = try OutputFolder.create(at: scratch.file("parts"))
    let damage = InputError("damaged", at: .file("data.bin", "record 7"), found: "label 12", wanted: "0 to 9")
    let error = #expect(throws: TeamError.self) {
      try make(.spectrum, Shape(ranks: 2, workers: 1), in: folder, damage: damage)
    }
    #expect(error?.description == "rank 1 on thread-1: data.bin: record 7: damaged: found label 12, wanted 0 to 9")
    // The one that rank 0 had in hand.
    #expect(try pieces(.spectrum, in: folder) >= 1)
    try make(.spectrum, Shape(ranks: 1, workers: 2), in: folder, isContinued: true)
    try requireSame(.spectrum, folder, expected, "parts")
  }

  @Test(
    "with fewer checkpoints than workers ranks share the parts of products, to the same rows",
    arguments: [
      try SpectrumSettings(eigenvalues: 2, probes: 3, takesMixing: true, seed: 4),
      try SpectrumSettings(eigenvalues: 2, probes: 3, products: .difference(displacement: 0.5), seed: 4),
      try SpectrumSettings(isFull: true, seed: 4),
    ])
  func parts(settings: SpectrumSettings) throws {
    let scratch = try ScratchFolder()
    @Sendable func run(_ workers: Int, _ crew: Crew) throws -> (SpectrumRun<CountingProblem>, [CountingProblem]) {
      let problems = try Self.problems(workers)
      let run = try SpectrumRun(
        problem: problems[0],
        checkpoints: [.init(name: "one", epoch: 3) { (Self.weights(problems[0], moved: 0.5), smallAlphas()) }],
        settings: settings, copies: problems, crew: crew, origin: [])
      return (run, problems)
    }
    let expected = try OutputFolder.create(at: scratch.file("reference"))
    let rows = try run(1, Crew(workers: 1)).0.run(in: expected)
    #expect(rows.count >= 5)
    // A product has three parts, or six, so that each of so many ranks has one of the first.
    for ranks in 2...3 {
      let folder = try OutputFolder.create(at: scratch.file("\(ranks)"))
      let meeting = Meeting(of: ranks)
      try ThreadTeam(size: ranks).run(
        leader: { team in
          let crew = Crew(team: team, workers: 1)
          defer { #expect(throws: Never.self) { try crew.dismiss() } }
          let (run, problems) = try run(1, crew)
          problems[0].beforePass = { meeting.attend(0) }
          #expect(try run.run(in: folder) == rows)
        }, server: { team in try run(1, Crew(workers: 1)).0.serve(meeting.member(team)) })
      #expect(meeting.isComplete, "every rank had a piece")
      try requireSame(.spectrum, folder, expected, "\(ranks) ranks")
    }
  }

  /// Set by one thread, read by others.
  private final class Heard: @unchecked Sendable {
    private let lock = NSLock()
    private var number: Int32?
    func set(_ signal: Int32) { lock.withLock { number = signal } }
    var signal: Int32? { lock.withLock { number } }

    func wait() {
      let deadline = Date().addingTimeInterval(20)
      while signal == nil, Date() < deadline { usleep(500) }
    }
  }

  @Test("a signal on another rank ends its measurement and stops the run as one of rank 0 would") func signal() throws {
    let scratch = try ScratchFolder()
    let expected = try reference(.spectrum, in: scratch)
    let folder = try OutputFolder.create(at: scratch.file("parts"))
    let heard = Heard()
    #expect(throws: CancellationError.self) {
      try make(
        .spectrum, Shape(ranks: 2, workers: 1), in: folder, signal: SIGUSR1, stops: { heard.set($0) },
        isStopRequested: { heard.signal != nil }, hold: { heard.wait() })
    }
    #expect(heard.signal == SIGUSR1)
    try make(.spectrum, Shape(ranks: 2, workers: 1), in: folder, isContinued: true)
    try requireSame(.spectrum, folder, expected, "parts")
  }
}

@Suite("Messages between the ranks of a study") struct StudyMessageTests {
  @Test("gradients and what is asked of them are read back with all bits; unknown ones are refused")
  func gradients() throws {
    let piece = GradientPiece(place: 3, gradient: .second, batch: 1)
    var writer = MessageWriter()
    piece.write(to: &writer)
    var reader = MessageReader(writer.bytes)
    #expect(try GradientPiece(from: &reader, among: [.first, .second]) == piece && reader.isAtEnd)
    let error = #expect(throws: InputError.self) {
      var reader = MessageReader(writer.bytes)
      _ = try GradientPiece(from: &reader, among: [.first])
    }
    #expect(error?.place == "gradient of a request" && error?.found == "second" && error?.wanted == "first")
    let values: [Float] = [-0.0, .leastNonzeroMagnitude, 1e30, Float(bitPattern: 0x7fc0_0001)]
    for change in [nil, -0.0, 0.1 + 0.2] {
      let found = GradientFound(values: values, change: change)
      var reader = MessageReader(found.bytes)
      let read = try GradientFound(from: &reader)
      #expect(read.values.map(\.bitPattern) == values.map(\.bitPattern) && reader.isAtEnd)
      #expect(read.change?.bitPattern == change?.bitPattern)
      for length in 0..<found.bytes.count {
        #expect(throws: TruncatedMessage.self) {
          var reader = MessageReader(Array(found.bytes.prefix(length)))
          _ = try GradientFound(from: &reader)
        }
      }
    }
  }

  @Test("parts of Hessian products are read back with all bits") func parts() throws {
    for kind in [HessianPiece.Kind.product, .mixingProduct, .gradient] {
      let piece = HessianPiece(kind, [-0.0, 0.1 + 0.2, .leastNonzeroMagnitude], batch: 3)
      var writer = MessageWriter()
      piece.write(to: &writer)
      var reader = MessageReader(writer.bytes)
      let read = try HessianPiece(from: &reader)
      #expect(read.kind == kind && read.batch == 3 && reader.isAtEnd)
      #expect(read.vector.map(\.bitPattern) == piece.vector.map(\.bitPattern))
    }
    let part = BatchMean(values: [-0.0, .infinity, -.leastNonzeroMagnitude], count: 64)
    var reader = MessageReader(part.bytes)
    let read = try BatchMean(from: &reader)
    #expect(read.values.map(\.bitPattern) == part.values.map(\.bitPattern) && read.count == 64 && reader.isAtEnd)
    var writer = MessageWriter()
    writer.write(9)
    #expect(throws: TruncatedMessage.self) {
      var reader = MessageReader(writer.bytes)
      _ = try HessianPiece(from: &reader)
    }
  }

  @Test("rows of a spectrum are read back as they were") func spectra() throws {
    let rows = [
      SpectrumRow(epoch: nil, .eigenvalue, index: 2, value: 0.1 + 0.2, error: nil, uncertainty: 1e-300),
      SpectrumRow(epoch: 7, .mixingAsymmetry, value: -.infinity, error: -0.0, uncertainty: nil),
    ]
    for answer in [SpectrumAnswer.rows(rows), .rows([]), .stopped] {
      var reader = MessageReader(answer.bytes)
      #expect(try SpectrumAnswer(from: &reader) == answer && reader.isAtEnd)
      for length in 0..<answer.bytes.count {
        #expect(throws: TruncatedMessage.self) {
          var reader = MessageReader(Array(answer.bytes.prefix(length)))
          _ = try SpectrumAnswer(from: &reader)
        }
      }
    }
  }
}
