import ArgumentParser
import Formats
import Landscape
import Search

/// The flags of `zarts landscape` for paths of methods that are held to its plane.
struct PathFlags: ParsableArguments {
  @Option(
    help: """
      Methods, or presets of them (authors-path-rs, authors-path-gld, authors-path-mgs), with commas between, whose updates are \
      followed within the plane, each from --path-start; ω stays. Writes paths.csv and draws them.
      """)
  var paths: String?
  @Option(help: ArgumentHelp("Updates of each of --paths. Default: 11.", valueName: "updates"))
  var pathSteps: Int?
  @Option(help: ArgumentHelp("Coordinates where --paths begin. Default: -0.5,0.5.", valueName: "x,y"))
  var pathStart: String?

  func validate() throws {
    try ConfinedPathSettings.stepCounts.check(pathSteps, "--path-steps")
    for (flag, isGiven) in [("--path-steps", pathSteps != nil), ("--path-start", pathStart != nil)]
    where isGiven && paths == nil {
      throw ValidationError("\(flag): found no --paths, wanted \(flag) only beside --paths")
    }
    for name in paths.map({ ListText.items($0) }) ?? [] where !ConfinedPathMethod.exists(name) {
      throw ValidationError("--paths: found '\(name)', wanted \(ConfinedPathMethod.forms)")
    }
    do {
      _ = try pathStart.map { try ConfinedPathSettings.start(parsing: $0) }
    } catch let error as InputError {
      throw ValidationError("--path-start: found \(error.found ?? ""), wanted \(error.wanted ?? "")")
    }
  }

  /// - Parameters:
  ///   - search: of the checkpoint.
  ///   - epoch: finished there.
  /// - Throws: `InputError` where a flag cannot be met.
  func settings(in search: SearchConfiguration, epoch: Int) throws -> ConfinedPathSettings? {
    guard let paths else { return nil }
    let start = try pathStart.map { try ConfinedPathSettings.start(parsing: $0) }
    return try ConfinedPathSettings(
      methods: ListText.items(paths).map { try ConfinedPathMethod($0, in: search, epoch: epoch) }, steps: pathSteps ?? 11,
      x: start?.x ?? -0.5, y: start?.y ?? 0.5)
  }
}
