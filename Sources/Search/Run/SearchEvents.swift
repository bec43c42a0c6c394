import Cells
import Formats
import Foundation
import Problems

/// What a search tells TensorBoard. Steps count weight steps from the start of the run.
struct SearchEvents {
  private let file: EventFile
  /// The candidates of each edge; nil where α stands for no cells.
  private let operations: EdgeOperations?

  /// - Parameter weightSteps: taken before the run goes on; nil for a new one.
  /// - Throws: `InputError` where the file cannot be made.
  init(folder: OutputFolder, operations: EdgeOperations?, continuingAfter weightSteps: Int?) throws {
    file = try EventFile(in: folder, restartingAt: weightSteps.map { $0 + 1 })
    self.operations = operations
  }

  /// One weight step and the update of α before it, where there was one.
  func add(step: Int, loss: BatchLoss, gradientNorm: Double, update: ArchitectureReport?) throws {
    var values: [TrainingEvent.Value] = [
      .scalar("step/training_loss", loss.loss), .scalar("step/gradient_norm", gradientNorm),
    ]
    if let update {
      let measured: [(String, Double?)] = [
        ("validation_loss", update.validationLoss), ("baseline_loss", update.baselineLoss),
        ("ess", update.effectiveSampleSize), ("alpha_gradient_norm", update.gradientNorm),
        ("alpha_update_norm", update.updateNorm),
      ]
      values += measured.compactMap { name, value in value.map { .scalar("step/\(name)", $0) } }
    }
    try file.append(values, step: step)
  }

  /// A finished epoch.
  func add(_ record: EpochRecord, alphas: ArchitectureParameters, genotype: Genotype?) throws {
    let measured: [(String, Double?)] = [
      ("loss/training", record.trainingLoss), ("loss/validation", record.validationLoss),
      ("loss/baseline", record.baselineLoss), ("accuracy/training", record.trainingAccuracy),
      ("accuracy/validation", record.validationAccuracy), ("schedule/learning_rate", record.learningRate),
      ("schedule/sigma", record.sigma), ("alpha/ess", record.effectiveSampleSize), ("alpha/norm", record.alphaNorm),
      ("alpha/entropy_normal", record.normalEntropy), ("alpha/entropy_reduce", record.reduceEntropy),
      ("alpha/gradient_norm", record.alphaGradientNorm), ("alpha/update_norm", record.alphaUpdateNorm),
      ("alpha/dominant_eigenvalue", record.dominantEigenvalue),
      ("skip_connections/normal", record.skipConnections.map(Double.init)),
      ("skip_connections/reduce", record.reduceSkipConnections.map(Double.init)),
    ]
    var values: [TrainingEvent.Value] = measured.compactMap { tag, value in value.map { .scalar(tag, $0) } }
    for (index, (kind, matrix)) in zip(alphas.kinds, alphas.matrices).enumerated() {
      values.append(.histogram("alphas/\(kind.name)", matrix.values.map(Double.init)))
      values += Self.mixingWeights(kind, matrix, operations?.candidates[index])
    }
    if let genotype { values.append(.text("genotype", "`\(genotype.line)`")) }
    try file.append(values, step: record.weightSteps)
    try file.synchronise()
  }

  /// softmax(α), a scalar for each operation of each edge, and with edge normalisation the weight of each edge.
  private static func mixingWeights(
    _ kind: CellKind, _ matrix: ArchitectureParameters.Matrix, _ operations: [[CellOperation]]?
  ) -> [TrainingEvent.Value] {
    let (weights, edgeWeights) = (matrix.softmaxRows(), matrix.edgeWeights())
    let (cell, edges) = (kind.name, kind.topology.edges)
    var result: [TrainingEvent.Value] = []
    for row in 0..<matrix.rows {
      // Candidates other than those of the settings have no names here.
      let names = operations.flatMap { row < $0.count && $0[row].count == matrix.operationColumns ? $0[row] : nil }
      let isKnown = names != nil && row < edges.count
      let edge = isKnown ? "node\(edges[row].node)_from_\(source(edges[row].source, kind.topology))" : "edge\(row)"
      if matrix.hasEdgeColumn { result.append(.scalar("edges_\(cell)/\(edge)", edgeWeights[row])) }
      for column in 0..<matrix.operationColumns {
        let name = names?[column].rawValue ?? "operation\(column)"
        result.append(.scalar("mixing_\(cell)/\(edge)/\(name)", weights[row * matrix.operationColumns + column]))
      }
    }
    return result
  }

  private static func source(_ state: Int, _ topology: CellTopology) -> String {
    state < topology.inputCount
      ? "input_k-\(topology.cellsBack(toInput: state))" : "node\(state - topology.inputCount)"
  }
}
