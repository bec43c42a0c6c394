import Cells
import Formats
import Foundation
import Problems

/// Rounds of decisions.
extension ProjectionRun {
  /// Makes the rounds that are not made yet, up to a number.
  ///
  /// - Throws: as `results`; `InputError` where a file cannot be written.
  func decide(through rounds: Int) throws {
    while state.rounds < rounds {
      var rows: [RemovalRow] = []
      let before = state.decisions
      do {
        for kind in state.alphas.kinds.indices {
          guard let decision = order.decision(round: state.rounds, kind: kind) else { continue }
          // The kinds before it in this round are decided.
          rows += try decide(decision, kind: kind)
        }
      } catch {
        // A round counts whole or not at all.
        state.decisions = before
        throw error
      }
      state.rounds += 1
      state.rows += rows
      try CSVWriter.write(columns: RemovalRow.columns, rows: state.rows.map(\.cells), to: files.tablePath)
      for row in rows where row.isChosen { training.logger.info("round \(row.round): \(row.account)") }
    }
  }

  private func decide(_ decision: ProjectionOrder.Decision, kind: Int) throws -> [RemovalRow] {
    switch decision {
    case .operation(let edge):
      let columns = candidates(kind: kind, edge: edge)
      let judged = try judge(
        kind: kind, columns.map { (edge, $0, MixingRemoval.operation(kind: kind, edge: edge, column: $0)) })
      var rows = judged.rows
      let place =
        judged.results.map { RemovalChoice.worst($0, by: settings.criterion) }
        ?? RemovalChoice.strongest(rows.dropFirst().map { $0.strength ?? 0 })
      let chosen = place ?? 0
      rows[chosen + 1].isChosen = true
      state.decisions.edges[kind][edge] = .operation(columns[chosen])
      return rows
    case .edges(let node):
      let kindOfCell = state.alphas.kinds[kind]
      let edges = Array(kindOfCell.topology.edgesInto(node: node))
      let judged = try judge(kind: kind, edges.map { ($0, nil, MixingRemoval.edge(kind: kind, edge: $0)) })
      var rows = judged.rows
      let count = kindOfCell.derivation.kept(of: edges.count)
      let kept =
        judged.results.map { RemovalChoice.kept(count, of: $0, by: settings.criterion) }
        ?? RemovalChoice.strongest(count, of: rows.dropFirst().map { $0.strength ?? 0 })
      for (place, edge) in edges.enumerated() {
        if kept.contains(place) { rows[place + 1].isChosen = true } else { state.decisions.edges[kind][edge] = .removed }
      }
      return rows
    }
  }

  /// Columns of the operations that an edge may become.
  private func candidates(kind: Int, edge: Int) -> [Int] {
    let operations = search.operations.candidates[kind][edge]
    let takesNone = settings.none || state.alphas.kinds[kind].derivation.keepsNone
    let columns = operations.indices.filter { takesNone || operations[$0] != .none }
    return columns.isEmpty ? Array(operations.indices) : columns
  }

  private typealias Removed = (edge: Int, column: Int?, removal: MixingRemoval)

  /// A row of the network with everything, and one of each removal; evaluations of the latter, nil where magnitudes decide.
  private func judge(kind: Int, _ removed: [Removed]) throws -> (rows: [RemovalRow], results: [BatchLoss]?) {
    let cell = state.alphas.kinds[kind]
    let operations = search.operations.candidates[kind]
    let strengths = state.alphas.matrices[kind].strengths()
    let width = state.alphas.matrices[kind].operationColumns
    var rows = [RemovalRow(round: state.rounds + 1, kind: cell.name)]
    rows += removed.map { place in
      var row = rows[0]
      row.edge = place.edge
      row.operation = place.column.map { operations[place.edge][$0] }
      (row.source, row.node) = (cell.topology.edges[place.edge].source, cell.topology.edges[place.edge].node)
      let columns = place.column.map { [$0] } ?? candidates(kind: kind, edge: place.edge)
      row.strength = columns.map { strengths[place.edge * width + $0] }.max()
      return row
    }
    guard settings.selection == .perturbation else { return (rows, nil) }
    let (round, before) = (state.rounds, evaluationsBefore(round: state.rounds, kind: kind))
    let results = try results(zip(rows, [nil] + removed.map(\.removal)).map { ($0.key, $1) }) { done in
      let total = work(weightSteps: epochs * stepsPerEpoch, epochs: epochs)
      let weightSteps = training.weightSteps(of: self)
      training.progress.report(
        done: trained(weightSteps: weightSteps, epochs: training.course.epoch)
          + Double(before + done) * evaluationCost, of: total,
        "derive  round \(round + 1)/\(order.count)  \(cell.word) cell  \(done) of \(rows.count) evaluations")
    }
    for index in rows.indices { (rows[index].result, rows[index].whole) = (results[index], results[0]) }
    return (rows, Array(results.dropFirst()))
  }
}

/// How much work a selection is, in weight steps.
extension ProjectionRun {
  /// Of an evaluation on the images that judge: a forward pass is about a third of a weight step.
  private var evaluationCost: Double {
    let all = problem.validationSplitCount
    return Double(settings.validationBatches > 0 ? min(settings.validationBatches, all) : all) / 3
  }

  /// Weight steps, updates of α and validations.
  private func trained(weightSteps: Int, epochs: Int) -> Double {
    Double(weightSteps) * (settings.alphaUpdates == .firstOrder ? 2 : 1) + Double(epochs) * evaluationCost
  }

  /// Evaluations before the decision of a kind in a round.
  private func evaluationsBefore(round: Int, kind: Int) -> Int {
    guard settings.selection == .perturbation else { return 0 }
    return (0...round).reduce(0) { sum, other in
      let kinds = state.alphas.kinds.indices.filter { other < round || $0 < kind }
      return sum
        + kinds.reduce(0) { sum, kind in
          switch order.decision(round: other, kind: kind) {
          case .operation(let edge)?: sum + 1 + candidates(kind: kind, edge: edge).count
          case .edges(let node)?: sum + 1 + state.alphas.kinds[kind].topology.edgesInto(node: node).count
          case nil: sum
          }
        }
    }
  }

  package func work(weightSteps: Int, epochs: Int) -> Double {
    // The last round follows the last epoch.
    let rounds = epochs == self.epochs ? order.count : state.rounds
    return trained(weightSteps: weightSteps, epochs: epochs)
      + Double(evaluationsBefore(round: rounds, kind: 0)) * evaluationCost
  }
}

extension RemovalRow {
  /// What was decided, in words.
  fileprivate var account: String {
    let place = "\(kind) cell, edge \(edge ?? 0) from state \(source ?? 0) into node \(node ?? 0)"
    let what = operation.map { "\(place): \($0)" } ?? "\(place) stays"
    guard let drop = accuracyDrop, let rise = lossRise else { return what }
    return what + String(format: ", accuracy %+.2f %%, loss %+.4f without it", -100 * drop, rise)
  }
}
