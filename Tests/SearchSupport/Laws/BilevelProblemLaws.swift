import Cells
import Compute
import Formats
import Problems
import TestSupport

/// The laws of `BilevelProblem`, for any conformer: results are functions of what is passed in, a batch is one of its
/// position, a gradient is the slope of its loss, a Hessian product that of its gradient, and what is written reads back.
public struct BilevelProblemLaws<Problem: BilevelProblem> {
  private let problem: Problem
  private let slopeTolerance: Double
  private let step: Float
  private var report = LawReport()

  /// - Parameters:
  ///   - step: of the central differences that slopes are held against, along directions of length 1.
  ///   - slopeTolerance: how far a slope may be from its difference, relative to the gradient's norm.
  ///   - hessianTolerance: how far a Hessian product may be from the difference of gradients, relative to its norm; nil for a
  ///     loss with kinks, where a difference has the jumps within a step, which grow as it falls and which no product has.
  public static func check(
    _ problem: Problem, step: Float = 1e-2, slopeTolerance: Double = 1e-3, hessianTolerance: Double? = 1e-3
  ) throws -> LawReport {
    var laws = BilevelProblemLaws(problem: problem, slopeTolerance: slopeTolerance, step: step)
    try laws.checkStart()
    try laws.checkBatches()
    try laws.checkEvaluation()
    try laws.checkGradient()
    try laws.checkMixing()
    try laws.checkSlopes()
    try laws.checkHessian(hessianTolerance)
    try laws.checkWeightHessian()
    try laws.checkInterchange()
    return laws.report
  }

  private init(problem: Problem, slopeTolerance: Double, step: Float) {
    self.problem = problem
    self.slopeTolerance = slopeTolerance
    self.step = step
  }

  private func evaluate(_ weights: ParameterVector, _ alphas: ArchitectureParameters, _ batch: Problem.Batch) -> Double {
    problem.evaluate(weights: weights, alphas: alphas, batch: batch).loss
  }

  /// α away from its start, where a gradient of zero could hide.
  private var alphas: ArchitectureParameters {
    var stream = RandomStream(seed: 21, purpose: .test)
    var result = problem.initialAlphas
    result.flat = result.flat.map { _ in Float(0.3 * stream.normal()) }
    return result
  }

  private mutating func checkStart() throws {
    report.require(problem.initialAlphas == problem.initialAlphas, "α at the start is the same at each request")
    let (first, second) = (problem.makeInitialWeights(), problem.makeInitialWeights())
    report.require(isSame(first.values, second.values), "ω at the start is the same at each request")
    report.require(first !== second, "ω at the start is a fresh copy at each request")
    let vector = problem.makeVector()
    report.require(vector.count == first.count, "a vector has room for ω")
    report.require(vector.values.allSatisfy { $0 == 0 }, "a new vector is zero")
    report.require(problem.stepsPerEpoch >= 1, "an epoch has a step")
    report.require(problem.validationSplitCount >= 1, "the validation split has a batch")
  }

  private mutating func checkBatches() throws {
    let (weights, alphas) = (problem.makeInitialWeights(), alphas)
    let steps = problem.stepsPerEpoch
    func losses() throws -> [Double] {
      try [
        evaluate(weights, alphas, problem.trainingBatch(epoch: 0, step: 0)),
        evaluate(weights, alphas, problem.trainingBatch(epoch: 1, step: 0)),
        evaluate(weights, alphas, problem.validationBatch(epoch: 0, step: 0)),
        evaluate(weights, alphas, problem.validationSplitBatch(0)),
      ]
    }
    let before = try losses()
    _ = try problem.trainingBatch(epoch: 2, step: steps - 1)
    _ = try problem.validationBatch(epoch: 3, step: 0)
    report.require(
      try zip(before, losses()).allSatisfy(isSame), "a batch is a function of its position, whatever was asked for before it"
    )
    report.require(
      try isSame(evaluate(weights, alphas, problem.trainingBatch(epoch: 0, step: steps)), before[1]),
      "a step past the end of an epoch is one of the next")
  }

  /// ∂L/∂α follows from the gradient of the mixing weights: p ⊙ (g − ⟨p, g⟩) where softmax makes p of α, g itself where nothing does.
  /// With β the gradient of α has more in it.
  private mutating func checkMixing() throws {
    let (weights, alphas, batch) = try (problem.makeInitialWeights(), alphas, problem.trainingBatch(epoch: 0, step: 0))
    let found = problem.mixingGradient(weights: weights, alphas: alphas, batch: batch, statistics: nil)
    report.require(
      isSame(found.loss.loss, evaluate(weights, alphas, batch)), "a gradient of mixing weights comes with the loss")
    report.require(
      found.mixing.map(\.count) == problem.mixingRule.weights(of: alphas).map(\.count),
      "a gradient of mixing weights has their shape")
    let back = problem.mixingRule.alphas(of: problem.mixingRule.weights(of: alphas), like: alphas)
    report.require(
      zip(problem.mixingRule.weights(of: back).joined(), problem.mixingRule.weights(of: alphas).joined()).allSatisfy {
        abs($0 - $1) <= 1e-6
      }, "mixing weights give themselves back as α")
    guard !alphas.hasEdgeColumn else { return }
    let own = problem.gradient(
      weights: weights, alphas: alphas, batch: batch, weightGradient: nil, wantsAlphaGradient: true, statistics: nil
    ).alphas?.flat.map(Double.init)
    let made = zip(alphas.matrices, found.mixing).flatMap { matrix, mixing in
      problem.mixingRule == .identity
        ? mixing : matrix.throughSoftmax(strengthGradient: mixing, bypassGradient: nil).values.map(Double.init)
    }
    let scale = made.map(abs).max() ?? 0
    report.require(
      own.map { zip($0, made).allSatisfy { abs($0 - $1) <= 1e-5 * scale } } == true,
      "the gradient of α is that of mixing weights through softmax")
  }

  private mutating func checkEvaluation() throws {
    let (weights, alphas, batch) = try (problem.makeInitialWeights(), alphas, problem.validationBatch(epoch: 0, step: 0))
    let kept = weights.values
    let first = problem.evaluate(weights: weights, alphas: alphas, batch: batch)
    _ = try problem.evaluate(
      weights: weights, alphas: problem.initialAlphas, batch: problem.trainingBatch(epoch: 0, step: 0))
    let second = problem.evaluate(weights: weights, alphas: alphas, batch: batch)
    report.require(
      isSame(first.loss, second.loss) && first.correct == second.correct, "an evaluation repeats to the bit")
    report.require(isSame(weights.values, kept), "an evaluation leaves ω as it was")
    report.require(
      (0...first.count).contains(first.correct) && first.count >= 1, "no more are correct than a batch has examples")
  }

  private mutating func checkGradient() throws {
    let (weights, alphas, batch) = try (problem.makeInitialWeights(), alphas, problem.trainingBatch(epoch: 0, step: 0))
    let kept = weights.values
    func gradient(_ vector: ParameterVector?, _ wantsAlpha: Bool, _ statistics: ParameterVector? = nil) -> BatchGradient {
      problem.gradient(
        weights: weights, alphas: alphas, batch: batch, weightGradient: vector, wantsAlphaGradient: wantsAlpha,
        statistics: statistics)
    }
    let (clean, dirty) = (problem.makeVector(), problem.makeVector())
    for index in 0..<dirty.count { dirty[index] = 7 }
    // Lanes that no parameter owns are nobody's: what counts is what is exported.
    func values(_ vector: ParameterVector) -> [Float] {
      problem.export(vector).flatMap { tensor in
        if case .float32(let values) = tensor.values { values } else { [Float]() }
      }
    }
    let both = gradient(clean, true)
    let weightsAlone = gradient(dirty, false)
    let alphasAlone = gradient(nil, true)
    report.require(isSame(values(clean), values(dirty)), "∂L/∂ω overwrites what was there, with ∂L/∂α or without")
    report.require(weightsAlone.alphas == nil, "∂L/∂α is there only where it was asked for")
    report.require(alphasAlone.alphas != nil, "∂L/∂α is there where it was asked for")
    if let first = both.alphas, let second = alphasAlone.alphas {
      report.require(isSame(first.flat, second.flat), "∂L/∂α is the same with ∂L/∂ω or without")
      report.require(first.zeros == alphas.zeros, "∂L/∂α has the shape of α")
    }
    let statistics = problem.makeInitialStatistics()
    let moved = gradient(nil, true, statistics)
    let losses = [weightsAlone.loss.loss, alphasAlone.loss.loss, moved.loss.loss, evaluate(weights, alphas, batch)]
    report.require(losses.allSatisfy { isSame($0, both.loss.loss) }, "the loss of a gradient is that of an evaluation")
    report.require(isSame(weights.values, kept), "a gradient leaves ω as it was")
  }

  /// The gradients' slopes along random directions of ω and of α.
  private mutating func checkSlopes() throws {
    let (weights, alphas, batch) = try (problem.makeInitialWeights(), alphas, problem.trainingBatch(epoch: 0, step: 0))
    let vector = problem.makeVector()
    guard
      let gradient = problem.gradient(
        weights: weights, alphas: alphas, batch: batch, weightGradient: vector, wantsAlphaGradient: true, statistics: nil
      ).alphas
    else { return }
    var stream = RandomStream(seed: 22, purpose: .test)
    func unit(_ count: Int, _ isOwned: (Int) -> Bool) -> [Double] {
      let values = (0..<count).map { isOwned($0) ? stream.normal() : 0 }
      let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return values.map { $0 / norm }
    }
    func slope(_ loss: (Float) -> Double) -> Double { (loss(step) - loss(-step)) / (2 * Double(step)) }

    let alphaDirection = unit(alphas.count) { _ in true }
    let alphaSlope = slope { distance in
      var moved = alphas
      moved.flat = zip(alphas.flat, alphaDirection).map { $0 + distance * Float($1) }
      return evaluate(weights, moved, batch)
    }
    let alphaWanted = zip(gradient.flat, alphaDirection).reduce(0.0) { $0 + Double($1.0) * $1.1 }
    report.require(
      abs(alphaSlope - alphaWanted) <= slopeTolerance * max(gradient.norm, 1e-6),
      "∂L/∂α is the slope of the loss: \(alphaWanted) against \(alphaSlope)")

    // Padding has no gradient: a direction through it would measure nothing.
    let weightDirection = unit(weights.count) { vector[$0] != 0 }
    let moved = problem.makeVector()
    let weightSlope = slope { distance in
      for index in 0..<weights.count { moved[index] = weights[index] + distance * Float(weightDirection[index]) }
      return evaluate(moved, alphas, batch)
    }
    let weightWanted = (0..<weights.count).reduce(0.0) { $0 + Double(vector[$1]) * weightDirection[$1] }
    report.require(
      abs(weightSlope - weightWanted) <= slopeTolerance * max(vector.norm, 1e-6),
      "∂L/∂ω is the slope of the loss: \(weightWanted) against \(weightSlope)")
  }

  /// Products with ∇²L by α and by mixing weights.
  private mutating func checkHessian(_ tolerance: Double?) throws {
    let (weights, alphas, batch) = try (problem.makeInitialWeights(), alphas, problem.validationBatch(epoch: 0, step: 0))
    let kept = weights.values
    func product(_ direction: [Double], _ coordinates: HessianCoordinates) throws -> BatchHessianProduct {
      try problem.hessianProduct(
        weights: weights, alphas: alphas, direction: direction, coordinates: coordinates, batch: batch)
    }
    func inner(_ left: [Double], _ right: [Double]) -> Double { zip(left, right).reduce(0) { $0 + $1.0 * $1.1 } }
    func apart(_ left: [Double], _ right: [Double]) -> Double { zip(left, right).map { $0 - $1 }.length }
    var stream = RandomStream(seed: 23, purpose: .test)
    for (coordinates, size) in [(HessianCoordinates.alphas, alphas.count), (.mixing, problem.mixingCount)] {
      let (left, right) = (stream.normals(size), stream.normals(size))
      let (first, second) = (try product(left, coordinates), try product(right, coordinates))
      report.require(first.product.count == size && first.gradient.count == size, "a product has a value a coordinate")
      let again = try product(left, coordinates)
      report.require(
        zip(first.product, again.product).allSatisfy(isSame) && isSame(first.loss, again.loss),
        "a Hessian product repeats to the bit")
      let scale = first.product.length + second.product.length
      // Single precision leaves 1e-6.
      let sum = try product(zip(left, right).map { $0 - 2 * $1 }, coordinates)
      report.require(
        apart(sum.product, zip(first.product, second.product).map { $0 - 2 * $1 }) <= 1e-5 * scale,
        "a Hessian product is linear in its direction (\(coordinates))")
      let (here, there) = (inner(right, first.product), inner(left, second.product))
      report.require(
        abs(here - there) <= 1e-5 * scale * max(left.length, right.length),
        "the Hessian is symmetric (\(coordinates)): \(here), \(there)")
    }
    report.require(isSame(weights.values, kept), "a Hessian product leaves ω as it was")
    // The gradient along with it, and its slope.
    let direction = stream.normals(alphas.count)
    let unit = direction.map { $0 / direction.length }
    let exact = try product(unit, .alphas)
    func gradient(_ distance: Float) -> [Double] {
      var moved = alphas
      moved.flat = zip(alphas.flat, unit).map { $0 + distance * Float($1) }
      let found = problem.gradient(
        weights: weights, alphas: moved, batch: batch, weightGradient: nil, wantsAlphaGradient: true, statistics: nil)
      return found.alphas?.flat.map(Double.init) ?? []
    }
    let plain = gradient(0)
    report.require(
      apart(exact.gradient, plain) <= 1e-5 * plain.length, "a Hessian product comes with the gradient of the loss")
    let loss = problem.evaluate(weights: weights, alphas: alphas, batch: batch)
    report.require(
      abs(exact.loss - loss.loss) <= 1e-5 * max(1, abs(loss.loss)) && exact.count == loss.count,
      "a Hessian product comes with the loss and the count of its batch")
    guard let tolerance else { return }
    let slope = zip(gradient(step), gradient(-step)).map { ($0 - $1) / (2 * Double(step)) }
    report.require(
      apart(slope, exact.product) <= tolerance * exact.product.length,
      "a Hessian product is the slope of the gradient: \(apart(slope, exact.product)) of \(exact.product.length)")
  }

  /// Products with ∇²_ω L, along the gradients of two batches.
  private mutating func checkWeightHessian() throws {
    let (weights, alphas, batch) = try (problem.makeInitialWeights(), alphas, problem.validationBatch(epoch: 0, step: 0))
    let kept = weights.values
    func gradient(_ batch: Problem.Batch) -> ParameterVector {
      let gradient = problem.makeVector()
      _ = problem.gradient(
        weights: weights, alphas: alphas, batch: batch, weightGradient: gradient, wantsAlphaGradient: false,
        statistics: nil)
      return gradient
    }
    func product(_ direction: ParameterVector) throws -> (vector: ParameterVector, loss: BatchLoss) {
      let product = problem.makeVector()
      product.copy(from: weights)
      let loss = try problem.weightHessianProduct(
        weights: weights, alphas: alphas, direction: direction, batch: batch, product: product)
      return (product, loss)
    }
    let (left, right) = (gradient(batch), gradient(try problem.trainingBatch(epoch: 0, step: 0)))
    let (first, second) = (try product(left), try product(right))
    report.require(
      isSame(try product(left).vector.values, first.vector.values), "a product by ω repeats to the bit, and overwrites")
    report.require(isSame(weights.values, kept), "a product by ω leaves ω as it was")
    let loss = problem.evaluate(weights: weights, alphas: alphas, batch: batch)
    report.require(
      abs(first.loss.loss - loss.loss) <= 1e-5 * max(1, abs(loss.loss)) && first.loss.count == loss.count,
      "a product by ω comes with the loss and the count of its batch")
    let (combined, scale) = (problem.makeVector(), first.vector.norm + 2 * second.vector.norm)
    combined.copy(from: left)
    combined.add(right, scaledBy: -2)
    let difference = try product(combined).vector
    difference.add(first.vector, scaledBy: -1)
    difference.add(second.vector, scaledBy: 2)
    report.require(
      difference.norm <= 1e-4 * scale, "a product by ω is linear in its direction: \(difference.norm) of \(scale)")
    let (here, there) = (right.dot(first.vector), left.dot(second.vector))
    report.require(
      abs(here - there) <= 1e-4 * scale * max(left.norm, right.norm), "the Hessian of ω is symmetric: \(here), \(there)")
  }

  private mutating func checkInterchange() throws {
    let weights = problem.makeInitialWeights()
    let tensors = problem.export(weights)
    report.require(Set(tensors.map(\.name)).count == tensors.count, "every tensor has a name of its own")
    func file(_ tensors: [NamedTensor]) -> TensorFile { TensorFile(path: "memory", metadata: [:], tensors: tensors) }
    let read = try problem.importVector(from: file(tensors), prefix: "")
    report.require(isSame(read.values, weights.values), "what was exported reads back")
    let prefixed = tensors.map { NamedTensor(name: "x." + $0.name, shape: $0.shape, values: $0.values) }
    report.require(
      isSame(try problem.importVector(from: file(prefixed), prefix: "x.").values, weights.values),
      "what was exported reads back behind a prefix")
    let missing = tensors.last?.name ?? ""
    do {
      _ = try problem.importVector(from: file(Array(tensors.dropLast())), prefix: "")
      report.require(false, "a missing tensor is refused")
    } catch {
      report.require("\(error)".contains(missing), "the refusal names the missing tensor: \(error)")
    }
    let statistics = problem.makeInitialStatistics()
    let exported = problem.exportStatistics(statistics)
    let back = try problem.importStatistics(from: file(exported))
    report.require(
      statistics.count == 0 ? back == nil : back.map { isSame($0.values, statistics.values) } == true,
      "statistics read back, and are none where there are none")
  }
}
