import Cells
import Datasets
import Formats
import Problems
import TestSupport
import Testing

@Suite("Gradients of NAS-Bench-201") struct NASBench201GradientTests {
  @Test(
    "Second-order gradients and inner steps are those of the PyTorch model in float64", arguments: ["c8_n1_b4", "c16_n1_b4"])
  func bilevel(name: String) throws {
    let path = GoldenFile.path("nb201/nb201_\(name)")
    let file = try TensorFile(readingFrom: path)
    func number(_ key: String) throws -> Int { try #require(file.metadata[key].flatMap { Int($0) }) }
    let problem = try SupernetProblem(
      space: .nb201, channels: number("channels"), layers: 3 * number("cells"),
      loader: BatchLoader(dataset: TensorDataset.load(file: path), seed: 0, batchSize: 4), seed: 0, threads: 2)
    let weights = try problem.importVector(from: file, prefix: "")
    let alphas = try ArchitectureParameters(from: file, like: problem.initialAlphas)
    let training = try problem.trainingBatch(epoch: 0, step: 0)
    let validation = try problem.validationBatch(epoch: 0, step: 0)
    let second = SecondOrderGradient(problem: problem).estimate(
      weights: weights, velocity: nil, alphas: alphas, training: training, validation: validation,
      step: WeightStep(learningRate: 0.025))
    let expected = try file.floats("expect.alpha_grad_second.cell")
    #expect(relativeError(second.gradient.flat, expected) < 1e-3)
    #expect(abs(second.loss.loss / (try file.doubles("expect.unrolled_valid_loss", shape: [])[0]) - 1) < 1e-5)

    let inner = InnerTraining(problem: problem)
    var after: [Double] = []
    let losses = inner.train(
      from: weights, startVelocity: nil, alphas: alphas, batches: Array(repeating: training, count: 10), step: WeightStep()
    ) { step in
      guard [1, 5, 10].contains(step) else { return }
      after.append(problem.evaluate(weights: inner.weights, alphas: alphas, batch: validation).loss)
    }
    for (found, wanted) in [
      (losses, try file.doubles("expect.inner_train_losses", shape: [10])),
      (after, try file.doubles("expect.valid_loss_after", shape: [3])),
    ] {
      // Ten steps of float32 on four images: a ReLU at its kink tells in the fourth digit.
      #expect(zip(found, wanted).allSatisfy { abs($0 - $1) < 2e-4 }, "\(found) \(wanted)")
    }
  }
}
