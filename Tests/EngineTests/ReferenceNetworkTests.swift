import Cells
import Compute
import Datasets
import Engine
import NetworkSupport
import TestSupport
import Testing

/// The reference network against PyTorch's float64 values, and the engine against the reference.
@Suite struct ReferenceNetworkTests {
  private static func error(_ found: [Double], _ expected: [Double]) -> Double {
    let difference = zip(found, expected).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (difference / max(1e-300, expected.reduce(0.0) { $0 + $1 * $1 })).squareRoot()
  }

  private static func reference(_ model: SupernetModel, _ weights: ParameterVector) -> ReferenceSupernet {
    ReferenceSupernet(model.architecture, weights: model.export(weights))
  }

  @Test("The reference has PyTorch's losses, logits and gradients in float64", arguments: VariantGolden.all)
  func isPyTorchs(golden: VariantGolden) throws {
    let file = try golden.file()
    let model = try golden.model(file)
    let reference = Self.reference(model, try model.importVector(from: file, prefix: ""))
    let alphas = try golden.alphas(file, like: model.makeInitialAlphas(seed: 0))
    let train = reference.run(alphas: alphas, batch: try golden.batch(file, "train"))
    let valid = reference.run(alphas: alphas, batch: try golden.batch(file, "valid"))
    // The file holds float32, also of a loss.
    #expect(abs(train.loss / (try file.doubles("expect.train_loss")[0]) - 1) < 1e-7)
    #expect(Self.error(valid.logits, try file.doubles("expect.logits")) < 1e-7)
    for (name, values) in train.weightGradient {
      // The file holds float32.
      #expect(Self.error(values, try file.doubles("expect.omega_grad.\(name)")) < 1e-7, "\(name)")
    }
    let gradient = try golden.alphas(
      file, like: alphas, "expect.alpha_grad_first.", "expect.beta_grad_first.")
    // The expected gradient comes through float32 here.
    #expect(Self.error(valid.alphaGradient, gradient.flat.map(Double.init)) < 1e-7)
  }

  @Test(
    "The engine computes what the reference defines, in every space and variant",
    arguments: TinySupernet.all + TinySupernet.paths)
  func engineAgrees(network: TinySupernet) throws {
    let model = try network.model()
    let weights = model.makeInitialWeights(seed: 11)
    let (alphas, batch) = (network.alphas(), network.images())
    let expected = Self.reference(model, weights).run(alphas: alphas, batch: batch)
    let (gradient, statistics) = (model.makeVector(), model.makeInitialStatistics())
    let found = model.gradient(
      weights: weights, alphas: alphas, batch: batch, weightGradient: gradient, wantsAlphaGradient: true,
      statistics: statistics)
    #expect(abs(found.loss / expected.loss - 1) < 1e-5)
    #expect(found.correct == expected.correct)
    #expect(Self.error(model.lastLogits(count: batch.count).map(Double.init), expected.logits) < 1e-4)
    let alphaGradient = try #require(found.alphas)
    #expect(Self.error(alphaGradient.flat.map(Double.init), expected.alphaGradient) < 1e-3)
    let all = model.export(gradient)
    #expect(Set(all.map(\.name)) == Set(expected.weightGradient.keys))
    #expect(
      Self.error(all.flatMap(\.values.doubles), all.flatMap { expected.weightGradient[$0.name] ?? [] }) < 1e-3)
    try requireStatistics(of: model, statistics, expected)
    try requireEvaluation(of: model, network, weights, alphas, batch)
  }

  /// r + 0.1 · (s − r) from mean 0 and variance 1.
  private func requireStatistics(
    of model: SupernetModel, _ statistics: ParameterVector, _ expected: ReferenceSupernet.Result
  ) throws {
    var names: Set<String> = []
    for tensor in model.exportStatistics(statistics) {
      let parts = tensor.name.split(separator: ".")
      let name = parts.dropLast().joined(separator: ".")
      let moments = try #require(expected.statistics[name], "\(name)")
      names.insert(name)
      let wanted = parts.last == "running_mean" ? moments.means.map { 0.1 * $0 } : moments.variances.map { 0.9 + 0.1 * $0 }
      #expect(
        zip(tensor.values.doubles, wanted).allSatisfy { abs($0 - $1) < 1e-5 * max(1, abs($1)) }, "\(tensor.name)")
    }
    #expect(names == Set(expected.statistics.keys))
  }

  /// With running statistics, and without dropout.
  private func requireEvaluation(
    of model: SupernetModel, _ network: TinySupernet, _ weights: ParameterVector, _ alphas: ArchitectureParameters,
    _ batch: ImageBatch
  ) throws {
    let statistics = model.makeInitialStatistics()
    var whole = network.images(seed: 12)
    whole.skipDropout = 0
    model.moveStatistics(statistics, momentum: 1, weights: weights, alphas: alphas, batch: whole)
    var running: [String: (means: [Double], variances: [Double])] = [:]
    for tensor in model.exportStatistics(statistics) {
      let parts = tensor.name.split(separator: ".")
      let name = parts.dropLast().joined(separator: ".")
      if parts.last == "running_mean" {
        running[name, default: ([], [])].means = tensor.values.doubles
      } else {
        running[name, default: ([], [])].variances = tensor.values.doubles
      }
    }
    whole = batch
    whole.skipDropout = 0
    let expected = Self.reference(model, weights).run(alphas: alphas, batch: whole, running: running)
    let found = model.evaluate(weights: weights, alphas: alphas, batch: whole, statistics: statistics)
    #expect(abs(found.loss / expected.loss - 1) < 1e-5)
    #expect(found.correct == expected.correct)
  }

  @Test("A Hessian product of the reference is the slope of its gradient", arguments: [SearchSpace.s1, .s3, .s5, .s6])
  func hessianProductIsASlope(space: SearchSpace) throws {
    let network = TinySupernet(space: space, channels: 4)
    let model = try network.model()
    let reference = Self.reference(model, model.makeInitialWeights(seed: 11))
    let (alphas, batch) = (network.alphas(), network.images())
    var stream = RandomStream(seed: 3, purpose: .test)
    let (left, right) = (alphas.flat.map { _ in stream.normal() }, alphas.flat.map { _ in stream.normal() })
    let product = reference.hessianProduct(alphas: alphas, direction: right, batch: batch)
    // α is float32: a power of two moves it exactly along a direction of few bits.
    let step: Float = 0x1p-20
    let signs = right.map { Float($0 < 0 ? -1 : 1) }
    func gradient(_ distance: Float) -> [Double] {
      var moved = alphas
      moved.flat = zip(alphas.flat.map { ($0 * 0x1p12).rounded() * 0x1p-12 }, signs).map { $0 + distance * $1 }
      return reference.run(alphas: moved, batch: batch).alphaGradient
    }
    var base = alphas
    base.flat = alphas.flat.map { ($0 * 0x1p12).rounded() * 0x1p-12 }
    let exact = reference.hessianProduct(alphas: base, direction: signs.map(Double.init), batch: batch)
    let (ahead, behind) = (gradient(step), gradient(-step))
    let slope = zip(ahead, behind).map { ($0 - $1) / (2 * Double(step)) }
    #expect(Self.error(slope, exact) < 1e-5)
    // ∇² is symmetric.
    let other = reference.hessianProduct(alphas: alphas, direction: left, batch: batch)
    let (first, second) = (
      zip(left, product).reduce(0) { $0 + $1.0 * $1.1 }, zip(right, other).reduce(0) { $0 + $1.0 * $1.1 }
    )
    #expect(abs(first - second) < 1e-10 * max(1, abs(first)))
  }
}
