import Cells
import Datasets
import Formats
import Foundation
import Problems
import TestSupport
import Testing

/// Second-order gradients of (α, β) against the PyTorch models of the variants in float64.
struct VariantGradientTests {
  @Test(arguments: [
    "s5_c8_l3_k4", "s1_c4_l4_k2", "s3_c8_l3_k4", "s6_c4_l3_merged", "s1_c8_l4_merged", "s1_c8_l3_auxiliary",
    "s3_c4_l4_auxiliary",
  ])
  func secondOrderGradientsAgreeWithPyTorch(name: String) throws {
    let path = GoldenFile.path("variants/\(name)")
    let file = try TensorFile(readingFrom: path)
    func number(_ key: String) throws -> Int { try #require(file.metadata[key].flatMap { Int($0) }) }
    var variant = SupernetVariant()
    variant.partialChannels = file.metadata["partial_channels"].flatMap { Int($0) } ?? 1
    variant.edgeNormalisation = file.metadata["edge_normalisation"] == "true"
    variant.mergedConvolutions = file.metadata["merged_convolutions"] == "true"
    variant.auxiliarySkip = file.metadata["auxiliary_skip"] != nil
    let problem = try SupernetProblem(
      space: #require(file.metadata["space"].flatMap(SearchSpace.init)), channels: number("channels"),
      layers: number("layers"),
      loader: BatchLoader(dataset: TensorDataset.load(file: path), seed: 0, batchSize: number("batch")),
      seed: 0, threads: 2, variant: variant)
    let alphas = try ArchitectureParameters(from: file, like: problem.initialAlphas)
    let found = try SecondOrderGradient(problem: problem).estimate(
      weights: try problem.importVector(from: file, prefix: ""), velocity: nil, alphas: alphas,
      training: problem.trainingBatch(epoch: 0, step: 0), validation: problem.validationBatch(epoch: 0, step: 0),
      step: WeightStep(learningRate: 0.025)
    ).gradient
    for tensor in found.tensors {
      let parts = tensor.name.split(separator: "_")
      let expected = try file.floats("expect.\(parts[0].dropLast())_grad_second.\(parts[1])")
      guard case .float32(let values) = tensor.values else { throw TestFailure("\(tensor.name) is not float32") }
      let error = distance(doubles(values), doubles(expected)) / norm(doubles(expected))
      // The difference of two gradients half a percent of ‖ω‖ apart leaves fewer digits than the first order has.
      #expect(error < 1e-3, "\(tensor.name): \(error)")
    }
  }
}
