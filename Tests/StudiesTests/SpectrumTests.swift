import ClosedFormSupport
import Compute
import Datasets
import Formats
import Foundation
import Problems
import Statistics
import Studies
import TestSupport
import Testing

struct SpectrumTests {
  private func measure(
    _ problem: QuadraticBilevelProblem, _ settings: SpectrumSettings, epoch: Int? = 3
  ) throws -> [SpectrumRow] {
    try SpectrumMeasurement(
      problem: problem, weights: problem.makeInitialWeights(), alphas: smallAlphas(), epoch: epoch, settings: settings
    ).rows
  }

  private func values(_ rows: [SpectrumRow], _ quantity: SpectrumRow.Quantity) -> [Double] {
    rows.filter { $0.quantity == quantity }.map(\.value)
  }

  @Test func spectrumOfTheClosedFormProblemIsThatOfItsCurvature() throws {
    let problem = try quadratic()
    let curvature = problem.coefficients.alphaCurvature
    let exact = try SymmetricEigenproblem((0..<6).map { row in (0..<6).map { curvature[row, $0] } }).values
    let full = try measure(problem, SpectrumSettings(isFull: true))
    #expect(close(values(full, .eigenvalue), exact.reversed(), .scaled(1e-5)))
    #expect(close(values(full, .smallest), [exact[0]], .scaled(1e-5)))
    #expect(close(values(full, .trace), [exact.reduce(0, +)], .scaled(1e-5)))
    #expect(values(full, .asymmetry)[0] < 1e-5)
    #expect(full.map(\.index).prefix(6) == [1, 2, 3, 4, 5, 6] && full.allSatisfy { $0.epoch == 3 })
    let lanczos = try measure(problem, SpectrumSettings(eigenvalues: 1, probes: 0, tolerance: 1e-6))
    #expect(close(values(lanczos, .eigenvalue), [exact[5]], .scaled(1e-4)))
    #expect(values(lanczos, .trace).isEmpty)
  }

  /// Of random signs zᵀHz has the variance 2 Σ_{i≠j} H_ij².
  @Test func traceIsWithinItsStandardErrorWhichIsTheKnownOne() throws {
    let problem = try quadratic()
    let curvature = problem.coefficients.alphaCurvature
    let rows = try measure(problem, SpectrumSettings(eigenvalues: 1, probes: 400, seed: 5))
    let trace = try #require(rows.first { $0.quantity == .trace })
    var (exact, square) = (0.0, 0.0)
    for row in 0..<6 {
      exact += curvature[row, row]
      for column in 0..<6 where column != row { square += curvature[row, column] * curvature[row, column] }
    }
    let error = (2 * square / 400).squareRoot()
    #expect(abs((trace.error ?? 0) / error - 1) < 0.15)
    #expect(abs(trace.value - exact) < 3 * error, "\(trace.value), \(exact)")
  }

  /// A supernet of 4 channels on the images of a golden file.
  private func supernet() throws -> SupernetProblem {
    let golden = GoldenFile.path("s2_c16_l3_b4")
    let loader = try BatchLoader(
      dataset: DatasetSpecification.tensors(file: golden).load(), seed: 1, batchSize: 4, trainLimit: nil)
    return try SupernetProblem(space: .s2, channels: 4, layers: 3, loader: loader, seed: 1, threads: 1)
  }

  /// All are differences over a distance of functions with kinks: they agree to per cents of the largest eigenvalue.
  @Test func spectrumOfASupernetAgreesWithItsDenseHessianAndWithSecondDifferencesOfItsLoss() throws {
    let problem = try supernet()
    var alphas = problem.initialAlphas
    var stream = RandomStream(seed: 2, purpose: .test)
    alphas.flat = stream.normals(alphas.count).map { Float(0.5 * $0) }
    let weights = problem.makeInitialWeights()
    func rows(_ settings: SpectrumSettings) throws -> [SpectrumRow] {
      try SpectrumMeasurement(problem: problem, weights: weights, alphas: alphas, epoch: nil, settings: settings).rows
    }
    let full = try rows(SpectrumSettings(batches: 1, products: .difference(displacement: 1), isFull: true))
    let found = try rows(SpectrumSettings(eigenvalues: 3, probes: 30, batches: 1, products: .difference(displacement: 1)))
    let largest = values(full, .eigenvalue)[0]
    #expect(values(full, .eigenvalue).count == alphas.count && full[0].epoch == nil)
    for (lanczos, dense) in zip(values(found, .eigenvalue), values(full, .eigenvalue)) {
      #expect(abs(lanczos - dense) < 0.1 * largest, "\(lanczos), \(dense)")
    }
    let (trace, exact) = (try #require(found.first { $0.quantity == .trace }), values(full, .trace)[0])
    #expect(abs(trace.value - exact) < 4 * (trace.error ?? 0) + 0.1 * largest, "\(trace), \(exact)")
    // Of nothing but noise it would be √2.
    #expect(values(full, .asymmetry)[0] < 1.2)
    // H_kk from the loss alone: the slopes of the loss at both ends.
    let batch = try problem.validationSplitBatch(0)
    func loss(_ coordinate: Int, _ place: Double) -> Double {
      let step = (0..<alphas.count).map { $0 == coordinate ? place : 0 }
      return problem.evaluate(weights: weights, alphas: alphas.moved(by: step), batch: batch).loss
    }
    let bySecondDifferences = (0..<alphas.count).reduce(0.0) { sum, coordinate in
      let ahead = loss(coordinate, 1.02) - loss(coordinate, 0.98)
      let behind = loss(coordinate, -0.98) - loss(coordinate, -1.02)
      return sum + (ahead - behind) / 0.04 / 2
    }
    #expect(abs(bySecondDifferences - exact) < 0.1 * abs(exact) + 0.1 * largest, "\(bySecondDifferences), \(exact)")
  }

  @Test("Exact products have no distance to halve, and their settings name them where those of differences are as ever")
  func kinds() throws {
    let problem = try quadratic()
    let exact = try measure(problem, SpectrumSettings(eigenvalues: 2, probes: 0))
    let differences = try measure(
      problem, SpectrumSettings(eigenvalues: 2, probes: 0, products: HessianKind.difference.products()))
    #expect(exact.map(\.quantity) == [.eigenvalue, .eigenvalue, .smallest, .asymmetry])
    #expect(differences.map(\.quantity) == [.eigenvalue, .eigenvalue, .smallest, .asymmetry, .halved])
    #expect(values(exact, .asymmetry)[0] < 1e-12)
    #expect(close(values(exact, .eigenvalue), values(differences, .eigenvalue), .scaled(1e-4)))
    #expect(try SpectrumSettings().entries.map { "\($0.key): \($0.value)" }.contains("hessian: exact"))
    let earlier = try SpectrumSettings(products: .difference(displacement: 0.25)).entries.map { "\($0.key): \($0.value)" }
    #expect(
      earlier == [
        "eigenvalues: 5", "probes: 20", "batches: 4", "displacement: 0.25", "full: false", "tolerance: 0.001",
        "spectrum_seed: 0",
      ])
  }

  @Test("Eigenvalues in mixing weights are those of their dense Hessian; the closed form, which mixes nothing, has α's")
  func mixing() throws {
    let closed = try measure(quadratic(), SpectrumSettings(eigenvalues: 2, probes: 0, takesMixing: true, tolerance: 1e-8))
    #expect(close(values(closed, .mixingEigenvalue), values(closed, .eigenvalue), .scaled(1e-10)))
    let problem = try supernet()
    let (weights, alphas) = (problem.makeInitialWeights(), problem.initialAlphas)
    let rows = try SpectrumMeasurement(
      problem: problem, weights: weights, alphas: alphas, epoch: nil,
      settings: SpectrumSettings(eigenvalues: 1, probes: 0, batches: 1, takesMixing: true)
    ).rows
    let dense = try SymmetricEigenproblem(
      ArchitectureHessian(
        problem: problem, weights: weights, alphas: alphas, batches: [problem.validationSplitBatch(0)],
        coordinates: .mixing
      ).dense()
    ).values
    let (largest, smallest) = (try #require(dense.last), dense[0])
    let found = try #require(rows.first { $0.quantity == .mixingEigenvalue })
    #expect(abs(found.value - largest) < 4e-3 * max(abs(largest), abs(smallest)), "\(found), \(largest)")
    #expect(found.index == 1 && found.uncertainty != nil)
    #expect(rows.map(\.quantity).suffix(3) == [.mixingEigenvalue, .mixingSmallest, .mixingAsymmetry])
  }

  @Test func largestEigenvalueIsThatOfTheSearchItself() throws {
    let problem = try quadratic()
    let rows = try measure(problem, SpectrumSettings(eigenvalues: 1, probes: 0, seed: 9), epoch: 4)
    let hessian = ArchitectureHessian(
      problem: problem, weights: problem.makeInitialWeights(), alphas: smallAlphas(),
      batches: [problem.validationSplitBatch(0)])
    #expect(try hessian.dominantEigenvalue(seed: 9, epoch: 3).largest == values(rows, .eigenvalue)[0])
  }

  @Test func severalCheckpointsAreSmoothedAndAStoppedRunGoesOnToTheSameBytes() throws {
    let scratch = try ScratchFolder()
    let problem = try quadratic()
    var loaded: [Int] = []
    func run(epochs: Int = 7, moved: Double = 0) throws -> SpectrumRun<QuadraticBilevelProblem> {
      try SpectrumRun(
        problem: problem,
        checkpoints: (0..<epochs).map { epoch in
          .init(name: "epoch-\(epoch)", epoch: epoch) {
            loaded.append(epoch)
            return (problem.makeInitialWeights(), smallAlphas().moved(by: (0..<6).map { _ in 0.1 * Double(epoch) + moved }))
          }
        }, settings: SpectrumSettings(eigenvalues: 2, probes: 2))
    }
    let (whole, parts) = (try OutputFolder.create(at: scratch.file("a")), try OutputFolder.create(at: scratch.file("b")))
    var all = 0
    let expected = try run().run(
      in: whole,
      isStopRequested: {
        all += 1
        return false
      })
    let smoothed = expected.filter { $0.quantity == .smoothed }
    #expect(smoothed.map(\.epoch) == [2, 3, 4])
    let largest = expected.filter { $0.quantity == .eigenvalue && $0.index == 1 }.map(\.value)
    #expect(abs(smoothed[0].value - largest[..<5].reduce(0, +) / 5) < 1e-12)
    var asked = 0
    #expect(throws: CancellationError.self) {
      try run().run(
        in: parts,
        isStopRequested: {
          asked += 1
          return asked > all * 3 / 5
        })
    }
    let rows = try CSVTable(readingFrom: parts.file("journal.csv")).rows.count
    #expect(rows > 0 && !FileManager.default.fileExists(atPath: parts.file("spectrum.csv")))
    #expect(
      refusal { try run(moved: 0.5).run(in: parts, isContinued: true) }?.hasPrefix(
        parts.file("spectrum.yaml") + ": 'checkpoints") == true)
    #expect(
      refusal { try run(epochs: 6).run(in: parts, isContinued: true) }?.hasPrefix(
        parts.file("spectrum.yaml") + ": 'checkpoints") == true)
    #expect(try run().run(in: parts, isContinued: true) == expected)
    #expect(try FileManager.default.contentsOfDirectory(atPath: parts.path).sorted() == ["spectrum.csv", "spectrum.yaml"])
    for name in ["spectrum.csv", "spectrum.yaml"] {
      #expect(try FileBytes.read(whole.file(name)) == FileBytes.read(parts.file(name)), "\(name)")
    }
    #expect(try run().run(in: parts, isContinued: true, isStopRequested: { true }) == expected)
    #expect(refusal { try run(epochs: 0) } == "checkpoints")
    let path = parts.file("spectrum.csv")
    let damaged = try String(contentsOfFile: path, encoding: .utf8).replacing("smallest", with: "least", maxReplacements: 1)
    try AtomicFile.write(damaged, to: path)
    let row = try #require(damaged.split(separator: "\n").firstIndex { $0.contains("least") })
    let error = #expect(throws: InputError.self) { try run().run(in: parts, isContinued: true) }
    #expect(error?.place == .file(path, "row \(row)") && error?.found == "least")
  }

  @Test func settingsThatCannotBeMeantAreRefused() {
    #expect(refusal { try SpectrumSettings(eigenvalues: 0) } == "setting eigenvalues: 0")
    #expect(refusal { try SpectrumSettings(probes: -1) } == "setting probes: -1")
    #expect(refusal { try SpectrumSettings(batches: 0) } == "setting batches: 0")
    #expect(refusal { try SpectrumSettings(products: .difference(displacement: 0)) } == "setting displacement: 0.0")
    #expect(
      refusal { try SpectrumSettings(products: .difference(displacement: 1), takesMixing: true) }
        == "setting hessian: difference")
    #expect(refusal { try SpectrumSettings(tolerance: .nan) } == "setting tolerance: nan")
  }
}
