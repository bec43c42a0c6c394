import Cells
import Formats
import Landscape
import Search

/// What is known of a search at the end of an epoch. Losses are in nats.
public struct DiagnosisEpoch: Equatable, Sendable {
  /// Counted from 1, or as a log counts.
  public let epoch: Int
  /// Whether α had not moved yet.
  public let isWarmup: Bool
  public let genotype: Genotype
  /// Of each kind of cell.
  public let cells: [CellState]
  /// ‖α‖; nil where α is not known, as in logs that hold genotypes alone.
  public let alphaNorm: Double?
  /// Over the whole validation split, as the search recorded it; nil where metrics.csv has no row.
  public var validationLoss: Double?
  /// Largest eigenvalue of ∇²_α L_val: the search's own, else the one that was measured.
  public var eigenvalue: Double?
  /// λ̄, the mean over the window around the epoch, and λ̄(t − k)/λ̄(t); nil where the window is not full.
  public var smoothedEigenvalue: Double?
  public var eigenvalueRatio: Double?
  /// From its checkpoint; nil where that was not looked at.
  public var measurement: CheckpointMeasurement?

  /// - Parameter configuration: of the search.
  /// - Throws: `InputError` where no architecture can be derived from α.
  public init(
    epoch: Int, alphas: ArchitectureParameters, record: EpochRecord?, configuration: SearchConfiguration
  ) throws {
    self.epoch = epoch
    isWarmup = epoch <= configuration.warmup
    let operations = configuration.operations
    genotype = try Genotype(alphas: alphas, operations: operations, maximumSkips: configuration.maximumSkips)
    cells = zip(zip(alphas.matrices, genotype.cells), operations.candidates).map {
      CellState($0.0, cell: $0.1, candidates: $1)
    }
    alphaNorm = alphas.norm
    validationLoss = record?.validationLoss
    eigenvalue = record?.dominantEigenvalue
  }

  /// Of a log, which has no α.
  ///
  /// - Parameter isWarmup: whether α had not moved yet.
  init(epoch: Int, isWarmup: Bool, genotype: Genotype, validationLoss: Double?, eigenvalue: Double?) {
    (self.epoch, self.isWarmup, self.genotype) = (epoch, isWarmup, genotype)
    cells = genotype.cells.map { CellState($0) }
    alphaNorm = nil
    (self.validationLoss, self.eigenvalue) = (validationLoss, eigenvalue)
  }

  public var normal: CellState { cells[0] }
  /// Of the reduction cell; nil where there is none.
  public var reduce: CellState? { cells.count > 1 ? cells[1] : nil }

  /// - Parameter kind: one of the space's.
  public func cell(_ kind: CellKind) -> CellState { cells[genotype.cells.firstIndex { $0.kind == kind } ?? 0] }

  /// Of a diagnosis that measures what diagnoses usually do.
  public static var columns: [String] { columns(comparing: Objective.approximations) }

  /// - Parameter approximations: those that checkpoints are measured by.
  public static func columns(comparing approximations: [Objective]) -> [String] {
    ownColumns + ObjectiveAgreement.columns(approximations) + ["genotype"]
  }

  private static let ownColumns = [
    "epoch", "warmup", "skips_normal", "skips_reduce", "parameter_free_normal", "parameter_free_reduce",
    "skip_weight_normal", "skip_weight_reduce", "skip_margin_normal", "skip_margin_reduce",
    "parameter_free_margin_normal", "parameter_free_margin_reduce", "entropy_normal", "entropy_reduce", "alpha_norm",
    "validation_loss", "dominant_eigenvalue", "eigenvalue_smoothed", "eigenvalue_ratio", "supernet_loss",
    "supernet_accuracy", "genotype_loss", "genotype_accuracy", "discretisation_gap",
  ]

  /// The row of diagnosis.csv under `columns(comparing:)`; what is not known is an empty cell.
  public func fields(comparing approximations: [Objective]) -> [CSVField] {
    func real(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    func whole(_ value: Int?) -> CSVField { value.map(CSVField.integer) ?? .text("") }
    let found = measurement
    let own: [CSVField] = [
      .integer(epoch), .integer(isWarmup ? 1 : 0), .integer(normal.skips), whole(reduce?.skips),
      .integer(normal.parameterFree), whole(reduce?.parameterFree), real(normal.skipWeight), real(reduce?.skipWeight),
      real(normal.skipMargin), real(reduce?.skipMargin), real(normal.parameterFreeMargin), real(reduce?.parameterFreeMargin),
      real(normal.entropy), real(reduce?.entropy), real(alphaNorm), real(validationLoss), real(eigenvalue),
      real(smoothedEigenvalue), real(eigenvalueRatio), real(found?.supernetLoss), real(found?.supernetAccuracy),
      real(found?.genotypeLoss), real(found?.genotypeAccuracy), real(found?.gap),
    ]
    return own + ObjectiveAgreement.values(approximations, in: found?.agreements ?? []).map(real) + [.text(genotype.line)]
  }
}
