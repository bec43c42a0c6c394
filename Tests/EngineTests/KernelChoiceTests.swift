import Cells
import Compute
import Datasets
import Engine
import Problems
import TestSupport
import Testing

@Suite struct EngineKernelTests {
  private func batches() throws -> BatchLoader {
    try BatchLoader(
      dataset: DatasetSpecification.tensors(file: GoldenFile.path("s2_c16_l3_b4")).load(), seed: 1, batchSize: 4,
      trainLimit: nil)
  }

  @Test("Every vector of a problem on a supernet computes with the set that the problem was given")
  func supernet() throws {
    let loader = try batches()
    for set in Kernels.sets {
      let problem = try SupernetProblem(
        space: .s2, channels: 4, layers: 3, loader: loader, seed: 1, threads: 1, kernels: set)
      #expect(problem.model.instructionSet == set.name)
      let training = InnerTraining(problem: problem)
      for vector in [
        problem.makeVector(), problem.makeInitialWeights(), problem.makeInitialStatistics(),
        problem.makeInitialWeights().duplicate(), training.weights,
      ] { #expect(vector.kernels == set, "\(set.name)") }
    }
  }

  @Test("Weight steps are the same bits on every set, vector algebra and network alike")
  func steps() throws {
    let loader = try batches()
    func bits(_ set: KernelSet) throws -> [UInt32] {
      let problem = try SupernetProblem(
        space: .s2, channels: 4, layers: 3, loader: loader, seed: 1, threads: 1, kernels: set)
      let (weights, velocity, gradient) = (problem.makeInitialWeights(), problem.makeVector(), problem.makeVector())
      var norms: [Double] = []
      for step in 0..<2 {
        norms.append(
          problem.takeWeightStep(
            WeightStep(gradientClip: 0.5), weights: weights, velocity: velocity, gradient: gradient,
            alphas: problem.initialAlphas, batch: try problem.trainingBatch(epoch: step, step: 0), statistics: nil
          ).gradientNorm)
      }
      #expect(norms.allSatisfy { $0 > 0 && $0.isFinite })
      return (weights.values + velocity.values).map(\.bitPattern)
        + norms.flatMap { [UInt32(truncatingIfNeeded: $0.bitPattern), UInt32($0.bitPattern >> 32)] }
    }
    let best = try bits(Kernels.sets[0])
    for set in Kernels.sets.dropFirst() { #expect(try bits(set) == best, "\(set.name)") }
  }
}
