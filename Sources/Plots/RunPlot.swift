import Formats
import Foundation
import Retraining
import Runs
import Search

/// What figures of one run share.
enum RunPlot {
  /// metrics.csv, checked as whose it is says, and the run's files held against each other; tables without checkpoints beside
  /// them are taken as they are.
  static func metrics(_ folder: PlotFolder) throws -> CSVTable {
    let path = folder.file("metrics.csv")
    if ResultFolder(folder.path)?.kind == .retrain {
      let run = try RetrainingFolder(existing: folder.path)
      if !run.checkpoints().isEmpty { try run.checkHistory() }
      return try RetrainingRecord.table.checkedCells(of: path)
    }
    try check(folder)
    return try EpochRecord.table.checkedCells(of: path)
  }

  /// Holds the files of a search against each other; tables without checkpoints beside them are taken as they are.
  static func check(_ folder: PlotFolder) throws {
    let run = try SearchRunFolder(existing: folder.path)
    if !run.checkpoints().isEmpty { try run.checkHistory() }
  }

  static func title(_ folder: PlotFolder, _ what: String, _ style: PlotStyle) -> String {
    if let title = style.title { return PlotText.plain(title) }
    guard let method = folder.settings["method"], let space = folder.settings["space"] else { return what }
    return "\(what) of \(method) on \(space)"
  }
}
