import Cells
import Compute
import Foundation
import Landscape
import Problems

/// Parts of the Hessian products of some checkpoints over the ranks of a crew: for spectra of fewer checkpoints than workers.
final class SpectrumParts<Problem: BilevelProblem> {
  typealias State = (weights: ParameterVector, alphas: ArchitectureParameters)

  private let problems: [Problem]
  private let states: [State]
  private let batchCount: Int
  private let crew: Crew
  private let lock = NSLock()
  private var batches: [Int: Problem.Batch] = [:]

  /// - Parameters:
  ///   - problems: one a worker of this process.
  ///   - states: of the checkpoints.
  ///   - batchCount: batches of the validation split that products are means over.
  init(problems: [Problem], states: [State], batchCount: Int, crew: Crew) {
    (self.problems, self.states, self.batchCount, self.crew) = (problems, states, batchCount, crew)
  }

  static var station: String { "products" }

  /// What computes the parts of one checkpoint's products.
  func spread(
    _ checkpoint: Int, _ isStopRequested: @escaping () -> Bool
  ) -> ArchitectureHessian<Problem>.Spread {
    { [self] pieces in
      var found = [BatchMean?](repeating: nil, count: pieces.count)
      try crew.run(
        pieces.count, isStopRequested: isStopRequested,
        make: { index, worker in try part(pieces[index], of: checkpoint, worker) },
        courier: Crew.Courier(
          to: Self.station,
          request: { index, writer in
            writer.write(checkpoint)
            pieces[index].write(to: &writer)
          },
          result: { _, reader in try BatchMean(from: &reader) }),
        finished: { found[$0] = $1 })
      return found.compactMap { $0 }
    }
  }

  /// On another rank.
  func answer(_ reader: inout MessageReader, worker: Int) throws -> [UInt8] {
    let checkpoint = try reader.int()
    let piece = try HessianPiece(from: &reader)
    guard states.indices.contains(checkpoint), (0..<batchCount).contains(piece.batch) else { throw TruncatedMessage() }
    return try part(piece, of: checkpoint, worker).bytes
  }

  private func part(_ piece: HessianPiece, of checkpoint: Int, _ worker: Int) throws -> BatchMean {
    let batch = try lock.withLock {
      let batch = try batches[piece.batch] ?? problems[0].validationSplitBatch(piece.batch)
      batches[piece.batch] = batch
      return batch
    }
    return try ArchitectureHessian.part(
      piece, problem: problems[worker], weights: states[checkpoint].weights, alphas: states[checkpoint].alphas, batch: batch)
  }
}
