import Cells
import ClosedFormSupport
import Compute
import Datasets
import Formats
import Problems
import TestSupport
import Testing

/// Perturbations of mixing weights: by hand, in closed form, and against PyTorch in float64.
@Suite("Perturbed mixing weights") struct MixingPerturbationTests {
  private func matrix(_ columns: Int, _ values: [Float]) -> ArchitectureParameters.Matrix {
    .init(rows: values.count / columns, columns: columns, values: values)
  }

  // MARK: p as α

  @Test("Logits of mixing weights give them back to the rounding of float32, and 0 as 0")
  func logits() {
    let shape = matrix(3, [Float](repeating: 0.5, count: 12))
    let weights: [Double] = [0.2, 0.3, 0.5, 0, 0.25, 0.75, 0, 1, 0, 1e-9, 0.5, 0.5 - 1e-9]
    let found = shape.withMixing(weights).softmaxRows()
    for (value, wanted) in zip(found, weights) {
      // log p has an error of |log p| · 2^-24 in float32, 21 · 2^-24 at 1e-9, and the sum that divides has as much of the others'.
      #expect(abs(value - wanted) <= 1.5e-6 * wanted + 1e-50, "\(value), \(wanted)")
      #expect((Float(value) == 0) == (wanted == 0), "what is off is nothing to a network")
    }
  }

  @Test("β and edges that are switched off stay as they are")
  func betaAndOff() {
    let off = ArchitectureParameters.Matrix.offLogit
    let shape = ArchitectureParameters.Matrix(
      rows: 14, columns: 3, hasEdgeColumn: true,
      values: (0..<14).flatMap { row in row == 4 ? [off, off, 0.5] : [Float(row) / 10, 0.25, Float(row)] })
    let moved = shape.withMixing([Double](repeating: 0.5, count: 28))
    for row in 0..<14 { #expect(moved[row, 2] == shape[row, 2]) }
    #expect(moved.isOff(row: 4) && !moved.isOff(row: 5))
    #expect(moved[5, 0] == moved[5, 1])
  }

  // MARK: The clip of the published code

  @Test("Moved weights are cut to [0, 1] and divided by their sum; where nothing is left the largest gets all")
  func clip() {
    let rule = MixingRule.softmax
    // 1.25 is cut to 1, −0.25 to 0.
    #expect(rule.clipped([0.5, 0.25, 0.25, 1.25, -0.25, 1], columns: 3) == [0.5, 0.25, 0.25, 0.5, 0, 0.5])
    // The largest of what was below 0, the first of equals.
    #expect(rule.clipped([-0.5, -0.125, -0.25, -0.5, -0.25, -0.25], columns: 3) == [0, 1, 0, 0, 1, 0])
    #expect(rule.clipped([0, 0], columns: 2) == [1, 0])
    #expect(MixingRule.identity.clipped([-3, 7], columns: 2) == [-3, 7], "what mixes nothing is not clipped")
  }

  @Test("A step of ascent goes by the sign of each slope, back into the box, and is clipped")
  func ascended() {
    let alphas = ArchitectureParameters(
      normal: matrix(2, [0, 0, 0, 0]), reduce: matrix(2, [0, 0]))
    let box = MixingBox(around: alphas, size: 0.25, rule: .softmax)
    #expect(box.center == [[0.5, 0.5, 0.5, 0.5], [0.5, 0.5]])
    // (0.5 + 0.125, 0.5 − 0.125) stays; (0.75 + 0.125 → 0.75, 0.5) divided by 1.25; no slope, or none that is a number, moves nothing.
    let found = box.ascended(
      [[0.5, 0.5, 0.75, 0.5], [0.5, 0.5]], along: [[3, -1e-9, 0.5, 0], [.nan, 0]], by: 0.125)
    #expect(found == [[0.625, 0.375, 0.6, 0.4], [0.5, 0.5]])
  }

  @Test("A random point is p moved by numbers of its stream in [−ε, ε), then clipped")
  func randomPoint() {
    let alphas = ArchitectureParameters(normal: matrix(2, [0, 0, 0, 0]), reduce: matrix(2, [0, 0]))
    let box = MixingBox(around: alphas, size: 0.25, rule: .softmax)
    var (stream, other) = (RandomStream(seed: 3, purpose: .perturbation), RandomStream(seed: 3, purpose: .perturbation))
    let found = box.randomPoint(&stream)
    let drawn = (0..<6).map { _ in 0.5 + 0.25 * (2 * other.uniform() - 1) }
    for (index, value) in found.joined().enumerated() {
      let sum = drawn[index] + drawn[index ^ 1]
      #expect(abs(value - drawn[index] / sum) < 1e-15)
    }
    #expect(found != box.center)
  }

  // MARK: Schedule

  @Test("ε grows from its start by equal parts of the epochs, and does not reach its size within them")
  func schedule() {
    let schedule = PerturbationSchedule(kind: .adversarial, epochs: 50, seed: 1)
    #expect(schedule.perturbation(epoch: 0) == MixingPerturbation(kind: .adversarial, size: 0.03, steps: 7))
    // 0.03 + 0.27 · 25 / 50.
    #expect(close(schedule.perturbation(epoch: 25).size, 0.165, .absolute(1e-15)))
    #expect(close(schedule.perturbation(epoch: 49).size, 0.2946, .absolute(1e-15)))
    for beyond in [50, 80] { #expect(close(schedule.perturbation(epoch: beyond).size, 0.3, .absolute(1e-15))) }
    let passes = [
      schedule.perturbation(epoch: 3), MixingPerturbation(kind: .random, size: 0.3),
      MixingPerturbation(kind: .adversarial, size: 0),
    ].map(\.passes)
    #expect(passes.map(\.gradients) == [7, 0, 0] && passes.map(\.evaluations) == [2, 0, 0])
  }

  @Test("A step past the end of an epoch has the perturbation of the next epoch's step, and each step has its own")
  func places() throws {
    let problem = try quadratic(noise: 0.3)
    let schedule = PerturbationSchedule(kind: .random, epochs: 10, seed: 1)
    func alphas(_ epoch: Int, _ step: Int) -> ArchitectureParameters {
      schedule.alphas(
        around: smallAlphas(), of: problem, epoch: epoch, step: step, weights: problem.makeInitialWeights(),
        batch: problem.trainingBatch(epoch: 0, step: 0), statistics: nil)
    }
    #expect(alphas(2, problem.stepsPerEpoch + 1) == alphas(3, 1))
    #expect(alphas(2, 1) == alphas(2, 1) && alphas(2, 1) != alphas(3, 1) && alphas(2, 1) != alphas(2, 2))
  }

  // MARK: Closed form: α in the place of mixing weights

  /// ½ (α − a*)ᵀ D (α − a*) with D the identity, a* = 0.
  private func bowl() throws -> QuadraticBilevelProblem {
    let alphas = smallAlphas()
    return try QuadraticBilevelProblem(
      coefficients: .init(
        trainingCurvature: .identity(1), response: DenseMatrix(rows: 1, columns: 6, values: [0, 0, 0, 0, 0, 0]),
        responseOffset: [0], validationCurvature: .identity(1), weightTarget: [0], alphaCurvature: .identity(6),
        alphaTarget: [0, 0, 0, 0, 0, 0]), initialAlphas: alphas)
  }

  @Test("On a quadratic bowl ascent ends at the corner of the box that is farthest from the bottom")
  func corner() throws {
    let problem = try bowl()
    let alphas = smallAlphas()
    // Every |α| is 0.25 or more, so no slope changes its sign within a box of 0.2.
    let perturbation = MixingPerturbation(kind: .adversarial, size: 0.2)
    let found = perturbation.alphas(
      around: alphas, of: problem, weights: problem.makeInitialWeights(), batch: problem.validationSplitBatch(0),
      statistics: nil, stream: RandomStream(seed: 4, purpose: .perturbation))
    for (value, start) in zip(found.flat, alphas.flat) {
      #expect(abs(value - (start + (start > 0 ? 0.2 : -0.2))) < 1e-6, "\(value) of \(start)")
    }
  }

  @Test("Where the loss did not rise α itself comes back, with its bits")
  func vain() throws {
    let problem = try bowl()
    let alphas = smallAlphas()
    let box = MixingBox(around: alphas, size: 0.2, rule: .identity)
    let perturbation = MixingPerturbation(kind: .adversarial, size: 0.2, steps: 1)
    // From the corner nearest to the bottom one step of 0.4 reaches the farthest; one of none stays below α.
    let near = box.point(movedBy: box.center.map { $0.map { $0 > 0 ? -0.2 : 0.2 } })
    func ascent(_ perturbation: MixingPerturbation) throws -> ArchitectureParameters {
      perturbation.ascent(
        from: near, in: box, of: problem, weights: problem.makeInitialWeights(), batch: problem.validationSplitBatch(0),
        statistics: nil)
    }
    #expect(try ascent(perturbation) != alphas)
    var none = perturbation
    none.steps = 0
    #expect(try ascent(none) == alphas)
  }

  @Test("A size of 0 and the kind none leave α its bits, and cost no pass", arguments: PerturbationKind.allCases)
  func none(kind: PerturbationKind) throws {
    let problem = CountingProblem(try quadratic(noise: 0.3))
    let found = MixingPerturbation(kind: kind, size: kind == .none ? 0.3 : 0).alphas(
      around: smallAlphas(), of: problem, weights: problem.makeInitialWeights(),
      batch: problem.trainingBatch(epoch: 0, step: 0), statistics: nil,
      stream: RandomStream(seed: 1, purpose: .perturbation))
    #expect(found == smallAlphas() && problem.forwards == 0 && problem.steps == 0)
  }

  @Test("An ascent takes a gradient a step and two evaluations")
  func passes() throws {
    let problem = CountingProblem(try quadratic(noise: 0.3))
    let perturbation = MixingPerturbation(kind: .adversarial, size: 0.3, steps: 5)
    _ = perturbation.alphas(
      around: smallAlphas(), of: problem, weights: problem.makeInitialWeights(),
      batch: problem.trainingBatch(epoch: 0, step: 0), statistics: nil,
      stream: RandomStream(seed: 1, purpose: .perturbation))
    #expect(problem.steps == 5 && problem.forwards == 2)
  }

  // MARK: PyTorch

  private struct Golden {
    let file: TensorFile
    let problem: SupernetProblem
    let weights: ParameterVector
    let statistics: ParameterVector
    let alphas: ArchitectureParameters
    let batch: ImageBatch

    init(_ name: String) throws {
      let path = GoldenFile.path("robust/perturbation_\(name)")
      let file = try TensorFile(readingFrom: path)
      func number(_ key: String) throws -> Int { try #require(file.metadata[key].flatMap { Int($0) }) }
      problem = try SupernetProblem(
        space: #require(file.metadata["space"].flatMap(SearchSpace.init)), channels: number("channels"),
        layers: number("layers"),
        loader: BatchLoader(dataset: TensorDataset.load(file: path), seed: 0, batchSize: number("batch")), seed: 0,
        threads: 2)
      weights = try problem.importVector(from: file, prefix: "")
      statistics = try #require(try problem.importStatistics(from: file))
      alphas = try ArchitectureParameters(from: file, like: problem.initialAlphas)
      batch = try problem.trainingBatch(epoch: 0, step: 0)
      self.file = file
    }

    func cells(_ name: String) throws -> [[Double]] {
      try ["normal", "reduce"].map { try file.doubles("\(name).\($0)") }
    }

    func box(_ epsilon: String) throws -> MixingBox {
      MixingBox(around: alphas, size: try file.doubles(epsilon)[0], rule: problem.mixingRule)
    }

    /// Of mixing weights, none of which is above 1.
    func expect(_ found: ArchitectureParameters, _ name: String) throws {
      for (own, wanted) in zip(problem.mixingRule.weights(of: found), try cells(name)) {
        #expect(zip(own, wanted).allSatisfy { abs($0 - $1) < 1e-6 }, "\(name)")
      }
    }
  }

  @Test(
    "Seven steps of ascent meet the weights, slopes and losses that the published procedure meets in float64",
    arguments: ["s1", "s3", "s1_vain"])
  func ascent(name: String) throws {
    let golden = try Golden(name)
    let box = try golden.box("epsilon")
    var point = box.point(movedBy: try golden.cells("noise"))
    let (path, slopes) = (try golden.cells("expect.path"), try golden.cells("expect.gradients"))
    // The least slope is 1e-4 of the largest of its step, ten times the error of the engine: no sign is in doubt.
    for step in 0...7 {
      for (kind, values) in point.enumerated() {
        let wanted = Array(path[kind][step * values.count..<(step + 1) * values.count])
        #expect(zip(values, wanted).allSatisfy { abs($0 - $1) < 1e-12 }, "\(name), p before step \(step)")
      }
      guard step < 7 else { break }
      let found = golden.problem.mixingGradient(
        weights: golden.weights, alphas: box.alphas(at: point), batch: golden.batch, statistics: golden.statistics)
      for (kind, values) in found.mixing.enumerated() {
        let wanted = Array(slopes[kind][step * values.count..<(step + 1) * values.count])
        #expect(distance(values, wanted) < 1e-4 * norm(wanted), "\(name), slopes of step \(step)")
      }
      point = box.ascended(point, along: found.mixing, by: 2 * box.size / 7)
    }
    let found = MixingPerturbation(kind: .adversarial, size: box.size).ascent(
      from: box.point(movedBy: try golden.cells("noise")), in: box, of: golden.problem, weights: golden.weights,
      batch: golden.batch, statistics: golden.statistics)
    try golden.expect(found, "expect.perturbed")
    #expect((found == golden.alphas) == (golden.file.metadata["restored"] == "True"))
    let (before, after) = (
      golden.problem.evaluate(
        weights: golden.weights, alphas: golden.alphas, batch: golden.batch, statistics: golden.statistics
      ).loss,
      golden.problem.evaluate(
        weights: golden.weights, alphas: box.alphas(at: point), batch: golden.batch, statistics: golden.statistics
      ).loss
    )
    #expect(close(before, try golden.file.doubles("expect.loss_before")[0], .relative(1e-6)))
    #expect(close(after, try golden.file.doubles("expect.loss_after")[0], .relative(1e-5)))
  }

  @Test("A weight step at perturbed weights has the loss and the gradient of PyTorch's", arguments: ["s1", "s3", "s1_vain"])
  func weightStep(name: String) throws {
    let golden = try Golden(name)
    let box = try golden.box("epsilon")
    let alphas = box.alphas(at: try golden.cells("expect.perturbed"))
    let gradient = golden.problem.makeVector()
    let found = golden.problem.gradient(
      weights: golden.weights, alphas: alphas, batch: golden.batch, weightGradient: gradient, wantsAlphaGradient: false,
      statistics: nil)
    #expect(close(found.loss.loss, try golden.file.doubles("expect.perturbed_train_loss")[0], .relative(1e-6)))
    for tensor in golden.problem.export(gradient) {
      guard case .float32(let values) = tensor.values else { throw TestFailure("\(tensor.name) is not float32") }
      let wanted = try golden.file.doubles("expect.omega_grad.\(tensor.name)")
      // Of an operation whose weight is 0, nothing: p = 0 travels as a logit.
      #expect(distance(doubles(values), wanted) <= 1e-4 * norm(wanted) + 1e-30, "\(tensor.name)")
    }
  }

  @Test(
    "Random perturbation clips as the published code does, rows of which nothing is left included", arguments: ["s1", "s3"])
  func random(name: String) throws {
    let golden = try Golden(name)
    let box = try golden.box("random.epsilon")
    let alphas = box.alphas(at: box.point(movedBy: try golden.cells("random.noise")))
    try golden.expect(alphas, "expect.random")
    #expect(try golden.cells("expect.random").joined().contains(0), "weights of 0 are among them")
    let gradient = golden.problem.makeVector()
    let found = golden.problem.gradient(
      weights: golden.weights, alphas: alphas, batch: golden.batch, weightGradient: gradient, wantsAlphaGradient: false,
      statistics: nil)
    #expect(close(found.loss.loss, try golden.file.doubles("expect.random.train_loss")[0], .relative(1e-6)))
    #expect(close(gradient.norm, try golden.file.doubles("expect.random.gradient_norm")[0], .relative(1e-3)))
  }
}
