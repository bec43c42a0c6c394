import Cells
import Compute
import Foundation
import Problems

/// Computes pieces of spectra of ∇²_ω L, whole ones on one copy of the problem or their products in parts over the ranks of
/// a crew.
final class WeightSpectrumBench<Problem: BilevelProblem> {
  typealias State = (weights: ParameterVector, alphas: ArchitectureParameters)

  /// Values of ω.
  let dimension: Int
  private let problems: [Problem]
  private let states: [State]
  private let epochs: [Int]
  private let settings: WeightSpectrumSettings
  private let batches: [Problem.Batch]

  /// - Parameters:
  ///   - problems: one a worker of this process.
  ///   - states: of the checkpoints.
  ///   - epochs: keys of their random vectors.
  /// - Throws: what the problem throws where its data are damaged.
  init(problems: [Problem], states: [State], epochs: [Int], settings: WeightSpectrumSettings) throws {
    (self.problems, self.states, self.epochs, self.settings) = (problems, states, epochs, settings)
    dimension = problems[0].weightValueCount
    batches = try (0..<settings.batchCount(of: problems[0])).map { try problems[0].splitBatch(settings.data, $0) }
  }

  /// A piece on a worker's copy of the problem.
  func result(
    of piece: WeightSpectrumPiece, _ checkpoint: Int, worker: Int, isStopRequested: @escaping () -> Bool,
    counted: () -> Void
  ) throws -> WeightSpectrumResult {
    let state = states[checkpoint]
    return try result(
      of: piece, checkpoint, problems[worker],
      WeightHessian(
        problem: problems[worker], weights: state.weights, alphas: state.alphas, batches: batches,
        isStopRequested: isStopRequested), counted)
  }

  /// A piece whose products ranks share batch by batch.
  func result(
    of piece: WeightSpectrumPiece, _ checkpoint: Int, over crew: Crew, isStopRequested: @escaping () -> Bool,
    counted: () -> Void
  ) throws -> WeightSpectrumResult {
    let state = states[checkpoint]
    let hessian = WeightHessian(
      problem: problems[0], weights: state.weights, alphas: state.alphas, batchCount: batches.count
    ) { [self] vector, take in
      // Handed over in the order of the batches, and not kept any longer than that takes.
      var (waiting, next): ([Int: (ParameterVector, Int)], Int) = ([:], 0)
      try crew.run(
        batches.count, isStopRequested: isStopRequested,
        make: { batch, worker in try part(of: vector, checkpoint, batch: batch, worker: worker) },
        courier: Crew.Courier(
          to: Self.productStation,
          request: { batch, writer in
            writer.write(checkpoint)
            writer.write(batch)
            writer.write(vector.values)
          },
          result: { [self] _, reader in
            let count = try reader.int()
            return (try self.vector(of: reader.floats()), count)
          }),
        finished: { batch, found in
          waiting[batch] = found
          while let (product, count) = waiting.removeValue(forKey: next) {
            take(product, count)
            next += 1
          }
        })
    }
    return try result(of: piece, checkpoint, problems[0], hessian, counted)
  }

  private func result(
    of piece: WeightSpectrumPiece, _ checkpoint: Int, _ problem: Problem, _ hessian: WeightHessian<Problem>,
    _ counted: () -> Void
  ) throws -> WeightSpectrumResult {
    try piece.result(
      of: hessian, problem: problem, settings: settings, epoch: epochs[checkpoint], dimension: dimension, counted: counted)
  }

  private func part(
    of vector: ParameterVector, _ checkpoint: Int, batch: Int, worker: Int
  ) throws -> (product: ParameterVector, count: Int) {
    let (problem, state) = (problems[worker], states[checkpoint])
    let product = problem.makeVector()
    let loss = try problem.weightHessianProduct(
      weights: state.weights, alphas: state.alphas, direction: vector, batch: batches[batch], product: product)
    return (product, loss.count)
  }

  /// Values as they lie in memory, as a vector of the problem.
  ///
  /// - Throws: `TruncatedMessage` where they are too few or too many.
  func vector(of values: [Float]) throws -> ParameterVector {
    let vector = problems[0].makeVector()
    guard values.count == vector.count else { throw TruncatedMessage() }
    for (index, value) in values.enumerated() { vector[index] = value }
    return vector
  }

  // MARK: On another rank

  static var pieceStation: String { "weight-pieces" }
  static var productStation: String { "weight-products" }

  /// Answers a request for a whole piece: whether it came to its end, and its result.
  func answerPiece(
    _ reader: inout MessageReader, worker: Int, isStopRequested: @escaping () -> Bool
  ) throws -> [UInt8] {
    let (checkpoint, place) = (try reader.int(), try reader.int())
    let pieces = WeightSpectrumPiece.all(settings)
    guard states.indices.contains(checkpoint), pieces.indices.contains(place) else { throw TruncatedMessage() }
    var writer = MessageWriter()
    do {
      let result = try result(
        of: pieces[place], checkpoint, worker: worker, isStopRequested: isStopRequested, counted: {})
      writer.write(true)
      return writer.bytes + result.bytes
    } catch is CancellationError {
      writer.write(false)
      return writer.bytes
    }
  }

  /// Answers a request for a product on a batch.
  func answerProduct(_ reader: inout MessageReader, worker: Int) throws -> [UInt8] {
    let (checkpoint, batch) = (try reader.int(), try reader.int())
    guard states.indices.contains(checkpoint), batches.indices.contains(batch) else { throw TruncatedMessage() }
    let (product, count) = try part(of: vector(of: reader.floats()), checkpoint, batch: batch, worker: worker)
    var writer = MessageWriter()
    writer.write(count)
    writer.write(product.values)
    return writer.bytes
  }
}
