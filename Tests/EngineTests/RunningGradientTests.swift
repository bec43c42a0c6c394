import Cells
import Compute
import Datasets
import Engine
import Formats
import TestSupport
import Testing

/// Gradients with running statistics against PyTorch's `eval()` in float64 (examples/pytorch/make_robust_golden.py). No input of a ReLU and
/// no two candidates of a maximum are within 1e-5 of a tie there, a hundred times what float32 rounds.
@Suite("Gradients with running statistics") struct RunningGradientTests {
  private struct Case {
    let file: TensorFile
    let model: SupernetModel
    let weights: ParameterVector
    let statistics: ParameterVector
    let alphas: ArchitectureParameters
    let batch: ImageBatch

    init(_ space: SearchSpace) throws {
      let file = try TensorFile(readingFrom: GoldenFile.path("robust/running_\(space.rawValue)"))
      func number(_ key: String) throws -> Int { try #require(file.metadata[key].flatMap { Int($0) }) }
      let side = try number("image")
      batch = ImageBatch(
        images: try file.floats("train.images"), labels: try file.integers("train.labels").map(Int32.init), channels: 3,
        height: side, width: side, noiseKey: 0)
      model = try SupernetModel(
        architecture: SupernetArchitecture(
          space: space, channels: number("channels"), layers: number("layers"), imageSize: side), batch: batch.count,
        threads: 2, kernels: Kernels.select())
      weights = try model.importVector(from: file, prefix: "")
      statistics = try #require(try model.importStatistics(from: file))
      alphas = try ArchitectureParameters(from: file, like: space.zeroAlphas)
      self.file = file
    }

    /// The worse of the two cells, in norm.
    func error(_ found: [[Double]], _ name: String) throws -> Double {
      try zip(["normal", "reduce"], found).map { cell, values in
        let wanted = try file.doubles("expect.\(name).\(cell)")
        return distance(values, wanted) / norm(wanted)
      }.max() ?? .infinity
    }
  }

  @Test(
    "of mixing weights are those of PyTorch's eval(), and with the batch's statistics those of train()",
    arguments: [SearchSpace.s1, .s3])
  func mixing(space: SearchSpace) throws {
    let golden = try Case(space)
    let before = golden.statistics.values
    let running = golden.model.mixingGradient(
      weights: golden.weights, alphas: golden.alphas, batch: golden.batch, statistics: golden.statistics)
    #expect(close(running.loss, try golden.file.doubles("expect.train_loss")[0], .relative(1e-6)))
    #expect(try golden.error(running.mixing, "mixing_grad") < 1e-5)
    #expect(golden.statistics.values == before)
    let own = golden.model.mixingGradient(
      weights: golden.weights, alphas: golden.alphas, batch: golden.batch, statistics: nil)
    #expect(close(own.loss, try golden.file.doubles("expect.batch.train_loss")[0], .relative(1e-6)))
    #expect(try golden.error(own.mixing, "batch.mixing_grad") < 1e-5)
    #expect(try golden.error(own.mixing, "mixing_grad") > 1e-2, "the two are others")
  }

  @Test("of ω are those of PyTorch's eval()", arguments: [SearchSpace.s1, .s3])
  func weights(space: SearchSpace) throws {
    let golden = try Case(space)
    let gradient = golden.model.makeVector()
    _ = golden.model.engine.run(
      NetworkInput(batch: golden.batch, mixing: golden.alphas.matrices.map { $0.softmaxRows().map(Float.init) }),
      weights: golden.weights, weightGradient: gradient, wantsMixingGradient: false,
      statistics: .running(golden.statistics))
    for tensor in golden.model.export(gradient) {
      guard case .float32(let values) = tensor.values else { throw TestFailure("\(tensor.name) is not float32") }
      let wanted = try golden.file.doubles("expect.omega_grad.\(tensor.name)")
      // Where nothing flows PyTorch has zeros too.
      #expect(distance(doubles(values), wanted) <= 1e-5 * norm(wanted), "\(tensor.name)")
    }
  }
}
