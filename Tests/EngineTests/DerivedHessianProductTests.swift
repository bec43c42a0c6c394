import Cells
import Compute
import Datasets
import Engine
import Formats
import NetworkSupport
import TestSupport
import Testing

/// A derived network small enough for plain loops.
struct TinyDerived: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let genotype: String
  var scale = DerivedArchitecture.Scale.cifar
  var channels = 4
  var side = 8
  var hasAuxiliaryHead = false

  /// Every operation at both strides.
  private static let everything = """
    Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ('dil_conv_5x5', 1), ('max_pool_3x3', 0), ('avg_pool_3x3', 2), \
    ('sep_conv_5x5', 3), ('dil_conv_3x3', 0), ('skip_connect', 4)], normal_concat=range(2, 6), reduce=[('sep_conv_5x5', 0), \
    ('skip_connect', 1), ('max_pool_3x3', 0), ('dil_conv_3x3', 1), ('avg_pool_3x3', 1), ('sep_conv_3x3', 2), ('dil_conv_5x5', 0), \
    ('skip_connect', 2)], reduce_concat=range(2, 6))
    """
  /// Nothing moves its third node, which is concatenated and read; its last is not.
  private static let still = """
    Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ('dil_conv_3x3', 1), ('skip_connect', 2), ('noise', 0), \
    ('none', 1), ('sep_conv_3x3', 4), ('max_pool_3x3', 4)], normal_concat=[2, 3, 4], reduce=[('skip_connect', 0), \
    ('skip_connect', 1), ('noise', 0), ('none', 1), ('sep_conv_3x3', 3), ('dil_conv_5x5', 1), ('none', 0), \
    ('none', 1)], reduce_concat=range(2, 6))
    """
  static let all = [
    TinyDerived(testDescription: "every operation", genotype: everything),
    TinyDerived(testDescription: "every operation, two blocks of channels", genotype: everything, channels: 20),
    TinyDerived(
      testDescription: "every operation, large images", genotype: everything, scale: .imagenet, channels: 8, side: 64),
    TinyDerived(testDescription: "nodes that no weight moves", genotype: still),
    TinyDerived(
      testDescription: "stages",
      genotype: "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|none~2|"),
  ]
  /// Which has an auxiliary head.
  static let auxiliary = TinyDerived(
    testDescription: "auxiliary head", genotype: everything, side: 32, hasAuxiliaryHead: true)

  func model(batch: Int = 3, threads: Int = 2) throws -> DerivedModel {
    try DerivedModel(
      architecture: DerivedArchitecture(
        genotype: Genotype(parsing: genotype), scale: scale, channels: channels, layers: 3, imageSize: side,
        hasAuxiliaryHead: hasAuxiliaryHead), batch: batch, threads: threads, kernels: Kernels.select())
  }

  /// γ and β away from 1 and 0, where no term of a product vanishes.
  func weights(_ model: DerivedModel, seed: UInt64 = 11) -> ParameterVector {
    let values = model.engine.values(of: model.makeInitialWeights(seed: seed))
    return model.engine.makeVector(
      zip(model.engine.tensors.parameters, values).enumerated().map { index, tensor in
        guard tensor.0.shape.count == 1 else { return tensor.1 }
        var stream = RandomStream(seed: seed, purpose: .test, index: index)
        return tensor.1.map { $0 + Float(0.5 * (stream.uniform() - 0.5)) }
      })
  }

  func images(seed: UInt64 = 5, count: Int = 3) -> ImageBatch {
    var stream = RandomStream(seed: seed, purpose: .test)
    return ImageBatch(
      images: (0..<count * 3 * side * side).map { _ in Float(stream.normal()) },
      labels: (0..<count).map { _ in Int32(stream.integer(below: 10)) }, channels: 3, height: side, width: side,
      noiseKey: 77)
  }
}

/// Exact products with the Hessian of the weights of derived networks.
@Suite struct DerivedHessianProductTests {
  private typealias Products = WeightHessianProductTests

  @Test("The reference has the loss and the gradient of the engine", arguments: TinyDerived.all)
  func referenceIsTheNetwork(network: TinyDerived) throws {
    let model = try network.model()
    let (weights, gradient) = (network.weights(model), model.makeVector())
    let found = model.gradient(
      weights: weights, batch: network.images(), regularisation: .init(auxiliaryWeight: 0), keep: nil,
      weightGradient: gradient, statistics: nil)
    let expected = ReferenceDerived(model.architecture, weights: model.export(weights)).run(batch: network.images())
    #expect(abs(found.loss / expected.loss - 1) < 1e-5)
    let error = Products.error(Products.values(model, gradient), expected.gradient)
    #expect(error < 2e-5, "\(error)")
  }

  /// Single precision was off by 6e-7 to 2e-6.
  @Test(
    "A product is that of dual numbers in double precision, with loss and correct predictions", arguments: TinyDerived.all)
  func agreesWithDualNumbers(network: TinyDerived) throws {
    let model = try network.model()
    let (weights, batch) = (network.weights(model), network.images())
    let (direction, product) = (Products.direction(model), model.makeVector())
    let found = try model.weightHessianProduct(weights: weights, direction: direction, batch: batch, product: product)
    let expected = ReferenceDerived(model.architecture, weights: model.export(weights)).weightHessianProduct(
      direction: Products.values(model, direction), batch: batch)
    let error = Products.error(Products.values(model, product), expected)
    #expect(error < 2e-5, "\(error)")
    let plain = model.evaluate(weights: weights, statistics: nil, batch: batch)
    #expect(abs(found.loss / plain.loss - 1) < 1e-5 && found.correct == plain.correct)
  }

  @Test("Of the dual numbers a product is the slope of the gradient", arguments: [TinyDerived.all[0], TinyDerived.all[4]])
  func dualNumbersAreASlope(network: TinyDerived) throws {
    let model = try network.model()
    let reference = ReferenceDerived(model.architecture, weights: model.export(network.weights(model)))
    let (batch, direction) = (network.images(), Products.values(model, Products.direction(model)))
    let product = reference.weightHessianProduct(direction: direction, batch: batch)
    let step = 0x1p-24
    let (ahead, behind) = (
      reference.moved(by: step, along: direction).run(batch: batch).gradient,
      reference.moved(by: -step, along: direction).run(batch: batch).gradient
    )
    let slope = Dictionary(
      uniqueKeysWithValues: ahead.map { name, values in
        (name, zip(values, behind[name] ?? []).map { ($0 - $1) / (2 * step) })
      })
    #expect(Products.error(slope, product) < 1e-6, "\(Products.error(slope, product))")
  }

  @Test("The bits of a product hang on neither threads nor room nor what ran before, and the Hessian is symmetric")
  func bits() throws {
    for network in TinyDerived.all {
      func product(_ model: DerivedModel, seed: Int = 3) throws -> ParameterVector {
        let product = model.makeVector()
        _ = try model.weightHessianProduct(
          weights: network.weights(model), direction: Products.direction(model, seed: seed), batch: network.images(),
          product: product)
        return product
      }
      let model = try network.model(threads: 1)
      let (first, other) = (try product(model), try product(model, seed: 4))
      #expect(isSame(try product(model).values, first.values), "\(network.testDescription), repeated")
      #expect(
        isSame(try product(network.model(threads: 3)).values, first.values), "\(network.testDescription), three threads")
      let large = try network.model(batch: 7)
      let before = large.activationBytes
      try large.prepareHessianProducts()
      #expect(large.activationBytes > before, "room for derivatives is counted")
      #expect(isSame(try product(large).values, first.values), "\(network.testDescription), with room for more images")
      let (left, right) = (Products.direction(model), Products.direction(model, seed: 4))
      let scale = (first.dot(first) * right.dot(right)).squareRoot()
      #expect(abs(right.dot(first) - left.dot(other)) < 1e-4 * scale, "\(network.testDescription), symmetric")
    }
  }

  @Test("An auxiliary head has no part in a product") func auxiliaryHead() throws {
    let network = TinyDerived.auxiliary
    let plain = TinyDerived(testDescription: "no auxiliary head", genotype: network.genotype, side: 32)
    let (model, without) = (try network.model(), try plain.model())
    let (weights, direction, product) = (network.weights(model), Products.direction(model), model.makeVector())
    _ = try model.weightHessianProduct(weights: weights, direction: direction, batch: network.images(), product: product)
    let found = Products.values(model, product)
    #expect(found.filter { $0.key.hasPrefix("auxiliary_head.") }.count == 8)
    #expect(found.filter { $0.key.hasPrefix("auxiliary_head.") }.allSatisfy { $0.value.allSatisfy { $0 == 0 } })
    // The same network without the head, with the same weights.
    func own(_ vector: ParameterVector) -> ParameterVector {
      let values = Dictionary(
        uniqueKeysWithValues: zip(model.engine.tensors.parameters.map(\.name), model.engine.values(of: vector)))
      return without.engine.makeVector(without.engine.tensors.parameters.map { values[$0.name] ?? [] })
    }
    let expected = without.makeVector()
    _ = try without.weightHessianProduct(
      weights: own(weights), direction: own(direction), batch: plain.images(), product: expected)
    #expect(isSame(own(product).values, expected.values))
  }
}
