import ClosedFormSupport
import Compute
import Formats
import Foundation
import Landscape
import Problems
import TestSupport
import Testing

/// On the quadratic problem, with ranks that are threads. Every rank takes part: they meet before the first answers.
@Suite("Landscapes over ranks") struct LandscapeRankTests {
  /// Ranks, and workers of each.
  struct Shape: Sendable, CustomStringConvertible {
    var ranks: Int
    var workers: Int
    var description: String { "\(ranks) × \(workers)" }

    static let all = (1...3).flatMap { ranks in (1...2).map { Shape(ranks: ranks, workers: $0) } }
  }

  /// Ways in which a rank is not as it should be.
  struct Fault: Sendable {
    var rank: Int
    var weights: Float = 0
    var epoch = 2
    var damage: InputError?
  }

  private static let objectives: [Objective] = [
    .firstOrder, .secondOrder, .trueLoss(innerSteps: 2), .randomlyPerturbed(size: 0.1), .adversarial(size: 0.1),
  ]

  private static func settings(
    _ kind: LandscapeSettings.Kind = .grid, validation: ValidationExtent = .batches(3), drawing: BatchDrawing = .fixed,
    epoch: Int = 2, directions: [DirectionKind] = [.trueLoss(innerSteps: 3), .random], axes: [LandscapeAxis]? = nil
  ) throws -> LandscapeSettings {
    var settings = LandscapeSettings(
      objectives: objectives, grid: try .init(size: 5, range: 0.5), normalisation: .model,
      step: WeightStep(learningRate: 0.05), epoch: epoch, firstStep: 3, kind: kind,
      directions: directions, refinementLevels: kind == .grid ? 2 : 0, drawing: drawing)
    settings.validation = validation
    if let axes {
      settings.axes = axes
      // ω is one tensor of one dimension.
      settings.weightDirections = WeightDirectionSettings(normalisations: [.model], ignored: [.none])
    }
    return settings
  }

  private static func problem() throws -> CountingProblem { CountingProblem(try quadratic(noise: 0.3)) }

  private static func weights(_ problem: CountingProblem, _ fault: Fault?) -> (ParameterVector, ParameterVector) {
    let (weights, velocity) = (problem.makeInitialWeights(), problem.makeVector())
    weights[0] = 0.75
    weights[2] += fault?.weights ?? 0
    velocity.fill(0.1)
    return (weights, velocity)
  }

  private static let origin = [(key: "seed", value: "3")]

  private static func serve(_ team: any Team, _ settings: LandscapeSettings, workers: Int, _ fault: Fault?) throws {
    let problems = try (0..<workers).map { _ in try problem() }
    for problem in problems { problem.damage = fault?.damage }
    let (weights, velocity) = weights(problems[0], fault)
    var settings = settings
    settings.epoch = fault?.epoch ?? settings.epoch
    try LandscapeRun.serve(
      team, problems: problems, weights: weights, velocity: velocity, alphas: smallAlphas(), settings: settings,
      origin: origin)
  }

  /// A landscape by a team, in a folder.
  private func make(
    _ settings: LandscapeSettings, _ shape: Shape, in folder: OutputFolder, isContinued: Bool = false, fault: Fault? = nil,
    stopAfter: Int? = nil
  ) throws {
    let meeting = Meeting(of: shape.ranks)
    defer { #expect(meeting.isComplete, "every rank had a piece") }
    try ThreadTeam(size: shape.ranks).run(
      leader: { team in
        let problems = try (0..<shape.workers).map { _ in try Self.problem() }
        for problem in problems { problem.beforePass = { meeting.attend(0) } }
        let (weights, velocity) = Self.weights(problems[0], nil)
        let crew = Crew(team: team, workers: shape.workers)
        defer { #expect(throws: Never.self) { try crew.dismiss() } }
        let run = try LandscapeRun(
          problems: problems, weights: weights, velocity: velocity, alphas: smallAlphas(), settings: settings, crew: crew,
          origin: Self.origin)
        var done = 0
        _ = try run.runAny(
          in: folder, isContinued: isContinued, isStopRequested: { stopAfter.map { done >= $0 } ?? false },
          progress: { finished, _ in done = finished })
      },
      server: { team in
        try Self.serve(
          meeting.member(team), settings, workers: shape.workers, fault.flatMap { $0.rank == team.rank ? $0 : nil })
      })
  }

  private func requireSame(_ folder: OutputFolder, _ expected: OutputFolder, _ note: String) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: expected.path).sorted()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == names, "\(note)")
    for name in names {
      #expect(try FileBytes.read(folder.file(name)) == FileBytes.read(expected.file(name)), "\(name) of \(note)")
    }
  }

  /// As one process makes it without a team.
  private func reference(_ settings: LandscapeSettings, in scratch: ScratchFolder) throws -> OutputFolder {
    let folder = try OutputFolder.create(at: scratch.file("reference"))
    let problem = try Self.problem()
    let (weights, velocity) = Self.weights(problem, nil)
    _ = try LandscapeRun(
      problem: problem, weights: weights, velocity: velocity, alphas: smallAlphas(), settings: settings
    ).runAny(in: folder)
    return folder
  }

  @Test(
    "planes, their refinement and lines are the same files on any number of ranks and workers",
    arguments: [LandscapeSettings.Kind.grid, .line], [BatchDrawing.fixed, .fresh])
  func files(kind: LandscapeSettings.Kind, drawing: BatchDrawing) throws {
    let scratch = try ScratchFolder()
    let settings = try Self.settings(kind, drawing: drawing)
    let expected = try reference(settings, in: scratch)
    for shape in Shape.all {
      let folder = try OutputFolder.create(at: scratch.file("\(shape.ranks)-\(shape.workers)"))
      try make(settings, shape, in: folder)
      try requireSame(folder, expected, "\(shape)")
    }
  }

  @Test(
    "planes and lines over ω, and of both, are the same files on any number of ranks and workers",
    arguments: [LandscapeSettings.Kind.grid, .line], [BatchDrawing.fixed, .fresh])
  func weightFiles(kind: LandscapeSettings.Kind, drawing: BatchDrawing) throws {
    let scratch = try ScratchFolder()
    let lists: [[LandscapeAxis]] = [
      [.weights(.random), .weights(.random)], [.alphas(.trueLoss(innerSteps: 3)), .weights(.random)],
    ]
    for (index, axes) in lists.enumerated() {
      let settings = try Self.settings(kind, drawing: drawing, axes: axes)
      let part = try ScratchFolder()
      let expected = try reference(settings, in: part)
      for shape in Shape.all {
        let folder = try OutputFolder.create(at: scratch.file("\(index)-\(shape.ranks)-\(shape.workers)"))
        try make(settings, shape, in: folder)
        try requireSame(folder, expected, "\(axes.list) on \(shape)")
      }
    }
  }

  @Test("a rank that reads another direction in ω under the same path is refused by name") func otherDirections() throws {
    let scratch = try ScratchFolder()
    func write(_ first: Float) throws {
      try TensorFile.write(
        [NamedTensor(name: "direction1.omega", shape: [5], values: .float32([first, 0, 0, 0, 1]))], metadata: [:],
        to: scratch.file("d.safetensors"))
    }
    let settings = try Self.settings(
      axes: [.weights(.file(path: scratch.file("d.safetensors"), name: nil)), .weights(.random)])
    func account() throws -> StudyAccount {
      let problem = try Self.problem()
      let (weights, velocity) = Self.weights(problem, nil)
      return try LandscapeRun.account(
        problems: [problem], weights: weights, velocity: velocity, alphas: smallAlphas(), settings: settings)
    }
    try write(1)
    let leader = try account()
    try write(2)
    #expect(try account().difference(from: leader)?.place == "weight_directions_sha256")
    try write(1)
    #expect(try account().difference(from: leader) == nil)
  }

  @Test("a stop finishes the points begun on all ranks, and any other number of them goes on to the same files")
  func stop() throws {
    let scratch = try ScratchFolder()
    let settings = try Self.settings()
    let expected = try reference(settings, in: scratch)
    let folder = try OutputFolder.create(at: scratch.file("parts"))
    // Of 25 points. Workers are at others when one is finished; after the first, those of other ranks have been sent some ahead too,
    // which they may finish before they hear of the stop, but not the last ones.
    for (shape, more) in [
      (Shape(ranks: 3, workers: 2), 3), (Shape(ranks: 2, workers: 1), 1), (Shape(ranks: 1, workers: 2), 1),
    ] {
      let before = shape.ranks == 3 ? 0 : try points(in: folder)
      #expect(throws: CancellationError.self) {
        try make(settings, shape, in: folder, isContinued: before > 0, stopAfter: before + more)
      }
      let kept = try points(in: folder)
      let most = more == 1 ? before + shape.ranks * shape.workers : 24
      #expect((before + more...most).contains(kept), "\(kept) of \(shape)")
      #expect(!FileManager.default.fileExists(atPath: folder.file("landscape.csv")))
    }
    try make(settings, Shape(ranks: 2, workers: 2), in: folder, isContinued: true)
    try requireSame(folder, expected, "parts")
  }

  private func points(in folder: OutputFolder) throws -> Int {
    let table = try CSVTable(readingFrom: folder.file("journal.csv"))
    return Set(zip(try table.integers("i"), try table.integers("j")).map { "\($0) \($1)" }).count
  }

  @Test("a rank with other weights, other settings or another seed is refused by name, with what differs")
  func otherAccounts() throws {
    let scratch = try ScratchFolder()
    let settings = try Self.settings()
    func error(_ fault: Fault, _ name: String) throws -> TeamError? {
      let folder = try OutputFolder.create(at: scratch.file(name))
      return #expect(throws: TeamError.self) { try make(settings, Shape(ranks: 2, workers: 1), in: folder, fault: fault) }
    }
    let problem = try Self.problem()
    func digest(_ fault: Fault?) -> String {
      let (weights, velocity) = Self.weights(problem, fault)
      return SHA256.ofState(weights, velocity, smallAlphas())
    }
    let moved = Fault(rank: 1, weights: 0.25)
    let weights = try error(moved, "weights")
    #expect(weights?.rank == 1 && weights?.host == "thread-1")
    #expect(
      weights?.problem == "state_sha256: not that of rank 0: found \(digest(moved)), wanted \(digest(nil))")
    let epoch = try error(Fault(rank: 1, epoch: 4), "epoch")
    #expect(epoch?.description == "rank 1 on thread-1: batch_epoch: not that of rank 0: found 4, wanted 2")
  }

  @Test("a piece that fails on another rank ends the run with its rank, host and message, and the journal goes on")
  func failure() throws {
    let scratch = try ScratchFolder()
    let settings = try Self.settings(validation: .split, directions: [.random, .random])
    let expected = try reference(settings, in: scratch)
    let folder = try OutputFolder.create(at: scratch.file("parts"))
    let shape = Shape(ranks: 3, workers: 1)
    // Some points are there before, so that there is a journal to keep.
    #expect(throws: CancellationError.self) { try make(settings, shape, in: folder, stopAfter: 4) }
    let kept = try points(in: folder)
    let damage = InputError("damaged", at: .file("data.bin", "record 7"), found: "label 12", wanted: "0 to 9")
    let error = #expect(throws: TeamError.self) {
      try make(settings, shape, in: folder, isContinued: true, fault: Fault(rank: 2, damage: damage))
    }
    #expect(
      error?.description == "rank 2 on thread-2: data.bin: record 7: damaged: found label 12, wanted 0 to 9")
    // The points that the other two ranks had in hand are there.
    #expect(try points(in: folder) >= kept + 2 && kept >= 4)
    try make(settings, shape, in: folder, isContinued: true)
    try requireSame(folder, expected, "parts")
  }

  @Test("directions along gradients are means over batches that all ranks share") func gradients() throws {
    let scratch = try ScratchFolder()
    // Five batches, so that each of four workers has one of the first gradient's.
    let settings = try Self.settings(.line, validation: .batches(5), directions: [.second, .first])
    let expected = try reference(settings, in: scratch)
    for shape in [Shape(ranks: 2, workers: 2), Shape(ranks: 3, workers: 1)] {
      let folder = try OutputFolder.create(at: scratch.file("\(shape.ranks)-\(shape.workers)"))
      try make(settings, shape, in: folder)
      try requireSame(folder, expected, "\(shape)")
    }
  }

  @Test("other ranks are at points while rank 0 measures how long they take") func estimateBesidePoints() throws {
    let scratch = try ScratchFolder()
    let settings = try Self.settings(directions: [.random, .random])
    let elsewhere = DispatchSemaphore(value: 0)
    try ThreadTeam(size: 2).run(
      leader: { team in
        let problem = try Self.problem()
        let (weights, velocity) = Self.weights(problem, nil)
        var isFirst = true
        problem.beforePass = {
          // The first pass is one that is measured.
          if isFirst, elsewhere.wait(timeout: .now() + 20) != .success { Issue.record("rank 1 waits for rank 0") }
          isFirst = false
        }
        let crew = Crew(team: team, workers: 1)
        defer { #expect(throws: Never.self) { try crew.dismiss() } }
        let run = try LandscapeRun(
          problems: [problem], weights: weights, velocity: velocity, alphas: smallAlphas(), settings: settings, crew: crew,
          origin: Self.origin)
        var estimates: [TimeEstimate] = []
        _ = try run.runAny(in: OutputFolder.create(at: scratch.file("out")), estimated: { estimates.append($0) })
        #expect(estimates.map(\.points) == [25] && estimates.map(\.parallel) == [2])
      },
      server: { team in
        let problem = try Self.problem()
        problem.beforePass = { elsewhere.signal() }
        let (weights, velocity) = Self.weights(problem, nil)
        try LandscapeRun.serve(
          team, problems: [problem], weights: weights, velocity: velocity, alphas: smallAlphas(), settings: settings,
          origin: Self.origin)
      })
  }

  @Test("an estimate counts the workers of all ranks, those that have not arrived as many as here") func estimate() throws {
    let (points, ranks) = (25, 3)
    let team = ThreadTeam(size: ranks)
    let settings = try Self.settings()
    var drawn = settings
    drawn.directions = [.random, .random]
    let problem = try Self.problem()
    let (weights, velocity) = Self.weights(problem, nil)
    let crew = Crew(team: team.member(0), workers: 1)
    let run = try LandscapeRun(
      problems: [problem], weights: weights, velocity: velocity, alphas: smallAlphas(), settings: drawn, crew: crew,
      origin: [])
    let early = try run.estimate()
    #expect(early.points == points && early.parallel == 3 && early.ranks == ranks)
    // One of the others arrives with four workers, as `CrewServer` says it.
    let group = DispatchGroup()
    let member = team.member(2)
    group.enter()
    Thread {
      try? CrewServer(team: member, workers: 4).serve { request, _ in request }
      group.leave()
    }.start()
    let deadline = Date().addingTimeInterval(10)
    while try crew.expectedWorkers() == 3, Date() < deadline { usleep(1000) }
    let late = try run.estimate()
    #expect(late.parallel == 1 + 1 + 4)
    // 25 points in rounds of six.
    let seconds = late.seconds(of: late.work)
    #expect(abs(late.seconds - (5 * seconds + late.seconds(of: late.refinement) / 6)) <= 1e-9 * late.seconds)
    try crew.dismiss()
    group.wait()
  }
}

@Suite("Messages between the ranks of a landscape") struct PointMessageTests {
  private let request = PointRequest(
    bench: 7, objectives: ["first", "true:10"],
    alphas: [0, -0.0, .leastNonzeroMagnitude, .infinity, Float(bitPattern: 0x7fc1_2345), 1.1754944e-38, -3.5],
    weights: [-0.0, 0.1 + 0.2, .leastNonzeroMagnitude], number: 1 << 40)
  private let answer = PointAnswer(losses: [
    [BatchLoss(loss: 0.1 + 0.2, correct: 3, count: 5), BatchLoss(loss: -0.0, correct: 0, count: 0)], [],
    [
      BatchLoss(loss: .infinity, correct: 1, count: 1),
      BatchLoss(loss: Double(bitPattern: 0x7ff8_0000_dead_beef), correct: .max, count: 64),
    ],
  ])

  private var requestBytes: [UInt8] {
    var writer = MessageWriter()
    request.write(to: &writer)
    return writer.bytes
  }

  @Test("points and what was found at them are read back with all bits") func roundTrips() throws {
    var reader = MessageReader(requestBytes)
    let read = try PointRequest(from: &reader)
    #expect(reader.isAtEnd)
    #expect(read.bench == 7 && read.objectives == request.objectives && read.number == 1 << 40)
    #expect(read.alphas.map(\.bitPattern) == request.alphas.map(\.bitPattern))
    #expect(read.weights.map(\.bitPattern) == request.weights.map(\.bitPattern))
    reader = MessageReader(answer.bytes)
    let losses = try PointAnswer(from: &reader).losses
    #expect(reader.isAtEnd)
    #expect(losses.map(\.count) == [2, 0, 2])
    for (found, wanted) in zip(losses.joined(), answer.losses.joined()) {
      #expect(found.loss.bitPattern == wanted.loss.bitPattern)
      #expect(found.correct == wanted.correct && found.count == wanted.count)
    }
  }

  @Test("a message that ends too early is refused, and never a trap") func truncation() {
    for length in 0..<requestBytes.count {
      #expect(throws: TruncatedMessage.self) {
        var reader = MessageReader(Array(requestBytes.prefix(length)))
        _ = try PointRequest(from: &reader)
      }
    }
    for length in 0..<answer.bytes.count {
      #expect(throws: TruncatedMessage.self) {
        var reader = MessageReader(Array(answer.bytes.prefix(length)))
        _ = try PointAnswer(from: &reader)
      }
    }
    // A count that no message holds.
    var writer = MessageWriter()
    writer.write(Int.max)
    #expect(throws: TruncatedMessage.self) {
      var reader = MessageReader(writer.bytes)
      _ = try PointAnswer(from: &reader)
    }
  }

  @Test("accounts that differ name the first key that does; where files lie is no part of them") func accounts() throws {
    func account(_ entries: (key: String, value: String)...) -> StudyAccount { StudyAccount(entries) }
    let leader = account(("checkpoint", "\"a\""), ("dataset", "\"b\""), ("seed", "1"), ("data", "x"))
    #expect(try StudyAccount(leader.bytes) == leader)
    #expect(account(("checkpoint", "\"c\""), ("seed", "1"), ("data", "x")).difference(from: leader) == nil)
    let other = try #require(account(("seed", "2"), ("data", "y")).difference(from: leader))
    #expect(other.description == "seed: not that of rank 0: found 2, wanted 1")
    let short = try #require(account(("seed", "1")).difference(from: leader))
    #expect(short.description == "data: not that of rank 0: found nothing, wanted data: x")
    let long = try #require(account(("seed", "1"), ("data", "x"), ("more", "z")).difference(from: leader))
    #expect(long.description == "more: not that of rank 0: found more: z, wanted nothing")
    #expect(throws: TruncatedMessage.self) { try StudyAccount(Array(leader.bytes.dropLast())) }
  }
}
