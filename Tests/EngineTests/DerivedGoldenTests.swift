import Cells
import Compute
import Datasets
import Engine
import Formats
import Foundation
import TestSupport
import Testing

/// Values of PyTorch in float64 (examples/pytorch/make_derived_golden.py) of derived networks with every operation, both
/// stems, the auxiliary head, dropped paths and label smoothing.
@Suite struct DerivedGoldenTests {
  struct Case: Decodable, CustomTestStringConvertible {
    let name: String
    let genotype: String
    let channels: Int
    let layers: Int
    let size: Int
    let batch: Int
    let auxiliary: Bool
    let imagenet: Bool
    let classes: Int
    let logits: [Double]
    let loss: Double
    let auxiliaryLoss: Double?
    let runningLogits: [Double]
    let gradients: [String: [Double]]
    let drop: Double
    let smoothing: Double
    let auxiliaryWeight: Double
    let parameters: Int

    var testDescription: String { name }

    /// None where the file cannot be read, which `fileIsThere` notices.
    static let all =
      (try? JSONDecoder().decode([Case].self, from: Data(contentsOf: URL(fileURLWithPath: GoldenFile.derived)))) ?? []

    func model(threads: Int = 2, kernels: KernelSet? = nil) throws -> DerivedModel {
      let architecture = try DerivedArchitecture(
        genotype: Genotype(parsing: genotype), scale: imagenet ? .imagenet : .cifar, channels: channels, layers: layers,
        classes: classes, imageSize: size, hasAuxiliaryHead: auxiliary)
      return try DerivedModel(
        architecture: architecture, batch: batch, threads: threads, kernels: kernels ?? Kernels.select(named: nil))
    }

    func weights(_ model: DerivedModel) throws -> ParameterVector {
      let tensors = model.export(model.makeVector()).map { tensor -> NamedTensor in
        let index = parameterOrder.firstIndex(of: tensor.name) ?? 0
        let count = tensor.shape.reduce(1, *)
        let values = Mix.values(count, seed: index).map { value -> Float in
          if tensor.shape.count == 1 { return Float((tensor.name.hasSuffix(".weight") ? 1 : 0) + 0.5 * value) }
          return Float(value * 2 / Double(count / tensor.shape[0]).squareRoot())
        }
        return NamedTensor(name: tensor.name, shape: tensor.shape, values: .float32(values))
      }
      return try model.importVector(from: TensorFile(path: "memory", metadata: [:], tensors: tensors), prefix: "")
    }

    /// PyTorch's order of the parameters, by which the formula goes.
    let parameterOrder: [String]

    var images: ImageBatch {
      ImageBatch(
        images: Mix.values(batch * 3 * size * size, seed: 1000).map { Float($0 * 3) },
        labels: (0..<batch).map { Int32((5 * $0 + 2) % classes) }, channels: 3, height: size, width: size, noiseKey: 1)
    }

    var keep: [Bool] { Mix.values(layers * 8 * batch, seed: 2000).map { $0 + 0.5 >= drop } }

    var regularisation: DerivedModel.Regularisation {
      .init(dropPath: drop, auxiliaryWeight: auxiliaryWeight, labelSmoothing: smoothing)
    }
  }

  /// The formula of make_derived_golden.py.
  enum Mix {
    static func values(_ count: Int, seed: Int) -> [Double] {
      (0..<count).map { index in
        var x = UInt32(truncatingIfNeeded: UInt64(index) &* 2_654_435_761 &+ UInt64(seed * 97 + 12345))
        x ^= x >> 16
        x = x &* 2_246_822_519
        x ^= x >> 13
        return Double(x) / 4_294_967_296 - 0.5
      }
    }
  }

  @Test("the golden file holds the networks of CIFAR, of odd sizes and of ImageNet") func fileIsThere() {
    #expect(Case.all.count == 3)
  }

  @Test("losses, logits and gradients are PyTorch's", arguments: Case.all)
  func trainingStep(golden: Case) throws {
    let model = try golden.model()
    let weights = try golden.weights(model)
    let gradient = model.makeVector()
    let statistics = model.makeInitialStatistics()
    let result = model.gradient(
      weights: weights, batch: golden.images, regularisation: golden.regularisation, keep: golden.keep,
      weightGradient: gradient, statistics: statistics)
    #expect(abs(result.loss - golden.loss) < 2e-6)
    #expect((result.auxiliaryLoss == nil) == (golden.auxiliaryLoss == nil))
    if let loss = result.auxiliaryLoss, let expected = golden.auxiliaryLoss { #expect(abs(loss - expected) < 2e-6) }
    #expect(relativeError(model.lastLogits(count: golden.batch), golden.logits.map(Float.init)) < 1e-5)

    var compared = 0
    for tensor in model.export(gradient) {
      guard case .float32(let values) = tensor.values else { continue }
      let expected = try #require(golden.gradients[tensor.name], "\(tensor.name) is not one of PyTorch's")
      let index = try #require(golden.parameterOrder.firstIndex(of: tensor.name))
      let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      // A product with a vector of norm ‖h‖ carries an error of the gradient's times ‖h‖.
      #expect(abs(norm - expected[0]) <= 1e-4 * expected[0] + 1e-9, "\(tensor.name)")
      for (seed, product) in zip([3000, 5000], expected.dropFirst()) {
        let direction = Mix.values(values.count, seed: seed + index)
        let found = zip(values, direction).reduce(0.0) { $0 + Double($1.0) * $1.1 }
        let length = direction.reduce(0.0) { $0 + $1 * $1 }.squareRoot()
        #expect(abs(found - product) <= 1e-4 * length * expected[0] + 1e-9, "\(tensor.name)")
      }
      compared += values.count
    }
    #expect(compared == golden.parameters)
    #expect(model.parameterCount(withAuxiliaryHead: true) == golden.parameters)

    _ = model.evaluate(weights: weights, statistics: statistics, batch: golden.images)
    #expect(relativeError(model.lastLogits(count: golden.batch), golden.runningLogits.map(Float.init)) < 1e-5)
  }

  @Test("one thread and three, and all instruction sets, give the same bits", arguments: Case.all)
  func bits(golden: Case) throws {
    var results: [[UInt32]] = []
    for threads in [1, 3] {
      results.append(try gradientBits(golden, threads: threads, set: nil))
    }
    for set in Kernels.available where set != "baseline" { results.append(try gradientBits(golden, threads: 2, set: set)) }
    for other in results.dropFirst() { #expect(other == results[0]) }
  }

  private func gradientBits(_ golden: Case, threads: Int, set: String?) throws -> [UInt32] {
    let model = try golden.model(threads: threads, kernels: Kernels.select(named: set))
    let gradient = model.makeVector()
    _ = model.gradient(
      weights: try golden.weights(model), batch: golden.images, regularisation: golden.regularisation, keep: golden.keep,
      weightGradient: gradient, statistics: nil)
    return (0..<gradient.count).map { gradient.storage[$0].bitPattern }
  }
}
