import Cells
import Compute
import Problems

/// What each operation of a supernet contributes where nothing is decided and nothing trained: the network without it on the
/// first batches of the validation split (DARTS-PT, §4.1), beside its mixing weight.
public struct RemovalSurvey: Equatable, Sendable {
  /// One operation of one edge.
  public struct Operation: Equatable, Sendable {
    public let kind: CellKind
    /// Row of α.
    public let edge: Int
    public let operation: CellOperation
    /// Its mixing weight, times that of its edge where β weighs edges.
    public let strength: Double
    /// Without it.
    public let result: BatchLoss
    /// Accuracy that is lost with it, negative where it is gained.
    public let accuracyDrop: Double
    /// Loss that is added without it.
    public let lossRise: Double
  }

  /// With everything.
  public let whole: BatchLoss
  /// Edge by edge, in the order of α.
  public let operations: [Operation]

  /// - Parameters:
  ///   - batches: of the validation split, as many at most.
  ///   - progress: told of each evaluation, and of how many there are.
  /// - Throws: `CancellationError` where a stop is requested; `Divergence` for a loss that is not finite; what the problem throws.
  public init<Problem: DerivableProblem>(
    of problem: Problem, weights: ParameterVector, alphas: ArchitectureParameters, operations candidates: EdgeOperations,
    batches: Int, isStopRequested: () -> Bool = { false }, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws {
    let total = 1 + alphas.matrices.reduce(0) { $0 + $1.rows * $1.operationColumns }
    var done = 0
    func evaluate(_ removal: MixingRemoval?) throws -> BatchLoss {
      let result = try problem.evaluateValidationSplit(
        weights: weights, alphas: alphas, without: removal, batches: batches, isStopRequested: isStopRequested)
      guard result.loss.isFinite else { throw Divergence("validation loss \(result.loss) with an operation removed") }
      done += 1
      progress(done, total)
      return result
    }
    let whole = try evaluate(nil)
    var found: [Operation] = []
    for (kind, matrix) in alphas.matrices.enumerated() {
      let strengths = matrix.strengths()
      for edge in 0..<matrix.rows {
        for (column, operation) in candidates.candidates[kind][edge].enumerated() {
          let result = try evaluate(.operation(kind: kind, edge: edge, column: column))
          found.append(
            Operation(
              kind: alphas.kinds[kind], edge: edge, operation: operation,
              strength: strengths[edge * matrix.operationColumns + column], result: result,
              accuracyDrop: whole.accuracy - result.accuracy, lossRise: result.loss - whole.loss))
        }
      }
    }
    (self.whole, operations) = (whole, found)
  }

  /// Operations of each edge.
  public var edges: [[Operation]] {
    var result: [[Operation]] = []
    for operation in operations {
      if let last = result.last?.last, last.kind == operation.kind, last.edge == operation.edge {
        result[result.count - 1].append(operation)
      } else {
        result.append([operation])
      }
    }
    return result
  }
}
