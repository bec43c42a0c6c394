import Foundation
import Problems

/// The evaluators of a walk whose points lie on several benches, each with batches and settings of its own: a worker keeps the
/// evaluator of the bench that it was on last.
final class EvaluatorShelf<Problem: BilevelProblem> {
  typealias Make = (_ bench: Int, _ worker: Int) throws -> ObjectiveEvaluator<Problem>

  private let lock = NSLock()
  private let make: Make
  private var latest: [Int: (bench: Int, evaluator: ObjectiveEvaluator<Problem>)] = [:]

  init(_ make: @escaping Make) { self.make = make }

  /// - Throws: what making an evaluator does.
  func evaluator(_ bench: Int, _ worker: Int) throws -> ObjectiveEvaluator<Problem> {
    if let (known, evaluator) = lock.withLock({ latest[worker] }), known == bench { return evaluator }
    let evaluator = try make(bench, worker)
    lock.withLock { latest[worker] = (bench, evaluator) }
    return evaluator
  }
}
