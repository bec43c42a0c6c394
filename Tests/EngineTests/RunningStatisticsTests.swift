import Cells
import Compute
import Datasets
import Engine
import NetworkSupport
import Statistics
import TestSupport
import Testing

/// Running statistics against PyTorch's convention, from a computation of the first two layers in double precision.
@Suite struct RunningStatisticsTests {
  /// [channel][image · pixels].
  private typealias Channels = [[Double]]

  private struct Moments {
    var mean: Double
    /// Of the batch, divided by n: what normalises.
    var variance: Double
    /// Divided by n − 1: what the running variance follows.
    var unbiased: Double

    init(_ values: [Double]) {
      let n = Double(values.count)
      let mean = values.reduce(0, +) / n
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      (self.mean, variance, unbiased) = (mean, squares / n, squares / (n - 1))
    }
  }

  private func stem(_ batch: ImageBatch, weights: [Float], channels: Int) -> Channels {
    let (height, width) = (batch.height, batch.width)
    return (0..<channels).map { output in
      (0..<batch.count).flatMap { image in
        (0..<height * width).map { pixel in
          var sum = 0.0
          for input in 0..<3 {
            for tap in 0..<9 {
              let (y, x) = (pixel / width + tap / 3 - 1, pixel % width + tap % 3 - 1)
              guard y >= 0, y < height, x >= 0, x < width else { continue }
              sum +=
                Double(weights[(output * 3 + input) * 9 + tap])
                * Double(batch.images[((image * 3 + input) * height + y) * width + x])
            }
          }
          return sum
        }
      }
    }
  }

  private func normalised(_ values: Channels, scale: [Float], shift: [Float]) -> Channels {
    values.enumerated().map { channel, values in
      let moments = Moments(values)
      return values.map {
        ($0 - moments.mean) / (moments.variance + 1e-5).squareRoot() * Double(scale[channel]) + Double(shift[channel])
      }
    }
  }

  private func pointwiseOfRelu(_ input: Channels, weights: [Float], outputs: Int) -> Channels {
    (0..<outputs).map { output in
      input[0].indices.map { pixel in
        input.indices.reduce(0.0) { $0 + Double(weights[output * input.count + $1]) * max(0, input[$1][pixel]) }
      }
    }
  }

  private func statistics(_ model: SupernetModel, _ vector: ParameterVector, _ name: String) throws -> [Float] {
    let tensor = try #require(model.exportStatistics(vector).first { $0.name == name }, "\(name)")
    guard case .float32(let values) = tensor.values else { return [] }
    return values
  }

  @Test(
    "running means and variances follow PyTorch's convention",
    arguments: [
      TinySupernet(space: .s2, channels: 4), TinySupernet(space: .s6, channels: 12, imageSize: 12),
      TinySupernet(space: .s4, channels: 20, batch: 1),
    ])
  func convention(network: TinySupernet) throws {
    let model = try network.model()
    let channels = network.channels
    var stream = RandomStream(seed: 21, purpose: .test)
    // Scales and shifts that are not 1 and 0.
    let weights = try model.vector { name, count in
      (0..<count).map { _ in Float(name.hasPrefix("stem.1") ? 0.5 + stream.uniform() : stream.normal() * 0.3) }
    }
    let values = Dictionary(uniqueKeysWithValues: model.tensors(weights).map { ($0.name, $0.values) })
    let vector = model.makeInitialStatistics()
    let names = ["stem.1", "cells.0.preprocess0.op.2", "cells.0.preprocess1.op.2"]
    var expected = names.map { name in
      (0..<(name == "stem.1" ? 3 : 1) * channels).map { _ in (mean: 0.0, variance: 1.0) }
    }
    for step in 0..<3 {
      let batch = network.images(seed: UInt64(30 + step))
      _ = model.gradient(
        weights: weights, alphas: network.alphas(), batch: batch, weightGradient: nil, wantsAlphaGradient: false,
        statistics: vector)
      let convolved = stem(batch, weights: try #require(values["stem.0.weight"]), channels: 3 * channels)
      let output = normalised(
        convolved, scale: try #require(values["stem.1.weight"]), shift: try #require(values["stem.1.bias"]))
      let layers =
        [convolved]
        + (try (0..<2).map {
          pointwiseOfRelu(output, weights: try #require(values["cells.0.preprocess\($0).op.1.weight"]), outputs: channels)
        })
      for (layer, channelValues) in layers.enumerated() {
        for channel in channelValues.indices {
          let moments = Moments(channelValues[channel])
          expected[layer][channel].mean += 0.1 * (moments.mean - expected[layer][channel].mean)
          expected[layer][channel].variance += 0.1 * (moments.unbiased - expected[layer][channel].variance)
        }
      }
    }
    for (layer, name) in names.enumerated() {
      let mean = try statistics(model, vector, "\(name).running_mean")
      let variance = try statistics(model, vector, "\(name).running_var")
      #expect(mean.count == expected[layer].count && variance.count == expected[layer].count, "\(name)")
      for (channel, wanted) in expected[layer].enumerated() {
        #expect(abs(Double(mean[channel]) - wanted.mean) < 1e-5, "\(name), channel \(channel)")
        #expect(
          abs(Double(variance[channel]) - wanted.variance) < 1e-5 * max(1, wanted.variance), "\(name), channel \(channel)")
      }
    }
  }

  /// Not of 8×8 images: an average over the whole of a 2×2 plane of normalised values has mean zero.
  private static let networks = SearchSpace.allCases.flatMap { space in
    [4, 12, 20].map { TinySupernet(space: space, channels: $0, imageSize: 12) }
  }

  @Test("an evaluation without statistics leaves them, and a batch moves all of them", arguments: networks)
  func whatMoves(network: TinySupernet) throws {
    let model = try network.model()
    let weights = model.makeInitialWeights(seed: 3)
    let vector = model.makeInitialStatistics()
    let initial = vector.values
    for tensor in model.exportStatistics(vector) {
      #expect(tensor.values == .float32([Float](repeating: tensor.name.hasSuffix("mean") ? 0 : 1, count: tensor.shape[0])))
    }
    _ = model.evaluate(weights: weights, alphas: network.alphas(), batch: network.images())
    #expect(vector.values == initial)
    _ = model.gradient(
      weights: weights, alphas: network.alphas(), batch: network.images(), weightGradient: nil, wantsAlphaGradient: false,
      statistics: vector)
    for tensor in model.exportStatistics(vector) {
      guard case .float32(let values) = tensor.values else { continue }
      let start: Float = tensor.name.hasSuffix("mean") ? 0 : 1
      #expect(values.allSatisfy { $0 != start && $0.isFinite }, "\(tensor.name)")
    }
  }

  /// 15 images go in three groups, the last of them smaller. Noise and dropout are drawn by the place in the batch.
  @Test(
    "a prediction is the same whatever images are beside it and on any number of threads",
    arguments: (TinySupernet.all + TinySupernet.paths).filter { $0.space != .s4 && !$0.variant.skipDropout })
  func independence(network: TinySupernet) throws {
    let count = 15
    let model = try network.model(batch: count)
    let weights = model.makeInitialWeights(seed: 3)
    let images = network.images(count: count)
    let statistics = model.makeInitialStatistics()
    model.moveStatistics(statistics, momentum: 1, weights: weights, alphas: network.alphas(), batch: images)
    func logits(_ model: SupernetModel, _ batch: ImageBatch) -> [UInt32] {
      _ = model.evaluate(weights: weights, alphas: network.alphas(), batch: batch, statistics: statistics)
      return model.lastLogits(count: batch.count).bits
    }
    let together = logits(model, images)
    for threads in [1, 5] { #expect(logits(try network.model(batch: count, threads: threads), images) == together) }
    let size = images.images.count / count
    let alone = (0..<count).flatMap { image in
      logits(
        model,
        ImageBatch(
          images: Array(images.images[image * size..<(image + 1) * size]), labels: [images.labels[image]], channels: 3,
          height: images.height, width: images.width, noiseKey: images.noiseKey))
    }
    #expect(alone == together)
  }
}
