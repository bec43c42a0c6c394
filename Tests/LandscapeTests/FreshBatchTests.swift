import Cells
import ClosedFormSupport
import Compute
import Datasets
import Formats
import Foundation
import Landscape
import Problems
import TestSupport
import Testing

/// Losses that are come by otherwise than a search would: from rest, at a rate of their own, on batches that are new at every
/// point. On the quadratic problem, four weight steps an epoch.
@Suite("Landscapes with settings apart from the search's") struct FreshBatchTests {
  private static let searchRate: Float = 0.05
  private static let innerRate: Float = 0.02
  private let trueLoss = Objective.trueLoss(innerSteps: 6)

  private func settings(
    _ objectives: [Objective], kind: LandscapeSettings.Kind = .grid, directions: [DirectionKind] = [.random, .random],
    change: (inout LandscapeSettings) -> Void = { _ in }
  ) throws -> LandscapeSettings {
    var settings = LandscapeSettings(
      objectives: objectives, grid: try .init(size: 3, range: 1), directionsSeed: 1,
      step: step(Self.searchRate), epoch: 2, firstStep: 3, kind: kind,
      directions: directions)
    change(&settings)
    return settings
  }

  private func run(_ settings: LandscapeSettings, replicas: Int = 0) throws -> LandscapeRun<QuadraticBilevelProblem> {
    let problems = try (0...replicas).map { _ in try quadratic(noise: 0.3) }
    let velocity = problems[0].makeVector()
    velocity.fill(0.1)
    return try LandscapeRun(
      problem: problems[0], weights: problems[0].makeInitialWeights(), velocity: velocity, alphas: smallAlphas(),
      settings: settings, replicas: Array(problems.dropFirst()))
  }

  private func losses(_ settings: LandscapeSettings, _ objective: Objective) throws -> [Double] {
    let scratch = try ScratchFolder()
    return try run(settings).run(in: OutputFolder.create(at: scratch.file("out"))).losses(of: objective)
  }

  private let zero = [Double](repeating: 0, count: 5)

  private func step(_ rate: Float) -> WeightStep { WeightStep(learningRate: rate, weightDecay: 0.01, gradientClip: 1e6) }

  @Test("L_M trains at its own rate and from rest, L₂ keeps ξ, and directions stay the search's") func ratesAndRest() throws
  {
    let made = try settings([.secondOrder, trueLoss], kind: .line, directions: [.second]) {
      $0.step.learningRate = Self.innerRate
      $0.unrolledRate = Self.searchRate
      $0.startsAtRest = true
      $0.normalisation = .own
    }
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let landscape = try run(made)
    let lines = try #require(try landscape.runAny(in: folder).lines)
    let problem = try quadratic(noise: 0.3)
    let flat = smallAlphas().flat.map(Double.init)
    let batches = (0..<6).map { problem.trainingBatch(epoch: 2, step: 3 + $0) }
    let validation = problem.validationBatch(epoch: 2, step: 3)
    let second = problem.secondOrder(
      weights: zero, alphas: flat, step: step(Self.searchRate), training: batches[0], validation: validation)
    let exact = problem.trueLoss(
      weights: zero, alphas: flat, step: step(Self.innerRate), batches: batches, validation: validation)
    #expect(abs(try #require(lines.lines[0][.secondOrder]?[1]).loss - second) < 1e-5)
    #expect(abs(try #require(lines.lines[0][trueLoss]?[1]).loss - exact) < 1e-5)
    let gradient = problem.secondOrderGradient(
      weights: zero, velocity: [Double](repeating: Double(Float(0.1)), count: 5), alphas: flat,
      step: step(Self.searchRate), training: batches[0], validation: validation)
    #expect(close(landscape.directions.directions[0].flat, gradient.map { -$0 }, .scaled(5e-5)))
    let text = try String(contentsOfFile: folder.file("landscape.yaml"), encoding: .utf8)
    #expect(text.contains("\ninner_learning_rate: 0.02\n"))
    #expect(text.contains("\nunrolled_learning_rate: 0.05\nfresh_momentum: true\n") && !text.contains("\nbatches:"))
    let plain = try run(settings([.secondOrder, trueLoss])).settingsText()
    for key in ["unrolled_learning_rate", "fresh_momentum", "batches", "direction_displacement"] {
      #expect(!plain.contains("\n\(key):"), "\(key) is not written at its default")
    }
  }

  @Test("fresh batches are those of the point's own draws, two of them where inner training is longer than an epoch")
  func draws() throws {
    let made = try settings([.firstOrder, trueLoss]) { $0.drawing = .fresh }
    let (found, plain) = (try losses(made, trueLoss), try losses(settings([.firstOrder, trueLoss]), trueLoss))
    let problem = try quadratic(noise: 0.3)
    let places = try run(made)
    let velocity = [Double](repeating: Double(Float(0.1)), count: 5)
    for point in 0..<9 {
      let place = places.settings.grid.point(point)
      let alphas = places.directions.alphas(at: [place.x, place.y]).flat.map(Double.init)
      let batches = try (0..<6).map { offset in
        try problem.trainingBatch(epoch: 2, step: offset % 4, draw: 2 * point + offset / 4)
      }
      let exact = problem.trueLoss(
        weights: zero, velocity: velocity, alphas: alphas, step: step(Self.searchRate), batches: batches,
        validation: problem.validationBatch(epoch: 2, step: 3))
      #expect(abs(found[point] - exact) < 1e-5, "point \(point)")
      #expect(abs(found[point] - plain[point]) > 1e-4, "point \(point) has batches of its own")
    }
    #expect(try losses(made, .firstOrder) == losses(settings([.firstOrder, trueLoss]), .firstOrder), "L₁ takes none")
    #expect(places.settingsText().contains("\nbatches: fresh\n"))
  }

  @Test("an augmented validation half is an epoch's batches, drawn anew at every point where batches are fresh")
  func augmentedHalf() throws {
    let problem = try quadratic(noise: 0.3)
    for drawing in BatchDrawing.allCases {
      let made = try settings([.firstOrder]) {
        $0.validation = .augmentedSplit
        $0.drawing = drawing
      }
      let found = try losses(made, .firstOrder)
      let landscape = try run(made)
      #expect(landscape.validationBatchCount == 4)
      #expect(landscape.settingsText().contains("\nvalidation_batches: augmented\n"))
      for point in 0..<9 {
        let place = landscape.settings.grid.point(point)
        let alphas = landscape.directions.alphas(at: [place.x, place.y])
        let values = try (0..<4).map { index in
          let own = try problem.validationBatch(epoch: 2, step: index, draw: point)
          let batch = drawing == .fresh ? own : problem.validationBatch(epoch: 2, step: index)
          return problem.evaluate(weights: problem.makeInitialWeights(), alphas: alphas, batch: batch).loss
        }
        #expect(abs(found[point] - values.reduce(0, +) / 4) < 1e-12, "\(drawing), point \(point)")
      }
    }
    #expect(try ValidationExtent(parsing: "augmented") == .augmentedSplit && ValidationExtent(parsing: "all") == .split)
    #expect(refusal { try ValidationExtent(parsing: "most") } == "setting validation_batches: 'most'")
  }

  @Test("a plane and its refinement on fresh batches end with the same bytes after a stop and side by side")
  func continuation() throws {
    let scratch = try ScratchFolder()
    let made = try settings([.firstOrder, .trueLoss(innerSteps: 2)]) {
      $0.drawing = .fresh
      $0.refinementLevels = 3
    }
    let (whole, parts) = (try OutputFolder.create(at: scratch.file("a")), try OutputFolder.create(at: scratch.file("b")))
    _ = try run(made).runAny(in: whole)
    // Within the grid, then within the refinement: a stop is asked about before each point.
    for (limit, isContinued) in [(4, false), (8, true)] {
      var asked = 0
      #expect(throws: CancellationError.self) {
        try run(made, replicas: 2).runAny(
          in: parts, isContinued: isContinued,
          isStopRequested: {
            asked += 1
            return asked > limit
          })
      }
    }
    _ = try run(made, replicas: 1).runAny(in: parts, isContinued: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: whole.path) {
      #expect(try FileBytes.read(whole.file(name)) == FileBytes.read(parts.file(name)), "\(name)")
    }
    #expect(try CSVTable(readingFrom: whole.file("refinement.csv")).rows.count >= 18)
  }

  @Test("no two draws, and no epoch of a search, share a batch; and there are not more points than draws")
  func limits() throws {
    let problem = try quadratic(noise: 0.3)
    var shifts: Set<[Double]> = []
    for draw in [0, 1, 2, BatchDraws.count - 1] {
      for index in 0..<4 { shifts.insert(try problem.trainingBatch(epoch: 0, step: index, draw: draw).shift) }
    }
    for epoch in 0..<3 { for index in 0..<4 { shifts.insert(problem.trainingBatch(epoch: epoch, step: index).shift) } }
    #expect(shifts.count == 28)
    func batches(_ points: Int, _ steps: Int) throws {
      _ = try EvaluationBatches(
        of: problem, epoch: 0, objectives: [.trueLoss(innerSteps: steps)], draw: .fresh, points: points)
    }
    try batches(BatchDraws.count, 4)
    let error = #expect(throws: InputError.self) { try batches(BatchDraws.count, 5) }
    #expect(error?.place.setting == "batches" && error?.wanted == "at most \(BatchDraws.count / 2) points")
  }

  @Test("skip connections drop values at the rate of the search's epoch, whatever the draw") func dropout() throws {
    let path = GoldenFile.path("s3_c8_l5_b4")
    var variant = SupernetVariant()
    variant.skipDropout = true
    let dropout = SkipDropout(initialRate: 0.4, epochs: 10, warmup: 2)
    let problem = try SupernetProblem(
      space: .s3, channels: 4, layers: 3,
      loader: BatchLoader(dataset: TensorDataset.load(file: path), seed: 0, batchSize: 64), seed: 0, threads: 1,
      variant: variant, skipDropout: dropout)
    for draw in [0, 7] {
      #expect(try problem.trainingBatch(epoch: 5, step: 0, draw: draw).skipDropout == dropout.rate(epoch: 5))
      #expect(try problem.validationBatch(epoch: 1, step: 0, draw: draw).skipDropout == dropout.rate(epoch: 1))
    }
    let (own, search) = try (
      problem.trainingBatch(epoch: 5, step: 0, draw: 0), problem.trainingBatch(epoch: 5, step: 0)
    )
    #expect(own.noiseKey != search.noiseKey)
  }

  @Test("the preset of the authors takes what their script takes") func preset() throws {
    let preset = try #require(LandscapePreset(named: "authors"))
    #expect(preset.objectives.map(\.label) == ["first", "true:2", "true:11"])
    #expect(preset.points == 51 && preset.range == 1 && preset.innerLearningRate == 0.001)
    #expect(preset.batchNorm == .running && preset.startsAtRest && preset.drawing == .fresh)
    #expect(preset.validation == .augmentedSplit)
    #expect(LandscapePreset(named: "author") == nil)
  }
}

@Suite("Directions along the true loss") struct TrueLossDescentTests {
  @Test("are −∇L_M of the losses that are drawn, whatever batches points see", arguments: BatchDrawing.allCases)
  func closedForm(drawing: BatchDrawing) throws {
    let problem = try quadratic(noise: 0.3)
    let (inner, search): (Float, Float) = (0.02, 0.05)
    let step = WeightStep(learningRate: inner, weightDecay: 0.01, gradientClip: 1e6)
    for startsAtRest in [false, true] {
      let velocity = problem.makeVector()
      velocity.fill(0.1)
      let run = try LandscapeRun(
        problem: problem, weights: problem.makeInitialWeights(), velocity: velocity, alphas: smallAlphas(),
        settings: .init(
          objectives: [.firstOrder], grid: .init(size: 3, range: 1), normalisation: .own, step: step, epoch: 1, firstStep: 3,
          validationBatches: 2, kind: .line, directions: [.trueLoss(innerSteps: 7)], unrolledRate: search,
          startsAtRest: startsAtRest, drawing: drawing))
      let gradients = [problem.validationBatch(epoch: 1, step: 3), problem.validationBatch(epoch: 2, step: 0)].map {
        problem.trueLossGradient(
          weights: [Double](repeating: 0, count: 5),
          velocity: startsAtRest ? nil : [Double](repeating: Double(Float(0.1)), count: 5),
          alphas: smallAlphas().flat.map(Double.init), step: step,
          batches: (0..<7).map { problem.trainingBatch(epoch: 1, step: 3 + $0) }, validation: $0)
      }
      let mean = zip(gradients[0], gradients[1]).map { -($0 + $1) / 2 }
      // Losses are known to a few 1e-6, ω being float32; the difference divides by 0.4.
      #expect(close(run.directions.directions[0].flat, mean, .scaled(3e-5)))
      #expect(run.settingsText().contains("\ndirection_displacement: 0.2\n"))
    }
  }

  @Test("are written as they are read, refused without steps, and cost two evaluations a value") func lists() throws {
    let kinds = try DirectionKind.parse(list: "first,true:10,random")
    #expect(kinds == [.first, .trueLoss(innerSteps: 10), .random] && kinds.map(\.label) == ["first", "true:10", "random"])
    #expect(kinds[1].isComputed && kinds[1].takesSteps && !kinds[1].hasLength)
    for bad in ["true", "true:", "true:0", "true:x"] {
      let error = #expect(throws: InputError.self) { try DirectionKind.parse(list: bad) }
      #expect(error?.place.setting == "directions", "\(bad)")
    }
    let settings = LandscapeSettings(
      objectives: [.firstOrder], grid: try .init(size: 3, range: 1), directions: kinds,
      batchNorm: .recalibrated(batches: 3))
    // Two sides of six values: 2 validation and 3 recalibration batches, ten steps each; ∇L₁ is two steps long.
    #expect(settings.directionWork(validationBatches: 2, values: 6) == .init(forwards: 60, steps: 122))
    #expect(settings.withoutComputedDirections.directions == [.random, .random, .random])
  }

  @Test("of losses that are not finite are refused") func diverged() throws {
    let problem = try quadratic(noise: 0.3)
    let error = #expect(throws: InputError.self) {
      try LandscapeRun(
        problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: smallAlphas(),
        settings: .init(
          objectives: [.firstOrder], grid: .init(size: 3, range: 1),
          step: WeightStep(learningRate: 1e38, gradientClip: 1e38), kind: .line, directions: [.trueLoss(innerSteps: 5)]))
    }
    #expect(error?.problem == "diverged" && error?.place.description.contains("true:5") == true)
  }
}
