import Datasets
import Engine
import Foundation
import NetworkSupport
import TestSupport
import Testing

/// What is asked for and what ran before must not change what is found.
@Suite struct GradientConsistencyTests {
  private struct Found {
    let loss: Double
    let correct: Int
    let alphas: [UInt32]?
    let weights: [[UInt32]]?
    let statistics: [UInt32]
  }

  private func run(
    _ model: SupernetModel, _ network: TinySupernet, images: ImageBatch, weights wantsWeights: Bool,
    alphas wantsAlphas: Bool,
    prefill: Float = 0
  ) -> Found {
    let gradient = wantsWeights ? model.makeVector() : nil
    gradient?.fill(prefill)
    let statistics = model.makeInitialStatistics()
    let result = model.gradient(
      weights: model.makeInitialWeights(seed: 3), alphas: network.alphas(), batch: images, weightGradient: gradient,
      wantsAlphaGradient: wantsAlphas, statistics: statistics)
    return Found(
      loss: result.loss, correct: result.correct, alphas: result.alphas?.flat.bits,
      weights: gradient.map { model.tensors($0).map(\.values.bits) }, statistics: statistics.values.bits)
  }

  @Test("a gradient is the same whichever others are asked for", arguments: TinySupernet.all + TinySupernet.paths)
  func parts(network: TinySupernet) throws {
    let model = try network.model()
    let images = network.images()
    let both = run(model, network, images: images, weights: true, alphas: true)
    let onlyAlphas = run(model, network, images: images, weights: false, alphas: true)
    // Overwritten, not added to.
    let onlyWeights = run(model, network, images: images, weights: true, alphas: false, prefill: 7)
    let neither = run(model, network, images: images, weights: false, alphas: false)
    let evaluated = model.evaluate(weights: model.makeInitialWeights(seed: 3), alphas: network.alphas(), batch: images)

    #expect(both.alphas != nil && onlyAlphas.alphas == both.alphas, "∂L/∂α")
    #expect(both.weights != nil && onlyWeights.weights == both.weights, "∂L/∂ω")
    #expect(onlyWeights.alphas == nil && onlyAlphas.weights == nil)
    for other in [onlyAlphas, onlyWeights, neither] {
      #expect(other.loss.bitPattern == both.loss.bitPattern && other.correct == both.correct)
      #expect(other.statistics == both.statistics, "running statistics")
    }
    #expect(evaluated.loss.bitPattern == both.loss.bitPattern && evaluated.correct == both.correct, "forward only")
  }

  @Test(
    "a smaller batch has the same results whatever size the buffers were laid out for",
    arguments: TinySupernet.perSpace + TinySupernet.paths)
  func smallerBatch(network: TinySupernet) throws {
    for count in [1, 2, 3, 5] {
      let images = network.images(count: count)
      let exact = run(try network.model(batch: count), network, images: images, weights: true, alphas: true)
      let large = try network.model(batch: 7)
      // What a full batch leaves in the buffers must not reach the smaller one.
      _ = run(large, network, images: network.images(seed: 8, count: 7), weights: true, alphas: true)
      let found = run(large, network, images: images, weights: true, alphas: true)
      #expect(found.loss.bitPattern == exact.loss.bitPattern, "\(count) images")
      #expect(
        found.alphas == exact.alphas && found.weights == exact.weights && found.statistics == exact.statistics,
        "\(count) images")
    }
  }

  @Test("a batch larger than the buffers is computed whole", arguments: TinySupernet.perSpace)
  func largerBatch(network: TinySupernet) throws {
    let images = network.images(count: 6)
    let expected = run(try network.model(batch: 6), network, images: images, weights: true, alphas: true)
    let model = try network.model(batch: 2)
    _ = run(model, network, images: network.images(seed: 8, count: 2), weights: true, alphas: true)
    let found = run(model, network, images: images, weights: true, alphas: true)
    #expect(model.batch == 6 && model.lastLogits(count: 6).count == 60)
    #expect(
      found.loss.bitPattern == expected.loss.bitPattern && found.weights == expected.weights
        && found.alphas == expected.alphas)
  }

  @Test("a run leaves the next one and its inputs as they were", arguments: TinySupernet.perSpace)
  func repetition(network: TinySupernet) throws {
    let model = try network.model()
    let weights = model.makeInitialWeights(seed: 3)
    let before = weights.values
    let images = network.images()
    let first = run(model, network, images: images, weights: true, alphas: true)
    let gradient = model.makeVector()
    _ = model.gradient(
      weights: model.makeInitialWeights(seed: 4), alphas: network.alphas(seed: 9), batch: network.images(seed: 10),
      weightGradient: gradient, wantsAlphaGradient: true, statistics: nil)
    let again = run(model, network, images: images, weights: true, alphas: true)
    #expect(again.loss.bitPattern == first.loss.bitPattern)
    #expect(again.alphas == first.alphas && again.weights == first.weights && again.statistics == first.statistics)
    _ = model.evaluate(weights: weights, alphas: network.alphas(), batch: images)
    #expect(weights.values == before, "an evaluation moved the weights")
  }

  @Test("the mean loss of a batch is that of its images", arguments: [1, 2, 5])
  func meanCrossEntropy(count: Int) throws {
    let network = TinySupernet(space: .s2, channels: 8)
    let model = try network.model(batch: count)
    let images = network.images(count: count)
    let result = model.evaluate(weights: model.makeInitialWeights(seed: 3), alphas: network.alphas(), batch: images)
    let logits = model.lastLogits(count: count).map(Double.init)
    var total = 0.0
    var correct = 0
    for image in 0..<count {
      let row = Array(logits[image * 10..<(image + 1) * 10])
      let label = Int(images.labels[image])
      total -= row[label] - log(row.reduce(0) { $0 + exp($1) })
      if row.allSatisfy({ $0 <= row[label] }) { correct += 1 }
    }
    #expect(abs(result.loss - total / Double(count)) < 1e-12 * max(1, abs(total)))
    #expect(result.correct == correct)
  }

  /// Of each network those that it has.
  private static let early = [
    "stem.0.weight", "stem0.0.weight", "cells.0.preprocess1.op.1.weight", "cells.1.preprocess0.op.1.weight",
    "cells.1.conv_a.op.1.weight",
    "cells.1.downsample.1.weight",
  ]

  @Test("a weight that is not finite makes a loss that is not finite", arguments: TinySupernet.perSpace)
  func notANumber(network: TinySupernet) throws {
    let model = try network.model()
    for poison in [Float.nan, .infinity] {
      let names = Self.early.filter(model.parameterNames.contains)
      #expect(names.count == 3)
      for name in names {
        let weights = model.makeInitialWeights(seed: 3)
        let mark = try model.vector { $0 == name ? [Float](repeating: 1, count: $1) : [Float](repeating: 0, count: $1) }
        let index = try #require(mark.values.firstIndex(of: 1))
        weights[index] = poison
        let loss = model.evaluate(weights: weights, alphas: network.alphas(), batch: network.images()).loss
        #expect(!loss.isFinite, "\(name) holds \(poison)")
      }
    }
  }
}
