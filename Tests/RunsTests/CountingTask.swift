import Compute
import Formats
import Foundation
import Problems
import Runs

/// A training run in which nothing is trained: a number goes from step to step, and an epoch's row has its course.
final class CountingTask: TrainingTask {
  struct Record: TableRecord, Equatable {
    var epoch = 0
    var sum = 0
    /// The number at the end of the epoch, in every second one.
    var end: Double?
    var seconds = 0.0

    static let table = RecordTable<Record>([
      .epoch(\.epoch), .count("sum", \.sum, event: "count/sum"), .real("end", \.end, event: "count/end"),
      .seconds(\.seconds),
    ])
  }

  struct Sums: EpochSums {
    var sum = 0
    var seconds = 0.0

    static let table = RecordTable<Sums>([.count("sum", \.sum), .real("seconds", \.seconds)])
  }

  struct Folder: RunFolder {
    let folder: OutputFolder
    init(_ folder: OutputFolder) { self.folder = folder }
    func checkHistory() throws {}
    func metrics() throws -> [Record] { try Record.table.read(from: metricsPath) }
    var endsPath: String { folder.file("ends.txt") }
  }

  let name = "count"
  let (epochs, stepsPerEpoch) = (3, 4)
  var housekeeping: Housekeeping
  let files: Folder
  let training: TrainingRun<CountingTask>
  private(set) var number = 1
  private var ends: [Int] = []
  /// Called before each step, and each measurement, with the count of steps done.
  var beforeStep: (Int) throws -> Void = { _ in }
  var beforeMeasuring: (Int) throws -> Void = { _ in }
  var endsEarly = false

  /// Begins a run.
  init(
    in path: String, _ housekeeping: Housekeeping = Housekeeping(), progress: ProgressReporter = .silent,
    stop: StopRequest = StopRequest()
  ) throws {
    self.housekeeping = housekeeping
    files = Folder(try .create(at: path))
    try files.prepare(configuration: "counting: true\n")
    training = try TrainingRun(in: files, label: "count", progress: progress, stop: stop, kernels: Kernels.sets[0])
    try training.begin(self)
  }

  /// Goes on with one.
  init(continuing path: String, _ housekeeping: Housekeeping = Housekeeping()) throws {
    self.housekeeping = housekeeping
    files = try Folder(existing: path)
    let found = try files.latestSoundCheckpoint()
    let checkpoint = found.file
    var course = try TrainingCourse<Record, Sums>(
      from: checkpoint.metadata, of: checkpoint.path, epochs: epochs, stepsPerEpoch: stepsPerEpoch)
    if course.epoch > 0 { course.records = try Array(files.metrics().prefix(course.epoch)) }
    number = Int(try checkpoint.floats("number", shape: [])[0])
    ends = checkpoint.metadata["ends"]?.split(separator: " ").compactMap { Int($0) } ?? []
    training = try TrainingRun(
      in: files, label: "count", progress: .silent, stop: StopRequest(), kernels: Kernels.sets[0], course: course)
    training.goOn(from: checkpoint.path, pastDamage: found.damaged)
  }

  func run(to epochs: Int? = nil) throws { try training.run(self, to: epochs) {} }

  func takeStep() throws -> StepReport {
    let (epoch, step) = (training.course.epoch, training.course.step)
    try beforeStep(epoch * stepsPerEpoch + step)
    number = (number * 31 + 7 * epoch + step) % 1009
    training.keep([("number", Double(number)), ("nothing", nil)], remark: step == 2 ? "the third" : nil)
    training.course.tally.sum += number
    return StepReport(images: 8, [("number", Double(number)), ("nothing", nil)])
  }

  func measure() throws -> Int {
    try beforeMeasuring(training.weightSteps(of: self))
    return number
  }

  func record(of measured: Int) -> Record {
    ends.append(measured)
    var record = Record()
    (record.epoch, record.sum) = (training.course.epoch + 1, training.course.tally.sum)
    record.end = record.epoch.isMultiple(of: 2) ? Double(measured) : nil
    record.seconds = training.course.tally.seconds
    return record
  }

  func writeHistory() throws { try AtomicFile.write(ends.map { "\($0)\n" }.joined(), to: files.endsPath) }
  func events(of record: Record) -> [TrainingEvent.Value] { [.text("end", "\(number)")] }

  func checkpoint() -> (tensors: [NamedTensor], metadata: [String: String]) {
    (
      [NamedTensor(name: "number", shape: [], values: .float32([Float(number)]))],
      ["ends": ends.map(String.init).joined(separator: " ")]
    )
  }

  /// A measurement costs as much as two steps.
  func work(weightSteps: Int, epochs: Int) -> Double { Double(weightSteps + 2 * epochs) }
  var progressDetails: [String] { ["number \(number)"] }
  func account(of record: Record) -> String { "sum \(record.sum)" }
}
