import Cells
import ClosedFormSupport
import Compute
import Formats
import Foundation
import Landscape
import Problems
import TestSupport
import Testing

/// On the quadratic problem, whose losses are known at every (ω, α).
@Suite("Landscapes of weights") struct WeightLandscapeTests {
  private static let weights: [Float] = [0.3, -0.7, 1.1, 0.2, -0.4]
  private static let step = WeightStep(learningRate: 0.05, weightDecay: 0.01, gradientClip: 1e6)
  private let objectives: [Objective] = [.firstOrder, .secondOrder, .trueLoss(innerSteps: 3)]

  private static func weights(_ problem: QuadraticBilevelProblem, moved: Float = 0) -> ParameterVector {
    let vector = problem.makeVector()
    for (index, value) in weights.enumerated() { vector[index] = value }
    vector[1] += moved
    return vector
  }

  /// ω of the problem is one tensor of one dimension, so nothing may be ignored.
  private static func settings(
    _ axes: [LandscapeAxis] = [.weights(.random), .weights(.random)], objectives: [Objective] = [.firstOrder],
    kind: LandscapeSettings.Kind = .grid, seed: UInt64 = 1, change: (inout LandscapeSettings) -> Void = { _ in }
  ) throws -> LandscapeSettings {
    var settings = LandscapeSettings(
      objectives: objectives, grid: try .init(size: 5, range: 0.5), directionsSeed: seed, step: step, epoch: 2,
      firstStep: 3, kind: kind)
    settings.axes = axes
    settings.weightDirections = WeightDirectionSettings(normalisations: [.model], ignored: [.none])
    change(&settings)
    return settings
  }

  private func run(
    _ settings: LandscapeSettings, moved: Float = 0, velocity: Float? = nil, files: WeightDirectionFiles = .init()
  ) throws -> LandscapeRun<QuadraticBilevelProblem> {
    let problem = try quadratic(noise: 0.3)
    let momentum = problem.makeVector()
    momentum.fill(velocity ?? 0)
    return try LandscapeRun(
      problem: problem, weights: Self.weights(problem, moved: moved), velocity: velocity == nil ? nil : momentum,
      alphas: smallAlphas(), settings: settings, files: files)
  }

  private func plane(
    _ run: LandscapeRun<QuadraticBilevelProblem>
  ) throws -> LandscapePlane {
    let scratch = try ScratchFolder()
    return try run.run(in: OutputFolder.create(at: scratch.file("out")))
  }

  /// ω + x d₁ + y d₂ in double precision, rounded to float32 once.
  private func moved(_ run: LandscapeRun<QuadraticBilevelProblem>, _ coordinates: [Double]) throws -> [Double] {
    let vectors = try #require(run.axes.weights).vectors
    return Self.weights.indices.map { index in
      Double(
        Float(zip(coordinates, vectors).reduce(Double(Self.weights[index])) { $0 + $1.0 * Double($1.1[index]) }))
    }
  }

  private let flat = smallAlphas().flat.map(Double.init)

  @Test("the plane over ω is the closed form at ω + x d₁ + y d₂ to double rounding, and a quadratic") func plane() throws {
    let run = try run(Self.settings())
    let plane = try plane(run)
    let problem = try quadratic(noise: 0.3)
    let batch = problem.validationBatch(epoch: 2, step: 3)
    let losses = plane.losses(of: .firstOrder)
    let vectors = try #require(run.axes.weights).vectors.map { doubles($0.values) }
    // Model-wise: as long as ω.
    let length = norm(doubles(Self.weights))
    for vector in vectors { #expect(close(norm(vector), length, .scaled(1e-6))) }
    func curvature(_ left: [Double], _ right: [Double]) -> Double {
      inner(left, problem.coefficients.validationCurvature * right)
    }
    let (center, shift) = (doubles(Self.weights), batch.shift)
    let pull =
      problem.coefficients.validationCurvature
      * center.indices.map { center[$0] - problem.coefficients.weightTarget[$0] - shift[$0] }
    let base = problem.loss(weights: center, alphas: flat, batch: batch)
    for index in 0..<25 {
      let point = plane.grid.point(index)
      // A mean over the batches' examples: rounded once more.
      let exact = problem.loss(weights: try moved(run, [point.x, point.y]), alphas: flat, batch: batch)
      #expect(close(losses[index], exact, .scaled(1e-14)), "\(losses[index]), \(exact)")
      // ω is rounded to float32 at each point: 6e-8 of values of about 1, times a slope of a few.
      let expected =
        base + point.x * inner(vectors[0], pull) + point.y * inner(vectors[1], pull)
        + point.x * point.x / 2 * curvature(vectors[0], vectors[0]) + point.x * point.y * curvature(vectors[0], vectors[1])
        + point.y * point.y / 2 * curvature(vectors[1], vectors[1])
      #expect(close(losses[index], expected, .scaled(2e-6)), "\(losses[index]), \(expected)")
    }
    #expect(losses[12] == base, "the centre has the bits of ω")
  }

  @Test("L₂ and L_M step on from the moved ω", arguments: [nil, Float(0.1)]) func objectivesThatStep(velocity: Float?) throws
  {
    let run = try run(Self.settings(objectives: objectives), velocity: velocity)
    let plane = try plane(run)
    let problem = try quadratic(noise: 0.3)
    let batch = problem.validationBatch(epoch: 2, step: 3)
    let training = (0..<3).map { problem.trainingBatch(epoch: 2, step: 3 + $0) }
    let momentum = velocity.map { [Double](repeating: Double($0), count: 5) }
    for index in [0, 7, 12, 24] {
      let point = plane.grid.point(index)
      let weights = try moved(run, [point.x, point.y])
      let second = problem.secondOrder(
        weights: weights, velocity: momentum, alphas: flat, step: Self.step, training: training[0], validation: batch)
      let third = problem.trueLoss(
        weights: weights, velocity: momentum, alphas: flat, step: Self.step, batches: training, validation: batch)
      #expect(close(plane.losses(of: .secondOrder)[index], second, .scaled(1e-5)))
      #expect(close(plane.losses(of: .trueLoss(innerSteps: 3))[index], third, .scaled(1e-5)))
    }
  }

  @Test("a mixed plane moves α along one axis and ω along the other, in either order") func mixed() throws {
    let axes: [LandscapeAxis] = [.alphas(.random), .weights(.random)]
    let made = try run(Self.settings(axes))
    let plane = try plane(made)
    let problem = try quadratic(noise: 0.3)
    let batch = problem.validationBatch(epoch: 2, step: 3)
    #expect(made.directions.directions.count == 1 && made.axes.count == 2)
    for index in 0..<25 {
      let point = plane.grid.point(index)
      let alphas = made.directions.alphas(at: [point.x])
      let expected = problem.loss(
        weights: try moved(made, [point.y]), alphas: alphas.flat.map(Double.init), batch: batch)
      #expect(plane.losses(of: .firstOrder)[index] == expected)
    }
    let turned = try self.plane(run(Self.settings(axes.reversed()))).losses(of: .firstOrder)
    let back: [Double] = (0..<25).map { index in
      let (row, column) = (index % 5, index / 5)
      return turned[5 * row + column]
    }
    #expect(back == plane.losses(of: .firstOrder))
  }

  @Test("lines along any number of directions of both") func lines() throws {
    let made = try run(
      Self.settings([.weights(.random), .alphas(.random), .weights(.random)], kind: .line) { $0.normalisation = .model })
    let scratch = try ScratchFolder()
    let lines = try #require(try made.runAny(in: OutputFolder.create(at: scratch.file("out"))).lines).lines
    let problem = try quadratic(noise: 0.3)
    let batch = problem.validationBatch(epoch: 2, step: 3)
    for index in 0..<5 {
      let t = made.settings.grid.coordinate(index)
      let alphas = made.directions.alphas(at: [t]).flat.map(Double.init)
      let expected = [
        problem.loss(weights: try moved(made, [t, 0]), alphas: flat, batch: batch),
        problem.loss(weights: doubles(Self.weights), alphas: alphas, batch: batch),
        problem.loss(weights: try moved(made, [0, t]), alphas: flat, batch: batch),
      ]
      #expect(lines.map { $0[.firstOrder]?[index].loss } == expected)
    }
  }

  @Test("the loss on training data is L_train, and data that are not there are refused by name") func data() throws {
    let made = try run(Self.settings { ($0.data, $0.validation) = (.training, .split) })
    let losses = try plane(made).losses(of: .firstOrder)
    let problem = try quadratic(noise: 0.3)
    let batch = try problem.splitBatch(.training, 0)
    for index in 0..<25 {
      let point = made.settings.grid.point(index)
      let exact = problem.loss(weights: try moved(made, [point.x, point.y]), alphas: flat, batch: batch)
      #expect(close(losses[index], exact, .scaled(1e-14)), "\(losses[index]), \(exact)")
    }
    #expect(try plane(run(Self.settings { $0.data = .training })).losses(of: .firstOrder) == losses)
    #expect(refusal { try run(Self.settings { $0.data = .test }) } == "setting data: test")
    #expect(
      refusal { try run(Self.settings { ($0.data, $0.validation) = (.training, .batches(2)) }) }
        == "setting validation_batches: 2")
    #expect(
      refusal { try run(Self.settings { ($0.data, $0.validation) = (.training, .augmentedSplit) }) }
        == "setting validation_batches: augmented of training data")
  }

  @Test("directions of α are made on validation data, whatever is drawn") func directionsOfMixedPlanes() throws {
    let axes: [LandscapeAxis] = [.alphas(.first), .weights(.random)]
    let validation = try run(Self.settings(axes))
    let training = try run(Self.settings(axes) { $0.data = .training })
    #expect(validation.directions == training.directions)
    #expect(try plane(validation).losses(of: .firstOrder) != plane(training).losses(of: .firstOrder))
  }

  @Test("the files hold the directions under the names of ω, read back as directions of another landscape") func files()
    throws
  {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let made = try run(Self.settings([.weights(.random), .alphas(.random)]))
    let plane = try made.run(in: folder)
    let file = try TensorFile(readingFrom: folder.file("directions.safetensors"))
    let vector = try #require(made.axes.weights).vectors[0]
    #expect(try file.floats("direction1.omega", shape: [5]) == vector.values)
    #expect(try file.doubles("direction2.normal", shape: [2, 2]) == made.directions.directions[0].normal)
    #expect(file.tensors.count == 5, "and α of the centre")
    let settings = try String(contentsOfFile: folder.file("landscape.yaml"), encoding: .utf8)
    for line in [
      "directions: \"weights:random,alpha:random\"", "over: both", "weight_normalisation: model", "ignore: none",
      "orthogonalise: false", "normalisation: cell",
    ] { #expect(settings.contains("\(line)\n"), "\(line)") }
    #expect(!settings.contains("direction_cosine") && !settings.contains("\ndata: "))
    let again = try self.plane(
      run(
        Self.settings([
          .weights(.file(path: folder.file("directions.safetensors"), name: nil)),
          .alphas(.file(path: folder.file("directions.safetensors"), name: "direction2")),
        ]) {
          $0.weightDirections.normalisations = [.own]
          $0.normalisation = .own
        }))
    #expect(again.losses(of: .firstOrder) == plane.losses(of: .firstOrder))
    let arrays = try NPZFile(readingFrom: folder.file("landscape.npz"))
    #expect(arrays["loss_first"]?.values == .float64(plane.losses(of: .firstOrder)))
  }

  @Test("of two directions of ω the cosine and the lengths are said") func cosine() throws {
    let made = try run(Self.settings())
    let vectors = try #require(made.axes.weights).vectors.map { doubles($0.values) }
    let text = made.settingsText()
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("direction_cosine: ") })
    let expected = inner(vectors[0], vectors[1]) / (norm(vectors[0]) * norm(vectors[1]))
    #expect(close(Double(line.dropFirst(18)), expected, .absolute(1e-12)))
    #expect(text.contains("weights_norm: ") && !text.contains("\nnormalisation: ") && text.contains("over: weights\n"))
    #expect(text.contains("directions: \"random,random\"\n"))
  }

  @Test("landscapes of α say nothing of ω, as before") func unchangedSettings() throws {
    let text = try run(Self.settings([.alphas(.random), .alphas(.random)])).settingsText()
    for word in ["over", "weight_n", "weights", "weight_dir", "ignore", "orthogonalise", "data"] {
      #expect(!text.contains("\n\(word)"), "\(word)")
    }
    #expect(text.contains("normalisation: cell\n") && text.contains("directions_sha256: "))
  }

  @Test("that is stopped goes on to the same files; refinement too") func continuation() throws {
    let scratch = try ScratchFolder()
    let settings = try Self.settings(objectives: objectives) { $0.refinementLevels = 2 }
    let (whole, parts) = (try OutputFolder.create(at: scratch.file("a")), try OutputFolder.create(at: scratch.file("b")))
    _ = try run(settings).run(in: whole)
    for limit in [4, 11] {
      var asked = 0
      #expect(throws: CancellationError.self) {
        try run(settings).run(
          in: parts, isContinued: limit > 4,
          isStopRequested: {
            asked += 1
            return asked > limit
          })
      }
    }
    _ = try run(settings).run(in: parts, isContinued: true)
    let names = try FileManager.default.contentsOfDirectory(atPath: whole.path)
    #expect(names.contains("refinement.csv"))
    for name in names { #expect(try FileBytes.read(whole.file(name)) == FileBytes.read(parts.file(name)), "\(name)") }
  }

  @Test("of other weights, directions or normalisation is not continued, and the difference is named") func foreign() throws
  {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    _ = try run(Self.settings()).run(in: folder)
    func refused(_ line: String, moved: Float = 0, _ settings: LandscapeSettings) {
      let found = refusal { try run(settings, moved: moved).run(in: folder, isContinued: true) }
      #expect(found?.hasPrefix("\(folder.file("landscape.yaml")): '\(line)") == true, "\(line): \(found ?? "taken")")
    }
    refused("state_sha256: ", moved: 0.5, try Self.settings())
    refused("directions_seed: 1", try Self.settings(seed: 2))
    refused("weight_normalisation: model,model", try Self.settings { $0.weightDirections.normalisations = [.layer] })
    refused("orthogonalise: false", try Self.settings { $0.weightDirections.isOrthogonalised = true })
    refused("over: weights", try Self.settings([.weights(.random), .alphas(.random)]))
    // A file that has changed since.
    let path = scratch.file("d.safetensors")
    func write(_ first: Float) throws {
      try TensorFile.write(
        [NamedTensor(name: "direction1.omega", shape: [5], values: .float32([first, 0, 0, 0, 1]))], metadata: [:], to: path)
    }
    try write(1)
    let read = try Self.settings([.weights(.file(path: path, name: nil)), .weights(.random)])
    let other = try OutputFolder.create(at: scratch.file("other"))
    _ = try run(read).run(in: other)
    try write(2)
    let found = refusal { try run(read).run(in: other, isContinued: true) }
    #expect(found?.hasPrefix("\(other.file("landscape.yaml")): 'weight_directions_sha256: ") == true)
  }

  @Test("settings that cannot be met are refused by name") func badSettings() throws {
    #expect(refusal { try run(Self.settings([])) } == "directions")
    #expect(refusal { try run(Self.settings([.weights(.random)])) } == "setting directions: random")
    #expect(refusal { try run(Self.settings { $0.center = .trajectory }) } == "setting center: mean")
    // One tensor of one dimension, ignored, leaves nothing.
    #expect(
      refusal { try run(Self.settings { $0.weightDirections.ignored = [] }) }
        == "direction random of ω: ignore biasbn, weight_normalisation model")
  }

  @Test("an evaluator refuses coordinates without directions, and leaves ω as it is") func evaluator() throws {
    let problem = try quadratic()
    let weights = Self.weights(problem)
    let direction = problem.makeVector()
    direction.fill(1)
    let evaluator = try ObjectiveEvaluator(
      problem: problem, weights: weights, batches: .init(of: problem, epoch: 0, objectives: objectives),
      directions: WeightDirections(center: weights, vectors: [direction]))
    let here: [BatchLoss] = try evaluator.evaluate(objectives, at: smallAlphas())
    let away: [BatchLoss] = try evaluator.evaluate(objectives, at: smallAlphas(), along: [0.5])
    #expect(zip(here, away).allSatisfy { $0.loss != $1.loss })
    #expect(try evaluator.evaluate(objectives, at: smallAlphas(), along: [0]) == here)
    #expect(try evaluator.evaluate(objectives, at: smallAlphas()) == here)
    #expect(weights.values == Self.weights)
    #expect(refusal { try evaluator.evaluate(objectives, at: smallAlphas(), along: [0, 1]) } == "coordinates: 2")
    let short = ParameterVector(count: 4, kernels: Kernels.sets[0])
    #expect(refusal { try WeightDirections(center: weights, vectors: [direction, short]) } == "direction 2 of ω: 4 values")
  }

  @Test("batch-norm modes see the statistics of the moved ω") func batchNorm() throws {
    let problem = CountingProblem(try quadratic())
    let weights = Self.weights(problem.inner)
    let (direction, statistics) = (problem.makeVector(), problem.makeInitialStatistics())
    direction.fill(1)
    statistics[0] = 0.25
    func loss(_ mode: BatchNormMode, _ objective: Objective, along x: Double) throws -> Double {
      try ObjectiveEvaluator(
        problem: problem, weights: weights, step: Self.step,
        batches: .init(of: problem, epoch: 0, objectives: [objective], batchNorm: mode), batchNorm: mode,
        statistics: statistics, directions: WeightDirections(center: weights, vectors: [direction])
      ).evaluate([objective], at: smallAlphas(), along: [x])[0].loss
    }
    // The statistic is the mean of ω's first value over the recalibration batches, of which none has a shift here.
    let (first, step) = (Double(Self.weights[0]), Objective.trueLoss(innerSteps: 1))
    for x in [0, 0.5] {
      let plain = try loss(.batch, .firstOrder, along: x)
      let recalibrated: Double = try loss(.recalibrated, .firstOrder, along: x)
      #expect(close(recalibrated, plain + first + x, .absolute(1e-6)))
      let running: Double = try loss(.running, .firstOrder, along: x)
      #expect(running == plain + 0.25)
      // A step moves the running one a tenth of the way to the first value of the ω that it starts from.
      let before = try loss(.batch, step, along: x)
      let stepped: Double = try loss(.running, step, along: x) - before
      let expected: Double = 0.25 + 0.1 * (first + x - 0.25)
      #expect(close(stepped, expected, .absolute(1e-6)))
    }
  }
}
