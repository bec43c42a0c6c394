import ClosedFormSupport
import Compute
import Formats
import Foundation
import Problems
import Statistics
import Studies
import TestSupport
import Testing

/// Everything that a spectrum over weights says, against the dense Hessian of a small network, column by column.
@Suite("Spectra of ω against a dense Hessian") struct DenseWeightSpectrumTests {
  private let problem = Perceptron()

  /// ∇² of the mean loss over all examples of the three batches, in double precision.
  private func dense() throws -> [[Double]] {
    let weights = problem.values(problem.makeInitialWeights())
    let batches = try (0..<3).map { try problem.splitBatch(.training, $0) }
    let whole = Perceptron.Batch(inputs: batches.flatMap(\.inputs), labels: batches.flatMap(\.labels))
    return (0..<Perceptron.count).map { column in
      var unit = [Double](repeating: 0, count: Perceptron.count)
      unit[column] = 1
      return problem.derivatives(weights, along: unit, whole).product
    }
  }

  @Test("its products are the derivative of its gradient, and symmetric") func products() throws {
    let weights = problem.values(problem.makeInitialWeights())
    let batch = try problem.splitBatch(.training, 1)
    var stream = RandomStream(seed: 23, purpose: .test)
    let (u, v) = (stream.normals(Perceptron.count), stream.normals(Perceptron.count))
    func gradient(_ step: Double) -> [Double] {
      problem.derivatives(zip(weights, v).map { $0 + step * $1 }, along: v, batch).gradient
    }
    let found = problem.derivatives(weights, along: v, batch).product
    let difference = zip(gradient(1e-4), gradient(-1e-4)).map { ($0 - $1) / 2e-4 }
    // The error of the difference is of the order of 1e-8 times a third derivative.
    #expect(close(found, difference, .absolute(1e-5)))
    let other = problem.derivatives(weights, along: u, batch).product
    let sides = (zip(u, found).reduce(0) { $0 + $1.0 * $1.1 }, zip(v, other).reduce(0) { $0 + $1.0 * $1.1 })
    #expect(close(sides.0, sides.1, .scaled(1e-9)))
  }

  @Test("eigenvalues, trace, its error and the density are those of the dense Hessian over batches of several sizes")
  func spectrum() throws {
    let matrix = try dense()
    let exact = try SymmetricEigenproblem(matrix).values
    let (low, high) = (exact[0], exact[exact.count - 1])
    let scale = max(-low, high)
    #expect(high > 0.1 && low < 0, "a spectrum of both signs")
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let (probes, starts) = (120, 4)
    let rows = try WeightSpectrumRun(
      problem: problem,
      checkpoints: [.init(name: "one", epoch: nil) { [problem] in (problem.makeInitialWeights(), smallAlphas()) }],
      settings: WeightSpectrumSettings(
        eigenvalues: 4, probes: probes, densitySteps: 40, densityStarts: starts, data: .training, batches: 5,
        keepsVectors: true,
        seed: 6)
    ).run(in: folder)
    func values(_ quantity: SpectrumRow.Quantity) -> [Double] { rows.filter { $0.quantity == quantity }.map(\.value) }
    #expect(close(values(.eigenvalue), exact.suffix(4).reversed(), .absolute(1e-3 * scale)))
    #expect(close(values(.smallest), [low], .absolute(1e-3 * scale)))
    for row in rows where row.quantity == .eigenvalue || row.quantity == .smallest {
      let error = try #require(row.error)
      #expect(error <= 1e-3 * scale && exact.contains { abs($0 - row.value) <= error + 1e-5 * scale }, "\(row)")
    }
    #expect(values(.asymmetry)[0] < 1e-5)

    // One zᵀHz has the variance 2 Σ_{i≠j} H_ij².
    let trace = exact.reduce(0, +)
    var square = 0.0
    for (row, values) in matrix.enumerated() {
      for (column, value) in values.enumerated() where column != row { square += 2 * value * value }
    }
    let found = try #require(rows.first { $0.quantity == .trace })
    let deviation = (square / Double(probes)).squareRoot()
    #expect(abs(found.value - trace) < 4 * deviation, "\(found), \(trace)")
    #expect(abs(try #require(found.error) / deviation - 1) < 0.25)
    #expect(abs(values(.densityTrace)[0] - trace) < 4 * (square / Double(starts)).squareRoot())

    let nodes = try CSVTable(readingFrom: folder.file("spectrum-density.csv"))
    let pairs = Array(zip(try nodes.doubles("node"), try nodes.doubles("weight")))
    #expect(pairs.count == starts * 40)
    // Shares of eigenvalues above a level; a start's spreads by up to 1/√n, 0.06, on nodes that lie as densely as 40 do.
    for level in [0.05, 0.2, 0.5].map({ $0 * high }) {
      let share = Double(exact.count { $0 > level }) / Double(exact.count)
      let mine = pairs.filter { $0.0 > level }.reduce(0) { $0 + $1.1 } / Double(starts)
      #expect(abs(mine - share) < 0.1, "\(level): \(mine), \(share)")
    }
    let vectors = try TensorFile(readingFrom: folder.file("eigenvectors.safetensors"))
    let first = try problem.values(problem.importVector(from: vectors, prefix: "hessian1."))
    #expect(close(first.reduce(0) { $0 + $1 * $1 }, 1, .absolute(1e-5)))
    let image = matrix.map { row in zip(row, first).reduce(0) { $0 + $1.0 * $1.1 } }
    let apart = zip(image, first).reduce(0) { $0 + ($1.0 - high * $1.1) * ($1.0 - high * $1.1) }.squareRoot()
    #expect(apart < 2e-3 * scale)
  }
}
