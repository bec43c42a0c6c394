import Cells
import Compute
import Datasets
import Engine
import Formats
import NetworkSupport
import TestSupport
import Testing

/// A golden file of PyTorch's supernet with dropped edges, float64 expected values (examples/pytorch/make_robust_golden.py).
private struct DropPathGolden {
  let file: TensorFile
  let model: SupernetModel
  let weights: ParameterVector
  let alphas: ArchitectureParameters

  init(_ space: SearchSpace) throws {
    let file = try TensorFile(readingFrom: GoldenFile.path("robust/drop_\(space.rawValue)"))
    func number(_ key: String) throws -> Int { try #require(Int(file.metadata[key] ?? "")) }
    model = try SupernetModel(
      architecture: SupernetArchitecture(
        space: space, channels: number("channels"), layers: number("layers"), imageSize: number("image"),
        variant: SupernetVariant().withPaths),
      batch: number("batch"), threads: 2, kernels: Kernels.select())
    self.file = file
    weights = try model.importVector(from: file, prefix: "")
    alphas = try ArchitectureParameters(from: file, like: model.makeInitialAlphas(seed: 0))
  }

  func batch(_ split: String) throws -> ImageBatch {
    let side = model.architecture.imageSize
    return ImageBatch(
      images: try file.floats("\(split).images"), labels: try file.integers("\(split).labels").map(Int32.init), channels: 3,
      height: side, width: side, noiseKey: 0)
  }

  func input(_ split: String) throws -> NetworkInput {
    let batch = try batch(split)
    let kept = try file.integers("keep.\(split)").map { $0 == 1 }
    return NetworkInput(
      batch: batch, mixing: alphas.matrices.map { $0.softmaxRows().map(Float.init) },
      drops: PathDrops(isKept: kept, images: batch.count, probability: try file.doubles("drop_path", shape: [])[0]))
  }
}

/// Edges of a supernet that images drop. What the engine computes with them is held against the reference in
/// `ReferenceNetworkTests` and `NetworkEngineTests`.
@Suite struct DropPathTests {
  /// On files of the same size without drops the limits are the same (`VariantGoldenTests`).
  @Test(
    "Losses, logits and gradients of ω and α are those of PyTorch in float64 where edges are dropped",
    arguments: [SearchSpace.s1, .s2])
  func golden(space: SearchSpace) throws {
    let golden = try DropPathGolden(space)
    let (model, file) = (golden.model, golden.file)
    for split in ["train", "valid"] {
      let input = try golden.input(split)
      #expect(input.drops?.isKept.count == model.engine.network.pathCount * input.batch.count)
      let gradient = model.makeVector()
      let result = model.engine.run(
        input, weights: golden.weights, weightGradient: gradient, wantsMixingGradient: true, statistics: .ofBatch)
      #expect(abs(result.loss / (try file.doubles("expect.\(split)_loss", shape: [])[0]) - 1) < 1e-6)
      #expect(
        relativeError(model.lastLogits(count: input.batch.count), try file.floats("expect.\(split)_logits")) < 1e-5)
      if split == "train" {
        for tensor in model.tensors(gradient) {
          let error = relativeError(tensor.values, try file.floats("expect.omega_grad.\(tensor.name)"))
          #expect(error < 5e-5, "\(tensor.name): \(error)")
        }
      } else {
        for (place, kind) in golden.alphas.kinds.enumerated() {
          let (matrix, mixing) = (golden.alphas.matrices[place], result.mixingGradient[place])
          let found = matrix.throughSoftmax(strengthGradient: mixing, bypassGradient: nil).values
          let expected = try file.floats("expect.alpha_grad_first.\(kind.name)")
          #expect(relativeError(found, expected) < 1e-5, "\(kind.name)")
        }
      }
    }
  }

  @Test("With running statistics nothing is dropped, as PyTorch evaluates", arguments: [SearchSpace.s1, .s2])
  func evaluation(space: SearchSpace) throws {
    let golden = try DropPathGolden(space)
    let statistics = try #require(try golden.model.importStatistics(from: golden.file))
    var batch = try golden.batch("train")
    batch.dropPath = 0.5
    let found = golden.model.evaluate(weights: golden.weights, alphas: golden.alphas, batch: batch, statistics: statistics)
    #expect(abs(found.loss / (try golden.file.doubles("expect.running_train_loss", shape: [])[0]) - 1) < 1e-6)
    let trained = golden.model.evaluate(weights: golden.weights, alphas: golden.alphas, batch: batch)
    batch.dropPath = 0
    #expect(trained.loss != golden.model.evaluate(weights: golden.weights, alphas: golden.alphas, batch: batch).loss)
  }

  @Test(
    "A network with paths that drops none is the network without, bit for bit, as is one without paths at any rate",
    arguments: TinySupernet.paths)
  func zeroRate(network: TinySupernet) throws {
    var plain = network
    plain.variant.dropsPaths = false
    func bits(_ network: TinySupernet, rate: Double) throws -> [UInt32] {
      let model = try network.model()
      var batch = network.images()
      batch.dropPath = rate
      let (gradient, statistics) = (model.makeVector(), model.makeInitialStatistics())
      let found = model.gradient(
        weights: model.makeInitialWeights(seed: 3), alphas: network.alphas(), batch: batch, weightGradient: gradient,
        wantsAlphaGradient: true, statistics: statistics)
      return gradient.values.bits + (found.alphas?.flat.bits ?? []) + statistics.values.bits + [Float(found.loss).bitPattern]
    }
    let expected = try bits(plain, rate: 0)
    #expect(try bits(network, rate: 0) == expected)
    #expect(try bits(plain, rate: 0.3) == expected)
    #expect(try bits(network, rate: 0.3) != expected)
  }

  @Test("Which edges an image drops follows from the batch's key and rate alone") func keys() throws {
    let network = TinySupernet(space: .s2, channels: 12, variant: SupernetVariant().withPaths)
    let model = try network.model()
    func loss(key: UInt64, rate: Double) -> Double {
      var batch = network.images(noiseKey: key)
      batch.dropPath = rate
      return model.evaluate(weights: model.makeInitialWeights(seed: 3), alphas: network.alphas(), batch: batch).loss
    }
    let first = loss(key: 1, rate: 0.4)
    #expect(loss(key: 2, rate: 0.4) != first && loss(key: 1, rate: 0.2) != first)
    #expect(loss(key: 1, rate: 0.4).bitPattern == first.bitPattern)
  }

  /// Images that drop every edge have nothing but the classifier's bias for logits, and no gradient flows through their edges.
  @Test(
    "An image that drops every edge sees nothing, and mixing weights have no gradient of it",
    arguments: TinySupernet.paths)
  func everything(network: TinySupernet) throws {
    let model = try network.model()
    let (weights, batch) = (model.makeInitialWeights(seed: 3), network.images(count: 2))
    let mixing = model.engine.network.mixingCounts.map { [Float](repeating: 0.5, count: $0) }
    let paths = model.engine.network.pathCount
    let none = PathDrops(isKept: [Bool](repeating: false, count: 2 * paths), images: 2, probability: 0.5)
    let gradient = model.makeVector()
    let result = model.engine.run(
      NetworkInput(batch: batch, mixing: mixing, drops: none), weights: weights, weightGradient: gradient,
      wantsMixingGradient: true, statistics: .ofBatch)
    #expect(result.mixingGradient.joined().allSatisfy { $0 == 0 })
    let logits = model.lastLogits(count: 2)
    #expect(Array(logits.prefix(10)).bits == Array(logits.suffix(10)).bits, "two images that see nothing are alike")
    // A network of stages carries its stem's output to the first cell, whose nodes are all dropped.
    let edges = model.tensors(gradient).filter { $0.name.contains("_ops") || $0.name.contains(".edges.") }
    #expect(!edges.isEmpty && edges.allSatisfy { $0.values.allSatisfy { $0 == 0 } })
  }

  @Test("Hessian products are of the loss without drops, whatever the batch says") func hessians() throws {
    let network = TinySupernet(space: .s2, channels: 4, variant: SupernetVariant().withPaths)
    let model = try network.model()
    let (weights, alphas, dropping) = (model.makeInitialWeights(seed: 3), network.alphas(), network.images())
    var whole = dropping
    whole.dropPath = 0
    let direction = alphas.flat.map { _ in 1.0 }
    let products = try [dropping, whole].map {
      try model.hessianProduct(weights: weights, alphas: alphas, direction: direction, batch: $0)
    }
    #expect(products[0].product == products[1].product && products[0].loss == products[1].loss)
    let own = try [dropping, whole].map { batch in
      let product = model.makeVector()
      _ = try model.weightHessianProduct(
        weights: weights, alphas: alphas, direction: weights, batch: batch, product: product)
      return product.values.bits
    }
    #expect(own[0] == own[1])
  }
}
