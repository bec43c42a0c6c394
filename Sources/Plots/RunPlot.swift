import Formats
import Foundation
import Retraining
import Search

/// What figures of one run share.
enum RunPlot {
  /// Holds the run's files against each other; tables without checkpoints beside them are taken as they are.
  static func check(_ folder: PlotFolder) throws {
    let run = try SearchRunFolder(existing: folder.path)
    guard !run.checkpoints().isEmpty else { return }
    if ResultFolder(folder.path)?.kind == .retrain { try run.checkRetrainingHistory() } else { try run.checkHistory() }
  }

  static func title(_ folder: PlotFolder, _ what: String, _ style: PlotStyle) -> String {
    if let title = style.title { return PlotText.plain(title) }
    guard let method = folder.settings["method"], let space = folder.settings["space"] else { return what }
    return "\(what) of \(method) on \(space)"
  }
}
