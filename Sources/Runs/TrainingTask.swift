import Formats

/// What one kind of training run does where another does something else: a step, the end of an epoch, the content of a
/// checkpoint. What they do alike is `TrainingRun`.
///
/// A task keeps what it trains and leaves place, sums and rows to `TrainingRun.course`. It must be a pure function of its
/// settings and of what its checkpoints hold: then a run that stops anywhere and goes on is the one that never stopped.
package protocol TrainingTask: AnyObject {
  /// A row of metrics.csv.
  associatedtype Record: TableRecord
  associatedtype Sums: EpochSums
  /// What the end of an epoch measures.
  associatedtype Measured

  /// In lines of progress, like `darts1`.
  var name: String { get }
  /// In the log and in accounts of a divergence.
  var title: String { get }
  var epochs: Int { get }
  /// Weight steps.
  var stepsPerEpoch: Int { get }
  /// Whether the run ends before its last epoch.
  var endsEarly: Bool { get }
  var housekeeping: Housekeeping { get }

  /// Takes the weight step that `course` is at, and adds to its sums; what it did before it threw is not kept.
  ///
  /// - Throws: `Divergence` where numbers left the finite range; `CancellationError` where a stop was requested meanwhile.
  func takeStep() throws -> StepReport

  /// Measures the state at the end of an epoch. A stop meanwhile leaves a checkpoint of the state as it is then, at which the
  /// run that goes on measures again: that must give the same.
  ///
  /// - Throws: as `takeStep`.
  func measure() throws -> Measured

  /// The row of the epoch that ends, from what was measured and the sums. Whatever else the task keeps of finished epochs
  /// it adds here.
  func record(of measured: Measured) throws -> Record

  /// Writes what stands beside metrics.csv of all finished epochs.
  func writeHistory() throws

  /// Where the run goes back to before it goes on; nil where it just goes on. Asked before the first step of each epoch, so not
  /// after the last one.
  var wayBack: WayBack? { get }

  /// Keeps aside what the way back abandons, beside the checkpoints. A run that was killed on its way back does it again.
  ///
  /// - Parameter records: rows of all finished epochs, those that are abandoned among them.
  /// - Returns: where the abandoned checkpoints may go; nil for nowhere.
  func keepAside(_ records: [Record]) throws -> OutputFolder?

  /// Takes up the state of `wayBack`, whose rows and place the run takes up itself. What the task says of its way back
  /// afterwards is of the next one.
  ///
  /// - Throws: `InputError` where the checkpoint lacks something.
  func goBack(to checkpoint: TensorFile) throws

  /// Whether a process that was killed on the way back may have left abandoned rows.
  var mayHaveAbandonedRows: Bool { get }

  /// Epochs whose checkpoints the run may have to go back to: they stay, whatever `Housekeeping.keepLast` says.
  var neededEpochs: Set<Int> { get }

  /// What TensorBoard is told of a finished epoch beside its row.
  func events(of record: Record) -> [TrainingEvent.Value]

  /// What a checkpoint holds beside `course`.
  func checkpoint() throws -> (tensors: [NamedTensor], metadata: [String: String])

  /// Units of work behind a run that has taken so many weight steps and finished so many epochs; only their ratios count.
  func work(weightSteps: Int, epochs: Int) -> Double

  /// What a line of progress says after name, epoch and step.
  var progressDetails: [String] { get }

  /// What log and terminal say of a finished epoch.
  func account(of record: Record) -> String
}

extension TrainingTask {
  package var title: String { name }
  package var endsEarly: Bool { false }
  package func writeHistory() throws {}
  package var wayBack: WayBack? { nil }
  package func keepAside(_ records: [Record]) throws -> OutputFolder? { nil }
  package func goBack(to checkpoint: TensorFile) throws {}
  package var mayHaveAbandonedRows: Bool { false }
  package var neededEpochs: Set<Int> { [] }
  package func events(of record: Record) -> [TrainingEvent.Value] { [] }
}

/// Settings of a run that no result depends on.
package struct Housekeeping: Sendable {
  /// Checkpoints of finished epochs that stay; 0 for all.
  package var keepLast: Int
  /// Weight steps from one checkpoint to the next within an epoch; 0 for none.
  package var checkpointEvery: Int
  /// Whether event files for TensorBoard are written.
  package var tensorboard: Bool

  package init(keepLast: Int = 0, checkpointEvery: Int = 0, tensorboard: Bool = false) {
    (self.keepLast, self.checkpointEvery, self.tensorboard) = (keepLast, checkpointEvery, tensorboard)
  }
}

/// What a weight step has to tell.
package struct StepReport {
  /// Images that the step trained on.
  package var images: Int
  /// Names and values for TensorBoard; those without value are left out.
  package var numbers: [(name: String, value: Double?)]

  package init(images: Int, _ numbers: [(name: String, value: Double?)]) {
    (self.images, self.numbers) = (images, numbers)
  }
}
