import Cells
import Compute
import Datasets
import Engine
import Formats
import Foundation
import TestSupport
import Testing

/// A file of the PyTorch model of NAS-Bench-201, float64 expected values. Its weights under the names of the public networks.
struct NASBench201Golden {
  let file: TensorFile

  init(_ name: String) throws {
    file = try TensorFile(readingFrom: GoldenFile.path("nb201/nb201_\(name)"))
  }

  func number(_ key: String) throws -> Int { try #require(file.metadata[key].flatMap { Int($0) }) }

  func batch(_ split: String) throws -> ImageBatch {
    let side = try number("image")
    return ImageBatch(
      images: try file.floats("\(split).images"), labels: try file.integers("\(split).labels").map(Int32.init), channels: 3,
      height: side, width: side, noiseKey: 0)
  }

  /// ‖found − expected‖ / max(‖expected‖, 1e-3), of the tensor that is farthest off: some gradients are zero but for rounding.
  /// Of tensors that the file does not hold whole, the norms are compared.
  func worst(_ tensors: [NamedTensor]) throws -> (name: String, error: Double) {
    var worst = (name: "", error: 0.0)
    for tensor in tensors {
      guard case .float32(let values) = tensor.values else { continue }
      func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
      let found = values.map(Double.init)
      let whole = "expect.omega_grad.\(tensor.name)"
      let error: Double
      if file.contains(whole) {
        let expected = try file.doubles(whole, shape: tensor.shape)
        error = norm(zip(found, expected).map { $0 - $1 }) / max(norm(expected), 1e-3)
      } else {
        let expected = try file.doubles("expect.omega_digest.\(tensor.name)", shape: [3])[0]
        error = abs(norm(found) - expected) / max(expected, 1e-3)
      }
      if error > worst.error { worst = (tensor.name, error) }
    }
    return worst
  }

  /// max |found − expected| / max |expected| over all running statistics.
  func worstStatistics(_ tensors: [NamedTensor]) throws -> Double {
    try tensors.map { tensor in
      guard case .float32(let values) = tensor.values else { return .infinity }
      let expected = try file.doubles("expect.statistics.\(tensor.name)", shape: tensor.shape)
      let scale = max(expected.map { abs($0) }.max() ?? 0, 1e-3)
      return zip(values, expected).map { abs(Double($0) - $1) / scale }.max() ?? .infinity
    }.max() ?? .infinity
  }

  func scalar(_ name: String) throws -> Double { try file.doubles("expect.\(name)", shape: [])[0] }
}

@Suite struct NASBench201GoldenTests {
  @Test("the supernet of NAS-Bench-201 is PyTorch's", arguments: ["c8_n1_b4", "c16_n1_b4"])
  func supernet(name: String) throws {
    let golden = try NASBench201Golden(name)
    let (channels, side) = (try golden.number("channels"), try golden.number("image"))
    let model = try SupernetModel(
      architecture: SupernetArchitecture(
        space: .nb201, channels: channels, layers: 3 * golden.number("cells"), imageSize: side), batch: 4, threads: 2,
      kernels: Kernels.select())
    let weights = try model.importVector(from: golden.file, prefix: "")
    let alphas = try ArchitectureParameters(from: golden.file, like: SearchSpace.nb201.zeroAlphas)
    let (train, valid) = (try golden.batch("train"), try golden.batch("valid"))
    let (gradient, statistics) = (model.makeVector(), model.makeInitialStatistics())
    let found = model.gradient(
      weights: weights, alphas: alphas, batch: train, weightGradient: gradient, wantsAlphaGradient: false,
      statistics: statistics)
    #expect(abs(found.loss / (try golden.scalar("train_loss")) - 1) < 1e-6)
    let omega = try golden.worst(model.export(gradient))
    #expect(omega.error < 1e-5, "\(omega)")
    #expect(try golden.worstStatistics(model.exportStatistics(statistics)) < 2e-5)

    let first = model.gradient(
      weights: weights, alphas: alphas, batch: valid, weightGradient: nil, wantsAlphaGradient: true, statistics: nil)
    #expect(abs(first.loss / (try golden.scalar("valid_loss")) - 1) < 1e-6)
    #expect(relativeError(model.lastLogits(count: 4), try golden.file.floats("expect.logits")) < 1e-5)
    let alphaGradient = try #require(first.alphas)
    let expected = try golden.file.floats("expect.alpha_grad_first.cell")
    #expect(relativeError(alphaGradient.flat, expected) < 1e-5)
    for row in 0..<6 {
      let sum = (0..<5).reduce(0.0) { $0 + Double(alphaGradient.matrices[0][row, $1]) }
      #expect(abs(sum) < 1e-7, "softmax: the gradient along a row of ones is zero")
    }
    let running = model.evaluate(weights: weights, alphas: alphas, batch: valid, statistics: statistics)
    #expect(abs(running.loss / (try golden.scalar("running_loss")) - 1) < 1e-5)
    #expect(try Genotype(alphas: alphas, space: .nb201).line == golden.file.metadata["architecture"])
  }

  @Test("a network of one architecture is PyTorch's", arguments: ["derived_best", "derived_mixed", "derived_cut"])
  func derived(name: String) throws {
    let golden = try NASBench201Golden(name)
    let genotype = try Genotype(parsing: #require(golden.file.metadata["architecture"]))
    let architecture = try DerivedArchitecture(
      genotype: genotype, channels: golden.number("channels"), layers: 3 * golden.number("cells"),
      imageSize: golden.number("image"), hasAuxiliaryHead: false)
    let model = try DerivedModel(architecture: architecture, batch: 4, threads: 2, kernels: Kernels.select())
    let weights = try model.importVector(from: golden.file, prefix: "")
    let (gradient, statistics) = (model.makeVector(), model.makeInitialStatistics())
    let train = try golden.batch("train")
    let found = model.gradient(
      weights: weights, batch: train, regularisation: .init(), keep: nil, weightGradient: gradient, statistics: statistics)
    #expect(abs(found.loss / (try golden.scalar("train_loss")) - 1) < 1e-6)
    #expect(relativeError(model.lastLogits(count: 4), try golden.file.floats("expect.logits")) < 1e-5)
    let omega = try golden.worst(model.export(gradient))
    #expect(omega.error < 2e-5, "\(omega)")
    #expect(try golden.worstStatistics(model.exportStatistics(statistics)) < 2e-5)
    let running = model.evaluate(weights: weights, statistics: statistics, batch: train)
    #expect(abs(running.loss / (try golden.scalar("running_loss")) - 1) < 1e-5)
    let parameters = try golden.number("parameters")
    #expect(architecture.cost.parameters == parameters && model.parameterCount(withAuxiliaryHead: true) == parameters)
  }
}
