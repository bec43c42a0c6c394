import Formats
import Landscape

/// A study that evaluates points around a checkpoint: what runs it needs to know of it.
public protocol PointStudy {
  /// Of its table of results.
  associatedtype Row

  /// Evaluates what is missing and writes the files.
  ///
  /// - Parameters:
  ///   - origin: keys and values that say where problem and checkpoint come from.
  ///   - isContinued: whether the folder holds an unfinished or finished study of the same settings.
  /// - Throws: `CancellationError` when a stop was requested, with every finished evaluation in the journal; `InputError`
  ///   where a folder to be continued is of other settings, and for its files.
  func run(
    in folder: OutputFolder, origin: [(key: String, value: String)], isContinued: Bool,
    isStopRequested: @escaping () -> Bool, progress: @escaping (_ done: Int, _ total: Int) -> Void
  ) throws -> [Row]

  /// How long it takes here, or the rest of one that a folder holds.
  ///
  /// - Throws: what the problem throws where its data are damaged.
  func estimate(continuing folder: OutputFolder?) throws -> TimeEstimate
}

/// A study whose evaluations ranks share.
package protocol SharedStudy: PointStudy {
  /// What a rank other than 0, which has made the study of the same, answers rank 0 with.
  var server: StudyServer { get }
}
