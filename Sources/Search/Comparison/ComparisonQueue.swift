import Compute

/// Jobs that wait for others, in their order. What calls it must not call it twice at a time.
struct ComparisonQueue {
  enum Task: Equatable, Sendable {
    /// A warm-up, by its number.
    case warmup(Int)
    /// A run of the plan, by its number.
    case run(Int)
  }

  private struct Entry {
    /// Its number in the list of tasks.
    let index: Int
    /// The warm-up that it needs.
    let needed: Int?
  }

  private var waiting: [Entry]
  private var finishedWarmups: Set<Int> = []

  /// - Parameter tasks: each with the number of the warm-up that it needs, which comes before it.
  init(_ tasks: [(task: Task, needed: Int?)]) {
    waiting = tasks.enumerated().map { Entry(index: $0, needed: $1.needed) }
  }

  /// Takes the first task that can start, by its number in the list.
  mutating func next() -> Crew.NextPiece {
    guard !waiting.isEmpty else { return .nothing }
    let ready = waiting.firstIndex { entry in entry.needed.map(finishedWarmups.contains) ?? true }
    return ready.map { .piece(waiting.remove(at: $0).index) } ?? .later
  }

  /// A warm-up has ended, well or not.
  mutating func finish(warmup: Int) { finishedWarmups.insert(warmup) }
}
