import Cells
import Compute
import Problems
import Statistics

/// What is found of the spectrum of ∇²_α L_val(ω, α) at one checkpoint.
///
/// In α and, where wanted, in the mixing weights. Eigenvalues come from Lanczos' iteration with full reorthogonalisation, the trace from Hutchinson's estimator: the mean of
/// zᵀHz over vectors z of random signs (*A stochastic estimator of the trace of the influence matrix for Laplacian smoothing
/// splines*, Communications in Statistics 19, 1990). Both need H by its products alone (`ArchitectureHessian`).
public struct SpectrumMeasurement {
  public let rows: [SpectrumRow]

  /// - Parameters:
  ///   - epoch: epochs finished at the checkpoint, nil where it does not say. With the seed it is the key of the random
  ///     vectors; Lanczos' start is the one of the search's own `dominant_eigenvalue`.
  ///   - isStopRequested: asked before each product or gradient.
  /// - Throws: as `ArchitectureHessian.product`; what the problem throws where its data are damaged.
  public init<Problem: BilevelProblem>(
    problem: Problem, weights: ParameterVector, alphas: ArchitectureParameters, epoch: Int?, settings: SpectrumSettings,
    isStopRequested: @escaping () -> Bool = { false }
  ) throws {
    try self.init(
      problem: problem, weights: weights, alphas: alphas, epoch: epoch, settings: settings,
      isStopRequested: isStopRequested, spread: nil)
  }

  /// - Parameter spread: computes parts of products, by the numbers of the batches; nil for one after the other here.
  init<Problem: BilevelProblem>(
    problem: Problem, weights: ParameterVector, alphas: ArchitectureParameters, epoch: Int?, settings: SpectrumSettings,
    isStopRequested: @escaping () -> Bool, spread: ArchitectureHessian<Problem>.Spread?
  ) throws {
    let batches = try (0..<settings.batchCount(of: problem)).map(problem.validationSplitBatch)
    func hessian(_ coordinates: HessianCoordinates) -> ArchitectureHessian<Problem> {
      ArchitectureHessian(
        problem: problem, weights: weights, alphas: alphas, batches: batches, products: settings.products,
        coordinates: coordinates, isStopRequested: isStopRequested, spread: spread)
    }
    let mixing = settings.takesMixing ? hessian(.mixing) : nil
    let hessian = hessian(.alphas)
    let key = max(0, (epoch ?? 1) - 1)
    let (found, asymmetry) =
      settings.isFull
      ? try Self.full(hessian, size: alphas.count, epoch: epoch)
      : try Self.dominant(hessian, epoch: epoch, key: key, settings)
    let trace =
      settings.isFull ? [] : try Self.trace(hessian, size: alphas.count, epoch: epoch, key: key, settings)
    let half = try settings.products.halved.map {
      try hessian.with($0).dominantEigenvalue(seed: settings.seed, epoch: key, tolerance: settings.tolerance).largest
    }
    let change = half.flatMap { half in found.first { $0.quantity == .eigenvalue }.map { abs($0.value - half) } } ?? 0
    rows =
      Self.stating(max(asymmetry.eigenvalueBound, change), of: found) + trace
      + [SpectrumRow(epoch: epoch, .asymmetry, value: asymmetry.relative)]
      + (half.map { [SpectrumRow(epoch: epoch, .halved, value: $0)] } ?? [])
      + (try mixing.map { try Self.mixing($0, epoch: epoch, key: key, settings) } ?? [])
  }

  /// Eigenvalues with their uncertainty: what products leave open, or the residual where that is greater.
  private static func stating(_ uncertainty: Double, of rows: [SpectrumRow]) -> [SpectrumRow] {
    rows.map { row in
      var row = row
      if row.quantity != .trace { row.uncertainty = max(row.error ?? 0, uncertainty) }
      return row
    }
  }

  /// The largest eigenvalues in mixing weights.
  private static func mixing<Problem>(
    _ hessian: ArchitectureHessian<Problem>, epoch: Int?, key: Int, _ settings: SpectrumSettings
  ) throws -> [SpectrumRow] {
    let found = try dominant(hessian, epoch: epoch, key: key, settings)
    let rows = stating(found.asymmetry.eigenvalueBound, of: found.rows).map { row in
      var row = row
      row.quantity = row.quantity == .eigenvalue ? .mixingEigenvalue : .mixingSmallest
      return row
    }
    return rows + [SpectrumRow(epoch: epoch, .mixingAsymmetry, value: found.asymmetry.relative)]
  }

  private static func dominant<Problem>(
    _ hessian: ArchitectureHessian<Problem>, epoch: Int?, key: Int, _ settings: SpectrumSettings
  ) throws -> (rows: [SpectrumRow], asymmetry: ProductAsymmetry) {
    let found = try hessian.largestEigenvalues(
      settings.eigenvalues, seed: settings.seed, epoch: key, tolerance: settings.tolerance,
      limit: 60 + 4 * settings.eigenvalues)
    guard let asymmetry = hessian.asymmetry else { preconditionFailure("an iteration makes products") }
    let largest = found.ritz.prefix(settings.eigenvalues).enumerated().map { index, ritz in
      SpectrumRow(epoch: epoch, .eigenvalue, index: index + 1, value: ritz.value, error: ritz.residual)
    }
    let smallest = found.ritz.suffix(1).map { SpectrumRow(epoch: epoch, .smallest, value: $0.value, error: $0.residual) }
    return (largest + smallest, asymmetry)
  }

  private static func trace<Problem>(
    _ hessian: ArchitectureHessian<Problem>, size: Int, epoch: Int?, key: Int, _ settings: SpectrumSettings
  ) throws -> [SpectrumRow] {
    let probes = (0..<settings.probes).map { probe in
      var stream = RandomStream(seed: settings.seed, purpose: .eigenvalues, epoch: key, step: probe + 1)
      return (0..<size).map { _ in stream.integer(below: 2) == 0 ? -1.0 : 1.0 }
    }
    let values = zip(probes, try hessian.products(with: probes)).map { signs, product in
      zip(signs, product).reduce(0) { $0 + $1.0 * $1.1 }
    }
    return Moments.mean(values).map {
      [SpectrumRow(epoch: epoch, .trace, value: $0, error: Moments.standardError(values))]
    } ?? []
  }

  private static func full<Problem>(
    _ hessian: ArchitectureHessian<Problem>, size: Int, epoch: Int?
  ) throws -> (rows: [SpectrumRow], asymmetry: ProductAsymmetry) {
    let columns = try hessian.products(with: (0..<size).map { index in (0..<size).map { $0 == index ? 1 : 0 } })
    let symmetric = (0..<size).map { row in (0..<size).map { (columns[row][$0] + columns[$0][row]) / 2 } }
    let values = try SymmetricEigenproblem(symmetric).values
    let eigenvalues = values.reversed().enumerated().map { index, value in
      SpectrumRow(epoch: epoch, .eigenvalue, index: index + 1, value: value)
    }
    let rest = [
      SpectrumRow(epoch: epoch, .smallest, value: values[0]),
      SpectrumRow(epoch: epoch, .trace, value: (0..<size).reduce(0) { $0 + columns[$1][$1] }),
    ]
    return (eigenvalues + rest, try ProductAsymmetry(columns))
  }

  /// The smoothed largest eigenvalue of every epoch that has all its neighbours: λ̄(t) of RobustDARTS' early stopping.
  static func smoothed(_ rows: [SpectrumRow]) -> [SpectrumRow] {
    var largest: [Int: Double] = [:]
    for row in rows where row.quantity == .eigenvalue && row.index == 1 {
      if let epoch = row.epoch { largest[epoch] = row.value }
    }
    let half = SpectrumSettings.smoothingWindow / 2
    return largest.keys.sorted().compactMap { epoch in
      let around = (epoch - half...epoch + half).compactMap { largest[$0] }
      guard around.count == SpectrumSettings.smoothingWindow else { return nil }
      return SpectrumRow(epoch: epoch, .smoothed, value: around.reduce(0, +) / Double(around.count))
    }
  }
}
