import Cells
import Formats
import Landscape
import Problems

/// Losses of a study, one row an evaluation and objective, each on disk before the next is begun, so that a study that was
/// stopped or killed goes on where it was and ends with the same bytes.
public final class EvaluationJournal {
  /// Which evaluation of a study: its part by name, the place in the data, and two numbers that the part gives a meaning.
  public struct Key: Hashable, Sendable {
    public var part: String
    public var place: Int
    public var first: Int
    public var second: Int

    public init(_ part: String, place: Int = 0, first: Int = 0, second: Int = 0) {
      self.part = part
      self.place = place
      self.first = first
      self.second = second
    }
  }

  public static let columns = ["part", "place", "first", "second", "objective", "inner_steps", "loss", "accuracy"]

  private var known: [Key: [Objective: LandscapePlane.Sample]] = [:]
  private let writer: CSVWriter?

  /// - Parameter path: a CSV file, continued where it is there; nil for none.
  /// - Throws: `InputError` where the file is not such a journal or cannot be written.
  public init(path: String? = nil) throws {
    guard let path else {
      writer = nil
      return
    }
    // Opening drops a row that was cut short, so the table is read after it.
    writer = try CSVWriter(continuing: path, columns: Self.columns)
    let table = try CSVTable(readingFrom: path)
    let (parts, places) = (try table.column("part"), try table.integers("place"))
    let (firsts, seconds) = (try table.integers("first"), try table.integers("second"))
    let (names, steps) = (try table.column("objective"), try table.integers("inner_steps"))
    let (losses, accuracies) = (try table.doubles("loss"), try table.doubles("accuracy"))
    for row in parts.indices {
      guard let objective = Objective(name: names[row], innerSteps: steps[row]) else {
        throw InputError(
          "unknown objective", at: .file("\(path): row \(row + 1)"), found: "\(names[row]) with \(steps[row]) steps",
          wanted: Objective.forms)
      }
      let key = Key(parts[row], place: places[row], first: firsts[row], second: seconds[row])
      known[key, default: [:]][objective] = .init(loss: losses[row], accuracy: accuracies[row])
    }
  }

  /// Whether an evaluation is there with all of these objectives.
  public func holds(_ key: Key, _ objectives: [Objective]) -> Bool {
    guard let samples = known[key] else { return false }
    return objectives.allSatisfy { samples[$0] != nil }
  }

  /// Samples of an evaluation, in the order of the objectives; nil where one is absent.
  public func samples(_ key: Key, _ objectives: [Objective]) -> [LandscapePlane.Sample]? {
    guard holds(key, objectives), let samples = known[key] else { return nil }
    return objectives.compactMap { samples[$0] }
  }

  /// One loss; NaN where it was not evaluated.
  func loss(_ key: Key, _ objective: Objective) -> Double { known[key]?[objective]?.loss ?? .nan }

  /// Keeps what was found and brings it to disk.
  ///
  /// - Throws: `InputError` where the file cannot be written.
  public func add(_ key: Key, _ objectives: [Objective], _ samples: [LandscapePlane.Sample]) throws {
    if let writer {
      try writer.append(
        rows: zip(objectives, samples).map { objective, sample in
          [
            .text(key.part), .integer(key.place), .integer(key.first), .integer(key.second), .text(objective.name),
            .integer(objective.innerSteps), .real(sample.loss), .real(sample.accuracy),
          ]
        })
      try writer.synchronise()
    }
    known[key] = Dictionary(zip(objectives, samples)) { $1 }
  }
}

/// One evaluation that a study needs: objectives at an α.
struct EvaluationTask {
  let key: EvaluationJournal.Key
  let objectives: [Objective]
  let alphas: () -> ArchitectureParameters

  init(_ key: EvaluationJournal.Key, _ objectives: [Objective], at alphas: @escaping () -> ArchitectureParameters) {
    self.key = key
    self.objectives = objectives
    self.alphas = alphas
  }
}

/// How far a study is, and whether somebody wants it to stop.
public struct StudyWatch {
  private let isStopRequested: () -> Bool
  private let report: (_ done: Int, _ total: Int) -> Void
  private let total: Int
  private var done: Int

  /// - Parameters:
  ///   - done: evaluations that an earlier run left in the journal.
  init(
    total: Int, done: Int, isStopRequested: @escaping () -> Bool, report: @escaping (_ done: Int, _ total: Int) -> Void
  ) {
    (self.total, self.done) = (total, done)
    (self.isStopRequested, self.report) = (isStopRequested, report)
    report(done, total)
  }

  /// Evaluates what the journal does not hold yet, in the order of the tasks.
  ///
  /// - Throws: `CancellationError` when a stop was requested; what the evaluator and the journal throw.
  mutating func run<Problem: BilevelProblem>(
    _ tasks: [EvaluationTask], with evaluator: ObjectiveEvaluator<Problem>, journal: EvaluationJournal
  ) throws {
    for task in tasks where !journal.holds(task.key, task.objectives) {
      if isStopRequested() { throw CancellationError() }
      let losses = try evaluator.evaluate(task.objectives, at: task.alphas())
      try journal.add(task.key, task.objectives, losses.map { .init(loss: $0.loss, accuracy: $0.accuracy) })
      done += 1
      report(done, total)
    }
  }

  /// - Throws: `CancellationError` when a stop was requested.
  func checkStop() throws {
    if isStopRequested() { throw CancellationError() }
  }
}
