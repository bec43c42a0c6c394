import Compute
import Foundation
import NetworkSupport
import Testing

/// Slopes of the loss along directions, by gradients and by central differences.
///
/// A supernet has kinks (relu, maxima): a long step crosses them, a short one drowns in the rounding of the loss. So
/// each set of directions is measured with several steps and the one that agrees best counts: a wrong gradient agrees with none.
private struct SlopeCheck {
  private static let steps = [3e-3, 1e-3, 3e-4]
  private var gradients: [Double] = []
  private var differences: [[Double]] = steps.map { _ in [] }

  /// `loss` at a distance along a direction of length 1, and the slope that the gradient tells.
  mutating func add(gradient: Double, loss: (_ distance: Double) -> Double) {
    gradients.append(gradient)
    for (index, step) in Self.steps.enumerated() { differences[index].append((loss(step) - loss(-step)) / (2 * step)) }
  }

  /// ‖gradient − difference‖ / ‖difference‖ over the directions.
  var relativeError: Double {
    differences.map { differences in
      let error = zip(gradients, differences).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      return (error / differences.reduce(0) { $0 + $1 * $1 }).squareRoot()
    }.min() ?? .infinity
  }

  /// How far the least-squares factor between the two is from 1: kinks and rounding average out.
  var factorError: Double {
    differences.map { differences in
      let product = zip(gradients, differences).reduce(0) { $0 + $1.0 * $1.1 }
      return abs(product / gradients.reduce(0) { $0 + $1 * $1 } - 1)
    }.min() ?? .infinity
  }
}

@Suite struct FiniteDifferenceTests {
  /// Parameters that one kind of code differentiates.
  private static let kinds: [(name: String, matches: @Sendable (String) -> Bool)] = [
    ("stem", { ["stem.0.weight", "stem0.0.weight", "stem0.3.weight", "stem1.1.weight"].contains($0) }),
    ("stem norm", { name in ["stem.1", "stem0.1", "stem0.4", "stem1.2"].contains { name.hasPrefix($0 + ".") } }),
    ("classifier", { $0.hasPrefix("classifier") }),
    ("preprocessing", { $0.contains("preprocess") && !$0.contains("conv_") }),
    ("factorised preprocessing", { $0.contains("preprocess") && $0.contains("conv_") }),
    ("factorised skips", { $0.contains("_ops") && $0.contains("conv_") }),
    ("first depthwise", { $0.contains("_ops") && $0.hasSuffix("op.1.weight") }),
    ("first pointwise", { $0.contains("_ops") && $0.hasSuffix("op.2.weight") }),
    ("second depthwise", { $0.contains("_ops") && $0.hasSuffix("op.5.weight") }),
    ("second pointwise", { $0.contains("_ops") && $0.hasSuffix("op.6.weight") }),
    ("everything", { _ in true }),
  ]

  /// Random, longer where the gradient is larger, so that the slope stands out of the rounding.
  private func direction(_ gradient: [Float], from stream: inout RandomStream) -> [Float] {
    let square = gradient.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(max(1, gradient.count))
    return gradient.map { Float(stream.normal() * (abs(Double($0)) + square.squareRoot())) }
  }

  @Test("the ω-gradient is the slope of the loss", arguments: TinySupernet.all)
  func weights(network: TinySupernet) throws {
    let model = try network.model()
    let weights = model.makeInitialWeights(seed: 3)
    let (alphas, images) = (network.alphas(), network.images())
    let gradient = model.makeVector()
    _ = model.gradient(
      weights: weights, alphas: alphas, batch: images, weightGradient: gradient, wantsAlphaGradient: false, statistics: nil)
    let values = Dictionary(uniqueKeysWithValues: model.tensors(gradient).map { ($0.name, $0.values) })
    let moved = model.makeVector()
    var stream = RandomStream(seed: 11, purpose: .test)
    for kind in Self.kinds where model.parameterNames.contains(where: kind.matches) {
      var check = SlopeCheck()
      for _ in 0..<8 {
        let direction = try model.vector { name, count in
          guard kind.matches(name), let gradient = values[name] else { return [Float](repeating: 0, count: count) }
          return self.direction(gradient, from: &stream)
        }
        let norm = direction.norm
        check.add(gradient: gradient.dot(direction) / norm) { distance in
          moved.copy(from: weights)
          moved.add(direction, scaledBy: Float(distance / norm))
          return model.evaluate(weights: moved, alphas: alphas, batch: images).loss
        }
      }
      #expect(check.relativeError < 0.05, "\(kind.name)")
      #expect(check.factorError < 0.02, "\(kind.name)")
    }
  }

  @Test("the α-gradient is the slope of the loss", arguments: TinySupernet.all)
  func alphas(network: TinySupernet) throws {
    let model = try network.model()
    let weights = model.makeInitialWeights(seed: 3)
    let (alphas, images) = (network.alphas(), network.images())
    let gradient = try #require(
      model.gradient(
        weights: weights, alphas: alphas, batch: images, weightGradient: nil, wantsAlphaGradient: true, statistics: nil
      ).alphas)
    var stream = RandomStream(seed: 12, purpose: .test)
    for (name, range) in zip(alphas.kinds.map(\.name), alphas.ranges) + [("all", 0..<alphas.count)] {
      var check = SlopeCheck()
      for _ in 0..<8 {
        var direction = self.direction(gradient.flat, from: &stream)
        for index in direction.indices where !range.contains(index) { direction[index] = 0 }
        let norm = direction.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let slope = zip(gradient.flat, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } / norm
        check.add(gradient: slope) { distance in
          var moved = alphas
          moved.flat = zip(alphas.flat, direction).map { Float(Double($0) + distance / norm * Double($1)) }
          return model.evaluate(weights: weights, alphas: moved, batch: images).loss
        }
      }
      #expect(check.relativeError < 0.02, "\(name)")
      #expect(check.factorError < 0.01, "\(name)")
    }
  }
}
