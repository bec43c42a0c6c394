import Cells
import Compute
import Datasets
import Engine
import Formats
import Foundation
import TestSupport
import Testing

/// A golden file of examples/pytorch/partial_channels.py, merged_convolutions.py, auxiliary_skip.py or imagenet_stem.py, float64
/// expected values.
struct VariantGolden: CustomTestStringConvertible {
  let name: String
  var testDescription: String { name }
  static let all = [
    "s5_c8_l3_k4", "s1_c4_l4_k2", "s3_c8_l3_k4", "s6_c4_l3_merged", "s1_c8_l4_merged", "s1_c8_l3_auxiliary",
    "s3_c4_l4_auxiliary", "s2_c8_l3_imagenet",
  ].map(VariantGolden.init)

  func file() throws -> TensorFile {
    try TensorFile(readingFrom: GoldenFile.path("variants/\(name)"))
  }

  private func number(_ key: String, in file: TensorFile) throws -> Int { try #require(Int(file.metadata[key] ?? "")) }

  func model(_ file: TensorFile, threads: Int = 2) throws -> SupernetModel {
    var variant = SupernetVariant()
    variant.partialChannels = file.metadata["partial_channels"].flatMap { Int($0) } ?? 1
    variant.edgeNormalisation = file.metadata["edge_normalisation"] == "true"
    variant.mergedConvolutions = file.metadata["merged_convolutions"] == "true"
    variant.auxiliarySkip = file.metadata["auxiliary_skip"] != nil
    variant.scale = file.metadata["scale"].flatMap(NetworkScale.init) ?? .cifar
    return try SupernetModel(
      architecture: SupernetArchitecture(
        space: #require(SearchSpace(rawValue: file.metadata["space"] ?? "")), channels: number("channels", in: file),
        layers: number("layers", in: file), imageSize: number("image", in: file), variant: variant),
      batch: number("batch", in: file), threads: threads, kernels: Kernels.select())
  }

  func batch(_ file: TensorFile, _ split: String) throws -> ImageBatch {
    let side = try number("image", in: file)
    return ImageBatch(
      images: try file.floats("\(split).images"), labels: try file.integers("\(split).labels").map(Int32.init), channels: 3,
      height: side, width: side, noiseKey: 0)
  }

  /// α and β, or values of their shape such as gradients, from the file.
  func alphas(
    _ file: TensorFile, like shape: ArchitectureParameters, _ infix: String = "alphas_", _ edges: String = "betas_"
  )
    throws -> ArchitectureParameters
  {
    var result = shape
    func fill(_ matrix: inout ArchitectureParameters.Matrix, _ cell: String) throws {
      let operations = try file.floats(infix + cell)
      for row in 0..<matrix.rows {
        for column in 0..<matrix.operationColumns {
          matrix[row, column] = operations[row * matrix.operationColumns + column]
        }
      }
      guard matrix.hasEdgeColumn else { return }
      for (row, value) in try file.floats(edges + cell).enumerated() { matrix[row, matrix.columns - 1] = value }
    }
    try fill(&result.normal, "normal")
    try fill(&result.reduce, "reduce")
    result.auxiliarySkip = try ArchitectureParameters.auxiliarySkip(in: file) ?? 0
    return result
  }
}

@Suite struct VariantGoldenTests {
  @Test("losses, logits and gradients are those of the PyTorch model of a variant", arguments: VariantGolden.all)
  func golden(golden: VariantGolden) throws {
    let file = try golden.file()
    let model = try golden.model(file)
    let weights = try model.importVector(from: file, prefix: "")
    let alphas = try golden.alphas(file, like: model.makeInitialAlphas(seed: 0))
    let valid = try golden.batch(file, "valid")
    let result = model.evaluate(weights: weights, alphas: alphas, batch: valid)
    #expect(relativeError(model.lastLogits(count: valid.count), try file.floats("expect.logits")) < 1e-5)
    #expect(abs(result.loss / Double(try file.floats("expect.valid_loss")[0]) - 1) < 1e-6)

    let gradient = model.makeVector()
    let statistics = model.makeInitialStatistics()
    let train = model.gradient(
      weights: weights, alphas: alphas, batch: try golden.batch(file, "train"), weightGradient: gradient,
      wantsAlphaGradient: false, statistics: statistics)
    #expect(abs(train.loss / Double(try file.floats("expect.train_loss")[0]) - 1) < 1e-6)
    for tensor in model.tensors(gradient) {
      let error = relativeError(tensor.values, try file.floats("expect.omega_grad.\(tensor.name)"))
      // Over 1e-5 only where a gradient of four values is all but zero, as PyTorch's own in float32 there.
      #expect(error < 5e-5, "\(tensor.name)")
    }
    for tensor in model.exportStatistics(statistics) {
      guard case .float32(let values) = tensor.values else { continue }
      // A mean over a whole batch may be zero by construction: what counts is the error beside the spread.
      let expected = try file.floats("expect.statistics.\(tensor.name)")
      for (found, wanted) in zip(values, expected) {
        #expect(abs(found - wanted) < 1e-5 * max(0.1, abs(wanted)), "\(tensor.name)")
      }
    }

    let found = try #require(
      model.gradient(
        weights: weights, alphas: alphas, batch: valid, weightGradient: nil, wantsAlphaGradient: true, statistics: nil
      ).alphas)
    let expected = try golden.alphas(file, like: alphas, "expect.alpha_grad_first.", "expect.beta_grad_first.")
    #expect(relativeError(found.normal.values, expected.normal.values) < 1e-5)
    #expect(relativeError(found.reduce.values, expected.reduce.values) < 1e-5)
    // β by itself, whose gradient could drown beside that of α.
    guard alphas.normal.hasEdgeColumn else { return }
    func edges(_ matrix: ArchitectureParameters.Matrix) -> [Float] {
      (0..<matrix.rows).map { matrix[$0, matrix.columns - 1] }
    }
    #expect(relativeError(edges(found.normal), edges(expected.normal)) < 1e-5)
    #expect(relativeError(edges(found.reduce), edges(expected.reduce)) < 1e-5)
  }

  @Test("every tensor of the PyTorch model is one of the network's", arguments: VariantGolden.all)
  func names(golden: VariantGolden) throws {
    let file = try golden.file()
    let model = try golden.model(file)
    let foreign = ["train.", "valid.", "expect.", "alphas_", "betas_", "auxiliary_skip"]
    let names = file.tensors.keys.filter { name in !foreign.contains { name.hasPrefix($0) } }
    #expect(Set(names) == Set(model.parameterNames))
  }
}
