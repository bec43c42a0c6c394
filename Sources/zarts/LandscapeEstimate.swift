import Foundation
import Landscape
import Problems
import Runs

/// How long a landscape or a study takes, in words.
enum LandscapeEstimate {
  /// - Parameter vectors: of ω's size that each point has beside those of its objectives.
  static func text(
    _ estimate: TimeEstimate, _ instances: [some NetworkProblem], _ objectives: [Objective], vectors: Int = 0
  ) -> String {
    let memory = instances.reduce(0) { $0 + ProblemFactory.bytes(of: $1, objectives, vectors: vectors) } >> 20
    let walks = [TimeEstimate.Points(estimate.points, estimate.work)] + estimate.further
    var lines = walks.map { "points: \($0.count), each \(work($0.work))" }
    lines += [
      "measured here: a forward pass \(seconds(estimate.forwardSeconds)), a training step \(seconds(estimate.stepSeconds))",
      "at a time: "
        + (estimate.ranks > 1
          ? "\(count(estimate.parallel, "point", "points")) over \(estimate.ranks) ranks; of them here " : "")
        + "\(count(instances.count, "point", "points")) on "
        + "\(count(instances[0].network.threadCount, "thread", "threads")) each, \(max(1, memory)) MiB",
    ]
    if estimate.directions != .init() {
      lines.append("directions: as long as \(work(estimate.directions))")
    }
    if estimate.gradients != .init() {
      lines.append("gradients: as long as \(work(estimate.gradients))")
    }
    if estimate.refinement != .init() {
      lines.append("refinement: at most \(work(estimate.refinement))")
    }
    if estimate.paths != .init() {
      lines.append("paths: \(work(estimate.paths)), \(count(estimate.pathsAtOnce, "path", "paths")) at a time")
    }
    lines.append("estimated time: \(ProgressReporter.duration(estimate.seconds))")
    return lines.joined(separator: "\n")
  }

  /// What share of the points' time went into passes of the network.
  static func timing(seconds: Double, points: Double, engine: Double, _ estimate: TimeEstimate) -> String {
    let share = points > 0 ? 100 * (1 - engine / points) : 0
    return String(
      format: "timing: %.3f s, estimated %.3f s; points took %.3f s together%@, %.2f%% of it outside passes and steps",
      seconds, estimate.seconds, points, estimate.ranks > 1 ? " on rank 0" : "", share)
  }

  private static func work(_ work: EvaluationWork) -> String {
    count(work.forwards, "forward pass", "forward passes") + " and " + count(work.steps, "training step", "training steps")
  }

  private static func count(_ number: Int, _ one: String, _ many: String) -> String {
    "\(number) \(number == 1 ? one : many)"
  }

  private static func seconds(_ value: Double) -> String {
    value < 0.9995 ? String(format: "%.3g ms", 1000 * value) : String(format: "%.3g s", value)
  }
}
