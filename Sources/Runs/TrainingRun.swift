import Compute
import Formats
import Foundation
import Logging
import Problems

/// A training run from its first weight step to its last: steps and epochs, stops, checkpoints, what goes on from them,
/// progress, metrics, log, events, and the account of a divergence. What is trained, and how, is its `TrainingTask`.
package final class TrainingRun<Task: TrainingTask> {
  package let files: any RunFolder
  package let logger: Logger
  package let progress: ProgressReporter
  package let stop: StopRequest
  package var course: TrainingCourse<Task.Record, Task.Sums>
  /// The newest checkpoint that this process has written or read.
  package private(set) var lastCheckpoint: String?
  private let kernels: KernelSet
  private var trail = StepTrail()
  private var events: TrainingEvents?
  private var images = 0
  private var mark = ProgressReporter.monotonicSeconds()

  /// - Parameters:
  ///   - label: of the log.
  ///   - kernels: what the task computes with, as the log says.
  /// - Throws: `InputError` where the log cannot be opened.
  package init(
    in files: any RunFolder, label: String, progress: ProgressReporter, stop: StopRequest, kernels: KernelSet,
    course: TrainingCourse<Task.Record, Task.Sums> = .init()
  ) throws {
    (self.files, self.progress, self.stop, self.course) = (files, progress, stop, course)
    self.kernels = kernels
    let handler = try RunLogHandler(path: files.logPath)
    logger = Logger(label: label) { _ in handler }
  }

  /// Begins a run in its prepared folder: writes the checkpoint of epoch 0 and says so in the log.
  ///
  /// - Throws: `InputError` where the folder cannot be written.
  package func begin(_ task: Task) throws {
    try writeCheckpoint(of: task)
    Provenance.record(in: logger, kernels: kernels)
    logger.info("\(task.title) starts: \(task.epochs) epochs of \(task.stepsPerEpoch) steps")
  }

  /// Goes on from a checkpoint that `course` and task were read from.
  ///
  /// - Parameter damaged: what is wrong with the checkpoints that got farther.
  package func goOn(from checkpoint: String, pastDamage damaged: [String]) {
    lastCheckpoint = checkpoint
    files.announceResume(from: checkpoint, pastDamage: damaged, kernels: kernels, logger: logger, progress: progress)
  }

  /// Runs to where the task ends, or to the next step's end where a stop is requested, and then what is left to do.
  ///
  /// - Parameter epochs: ends the run after so many; nil for all.
  /// - Throws: `Interruption` after a stop, once the checkpoint is written; `Divergence` with the last good checkpoint and
  ///   the norms of the last steps; `InputError` where a file cannot be written or another process works in the folder.
  package func run<Result>(_ task: Task, to epochs: Int? = nil, finish: () throws -> Result) throws -> Result {
    let lock = try files.lock()
    defer { withExtendedLifetime(lock) { progress.clear() } }
    let last = min(task.epochs, epochs ?? task.epochs)
    do {
      if task.mayHaveAbandonedRows { try writeTables(of: task) }
      if task.housekeeping.tensorboard, !task.endsEarly, course.epoch < task.epochs {
        events = try TrainingEvents(folder: files.folder, continuingAfter: weightSteps(of: task))
      }
      while !task.endsEarly, course.epoch < last {
        try goBackIfDue(in: task)
        try runEpoch(of: task)
      }
    } catch let error as Divergence {
      let error = account(of: error, in: task)
      for line in "\(error)".split(separator: "\n") { logger.error("\(line)") }
      throw error
    } catch {
      logger.error("\(error)")
      throw error
    }
    return try finish()
  }

  /// TensorBoard drops what it was told of the steps that are taken anew.
  func restartEvents(of task: Task) throws {
    guard events != nil else { return }
    events = try TrainingEvents(folder: files.folder, continuingAfter: weightSteps(of: task))
  }

  private func runEpoch(of task: Task) throws {
    mark = ProgressReporter.monotonicSeconds()
    do {
      while course.step < task.stepsPerEpoch {
        if stop.isRequested { throw CancellationError() }
        try takeStep(of: task)
        try writeStepCheckpointIfDue(of: task)
      }
      try finishEpoch(of: task)
    } catch is CancellationError {
      throw try interruption(of: task)
    }
  }

  private func takeStep(of task: Task) throws {
    let report = try task.takeStep()
    course.step += 1
    images += report.images
    try events?.add(report, step: weightSteps(of: task))
    progress.report(
      done: task.work(weightSteps: weightSteps(of: task), epochs: course.epoch),
      of: task.work(weightSteps: task.epochs * task.stepsPerEpoch, epochs: task.epochs), images: images,
      ([
        task.name, "epoch \(course.epoch + 1)/\(task.epochs)", "step \(course.step)/\(task.stepsPerEpoch)",
      ] + task.progressDetails).joined(separator: "  "))
  }

  private func writeStepCheckpointIfDue(of task: Task) throws {
    let interval = task.housekeeping.checkpointEvery
    // At the end of an epoch its own checkpoint is about to be written.
    guard interval > 0, course.step < task.stepsPerEpoch, course.step.isMultiple(of: interval) else { return }
    passTime()
    try writeCheckpoint(of: task)
    removeOldCheckpoints(of: task)
  }

  private func finishEpoch(of task: Task) throws {
    let measured = try task.measure()
    passTime()
    let record = try task.record(of: measured)
    try close(with: record, of: task)
    let line = "epoch \(course.epoch)/\(task.epochs): \(task.account(of: record))"
    logger.info("\(line)")
    progress.note("\(task.name)  \(line)")
  }

  /// Ends an epoch: counts it, and writes what it adds, the checkpoint last. A crash in between leaves rows that a run that
  /// goes on writes again.
  package func close(with record: Task.Record, of task: Task) throws {
    course.close(with: record)
    try events?.add(record, and: task.events(of: record), step: weightSteps(of: task))
    try task.writeHistory()
    try Task.Record.table.write(course.records, to: files.metricsPath)
    try writeCheckpoint(of: task)
    removeOldCheckpoints(of: task)
  }

  /// Writes the checkpoint of where the run is.
  package func writeCheckpoint(of task: Task) throws {
    let path = files.checkpointPath(epoch: course.epoch, step: course.step)
    let (tensors, metadata) = try task.checkpoint()
    let place = course.metadata(stepsPerEpoch: task.stepsPerEpoch)
    try TensorFile.writeChecked(tensors, metadata: metadata.merging(place) { $1 }, to: path)
    lastCheckpoint = path
  }

  private func removeOldCheckpoints(of task: Task) {
    files.removeCheckpoints(
      keepingLast: task.housekeeping.keepLast, sparing: task.neededEpochs, epoch: course.epoch, logger: logger)
  }

  private func interruption(of task: Task) throws -> Interruption {
    passTime()
    // Before the first step of an epoch the state is the one that the epoch's own checkpoint holds.
    if course.step > 0 { try writeCheckpoint(of: task) }
    return Interruption(
      signal: stop.signal ?? SIGTERM, epoch: course.epoch, step: course.step,
      checkpoint: files.checkpointPath(epoch: course.epoch, step: course.step))
  }

  /// Adds the time since the last call, or since the epoch went on, to the epoch's.
  private func passTime() {
    let now = ProgressReporter.monotonicSeconds()
    course.tally.seconds += now - mark
    mark = now
  }

  /// Weight steps since the start of the run.
  package func weightSteps(of task: Task) -> Int { course.epoch * task.stepsPerEpoch + course.step }
}

/// What is told of a divergence.
extension TrainingRun {
  /// Keeps what the present step saw, for the account of a divergence.
  ///
  /// - Parameter remark: what else there is to say.
  package func keep(_ numbers: [(name: String, value: Double?)], remark: String? = nil) {
    trail.add(StepTrail.Entry(epoch: course.epoch, step: course.step, numbers, remark: remark))
  }

  /// Where the run is, for messages.
  package func place(of task: Task) -> String {
    "\(task.title), epoch \(course.epoch), step \(course.step) (both from 0)"
  }

  /// A divergence with its place and what led to it, a line each.
  private func account(of error: Divergence, in task: Task) -> Divergence {
    let steps =
      trail.entries.isEmpty ? [] : ["the last steps (both from 0), the newest last:"] + trail.lines.map { "  \($0)" }
    let lines = [
      "\(place(of: task)): \(error.account)", "last good checkpoint: \(lastCheckpoint ?? "none")",
    ]
    return Divergence((lines + steps).joined(separator: "\n"))
  }
}
