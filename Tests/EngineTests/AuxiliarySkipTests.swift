import Cells
import Compute
import Datasets
import Engine
import Formats
import NetworkSupport
import TestSupport
import Testing

/// Auxiliary skip connections of DARTS-: what every edge adds beside its mixture, with a weight that is given.
@Suite struct AuxiliarySkipTests {
  private static func error(_ found: [Double], _ expected: [Double]) -> Double {
    norm(zip(found, expected).map { $0 - $1 }) / max(1e-300, norm(expected))
  }

  /// Over these networks PyTorch's own float32 is off by 1e-6; single precision of Hessian products as in `HessianGolden`.
  @Test(
    "Products with Hessians by α and by mixing weights are PyTorch's, and β has no direction in either",
    arguments: ["s1_c8_l3_auxiliary", "s3_c4_l4_auxiliary"])
  func hessianProducts(name: String) throws {
    let golden = VariantGolden(name: name)
    let file = try golden.file()
    let model = try golden.model(file)
    let weights = try model.importVector(from: file, prefix: "")
    let alphas = try golden.alphas(file, like: model.makeInitialAlphas(seed: 0))
    #expect(alphas.auxiliarySkip == 0.7)
    let batch = try golden.batch(file, "valid")
    func values(_ what: String) throws -> [Double] {
      try ["normal", "reduce"].flatMap { try file.floats("expect.\(what).\($0)").map(Double.init) }
    }
    let direction = try values("hessian_direction")
    #expect(direction.count == alphas.count && model.mixingCount == alphas.count)
    let byAlphas = try model.hessianProduct(weights: weights, alphas: alphas, direction: direction, batch: batch)
    #expect(try Self.error(byAlphas.product, values("hessian_product")) < 3e-5)
    let byMixing = try model.mixingHessianProduct(
      weights: weights, alphas: alphas, direction: values("mixing_direction"), batch: batch)
    #expect(byMixing.product.count == model.mixingCount && byMixing.gradient.count == model.mixingCount)
    #expect(try Self.error(byMixing.product, values("mixing_product")) < 3e-5)
  }

  private func pair(_ space: SearchSpace, _ variant: SupernetVariant = SupernetVariant()) -> (
    plain: TinySupernet, auxiliary: TinySupernet
  ) {
    let size = space == .nb201 ? 16 : 8
    return (
      TinySupernet(space: space, channels: 8, imageSize: size, variant: variant),
      TinySupernet(space: space, channels: 8, imageSize: size, variant: .auxiliary(variant))
    )
  }

  @Test(
    "A seed gives the other weights as without them, and at β = 0 losses, logits, gradients and statistics are the plain network's, bit for bit",
    arguments: SearchSpace.allCases)
  func vanishes(space: SearchSpace) throws {
    let variants = space == .nb201 ? [SupernetVariant()] : [SupernetVariant(), .partial(2, edges: true)]
    for variant in variants {
      let (plain, auxiliary) = pair(space, variant)
      func outcome(_ network: TinySupernet, beta: Float) throws -> (
        model: SupernetModel, initial: [String: [Float]], gradient: [String: [Float]], statistics: [NamedTensor],
        loss: Double, alphas: [Float], logits: [Float]
      ) {
        let model = try network.model()
        var alphas = plain.alphas()
        alphas.auxiliarySkip = beta
        let (gradient, statistics) = (model.makeVector(), model.makeInitialStatistics())
        let weights = model.makeInitialWeights(seed: 3)
        let result = model.gradient(
          weights: weights, alphas: alphas, batch: plain.images(), weightGradient: gradient, wantsAlphaGradient: true,
          statistics: statistics)
        let names = { (vector: ParameterVector) in
          Dictionary(uniqueKeysWithValues: model.tensors(vector).map { ($0.name, $0.values) })
        }
        return (
          model, names(weights), names(gradient), model.exportStatistics(statistics), result.loss,
          result.alphas?.flat ?? [], model.lastLogits(count: plain.batch)
        )
      }
      let (without, at0, at1) = try (
        outcome(plain, beta: 0), outcome(auxiliary, beta: 0), outcome(auxiliary, beta: 1)
      )
      #expect(without.loss.bitPattern == at0.loss.bitPattern && without.logits == at0.logits)
      #expect(without.alphas == at0.alphas && !without.alphas.isEmpty)
      for (name, values) in without.initial {
        #expect(at0.initial[name] == values, "\(name)")
        #expect(at0.gradient[name] == without.gradient[name], "\(name)")
      }
      for tensor in without.statistics { #expect(at0.statistics.contains(tensor), "\(tensor.name)") }
      let own = at0.initial.keys.filter { without.initial[$0] == nil }
      #expect(own.allSatisfy { $0.contains(".auxiliary_op.conv_") })
      // Two reduction cells of three have eight edges of stride 2 each, with two convolutions.
      #expect(own.count == (space == .nb201 ? 0 : 2 * 8 * 2))
      #expect(own.allSatisfy { name in at0.gradient[name]?.allSatisfy { $0 == 0 } ?? false }, "nothing reaches them")
      #expect(own.allSatisfy { name in at1.gradient[name]?.contains { $0 != 0 } ?? false }, "at β = 1 something does")
      #expect(at1.loss != at0.loss && at1.alphas != at0.alphas)
      #expect(at0.model.mixingCount == without.model.mixingCount)
    }
  }

  @Test("An edge that is switched off carries nothing, its auxiliary skip connection included")
  func offEdges() throws {
    let network = pair(.s2).auxiliary
    let model = try network.model()
    // Every second edge is its convolution alone, the others carry nothing; each node is reached.
    var alphas = SearchSpace.s2.zeroAlphas
    for kind in alphas.matrices.indices {
      for row in 0..<14 {
        alphas.matrices[kind][row, 0] = ArchitectureParameters.Matrix.offLogit
        if !row.isMultiple(of: 2) { alphas.matrices[kind][row, 1] = ArchitectureParameters.Matrix.offLogit }
      }
    }
    alphas.auxiliarySkip = 0.5
    let gradient = model.makeVector()
    _ = model.gradient(
      weights: model.makeInitialWeights(seed: 3), alphas: alphas, batch: network.images(), weightGradient: gradient,
      wantsAlphaGradient: false, statistics: nil)
    var counts = (on: 0, off: 0)
    for tensor in model.tensors(gradient) where tensor.name.contains(".auxiliary_op.") {
      let parts = tensor.name.split(separator: ".")
      let edge = try #require(Int(parts[3]))
      let isOff = alphas.reduce.isOff(row: edge)
      #expect(tensor.values.allSatisfy { $0 == 0 } == isOff, "\(tensor.name)")
      if isOff { counts.off += 1 } else { counts.on += 1 }
    }
    // Of the edges of stride 2, which are 0, 1, 2, 3, 5, 6, 9 and 10, half are on: two convolutions each in two cells.
    #expect(counts.on == 16 && counts.off == 16)
  }

  @Test(
    "A derived architecture that inherits weights has none, whatever β the search was at", arguments: [SearchSpace.s3, .s6])
  func inheritedArchitecture(space: SearchSpace) throws {
    let (plain, auxiliary) = pair(space)
    let genotype = try Genotype(alphas: plain.alphas(), space: space)
    let losses = try [plain, auxiliary].map { network in
      let model = try network.model()
      return try model.evaluate(
        weights: model.makeInitialWeights(seed: 3), genotype: genotype, batch: plain.images()
      ).loss
    }
    #expect(losses[0].bitPattern == losses[1].bitPattern)
  }

  @Test("Their tensors have the names of the public code and read back what was written")
  func interchange() throws {
    let network = pair(.s1).auxiliary
    let model = try network.model()
    #expect(
      model.parameterNames.suffix(2) == [
        "cells.2._ops.10.auxiliary_op.conv_1.weight", "cells.2._ops.10.auxiliary_op.conv_2.weight",
      ])
    #expect(model.statisticsNames.contains("cells.1._ops.0.auxiliary_op.bn.running_mean"))
    #expect(!model.parameterNames.contains { $0.hasPrefix("cells.0.") && $0.contains("auxiliary_op") })
    let weights = model.makeInitialWeights(seed: 4)
    let file = TensorFile(path: "memory", metadata: [:], tensors: model.export(weights))
    #expect(try model.importVector(from: file, prefix: "").values == weights.values)
  }

  @Test("They are refused beside merged convolutions, for whose edges no network has names")
  func refused() {
    let error = #expect(throws: InputError.self) {
      try SupernetArchitecture(space: .s6, channels: 8, layers: 3, variant: .auxiliary(.merging()))
    }
    #expect(error?.place.setting == "merged_convolutions" && error?.found == "auxiliary skip connections")
  }
}
