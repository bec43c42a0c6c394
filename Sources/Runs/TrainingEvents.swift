import Formats

/// What a run tells TensorBoard. Steps count weight steps from the start of the run.
struct TrainingEvents {
  private let file: EventFile

  /// - Parameter weightSteps: taken before the run goes on.
  /// - Throws: `InputError` where the file cannot be made.
  init(folder: OutputFolder, continuingAfter weightSteps: Int) throws {
    let isNew = EventFile.names(in: folder).isEmpty
    file = try EventFile(in: folder, restartingAt: isNew ? nil : weightSteps + 1)
  }

  func add(_ report: StepReport, step: Int) throws {
    try file.append(
      report.numbers.compactMap { name, value in value.map { .scalar("step/\(name)", $0) } }, step: step)
  }

  /// A finished epoch, with what else there is to tell of it.
  func add<Record: TableRecord>(_ record: Record, and others: [TrainingEvent.Value], step: Int) throws {
    try file.append(Record.table.events(of: record) + others, step: step)
    try file.synchronise()
  }
}
