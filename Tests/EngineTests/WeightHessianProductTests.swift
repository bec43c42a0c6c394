import Cells
import Compute
import Datasets
import Engine
import Formats
import Foundation
import NetworkSupport
import TestSupport
import Testing

/// Exact products with the Hessian of ω: the engine's against dual numbers in double precision, against a block worked out by
/// hand, and what holds of any of them.
@Suite struct WeightHessianProductTests {
  /// ‖found − expected‖ / ‖expected‖ over all tensors.
  static func error(_ found: [String: [Double]], _ expected: [String: [Double]]) -> Double {
    guard Set(found.keys) == Set(expected.keys) else { return .infinity }
    let pairs = expected.flatMap { name, values in zip(found[name] ?? [], values).map { ($0 - $1, $1) } }
    return norm(pairs.map(\.0)) / max(1e-300, norm(pairs.map(\.1)))
  }

  static func values(_ model: some NetworkModel, _ vector: ParameterVector) -> [String: [Double]] {
    Dictionary(uniqueKeysWithValues: model.export(vector).map { ($0.name, $0.values.doubles) })
  }

  /// A direction of ω whose values are float32, each tensor's of about its own size, as filter-normalised ones are.
  static func direction(_ model: some NetworkModel, seed: Int = 3) -> ParameterVector {
    let parameters = model.engine.tensors.parameters
    let values = model.engine.values(of: model.makeInitialWeights(seed: 11))
    return model.engine.makeVector(
      zip(parameters, values).enumerated().map { index, tensor in
        var stream = RandomStream(seed: UInt64(seed), purpose: .test, index: index)
        let size = (tensor.1.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(tensor.0.count)).squareRoot()
        return tensor.1.map { _ in Float(max(size, 0.1) * stream.normal()) }
      })
  }

  /// Over these networks single precision was off by 4e-7 to 2e-5, of two in s5 and s6 by 7e-5 and 2e-4.
  @Test(
    "A product is that of dual numbers in double precision, in every space and variant, with loss and correct predictions",
    arguments: TinySupernet.all)
  func agreesWithDualNumbers(network: TinySupernet) throws {
    let model = try network.model()
    let weights = model.makeInitialWeights(seed: 11)
    let (alphas, batch) = (network.alphas(), network.images())
    let (direction, product) = (Self.direction(model), model.makeVector())
    let found = try model.weightHessianProduct(
      weights: weights, alphas: alphas, direction: direction, batch: batch, product: product)
    let reference = ReferenceSupernet(model.architecture, weights: model.export(weights))
    let expected = reference.weightHessianProduct(
      alphas: alphas, direction: Self.values(model, direction), batch: batch)
    let error = Self.error(Self.values(model, product), expected)
    #expect(error < 5e-4, "\(error)")
    let plain = model.evaluate(weights: weights, alphas: alphas, batch: batch)
    #expect(abs(found.loss / plain.loss - 1) < 1e-5 && found.correct == plain.correct)
  }

  /// Central differences of gradients at 6·10⁻⁸ of v, in double precision: off by 3e-9 to 6e-9.
  @Test(
    "Of the dual numbers a product is the slope of the gradient, and the Hessian is symmetric",
    arguments: [
      TinySupernet(space: .s1, channels: 4), TinySupernet(space: .s3, channels: 4), TinySupernet(space: .s4, channels: 4),
      TinySupernet(space: .s6, channels: 4, variant: .merging()), TinySupernet(space: .nb201, channels: 4, imageSize: 16),
      TinySupernet(space: .s2, channels: 8, variant: .partial(2, edges: true)),
    ])
  func dualNumbersAreASlope(network: TinySupernet) throws {
    let model = try network.model()
    let reference = ReferenceSupernet(model.architecture, weights: model.export(model.makeInitialWeights(seed: 11)))
    let (alphas, batch) = (network.alphas(), network.images())
    let (left, right) = (
      Self.values(model, Self.direction(model)), Self.values(model, Self.direction(model, seed: 4))
    )
    let product = reference.weightHessianProduct(alphas: alphas, direction: left, batch: batch)
    let step = 0x1p-24
    let (ahead, behind) = (
      reference.moved(by: step, along: left).run(alphas: alphas, batch: batch).weightGradient,
      reference.moved(by: -step, along: left).run(alphas: alphas, batch: batch).weightGradient
    )
    let slope = Dictionary(
      uniqueKeysWithValues: ahead.map { name, values in
        (name, zip(values, behind[name] ?? []).map { ($0 - $1) / (2 * step) })
      })
    #expect(Self.error(slope, product) < 1e-6, "\(Self.error(slope, product))")
    let other = reference.weightHessianProduct(alphas: alphas, direction: right, batch: batch)
    func inner(_ left: [String: [Double]], _ right: [String: [Double]]) -> Double {
      left.reduce(0.0) { sum, tensor in zip(tensor.value, right[tensor.key] ?? []).reduce(sum) { $0 + $1.0 * $1.1 } }
    }
    let (here, there) = (inner(right, product), inner(left, other))
    let scale = (inner(product, product) * inner(right, right)).squareRoot()
    #expect(abs(here - there) < 1e-10 * scale, "\(here), \(there)")
  }

  /// With features f of an image, probabilities p and ż = V·f + v_b, the block of the classifier is mean p_c(ż_c − Σ p·ż) f_j.
  @Test("Within the classifier a product is what it is by hand") func classifierBlock() throws {
    let network = TinySupernet(space: .s1, channels: 4, batch: 5)
    let model = try network.model()
    let (alphas, batch) = (network.alphas(), network.images())
    let tensors = model.tensors(model.makeInitialWeights(seed: 11))
    let classes = 10
    let features = (tensors.first { $0.name == "classifier.weight" }?.values.count ?? 0) / classes
    #expect(features == 64)
    // Ten features at a time are the logits of a classifier that takes them as they are.
    var rows = [[Double]](repeating: [Double](repeating: 0, count: features), count: batch.count)
    for first in stride(from: 0, to: features, by: classes) {
      let reading = try model.vector { name, count in
        var values = tensors.first { $0.name == name }?.values ?? []
        guard name.hasPrefix("classifier.") else { return values }
        values = [Float](repeating: 0, count: count)
        if name == "classifier.weight" {
          for label in 0..<min(classes, features - first) { values[label * features + first + label] = 1 }
        }
        return values
      }
      _ = model.evaluate(weights: reading, alphas: alphas, batch: batch)
      for (index, logit) in model.lastLogits(count: batch.count).enumerated() where first + index % classes < features {
        rows[index / classes][first + index % classes] = Double(logit)
      }
    }
    let direction = try model.vector { name, count in
      guard name.hasPrefix("classifier.") else { return [Float](repeating: 0, count: count) }
      var stream = RandomStream(seed: 3, purpose: .test, index: count)
      return (0..<count).map { _ in Float(stream.normal()) }
    }
    let (weights, product) = (model.makeInitialWeights(seed: 11), model.makeVector())
    _ = try model.weightHessianProduct(
      weights: weights, alphas: alphas, direction: direction, batch: batch, product: product)
    let (own, moving, found) = (
      Self.values(model, weights), Self.values(model, direction), Self.values(model, product)
    )
    func logits(_ values: [String: [Double]], _ row: [Double]) throws -> [Double] {
      let matrix = try #require(values["classifier.weight"])
      var result = try #require(values["classifier.bias"])
      for label in 0..<classes {
        for index in 0..<features { result[label] += matrix[label * features + index] * row[index] }
      }
      return result
    }
    var (matrix, bias) = ([Double](repeating: 0, count: classes * features), [Double](repeating: 0, count: classes))
    for row in rows {
      let powers = try logits(own, row).map { exp($0) }
      let total = powers.reduce(0, +)
      let (probabilities, slopes) = (powers.map { $0 / total }, try logits(moving, row))
      let mean = zip(probabilities, slopes).reduce(0.0) { $0 + $1.0 * $1.1 }
      for label in 0..<classes {
        let change = probabilities[label] * (slopes[label] - mean) / Double(batch.count)
        bias[label] += change
        for index in 0..<features { matrix[label * features + index] += change * row[index] }
      }
    }
    let expected = ["classifier.weight": matrix, "classifier.bias": bias]
    let error = Self.error(found.filter { $0.key.hasPrefix("classifier.") }, expected)
    #expect(error < 1e-5, "\(error)")
  }

  @Test(
    "The bits of a product hang on neither threads nor room for larger batches nor what ran before",
    arguments: TinySupernet.perSpace)
  func bits(network: TinySupernet) throws {
    let (alphas, batch) = (network.alphas(), network.images())
    func product(_ model: SupernetModel) throws -> [UInt32] {
      let product = model.makeVector()
      let found = try model.weightHessianProduct(
        weights: model.makeInitialWeights(seed: 11), alphas: alphas, direction: Self.direction(model), batch: batch,
        product: product)
      return product.values.map(\.bitPattern) + [Float(found.loss).bitPattern]
    }
    let model = try network.model(threads: 1)
    let first = try product(model)
    #expect(try product(model) == first, "repeated")
    #expect(try product(network.model(threads: 3)) == first, "on three threads")
    let large = try network.model(batch: 2 * network.batch + 1, threads: 2)
    let before = large.activationBytes
    try large.prepareWeightHessianProducts()
    #expect(large.activationBytes > before, "room for derivatives is counted")
    #expect(try product(large) == first, "with room for more images")
    _ = try large.weightHessianProduct(
      weights: large.makeInitialWeights(seed: 5), alphas: network.alphas(seed: 9), direction: Self.direction(large, seed: 8),
      batch: network.images(seed: 7, count: network.batch + 2), product: large.makeVector())
    _ = try large.hessianProduct(
      weights: large.makeInitialWeights(seed: 5), alphas: alphas, direction: [Double](repeating: 1, count: alphas.count),
      batch: batch)
    #expect(try product(large) == first, "after other images and a product by α")
  }

  @Test("A product may be written over its direction, and of a zero direction is zero") func inPlace() throws {
    let network = TinySupernet(space: .s6, channels: 4)
    let model = try network.model()
    let weights = model.makeInitialWeights(seed: 11)
    let (direction, product) = (Self.direction(model), model.makeVector())
    for target in [product, direction] {
      _ = try model.weightHessianProduct(
        weights: weights, alphas: network.alphas(), direction: direction, batch: network.images(), product: target)
    }
    #expect(isSame(direction.values, product.values) && product.dot(product) > 0)
    _ = try model.weightHessianProduct(
      weights: weights, alphas: network.alphas(), direction: model.makeVector(), batch: network.images(), product: product)
    #expect(product.values.allSatisfy { $0 == 0 })
  }

  @Test("Too little memory is an error that says what would take less, and leaves the model as it was")
  func shortage() throws {
    let network = TinySupernet(space: .s3, channels: 4)
    let model = try network.model()
    let before = model.activationBytes
    let error = #expect(throws: MemoryShortage.self) { try model.engine.prepareWeightTangents(images: 1 << 26) }
    #expect(error?.advice == "a smaller batch" && error?.item.contains("by ω") == true)
    #expect(model.activationBytes == before)
    let product = model.makeVector()
    _ = try model.weightHessianProduct(
      weights: model.makeInitialWeights(seed: 11), alphas: network.alphas(), direction: Self.direction(model),
      batch: network.images(), product: product)
    #expect(product.dot(product) > 0)
  }
}
