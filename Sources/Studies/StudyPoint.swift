import Formats
import Foundation
import Landscape

/// Which evaluation of a study: its part by name, the place in the data, and two numbers that the part gives a meaning.
public struct StudyPoint: Hashable, Sendable {
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

  /// How evaluations stand in a study's journal.
  static var table: PointTable<StudyPoint> {
    PointTable(places: ["part", "place", "first", "second"], samples: [.loss, .accuracy, .batchLosses]) {
      [.text($0.part), .integer($0.place), .integer($0.first), .integer($0.second)]
    } keys: { table in
      let (parts, places) = (try table.column("part"), try table.integers("place"))
      let (firsts, seconds) = (try table.integers("first"), try table.integers("second"))
      return parts.indices.map {
        StudyPoint(parts[$0], place: places[$0], first: firsts[$0], second: seconds[$0])
      }
    }
  }
}

/// Losses of a study, one row an evaluation and objective.
typealias StudyJournal = PointJournal<StudyPoint>

extension PointJournal<StudyPoint> {
  /// - Parameter path: a CSV file, continued where it is there; nil for none.
  /// - Throws: `InputError` where the file is not such a journal or cannot be written.
  convenience init(path: String? = nil) throws { try self.init(StudyPoint.table, path: path) }

  /// The journal of an unfinished study; nil where there is none that can be read.
  static func unfinished(in folder: OutputFolder?) -> StudyJournal? {
    guard let path = folder?.file(StudyFolder.journalName), FileManager.default.fileExists(atPath: path) else { return nil }
    return try? StudyJournal(path: path)
  }
}
