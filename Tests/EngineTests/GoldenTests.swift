import Cells
import Compute
import Datasets
import Engine
import Formats
import Foundation
import TestSupport
import Testing

/// A golden file of the PyTorch reference, float64 expected values.
struct Golden: CustomTestStringConvertible {
  let name: String
  let space: SearchSpace
  let channels: Int
  let layers: Int

  static let all = [
    Golden(name: "s1_c16_l3_b4", space: .s1, channels: 16, layers: 3),
    Golden(name: "s2_c16_l3_b4", space: .s2, channels: 16, layers: 3),
    Golden(name: "s3_c8_l5_b4", space: .s3, channels: 8, layers: 5),
    Golden(name: "s5_c8_l3_b4", space: .s5, channels: 8, layers: 3),
    Golden(name: "s6_c16_l3_b8", space: .s6, channels: 16, layers: 3),
  ]

  var testDescription: String { name }

  /// One maximum of the training batch is decided by 1.2e-8 at 0.63, a fifth of what float32 resolves there: PyTorch in
  /// float32 misses its own float64 gradient by the same 3.0e-3.
  var isOnKink: Bool { name == "s6_c16_l3_b8" }

  func file() throws -> TensorFile {
    try TensorFile(readingFrom: GoldenFile.path(name))
  }

  func model(_ file: TensorFile, threads: Int = 2, instructionSet: String? = nil) throws -> SupernetModel {
    let architecture = try SupernetArchitecture(space: space, channels: channels, layers: layers)
    return try SupernetModel(
      architecture: architecture, batch: try batch(file, "train").count, threads: threads,
      kernels: Kernels.select(named: instructionSet))
  }

  func batch(_ file: TensorFile, _ split: String) throws -> ImageBatch {
    ImageBatch(
      images: try file.floats("\(split).images"), labels: try file.integers("\(split).labels").map(Int32.init), channels: 3,
      height: 32, width: 32, noiseKey: 0)
  }

  func alphas(_ file: TensorFile) throws -> ArchitectureParameters {
    var alphas = space.zeroAlphas
    alphas.flat = try file.floats("alphas_normal") + file.floats("alphas_reduce")
    return alphas
  }
}

@Suite struct GoldenTests {
  @Test("losses and logits are those of the PyTorch reference", arguments: Golden.all)
  func forward(golden: Golden) throws {
    let file = try golden.file()
    let model = try golden.model(file)
    let weights = try model.importVector(from: file, prefix: "")
    let alphas = try golden.alphas(file)
    let train = model.evaluate(weights: weights, alphas: alphas, batch: try golden.batch(file, "train"))
    let valid = try golden.batch(file, "valid")
    let result = model.evaluate(weights: weights, alphas: alphas, batch: valid)
    let logits = relativeError(model.lastLogits(count: valid.count), try file.floats("expect.logits"))
    let expectedTrain = Double(try file.floats("expect.train_loss")[0])
    let expectedValid = Double(try file.floats("expect.valid_loss")[0])
    print(
      "golden \(golden.name): logits \(logits) train \(abs(train.loss / expectedTrain - 1)) valid \(abs(result.loss / expectedValid - 1))"
    )
    #expect(logits < 1e-5)
    #expect(abs(train.loss / expectedTrain - 1) < 1e-6)
    #expect(abs(result.loss / expectedValid - 1) < 1e-6)
  }

  @Test("gradients of weights and architecture are those of the PyTorch reference", arguments: Golden.all)
  func gradients(golden: Golden) throws {
    let file = try golden.file()
    let model = try golden.model(file)
    let weights = try model.importVector(from: file, prefix: "")
    let alphas = try golden.alphas(file)
    let train = try golden.batch(file, "train")
    let valid = try golden.batch(file, "valid")
    let gradient = model.makeVector()
    let omega = try bestOverKinks(train) { batch in
      _ = model.gradient(
        weights: weights, alphas: alphas, batch: batch, weightGradient: gradient, wantsAlphaGradient: false, statistics: nil)
      return try model.export(gradient).map { tensor in
        guard case .float32(let values) = tensor.values else { return .infinity }
        return relativeError(values, try file.floats("expect.omega_grad.\(tensor.name)"))
      }.max() ?? .infinity
    }
    let alpha = try bestOverKinks(valid) { batch in
      let found = try #require(
        model.gradient(
          weights: weights, alphas: alphas, batch: batch, weightGradient: nil, wantsAlphaGradient: true, statistics: nil
        ).alphas)
      return max(
        relativeError(found.normal.values, try file.floats("expect.alpha_grad_first.normal")),
        relativeError(found.reduce.values, try file.floats("expect.alpha_grad_first.reduce")))
    }
    print("golden \(golden.name): worst ω-gradient \(omega), worst α-gradient \(alpha)")
    #expect(omega.best < 1e-5)
    #expect(omega.plain < (golden.isOnKink ? 1e-2 : 1e-5))
    #expect(alpha.best < 1e-5)
    #expect(alpha.plain < (golden.isOnKink ? 1e-3 : 1e-5))
  }

  /// The error on the images as they are and, where it is large, the least over images moved by one part in ten million.
  ///
  /// A gradient jumps where a maximum or a ReLU is decided by less than float32 resolves. Rounding then picks a side; moved
  /// images meet the other one, so a wrong gradient stays wrong while an unlucky one comes right.
  private func bestOverKinks(_ batch: ImageBatch, error: (ImageBatch) throws -> Double) rethrows -> (
    plain: Double, best: Double
  ) {
    let plain = try error(batch)
    var best = plain
    for seed in 0..<24 where best >= 1e-5 {
      var stream = RandomStream(seed: UInt64(seed), purpose: .test)
      let moved = ImageBatch(
        images: batch.images.map { $0 * Float(1 + 1e-7 * stream.normal()) }, labels: batch.labels, channels: 3, height: 32,
        width: 32, noiseKey: 0)
      best = min(best, try error(moved))
    }
    return (plain, best)
  }
}
