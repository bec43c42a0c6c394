import Compute
import Engine
import TestSupport

/// Gradients against differences of losses, or against another engine.
extension NetworkEngineLaws {
  /// Of a vector of values, moved by ± `step` at random: the change of the loss against what the gradient says.
  private func slope(
    _ what: String, _ values: [Float], _ gradient: [Double], step: Float, seed: Int, loss: ([Float]) -> Double
  ) -> (isRight: Bool, text: String) {
    var stream = RandomStream(seed: 34, purpose: .test, index: seed)
    let signs = values.map { _ in stream.uniform() < 0.5 ? -step : step }
    let (ahead, behind) = (zip(values, signs).map { $0 + $1 }, zip(values, signs).map { $0 - $1 })
    // What was really moved, float32 as it is.
    let moved = zip(ahead, behind).map { Double($0) - Double($1) }
    let changes = zip(moved, gradient).map { $0 * $1 }
    let wanted = changes.reduce(0, +)
    let scale = changes.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let found = loss(ahead) - loss(behind)
    return (
      abs(found - wanted) <= 1e-2 * scale + 1e-13, "\(what) is the slope of the loss: \(wanted) against \(found)"
    )
  }

  /// Loss and gradients with running statistics that are not the batch's, or with the batch's own.
  private func gradients(
    of engine: any NetworkEngine, _ statistics: NetworkStatistics
  ) -> (loss: Double, gradient: [[Float]], mixing: [[Double]]) {
    let gradient = engine.makeVector(engine.tensors.parameters.map { [Float](repeating: 7, count: $0.count) })
    let result = engine.run(
      input, weights: engine.makeInitialWeights(seed: 32), weightGradient: gradient, wantsMixingGradient: true,
      statistics: statistics)
    return (result.loss, engine.values(of: gradient), result.mixingGradient)
  }

  /// Half-way from the start to the batch's own.
  private func runningMoments() -> [NormMoments] {
    let statistics = engine.makeInitialStatistics()
    _ = evaluate(input, weights, .moving(statistics, momentum: 0.5))
    return engine.moments(of: statistics)
  }

  /// Gradients with running statistics are those of the loss that an evaluation with them has, and move nothing.
  mutating func checkRunningGradients() {
    let moments = runningMoments()
    let statistics = engine.makeStatistics(moments)
    let found = gradients(of: engine, .running(statistics))
    report.require(
      engine.moments(of: statistics) == moments, "gradients with running statistics leave them as they were")
    report.require(
      isSame(found.loss, evaluate(input, weights, .running(statistics)).loss),
      "gradients with running statistics come with the loss of an evaluation")
    let alone = engine.run(
      input, weights: weights, weightGradient: nil, wantsMixingGradient: true, statistics: .running(statistics))
    report.require(
      alone.mixingGradient == found.mixing,
      "with running statistics gradients of mixing weights are the same without those of ω")
    report.require(
      found.mixing != gradients(of: engine, .ofBatch).mixing, "gradients with running statistics are others than the batch's"
    )
  }

  /// The same as of another engine. A ReLU or maximum within rounding of a tie may be decided otherwise.
  mutating func checkRunningAgreement(with kind: EngineKind) throws {
    let reference = try kind.make(network, batch: input.batch.count, threads: 1, kernels: Kernels.sets[0])
    let moments = runningMoments()
    let own = gradients(of: engine, .running(engine.makeStatistics(moments)))
    let other = gradients(of: reference, .running(reference.makeStatistics(moments)))
    report.require(abs(own.loss / other.loss - 1) < 1e-5, "losses with running statistics of engines agree")
    report.require(
      error(own.gradient.joined().map(Double.init), other.gradient.joined().map(Double.init)) < 1e-2,
      "gradients of ω with running statistics of engines agree")
    report.require(
      error(Array(own.mixing.joined()), Array(other.mixing.joined())) < 1e-2,
      "gradients of mixing weights with running statistics of engines agree")
  }

  mutating func checkSlopes(_ step: Float, running: Bool = false) {
    let statistics: NetworkStatistics = running ? .running(engine.makeStatistics(runningMoments())) : .ofBatch
    let suffix = running ? " with running statistics" : ""
    let (own, all) = (gradients(of: engine, statistics), engine.values(of: weights))
    let parameters = engine.tensors.parameters
    // All parameters together, then some of every kind by themselves.
    for subset in [Array(parameters.indices)] + Swift.stride(from: 0, to: parameters.count, by: 13).map({ [$0] }) {
      let name = subset.count == 1 ? parameters[subset[0]].name : "ω"
      let values = subset.flatMap { all[$0] }
      let gradient = subset.flatMap { own.gradient[$0].map(Double.init) }
      let law = slope("∂L/∂\(name)\(suffix)", values, gradient, step: step, seed: subset[0]) { moved in
        var (next, parts) = (0, all)
        for index in subset {
          parts[index] = Array(moved[next..<next + all[index].count])
          next += all[index].count
        }
        return evaluate(input, engine.makeVector(parts), statistics).loss
      }
      report.require(law.isRight, law.text)
    }
    for (kind, values) in input.mixing.enumerated() {
      let law = slope(
        "∂L/∂(mixing weights \(kind))\(suffix)", values, own.mixing[kind], step: step, seed: 100_000 + kind
      ) { moved in
        var changed = input
        changed.mixing[kind] = moved
        return evaluate(changed, weights, statistics).loss
      }
      report.require(law.isRight, law.text)
    }
  }

  /// ‖found − wanted‖ / ‖wanted‖.
  private func error(_ found: [Double], _ wanted: [Double]) -> Double {
    let difference = zip(found, wanted).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (difference / max(1e-300, wanted.reduce(0.0) { $0 + $1 * $1 })).squareRoot()
  }

  /// The plain cross-entropy, with all paths.
  private var plainInput: NetworkInput {
    var plain = input
    (plain.smoothing, plain.drops) = (0, nil)
    return plain
  }

  private func direction(of seed: Int) -> [[Float]] {
    var stream = RandomStream(seed: 35, purpose: .test, index: seed)
    return input.mixing.map { $0.map { _ in Float(stream.normal()) } }
  }

  /// Second derivatives: they go with the first ones, the Hessian is symmetric, and nothing that ran before counts.
  mutating func checkTangents() throws {
    let (left, right) = (direction(of: 1), direction(of: 2))
    func inner(_ direction: [[Float]], _ values: [[Double]]) -> Double {
      zip(direction.joined(), values.joined()).reduce(0.0) { $0 + Double($1.0) * $1.1 }
    }
    let first = try engine.tangents(plainInput, along: left, weights: weights)
    let other = try engine.tangents(plainInput, along: right, weights: weights)
    report.require(
      try engine.tangents(plainInput, along: left, weights: weights) == first, "derivatives repeat to the bit")
    let gradient = outcome(of: engine, plainInput).result
    report.require(abs(first.loss / gradient.loss - 1) < 1e-5, "derivatives come with the loss of a run")
    report.require(
      error(Array(first.mixingGradient.joined()), Array(gradient.mixingGradient.joined())) < 1e-3,
      "derivatives come with the gradient of a run")
    report.require(
      abs(first.lossTangent - inner(left, first.mixingGradient)) < 1e-4 * (1 + abs(first.lossTangent)),
      "the derivative of the loss is the gradient along the direction")
    let (here, there) = (inner(right, first.mixingGradientTangent), inner(left, other.mixingGradientTangent))
    report.require(abs(here - there) < 1e-3 * (1 + abs(here)), "second derivatives are symmetric: \(here), \(there)")
  }

  /// A direction of ω, every parameter moved by about a tenth of what it starts from.
  private func weightDirection(of seed: Int) -> ParameterVector {
    var stream = RandomStream(seed: 36, purpose: .test, index: seed)
    return engine.makeVector(
      engine.tensors.parameters.map { parameter in (0..<parameter.count).map { _ in Float(0.1 * stream.normal()) } })
  }

  /// Products with the Hessian of ω: they come with the loss, the Hessian is symmetric, and nothing that ran before counts.
  mutating func checkWeightTangents() throws {
    let (left, right) = (weightDirection(of: 1), weightDirection(of: 2))
    let (first, other) = (engine.makeVector(), engine.makeVector())
    let result = try engine.weightTangents(plainInput, along: left, weights: weights, gradientTangent: first)
    _ = try engine.weightTangents(plainInput, along: right, weights: weights, gradientTangent: other)
    let again = engine.makeVector(engine.tensors.parameters.map { [Float](repeating: 7, count: $0.count) })
    let repeated = try engine.weightTangents(plainInput, along: left, weights: weights, gradientTangent: again)
    report.require(
      isSame(again.values, first.values) && isSame(repeated.loss, result.loss),
      "products with the Hessian of ω repeat to the bit and overwrite what was there")
    let plain = evaluate(plainInput, weights)
    report.require(
      abs(result.loss / plain.loss - 1) < 1e-5 && result.correct == plain.correct,
      "products with the Hessian of ω come with the loss and the correct predictions of a run")
    let (here, there) = (right.dot(first), left.dot(other))
    report.require(
      abs(here - there) < 1e-3 * (first.dot(first) * right.dot(right)).squareRoot(),
      "the Hessian of ω is symmetric: \(here), \(there)")
  }

  mutating func checkAgreement(with kind: EngineKind) throws {
    let own = outcome(of: engine, input)
    let reference = try kind.make(network, batch: input.batch.count, threads: 1, kernels: Kernels.sets[0])
    let other = outcome(of: reference, input)
    report.require(abs(own.result.loss / other.result.loss - 1) < 1e-5, "losses of engines agree")
    report.require(own.result.correct == other.result.correct, "correct predictions of engines agree")
    func compare(_ what: String, _ values: (Outcome) -> [Double], within limit: Double) {
      let (found, wanted) = (values(own), values(other))
      report.require(found.count == wanted.count && error(found, wanted) < limit, "\(what) of engines agree")
    }
    compare("logits", { $0.logits.map(Double.init) }, within: 1e-4)
    compare("gradients of ω", { $0.gradient.joined().map(Double.init) }, within: 1e-3)
    compare("gradients of mixing weights", { Array($0.result.mixingGradient.joined()) }, within: 1e-3)
    compare("means", { $0.moments.flatMap(\.means).map(Double.init) }, within: 1e-4)
    compare("variances", { $0.moments.flatMap(\.variances).map(Double.init) }, within: 1e-4)
    let direction = direction(of: 1)
    let (found, wanted) = (
      try engine.tangents(plainInput, along: direction, weights: weights),
      try reference.tangents(plainInput, along: direction, weights: reference.makeInitialWeights(seed: 32))
    )
    report.require(abs(found.lossTangent - wanted.lossTangent) < 1e-4, "derivatives of losses of engines agree")
    report.require(
      error(Array(found.mixingGradientTangent.joined()), Array(wanted.mixingGradientTangent.joined())) < 1e-3,
      "derivatives of gradients of engines agree")
    let (ownProduct, otherProduct) = (engine.makeVector(), reference.makeVector())
    let weightDirection = weightDirection(of: 1)
    _ = try engine.weightTangents(plainInput, along: weightDirection, weights: weights, gradientTangent: ownProduct)
    _ = try reference.weightTangents(
      plainInput, along: reference.makeVector(engine.values(of: weightDirection)),
      weights: reference.makeInitialWeights(seed: 32), gradientTangent: otherProduct)
    let (foundProduct, wantedProduct) = (
      engine.values(of: ownProduct).joined().map(Double.init), reference.values(of: otherProduct).joined().map(Double.init)
    )
    report.require(
      error(foundProduct, wantedProduct) < 1e-2,
      "products with the Hessian of ω of engines agree")
    report.require(
      isSame(
        Array(engine.values(of: weights).joined()),
        Array(reference.values(of: reference.makeInitialWeights(seed: 32)).joined())),
      "weights of a seed are the same on every engine")
  }
}
