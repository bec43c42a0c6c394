import Cells
import Compute
import Datasets
import Engine
import Formats
import NetworkSupport
import TestSupport
import Testing

/// A network with a product of PyTorch's double backpropagation in float64 (examples/pytorch/make_weight_hessian_golden.py).
struct WeightHessianGolden: CustomTestStringConvertible {
  let name: String
  var testDescription: String { name }

  static let all = [
    "s1", "s2", "s3", "s6", "nb201", "nb201_found", "cifar", "imagenet", "variants/s1_c4_l4_k2", "variants/s6_c4_l3_merged",
  ].map(WeightHessianGolden.init)

  static func file() throws -> TensorFile { try TensorFile(readingFrom: GoldenFile.path("weight_hessians")) }

  private func text(_ key: String, _ file: TensorFile) throws -> String {
    try #require(file.metadata["\(name)/\(key)"], "\(name)/\(key)")
  }

  func number(_ key: String, _ file: TensorFile) throws -> Double { try #require(Double(text(key, file))) }

  private func batch(_ file: TensorFile) throws -> ImageBatch {
    let side = Int(try number("image", file))
    return ImageBatch(
      images: try file.floats("\(name)/images"), labels: try file.integers("\(name)/labels").map(Int32.init), channels: 3,
      height: side, width: side, noiseKey: 0)
  }

  /// The loss and the product of the engine, by name.
  func product(_ file: TensorFile) throws -> (loss: Double, product: [String: [Double]]) {
    if name.hasPrefix("variants/") {
      let golden = VariantGolden(name: String(name.dropFirst("variants/".count)))
      let own = try golden.file()
      let model = try golden.model(own)
      let alphas = try golden.alphas(own, like: model.makeInitialAlphas(seed: 0))
      return try product(model, try model.importVector(from: own, prefix: ""), file) {
        try model.weightHessianProduct(
          weights: $0, alphas: alphas, direction: $1, batch: golden.batch(own, "valid"), product: $2)
      }
    }
    let (channels, cells, side) = (
      Int(try number("channels", file)), Int(try number("layers", file)), Int(try number("image", file))
    )
    let layers = try text("network", file) == "nb201" ? 3 * cells : cells
    let batch = try batch(file)
    guard let genotype = file.metadata["\(name)/genotype"] else {
      let space = try #require(SearchSpace(rawValue: text("space", file)))
      let model = try SupernetModel(
        architecture: SupernetArchitecture(space: space, channels: channels, layers: layers, imageSize: side),
        batch: batch.count, threads: 2, kernels: Kernels.select())
      var alphas = space.zeroAlphas
      alphas.flat = try alphas.kinds.flatMap { try file.floats("\(name)/alphas_\($0.name)") }
      return try product(model, try model.importVector(from: file, prefix: "\(name)/weights."), file) {
        try model.weightHessianProduct(weights: $0, alphas: alphas, direction: $1, batch: batch, product: $2)
      }
    }
    let model = try DerivedModel(
      architecture: DerivedArchitecture(
        genotype: Genotype(parsing: genotype), scale: file.metadata["\(name)/stem"] == "imagenet" ? .imagenet : .cifar,
        channels: channels, layers: layers, imageSize: side, hasAuxiliaryHead: false), batch: batch.count, threads: 2,
      kernels: Kernels.select())
    return try product(model, try model.importVector(from: file, prefix: "\(name)/weights."), file) {
      try model.weightHessianProduct(weights: $0, direction: $1, batch: batch, product: $2)
    }
  }

  private func product(
    _ model: some NetworkModel, _ weights: ParameterVector, _ file: TensorFile,
    _ make: (_ weights: ParameterVector, _ direction: ParameterVector, _ product: ParameterVector) throws -> (
      loss: Double, correct: Int
    )
  ) throws -> (loss: Double, product: [String: [Double]]) {
    let (direction, product) = (
      try model.importVector(from: file, prefix: "\(name)/direction."), model.makeVector()
    )
    let result = try make(weights, direction, product)
    return (result.loss, WeightHessianProductTests.values(model, product))
  }
}

/// Products with the Hessian of ω against PyTorch.
@Suite struct WeightHessianGoldenTests {
  /// Single precision is off by 5e-7 to 2e-6, as PyTorch's own is, which the file holds for each network as `float32`.
  @Test("Products are those of PyTorch's double backpropagation", arguments: WeightHessianGolden.all)
  func isPyTorchs(golden: WeightHessianGolden) throws {
    let file = try WeightHessianGolden.file()
    let found = try golden.product(file)
    #expect(abs(found.loss / (try file.doubles("\(golden.name)/loss", shape: [])[0]) - 1) < 1e-6)
    let expected = try Dictionary(
      uniqueKeysWithValues: found.product.keys.map { name in
        (name, try #require(file.tensors["\(golden.name)/product.\(name)"], "\(name)").values.doubles)
      })
    let error = WeightHessianProductTests.error(found.product, expected)
    let limit = max(1e-5, 5 * (try golden.number("float32", file)))
    #expect(error < limit, "\(error), wanted \(limit)")
  }
}
