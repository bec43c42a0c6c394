import Cells
import Compute
import Formats
import Landscape
import Problems
import Search
import Statistics

/// What a checkpoint's weights say about its α. Losses are in nats.
public struct CheckpointMeasurement: Equatable, Sendable {
  /// L_val(ω, α) and accuracy on the first batches of the validation split.
  public var supernetLoss: Double
  public var supernetAccuracy: Double
  /// The same of the derived architecture with the weights that it inherits.
  public var genotypeLoss: Double
  public var genotypeAccuracy: Double
  /// Largest eigenvalue of ∇²_α L_val; nil where it was not computed.
  public var eigenvalue: Double?
  /// How far approximations are from L_M over the sampled points, one an approximation.
  public var agreements: [ObjectiveAgreement] = []

  /// The discretisation gap, L_val(genotype) − L_val(supernet).
  public var gap: Double { genotypeLoss - supernetLoss }

  public init(supernetLoss: Double, supernetAccuracy: Double, genotypeLoss: Double, genotypeAccuracy: Double) {
    self.supernetLoss = supernetLoss
    self.supernetAccuracy = supernetAccuracy
    self.genotypeLoss = genotypeLoss
    self.genotypeAccuracy = genotypeAccuracy
  }

  /// Of an approximation; nil where it was not measured.
  public func agreement(of objective: Objective) -> ObjectiveAgreement? {
    agreements.first { $0.objective == objective }
  }

  private static let ownColumns = [
    "supernet_loss", "supernet_accuracy", "genotype_loss", "genotype_accuracy", "dominant_eigenvalue",
  ]

  /// - Parameter approximations: those that are measured.
  static func columns(_ approximations: [Objective]) -> [String] {
    ownColumns + ObjectiveAgreement.columns(approximations)
  }

  /// Under `columns`.
  func fields(_ approximations: [Objective]) -> [CSVField] {
    [supernetLoss, supernetAccuracy, genotypeLoss, genotypeAccuracy].map(CSVField.real)
      + ([eigenvalue] + ObjectiveAgreement.values(approximations, in: agreements)).map { $0.map(CSVField.real) ?? .text("") }
  }

  /// Reads what `fields` wrote; nil where a cell is no number.
  init?(cells: [String], _ approximations: [Objective]) {
    let values = cells.map { Double($0) }
    guard cells.count == Self.columns(approximations).count, zip(cells, values).allSatisfy({ $0.isEmpty || $1 != nil }),
      let supernetLoss = values[0], let supernetAccuracy = values[1], let genotypeLoss = values[2],
      let genotypeAccuracy = values[3]
    else { return nil }
    self.init(
      supernetLoss: supernetLoss, supernetAccuracy: supernetAccuracy, genotypeLoss: genotypeLoss,
      genotypeAccuracy: genotypeAccuracy)
    eigenvalue = values[4]
    agreements = ObjectiveAgreement.read(approximations, from: Array(values.dropFirst(Self.ownColumns.count)))
  }

  /// Measures a checkpoint of a search.
  ///
  /// - Parameters:
  ///   - epoch: finished epochs at the checkpoint, 1 or more.
  ///   - wantsEigenvalue: whether the search has none of its own of the kind that is asked for.
  ///   - warn: told where the eigenvalue is partly noise.
  /// - Throws: `CancellationError` where a stop is requested; `InputError` where the checkpoint is not one of this problem.
  public init<Problem: DerivableProblem>(
    of checkpoint: SearchCheckpoint, epoch: Int, genotype: Genotype, problem: Problem, configuration: SearchConfiguration,
    settings: MeasurementSettings, wantsEigenvalue: Bool, isStopRequested: @escaping () -> Bool = { false },
    warn: (String) -> Void = { _ in }
  ) throws {
    guard let alphas = checkpoint.alphas else {
      throw InputError("no α in the checkpoint", at: .file(checkpoint.file.path), wanted: "that of a search")
    }
    let weights = checkpoint.weights
    var (mixed, derived) = (BatchLoss(loss: 0, correct: 0, count: 0), BatchLoss(loss: 0, correct: 0, count: 0))
    for index in 0..<min(settings.validationBatches, problem.validationSplitCount) {
      if isStopRequested() { throw CancellationError() }
      let batch = try problem.validationSplitBatch(index)
      mixed.addSum(problem.evaluate(weights: weights, alphas: alphas, batch: batch))
      derived.addSum(try problem.evaluate(weights: weights, genotype: genotype, batch: batch))
    }
    self.init(
      supernetLoss: mixed.loss / Double(max(1, mixed.count)), supernetAccuracy: mixed.accuracy,
      genotypeLoss: derived.loss / Double(max(1, derived.count)), genotypeAccuracy: derived.accuracy)
    if wantsEigenvalue, settings.eigenvalues {
      let count = min(configuration.eigenvalueBatches, problem.validationSplitCount)
      let hessian = try ArchitectureHessian(
        problem: problem, weights: weights, alphas: alphas, batches: (0..<count).map(problem.validationSplitBatch),
        products: settings.products(of: configuration).products(), isStopRequested: isStopRequested)
      // The key of the search itself, so that the value is the one that it would have logged.
      eigenvalue = try hessian.dominantEigenvalue(seed: configuration.seed, epoch: epoch - 1).largest
      if let warning = NumericalNoise.curvatureWarning(
        "epoch \(epoch)", asymmetry: hessian.asymmetry?.relative, largest: nil, atHalf: nil,
        products: hessian.products)
      {
        warn(warning)
      }
    }
    agreements = settings.approximations.map { ObjectiveAgreement($0) }
    if settings.samples > 0 {
      try compare(checkpoint, alphas, epoch, problem, configuration, settings, isStopRequested)
    }
  }

  /// Approximations against the true loss at random points around α, on the batches that the search meets next.
  private mutating func compare<Problem: BilevelProblem>(
    _ checkpoint: SearchCheckpoint, _ alphas: ArchitectureParameters, _ epoch: Int, _ problem: Problem,
    _ configuration: SearchConfiguration, _ settings: MeasurementSettings, _ isStopRequested: () -> Bool
  ) throws {
    let truth = settings.approximations.count
    let objectives = settings.approximations + [.trueLoss(innerSteps: settings.innerSteps)]
    var step = Schedules(configuration, weightDecay: checkpoint.weightDecay).weightStep(epoch: epoch)
    step.learningRate = checkpoint.learningRate.map { Float($0) } ?? step.learningRate
    let evaluator = try ObjectiveEvaluator(
      problem: problem, weights: checkpoint.weights, velocity: checkpoint.momentum, step: step, epoch: epoch,
      objectives: objectives)
    var losses: [[Double]] = []
    for index in 0..<settings.samples {
      if isStopRequested() { throw CancellationError() }
      var stream = RandomStream(seed: settings.seed, purpose: .directions, epoch: epoch, index: index)
      let place = alphas.moved(by: stream.normals(alphas.count).map { settings.radius * $0 })
      let values = try evaluator.evaluate(objectives, at: place).map(\.loss)
      if values.allSatisfy(\.isFinite) { losses.append(values) }
    }
    guard !losses.isEmpty else { return }
    agreements = try settings.approximations.enumerated().map { index, objective in
      ObjectiveAgreement(
        objective, spearman: try Correlation.spearman(losses.map { $0[index] }, losses.map { $0[truth] }),
        bias: losses.reduce(0) { $0 + $1[index] - $1[truth] } / Double(losses.count))
    }
  }
}

extension BatchLoss {
  /// Adds a batch; `loss` is then the sum over the examples.
  fileprivate mutating func addSum(_ batch: BatchLoss) {
    loss += batch.loss * Double(batch.count)
    correct += batch.correct
    count += batch.count
  }
}
