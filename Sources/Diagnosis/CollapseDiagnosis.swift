import Cells
import Formats
import Foundation
import Landscape
import Problems
import Search

/// A search judged from its files: one row an epoch, and a verdict.
public struct CollapseDiagnosis: Equatable, Sendable {
  public let configuration: SearchConfiguration
  public let thresholds: CollapseThresholds
  public let epochs: [DiagnosisEpoch]
  public let verdict: CollapseVerdict
  /// How the search went back and was regularised more; empty where it never did.
  public let rollBacks: [RollBack]
  /// How products of the Hessian of eigenvalues were made: one kind throughout, since eigenvalues are compared.
  public let hessian: HessianKind

  /// - Parameters:
  ///   - measurements: by epoch, counted from 1.
  ///   - hessian: of the measured eigenvalues; nil for that of the search. Those that the search logged count only where it
  ///     is the same.
  /// - Throws: `InputError` for thresholds out of range and for a run without a finished epoch, and where no architecture
  ///   can be derived.
  public init(
    configuration: SearchConfiguration, alphas: [ArchitectureParameters], records: [EpochRecord],
    measurements: [Int: CheckpointMeasurement] = [:], thresholds: CollapseThresholds = CollapseThresholds(),
    hessian: HessianKind? = nil, rollBacks: [RollBack] = []
  ) throws {
    try thresholds.validate()
    guard !alphas.isEmpty else {
      throw InputError("nothing to judge", at: "run", found: "no finished epoch", wanted: "one at least")
    }
    self.configuration = configuration
    self.rollBacks = rollBacks
    self.hessian = hessian ?? configuration.hessian
    let takesLogged = self.hessian == configuration.hessian
    self.thresholds = thresholds
    var epochs = try alphas.enumerated().map { index, alphas in
      var epoch = try DiagnosisEpoch(
        epoch: index + 1, alphas: alphas, record: records.first { $0.epoch == index + 1 }, configuration: configuration)
      epoch.measurement = measurements[index + 1]
      epoch.eigenvalue = (takesLogged ? epoch.eigenvalue : nil) ?? epoch.measurement?.eigenvalue
      return epoch
    }
    DiagnosisEpoch.smoothEigenvalues(&epochs, thresholds)
    self.epochs = epochs
    verdict = CollapseVerdict(of: epochs, chance: try .of(configuration), thresholds: thresholds)
  }

  /// Reads a run that is finished or going on: what of its files is newest may be ahead of the rest by an epoch.
  ///
  /// - Throws: besides, `InputError` where a file cannot be read, and for a progressive search, whose stages are runs.
  public init(
    of run: SearchRunFolder, measurements: [Int: CheckpointMeasurement] = [:],
    thresholds: CollapseThresholds = CollapseThresholds()
  ) throws {
    let configuration = try run.configuration()
    try run.requireOneRun()
    try run.checkHistory()
    let alphas = try run.alphaHistory()
    let records = FileManager.default.fileExists(atPath: run.metricsPath) ? try run.metrics() : []
    try self.init(
      configuration: configuration, alphas: Array(alphas.prefix(records.count)), records: records,
      measurements: measurements, thresholds: thresholds, rollBacks: run.rollBacks())
  }

  /// Writes diagnosis.csv, diagnosis.yaml and diagnosis.txt.
  ///
  /// - Parameters:
  ///   - settings: of the measurements; nil where there are none.
  ///   - supplements: told beside the verdict.
  /// - Throws: `InputError` where a file cannot be written.
  public func write(
    to folder: OutputFolder, run: String, settings: MeasurementSettings?, supplements: [DiagnosisSupplement] = []
  ) throws {
    let lock = try folder.lock()
    defer { withExtendedLifetime(lock) {} }
    try Self.requireOwn(folder)
    let approximations = settings?.approximations ?? Objective.approximations
    try CSVWriter.write(
      columns: DiagnosisEpoch.columns(comparing: approximations),
      rows: epochs.map { $0.fields(comparing: approximations) }, to: folder.file("diagnosis.csv"))
    try AtomicFile.write(
      yaml(run: run, settings: settings) + supplements.map(\.yaml).joined(), to: folder.file("diagnosis.yaml"))
    try AtomicFile.write(text + supplements.map(\.text).joined() + "\n", to: folder.file("diagnosis.txt"))
  }

  /// Files of an earlier diagnosis are replaced, others of their names are not.
  ///
  /// - Throws: `InputError` where one is not of a diagnosis.
  public static func requireOwn(_ folder: OutputFolder) throws {
    let names: Set<String> = ["diagnosis.csv", "diagnosis.yaml", "diagnosis.txt"]
    let kind = "a file of zarts diagnose"
    try OutputFile.table(kind, ownNames: names) { $0.starts(with: DiagnosisEpoch.columns.prefix(4)) }
      .require(folder.file("diagnosis.csv"))
    try OutputFile.text(kind, ownNames: names) { $0.contains("\nverdict: ") }.require(folder.file("diagnosis.yaml"))
    try OutputFile.text(kind, ownNames: names) { text in
      ["COLLAPSED since epoch", "not collapsed"].contains { text.hasPrefix($0) }
    }.require(folder.file("diagnosis.txt"))
  }
}
