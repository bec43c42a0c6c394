import Cells
import Compute
import Foundation
import Problems

/// What passes take, measured once by all evaluators of a process at a time, as a walk begins.
final class PassMeter<Problem: BilevelProblem> {
  typealias Seconds = (forward: Double, step: Double)
  /// Where passes are measured, and who is told.
  typealias Request = (alphas: ArchitectureParameters, take: (Seconds) -> Void)

  private var pending: Request?

  func request(at alphas: ArchitectureParameters, take: @escaping (Seconds) -> Void) { pending = (alphas, take) }

  /// The request that nobody has begun to answer, which is answered elsewhere then.
  func withdraw() -> Request? {
    defer { pending = nil }
    return pending
  }

  /// What answers the request as a crew begins; nil where there is none.
  func opening(_ evaluators: [ObjectiveEvaluator<Problem>]) -> Crew.Opening? {
    guard let request = withdraw() else { return nil }
    let lock = NSLock()
    var measured: [Seconds] = []
    return Crew.Opening(
      work: { worker in
        let seconds = try evaluators[worker].measurePasses(at: request.alphas)
        lock.withLock { measured.append(seconds) }
      },
      done: {
        // None where other ranks were done with everything before.
        if let mean = lock.withLock({ Self.mean(of: measured) }) { request.take(mean) }
      })
  }

  static func mean(of measured: [Seconds]) -> Seconds? {
    guard !measured.isEmpty else { return nil }
    let sum = measured.reduce((forward: 0.0, step: 0.0)) { ($0.forward + $1.forward, $0.step + $1.step) }
    return (sum.forward / Double(measured.count), sum.step / Double(measured.count))
  }
}
