import ArgumentParser
import Figures
import Formats
import Foundation
import Landscape
import Search

extension DirectionNormalisation: ExpressibleByArgument {}

struct LandscapeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "landscape", abstract: "Draw the validation loss around a checkpoint beside what DARTS takes it for.",
    discussion: """
      Walks a grid in the plane of two random orthogonal directions of α and evaluates at each point what first-order DARTS, \
      second-order DARTS and ZARTS descend. Every point sees the same batches. Writes landscape.yaml, landscape.csv, \
      landscape.npy, comparison.csv, directions.safetensors and landscape.png. SIGINT or SIGTERM stops after the current \
      point; the same command with --resume goes on.
      """)

  @OptionGroup var source: LandscapeSource
  @Option(help: "Losses to draw: first, second and true:STEPS, with commas between.")
  var objectives = "first,second,true:10"
  @Option(help: "Points along each side; 1 is the centre alone.")
  var grid = 25
  @Option(help: "Largest coordinate, in units of the directions' length.")
  var range = 1.0
  @Option(help: "Key of the directions.")
  var directionsSeed: UInt64 = 0
  @Option(help: "Parts of α whose norm each direction takes over: row, cell or model.")
  var normalisation = DirectionNormalisation.cell
  @Option(help: "Validation batches that each loss is the mean over.")
  var validationBatches = 1
  @Flag(help: "Write landscape.pdf too.")
  var pdf = false
  @Flag(help: "Write landscape.svg too.")
  var svg = false
  @Flag(help: "Go on with the unfinished landscape in --out.")
  var resume = false
  @Option(help: ArgumentHelp("Folder for the results, absent or empty unless --resume.", valueName: "dir"))
  var out: String

  func run() throws {
    // Settings are checked before data is read and weights are loaded.
    let list = try Objective.parse(list: objectives)
    let points = try LandscapeGrid(size: grid, range: range)
    let opened = try source.open()
    try sample(ProblemFactory.make(opened.configuration), opened, list, points)
  }

  private func sample<Problem: BilevelProblem>(
    _ problem: Problem, _ opened: LandscapeSource.Opened, _ objectives: [Objective], _ grid: LandscapeGrid
  ) throws {
    let place = try LandscapeCheckpoint(opened, of: problem, learningRate: source.innerLr)
    let settings = LandscapeSettings(
      objectives: objectives, grid: grid, directionsSeed: directionsSeed, normalisation: normalisation, step: place.step,
      epoch: place.epoch, firstStep: place.firstStep, validationBatches: validationBatches)
    let run = try LandscapeRun(
      problem: problem, weights: place.checkpoint.weights, velocity: place.checkpoint.momentum, alphas: place.alphas,
      settings: settings)
    let folder = resume ? try OutputFolder.existing(at: out) : try OutputFolder.create(at: out)
    let landscape = try walk(run, folder, place.origin)
    // From the files alone, as zarts plot does.
    let figures = try Plot.writeBeside(
      folder.path, formats: [.png] + (pdf ? [.pdf] : []) + (svg ? [.svg] : []))
    print(try LandscapeSummary.text(landscape))
    for path in [folder.file("landscape.csv")] + figures { print(path) }
  }

  private func walk<Problem: BilevelProblem>(
    _ run: LandscapeRun<Problem>, _ folder: OutputFolder, _ origin: [(key: String, value: String)]
  ) throws -> Landscape {
    let stop = SignalTrap.install()
    let reporter = ProgressReporter.standardError()
    defer { reporter.clear() }
    do {
      return try run.run(
        in: folder, origin: origin, isContinued: resume, isStopRequested: { stop.isRequested },
        progress: { reporter.report(done: Double($0), of: Double($1), "\($0) of \($1) points") })
    } catch is CancellationError {
      reporter.clear()
      FileHandle.standardError.write(
        Data("zarts: stopped; the points so far are in \(folder.file("journal.csv")); go on with --resume\n".utf8))
      throw ExitCode(128 + (stop.signal ?? SIGTERM))
    }
  }
}
