import Cells
import Compute
import Datasets
import Engine
import Formats
import NetworkSupport
import TestSupport
import Testing

/// A network of a golden file, with the Hessian products of PyTorch's double backpropagation in float64
/// (examples/pytorch/make_hessian_golden.py).
struct HessianGolden: CustomTestStringConvertible, Sendable {
  let name: String
  var testDescription: String { name }

  static let all = ["s1_c16_l3_b4", "s3_c8_l5_b4", "s6_c16_l3_b8", "variants/s5_c8_l3_k4", "nb201/nb201_c8_n1_b4"].map(
    HessianGolden.init)
  /// Those with products by mixing weights.
  static let mixing = all.filter { !$0.name.hasPrefix("variants") }

  /// Single precision is off by 4e-7 to 5e-6, and by 4e-4 on s6, where it decides a maximum or a sign otherwise than double:
  /// there PyTorch's own float32 is off by 2.7e-4.
  var tolerance: Double { name.hasPrefix("s6") ? 1e-3 : 3e-5 }

  /// The network, its weights, α and validation batch.
  func load() throws -> (
    model: SupernetModel, weights: ParameterVector, alphas: ArchitectureParameters, batch: ImageBatch
  ) {
    let file = try TensorFile(readingFrom: GoldenFile.path(name))
    if name.hasPrefix("nb201") {
      let golden = try NASBench201Golden("c8_n1_b4")
      let model = try SupernetModel(
        architecture: SupernetArchitecture(
          space: .nb201, channels: golden.number("channels"), layers: 3 * golden.number("cells"),
          imageSize: golden.number("image")), batch: 4, threads: 2, kernels: Kernels.select())
      let alphas = try ArchitectureParameters(from: file, like: SearchSpace.nb201.zeroAlphas)
      return (model, try model.importVector(from: file, prefix: ""), alphas, try golden.batch("valid"))
    }
    if name.hasPrefix("variants") {
      let golden = VariantGolden(name: String(name.dropFirst("variants/".count)))
      let model = try golden.model(file)
      let alphas = try golden.alphas(file, like: model.makeInitialAlphas(seed: 0))
      return (model, try model.importVector(from: file, prefix: ""), alphas, try golden.batch(file, "valid"))
    }
    let golden = try #require(Golden.all.first { $0.name == name })
    let model = try golden.model(file)
    return (model, try model.importVector(from: file, prefix: ""), try golden.alphas(file), try golden.batch(file, "valid"))
  }

  /// `direction` or `product` of all α and β, in the order of `ArchitectureParameters.flat`.
  func flat(_ what: String, like alphas: ArchitectureParameters) throws -> [Double] {
    let file = try TensorFile(readingFrom: GoldenFile.path("hessians"))
    return try zip(alphas.kinds, alphas.matrices).flatMap { kind, matrix in
      let operations = try file.doubles("\(name)/\(what).alphas_\(kind.name)")
      let edges = matrix.hasEdgeColumn ? try file.doubles("\(name)/\(what).betas_\(kind.name)") : []
      let columns = matrix.operationColumns
      return (0..<matrix.rows).flatMap { row in
        operations[row * columns..<(row + 1) * columns] + (matrix.hasEdgeColumn ? [edges[row]] : [])
      }
    }
  }

  /// `mixing_direction` or `mixing_product`, kind after kind.
  func mixing(_ what: String, like alphas: ArchitectureParameters) throws -> [Double] {
    let file = try TensorFile(readingFrom: GoldenFile.path("hessians"))
    return try alphas.kinds.flatMap { try file.doubles("\(name)/mixing_\(what).\($0.name)") }
  }
}

/// Exact Hessian products of α: the engine's against dual numbers in double precision and against PyTorch.
@Suite struct HessianProductTests {
  private static func error(_ found: [Double], _ expected: [Double]) -> Double {
    norm(zip(found, expected).map { $0 - $1 }) / max(1e-300, norm(expected))
  }

  private static func direction(_ count: Int, seed: UInt64 = 3) -> [Double] {
    var stream = RandomStream(seed: seed, purpose: .test)
    return stream.normals(count)
  }

  /// Over these networks single precision was off by 1e-6 to 1.3e-4.
  @Test(
    "A product is that of dual numbers in double precision, in every space and variant, with the gradient alongside",
    arguments: TinySupernet.all)
  func agreesWithDualNumbers(network: TinySupernet) throws {
    let model = try network.model()
    let weights = model.makeInitialWeights(seed: 11)
    let (alphas, batch) = (network.alphas(), network.images())
    let direction = Self.direction(alphas.count)
    let found = try model.hessianProduct(weights: weights, alphas: alphas, direction: direction, batch: batch)
    let reference = ReferenceSupernet(model.architecture, weights: model.export(weights))
    let product = reference.hessianProduct(alphas: alphas, direction: direction, batch: batch)
    #expect(Self.error(found.product, product) < 3e-4, "\(Self.error(found.product, product))")
    let plain = reference.run(alphas: alphas, batch: batch)
    #expect(Self.error(found.gradient, plain.alphaGradient) < 1e-4, "\(Self.error(found.gradient, plain.alphaGradient))")
    #expect(abs(found.loss / plain.loss - 1) < 1e-5)
  }

  @Test(
    "The bits of a product hang on neither threads nor room for larger batches nor what ran before",
    arguments: TinySupernet.perSpace)
  func bits(network: TinySupernet) throws {
    let (alphas, batch) = (network.alphas(), network.images())
    let direction = Self.direction(alphas.count)
    func product(_ model: SupernetModel) throws -> [UInt64] {
      let found = try model.hessianProduct(
        weights: model.makeInitialWeights(seed: 11), alphas: alphas, direction: direction, batch: batch)
      return (found.product + found.gradient + [found.loss]).map(\.bitPattern)
    }
    let model = try network.model(threads: 1)
    let first = try product(model)
    #expect(try product(model) == first, "repeated")
    #expect(try product(network.model(threads: 3)) == first, "on three threads")
    let large = try network.model(batch: 2 * network.batch + 1, threads: 2)
    let before = large.activationBytes
    try large.prepareHessianProducts()
    #expect(large.activationBytes > before, "room for derivatives is counted")
    #expect(try product(large) == first, "with room for more images")
    _ = try large.hessianProduct(
      weights: large.makeInitialWeights(seed: 5), alphas: network.alphas(seed: 9),
      direction: Self.direction(alphas.count, seed: 8), batch: network.images(seed: 7, count: network.batch + 2))
    #expect(try product(large) == first, "after other images")
  }

  @Test("Products are those of PyTorch's double backpropagation", arguments: HessianGolden.all)
  func isPyTorchs(golden: HessianGolden) throws {
    let (model, weights, alphas, batch) = try golden.load()
    let found = try model.hessianProduct(
      weights: weights, alphas: alphas, direction: golden.flat("direction", like: alphas), batch: batch)
    let error = try Self.error(found.product, golden.flat("product", like: alphas))
    #expect(error < golden.tolerance, "\(error)")
  }

  @Test("Products by the mixing weights themselves are PyTorch's", arguments: HessianGolden.mixing)
  func mixingIsPyTorchs(golden: HessianGolden) throws {
    let (model, weights, alphas, batch) = try golden.load()
    let direction = try golden.mixing("direction", like: alphas)
    #expect(direction.count == model.mixingCount)
    let found = try model.mixingHessianProduct(weights: weights, alphas: alphas, direction: direction, batch: batch)
    let error = try Self.error(found.product, golden.mixing("product", like: alphas))
    #expect(error < golden.tolerance, "\(error)")
  }

  /// Of the network of 8×8 images: those of 32×32 take too long in plain loops.
  @Test("The dual numbers are PyTorch's double backpropagation, to rounding of float64")
  func referenceIsPyTorchs() throws {
    let golden = HessianGolden(name: "variants/s5_c8_l3_k4")
    let (model, weights, alphas, batch) = try golden.load()
    let reference = ReferenceSupernet(model.architecture, weights: model.export(weights))
    let found = reference.hessianProduct(
      alphas: alphas, direction: try golden.flat("direction", like: alphas), batch: batch)
    let error = try Self.error(found, golden.flat("product", like: alphas))
    #expect(error < 1e-9, "\(error)")
  }

  @Test("A derived network has nothing to differentiate by, and says so before anything is laid out")
  func derivedNetwork() throws {
    let genotype = try Genotype(alphas: TinySupernet(space: .s6, channels: 4).alphas(), space: .s6)
    let model = try DerivedModel(
      architecture: DerivedArchitecture(
        genotype: genotype, channels: 4, layers: 3, imageSize: 8, hasAuxiliaryHead: false), batch: 2, threads: 1,
      kernels: Kernels.select())
    let error = #expect(throws: InputError.self) { try model.engine.prepareTangents(images: 2) }
    #expect(error?.found == "a derived network" && error?.wanted == "a supernet")
  }
}
