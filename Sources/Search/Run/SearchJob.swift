import Formats
import Foundation
import Problems
import Runs

/// One of many searches that several processes work off, in a folder of its own: it is begun, begun after a warm-up that it
/// shares, or gone on with, as the folder says. What it writes is what `zarts search` would have written.
package struct SearchJob {
  package let configuration: SearchConfiguration
  package let files: SearchRunFolder

  package init(_ configuration: SearchConfiguration, in files: SearchRunFolder) {
    (self.configuration, self.files) = (configuration, files)
  }

  /// Runs the search to its end.
  ///
  /// - Parameters:
  ///   - problem: that the settings describe.
  ///   - warmup: the run of `configuration.sharedWarmup`, as far as this search needs it; nil to compute it here.
  ///   - crew: evaluates candidates, with the same bits; nil for the problem itself, one after the other.
  /// - Throws: what `SearchRun.run` throws; `InputError` where the folder holds a search of other settings.
  package func run<Problem: BilevelProblem>(
    on problem: Problem, after warmup: SearchRunFolder? = nil, crew: CandidateCrew<Problem>? = nil,
    progress: ProgressReporter = .silent, stop: StopRequest = StopRequest()
  ) throws {
    if let run = try continued(problem, crew, progress, stop) {
      _ = try run.run()
    } else if let warmup, configuration.warmup > 0 {
      try SearchRun(
        forking: warmup, starting: problem, configuration: configuration, folder: newFolder(), space: configuration.space,
        crew: crew, progress: progress, stop: stop
      ).run()
    } else {
      try started(problem, crew, progress, stop).run()
    }
  }

  /// Runs the first epochs, for searches that share them.
  ///
  /// - Parameter problem: that the settings describe, not made where they are there.
  /// - Throws: as `run`.
  package func advance<Problem: BilevelProblem>(
    to epochs: Int, on problem: @autoclosure () throws -> Problem, progress: ProgressReporter = .silent,
    stop: StopRequest = StopRequest()
  ) throws {
    if FileManager.default.fileExists(atPath: files.checkpointPath(epoch: epochs)) { return }
    let problem = try problem()
    let run = try continued(problem, nil, progress, stop) ?? started(problem, nil, progress, stop)
    try run.advance(to: epochs)
  }

  private func continued<Problem: BilevelProblem>(
    _ problem: Problem, _ crew: CandidateCrew<Problem>?, _ progress: ProgressReporter, _ stop: StopRequest
  ) throws -> SearchRun<Problem>? {
    guard files.isStarted else { return nil }
    // Data may have moved: their checksum decides, not their place.
    var earlier = try files.configuration()
    earlier.dataset = configuration.dataset
    if let difference = earlier.difference(from: configuration) {
      throw InputError(
        "a run of other settings", at: .setting(difference.key, in: files.configurationPath), found: difference.own,
        wanted: "\(difference.other), or another folder")
    }
    return try SearchRun(
      continuing: problem, folder: files.folder, space: configuration.space,
      adjusting: { $0.dataset = configuration.dataset }, crew: crew, progress: progress, stop: stop)
  }

  private func started<Problem: BilevelProblem>(
    _ problem: Problem, _ crew: CandidateCrew<Problem>?, _ progress: ProgressReporter, _ stop: StopRequest
  ) throws -> SearchRun<Problem> {
    try SearchRun(
      starting: problem, configuration: configuration, folder: newFolder(), space: configuration.space, crew: crew,
      progress: progress, stop: stop)
  }

  /// What was killed before its first checkpoint is of no worth.
  private func newFolder() throws -> OutputFolder {
    if FileManager.default.fileExists(atPath: files.folder.path) {
      try FileManager.default.removeItem(atPath: files.folder.path)
    }
    return try OutputFolder.create(at: files.folder.path)
  }
}
