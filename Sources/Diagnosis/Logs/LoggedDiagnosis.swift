import Cells
import Formats

/// A search judged from its log: the criteria of `CollapseDiagnosis` that need neither α nor checkpoints.
public struct LoggedDiagnosis: Equatable, Sendable {
  public let run: SearchLog.Run
  public let space: SearchSpace
  public let thresholds: CollapseThresholds
  public let epochs: [DiagnosisEpoch]
  public let verdict: CollapseVerdict

  /// - Parameters:
  ///   - space: of which the run's architectures are.
  ///   - warmup: epochs at the beginning in which α did not move, which are not judged.
  /// - Throws: `InputError` for thresholds out of range.
  public init(
    of run: SearchLog.Run, space: SearchSpace, warmup: Int = 0, thresholds: CollapseThresholds = CollapseThresholds()
  ) throws {
    try thresholds.validate()
    (self.run, self.space, self.thresholds) = (run, space, thresholds)
    var epochs = run.epochs.enumerated().map { place, row in
      DiagnosisEpoch(
        epoch: row.epoch, isWarmup: place < warmup, genotype: row.genotype, validationLoss: row.validationLoss,
        eigenvalue: row.eigenvalue)
    }
    DiagnosisEpoch.smoothEigenvalues(&epochs, thresholds)
    self.epochs = epochs
    verdict = CollapseVerdict(of: epochs, chance: try .of(space), thresholds: thresholds)
  }

  /// What no log can say.
  static let absent = [
    "margins and entropy of the mixing weights: a log has no α, so an operation counts however narrowly it won",
    "discretisation, and L1 and L2 beside the true loss: a log has no weights",
  ]

  /// The verdict for people; epochs as the log counts them.
  public var text: String {
    verdict.text(of: "\(run.name) on \(space), \(epochs.count) epochs", notJudged: Self.absent, thresholds: thresholds)
  }
}

extension LoggedDiagnosis {
  /// Criteria of the space that can be met, in the order in which a verdict has them, and `eigenvalue`.
  static func criteria(of space: SearchSpace, _ thresholds: CollapseThresholds) throws -> [String] {
    let chance = try ChanceCounts.of(space)
    return space.kinds.flatMap { cell in
      CollapseKind.allCases.compactMap { kind in
        chance.threshold(for: kind, in: cell, least: thresholds.edges, chance: thresholds.chance)
          .map { _ in "\(kind.rawValue)_\(cell.name)" }
      }
    } + ["eigenvalue"]
  }

  /// Whether a criterion holds to the end or, for `eigenvalue`, was met; nil where it was not judged.
  func holds(_ criterion: String) -> Bool? {
    if criterion == "eigenvalue" { return verdict.judgesSharpness ? verdict.sharpness != nil : nil }
    return verdict.evidence.contains { $0.criterion == criterion }
  }

  static let columns = [
    "run", "verdict", "epoch", "evidence", "signs", "eigenvalue_epoch", "stop_epoch", "eigenvalue_ratio", "epochs",
    "skips_normal", "skips_reduce", "parameter_free_normal", "parameter_free_reduce", "dominant_eigenvalue",
    "validation_accuracy",
  ]

  /// The row of a run: verdict, the epoch that it names, t and t − k of early stopping, and the last epoch.
  var fields: [CSVField] {
    func real(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    func whole(_ value: Int?) -> CSVField { value.map(CSVField.integer) ?? .text("") }
    func list(_ items: [CollapseVerdict.Evidence]) -> CSVField {
      .text(items.map { "\($0.criterion)@\($0.epoch)" }.joined(separator: " "))
    }
    let last = epochs.last
    return [
      .text(run.name), .text(verdict.state.rawValue), whole(verdict.epoch), list(verdict.evidence), list(verdict.signs),
      whole(verdict.sharpness?.epoch), whole(verdict.sharpness?.returned), real(verdict.sharpness?.ratio),
      .integer(epochs.count), whole(last?.normal.skips), whole(last?.reduce?.skips), whole(last?.normal.parameterFree),
      whole(last?.reduce?.parameterFree), real(epochs.compactMap(\.eigenvalue).last),
      real(run.epochs.last?.validationAccuracy),
    ]
  }

  static let epochColumns =
    ["run"] + DiagnosisEpoch.columns(comparing: []) + [
      "learning_rate", "training_loss", "training_accuracy", "validation_accuracy", "hessian_trace",
    ]

  /// A row an epoch: what the diagnosis says of it, and what the log has besides.
  var epochRows: [[CSVField]] {
    func real(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    return zip(epochs, run.epochs).map { epoch, row in
      [.text(run.name)] + epoch.fields(comparing: []) + [
        real(row.learningRate), real(row.trainingLoss), real(row.trainingAccuracy), real(row.validationAccuracy),
        real(row.trace),
      ]
    }
  }
}
