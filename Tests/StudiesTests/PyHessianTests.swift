import Cells
import Compute
import Datasets
import Formats
import Foundation
import Problems
import Statistics
import Studies
import TestSupport
import Testing

/// Against what PyHessian itself found in float64 on the same network, batch and random vectors
/// (examples/pytorch/make_pyhessian_golden.py; its norms use the statistics of the batch). Products here are float32, about
/// 1e-5 of their norm from those of double precision.
@Suite("Spectra of ω against PyHessian") struct PyHessianTests {
  private let golden: TensorFile
  private let problem: SupernetProblem
  private let weights: ParameterVector
  private let alphas: ArchitectureParameters
  private let hessian: WeightHessian<SupernetProblem>

  init() throws {
    let path = GoldenFile.path("pyhessian")
    golden = try TensorFile(readingFrom: path)
    let loader = try BatchLoader(
      dataset: DatasetSpecification.tensors(file: path).load(), seed: 1, batchSize: 4, trainLimit: nil)
    problem = try SupernetProblem(space: .s3, channels: 4, layers: 3, loader: loader, seed: 1, threads: 1)
    weights = try problem.importVector(from: golden, prefix: "")
    alphas = try ArchitectureParameters(from: golden, like: problem.initialAlphas)
    hessian = WeightHessian(
      problem: problem, weights: weights, alphas: alphas, batches: [try problem.validationSplitBatch(0)])
  }

  /// Random signs, which the file holds as 0 and 1, a row a vector.
  private func starts(_ kind: String, _ index: Int) throws -> ParameterVector {
    let tensors = try problem.export(weights).map { tensor in
      let bits = try golden.tensor("\(kind)_starts.\(tensor.name)")
      guard case .uint8(let values) = bits.values else { throw TruncatedMessage() }
      let count = tensor.shape.reduce(1, *)
      let signs = values[index * count..<(index + 1) * count].map { Float(2 * Int($0) - 1) }
      return NamedTensor(name: tensor.name, shape: tensor.shape, values: .float32(signs))
    }
    return try problem.importVector(from: TensorFile(path: "starts", metadata: [:], tensors: tensors), prefix: "")
  }

  @Test("the largest eigenvalues are those of its power iteration, and both ends those of Lanczos in float64")
  func eigenvalues() throws {
    let ends = try golden.doubles("extreme_eigenvalues")
    let start = try problem.randomWeightVector(.normals, seed: 0, epoch: 0, step: 0)
    let space = try KrylovSpace(
      start: start, dimension: problem.weightValueCount, limit: 120,
      isEnough: RitzPair.areFound(largest: 2, smallest: 1, tolerance: 1e-4), product: hessian.product)
    let scale = max(abs(ends[0]), abs(ends[3]))
    let found = [space.ritz[0].value] + space.ritz.suffix(2).map(\.value)
    // Residuals bound errors to first order; those of isolated eigenvalues are of second order.
    #expect(close(found, [ends[0], ends[2], ends[3]], .absolute(5e-4 * scale)), "\(found), \(ends)")
    #expect(space.asymmetry.relative < 1e-3, "\(space.asymmetry)")
    let byPower = try golden.doubles("eigenvalues")
    for value in byPower {
      #expect(space.ritz.contains { abs($0.value - value) < 5e-4 * scale }, "\(value)")
    }
  }

  @Test("the samples of the trace are its own") func trace() throws {
    let expected = try golden.doubles("trace_samples")
    let found = try expected.indices.map { index in
      let signs = try starts("trace", index)
      return signs.dot(try hessian.product(signs))
    }
    // ‖v‖‖Hv‖ times the error of a product bounds each.
    let scale = expected.map(abs).max() ?? 1
    #expect(close(found, expected, .absolute(1e-3 * scale)), "\(found), \(expected)")
    let spread = (try #require(Moments.mean(found)), try #require(Moments.standardError(found)))
    #expect(close(spread.0, try #require(Moments.mean(expected)), .absolute(1e-3 * scale)))
    #expect(close(spread.1, try #require(Moments.standardError(expected)), .absolute(1e-3 * scale)))
  }

  /// The nodes inside of a spectrum hang on every digit of the products; what they stand for does not: the ends, the moments
  /// and the density at a width that it is looked at with.
  @Test("from its starts the density has its ends, moments and curve") func density() throws {
    let (nodes, weights) = (try golden.tensor("nodes"), try golden.doubles("node_weights"))
    let (starts, steps) = (nodes.shape[0], nodes.shape[1])
    let all = try golden.doubles("nodes")
    let rules = try (0..<starts).map { start in
      try StochasticLanczosQuadrature.Rule(
        KrylovSpace(
          start: self.starts("density", start), dimension: problem.weightValueCount, limit: steps,
          product: hessian.product))
    }
    let theirs = try StochasticLanczosQuadrature(
      (0..<starts).map { start in
        let range = start * steps..<(start + 1) * steps
        return .init(nodes: Array(all[range]), weights: Array(weights[range]))
      })
    let ours = try StochasticLanczosQuadrature(rules)
    #expect(rules.allSatisfy { $0.nodes.count == steps })
    let scale = max(abs(theirs.range.lowerBound), abs(theirs.range.upperBound))
    for (mine, other) in zip(ours.rules, theirs.rules) {
      #expect(close(mine.nodes.first, other.nodes[0], .absolute(2e-3 * scale)))
      #expect(close(mine.nodes.last, other.nodes[steps - 1], .absolute(1e-3 * scale)))
    }
    // vᵀH^p v, each product of which errs by its share of ‖Hv‖.
    let second = theirs.moments(2)
    for power in 1...4 {
      for (start, (mine, other)) in zip(ours.moments(power), theirs.moments(power)).enumerated() {
        let reach = second[start].squareRoot() * pow(scale, Double(power - 1))
        #expect(abs(mine - other) < 3e-4 * reach, "\(power): \(mine), \(other)")
      }
    }
    let (grid, curve) = (try golden.doubles("grid"), try golden.doubles("curve"))
    // density_generate: σ² = sigma_squared · max(1, range of the mean ends with 0.01 on both sides), then a sum of 1 over
    // the grid.
    let width = (1e-3 * max(1, grid[grid.count - 1] - grid[0])).squareRoot()
    let mine = grid.map { place in
      ours.rules.reduce(0.0) { sum, rule in
        sum
          + zip(rule.nodes, rule.weights).reduce(0.0) { $0 + $1.1 * exp(-pow((place - $1.0) / width, 2) / 2) }
      }
    }
    let total = mine.reduce(0, +) * (grid[1] - grid[0])
    let highest = curve.max() ?? 1
    #expect(close(mine.map { $0 / total }, curve, .absolute(0.02 * highest)))
  }
}
