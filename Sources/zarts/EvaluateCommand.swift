import ArgumentParser
import Cells
import Compute
import Formats
import Foundation
import Landscape
import Problems
import Retraining
import Runs

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Evaluate a network on whole splits: loss, top-1, top-5.",
    discussion: """
      The supernet of a search, a retrained network, or weights of anyone's under the public names; with --genotype beside a \
      supernet the derived architecture with the weights that it inherits. Images are in fixed order and not augmented; data of more \
      than five classes have a top-5. Prints a table. SIGINT, SIGTERM, SIGHUP or SIGUSR1 stops after the batch in work.
      """)

  @OptionGroup var source: LandscapeSource
  @Option(
    help: """
      Images, with commas between: training, validation (held out, or of a search those of L_val), test. Default: those that the \
      run reports on, of weights of a derived network test.
      """)
  var on: String?
  @Option(help: "Statistics that normalise: running, batch, recalibrated. Default: running.")
  var batchNorm: BatchNormMode?
  @Option(help: "Training batches that statistics are recalibrated on. Default: 8.")
  var recalibrationBatches: Int?
  @Flag(help: "Print JSON instead of a table.")
  var json = false
  @Option(
    help: ArgumentHelp(
      "Write a derived network under the names of the public state_dict too, num_batches_tracked among them.",
      valueName: "file.safetensors"))
  var export: String?
  @Flag(help: "Replace a file at --export that zarts did not make; never one of a run or another result.")
  var overwrite = false

  private static let format = "zarts-weights-1"

  func validate() throws { try RunBounds.batches.check(recalibrationBatches, "--recalibration-batches") }

  func run() throws {
    let mode = try BatchNormFlags.mode(batchNorm, recalibrationBatches: recalibrationBatches, else: .running)
    let splits: [DataSplit]? = try on.map { try ListText.distinct($0, of: "split", setting: "on") }
    if let export {
      try OutputFile.tensors("weights of zarts evaluate", format: Self.format).require(
        export, overwrite: overwrite, besides: source.inputs)
    }
    let opened = try source.open(.inheriting)
    if export != nil, opened.retraining == nil {
      throw UsageError(
        "a supernet's checkpoint has its public names already", found: "--export", wanted: "a derived network")
    }
    opened.announce(takingSteps: false)
    try evaluate(ProblemFactory.problem(of: opened), opened, splits, mode)
  }

  private func evaluate<Problem: NetworkProblem>(
    _ problem: Problem, _ opened: LandscapeSource.Opened, _ splits: [DataSplit]?, _ mode: BatchNormMode
  ) throws {
    let place = try LandscapeCheckpoint(opened, of: problem, learningRate: source.innerLr)
    try place.check(mode)
    let evaluator = try evaluator(place, mode, inheriting: opened.inheriting)
    let splits = splits ?? [problem.reportedSplit]
    let rows = try Self.watched(evaluator.work(splits)) { stop, progress in
      try splits.map { split in
        EvaluationReport.Row(
          split: split, tally: try evaluator.tally(split, isStopRequested: { stop.isRequested }, progress: progress))
      }
    }
    if let export, let whole = opened.whole {
      var metadata = ["format": Self.format]
      metadata["genotype"] = opened.retraining?.genotype
      try TensorFile.write(whole.stateDict(of: problem.network), metadata: metadata, to: export)
    }
    let report = EvaluationReport(
      checkpoint: opened.path, epoch: place.checkpoint.epoch, network: text(of: opened),
      dataset: opened.configuration.dataset,
      batchNorm: mode, rows: rows)
    print(json ? report.json : report.text)
    if let export, !json { print(export) }
  }

  private func evaluator<Problem: NetworkProblem>(
    _ place: LandscapeCheckpoint<Problem>, _ mode: BatchNormMode, inheriting genotype: Genotype?
  ) throws -> SplitEvaluator<Problem> {
    let (first, statistics) = ((place.epoch, place.firstStep), place.checkpoint.statistics)
    if let genotype, let supernet = place.problem as? SupernetProblem {
      let inheriting = try SplitEvaluator(
        problem: supernet, weights: place.checkpoint.weights, inheriting: genotype, statistics: statistics, batchNorm: mode,
        first: first)
      if let same = inheriting as? SplitEvaluator<Problem> { return same }
    }
    return try SplitEvaluator(
      problem: place.problem, weights: place.checkpoint.weights, alphas: place.alphas, statistics: statistics,
      batchNorm: mode, first: first)
  }

  /// What is evaluated, in words.
  private func text(of opened: LandscapeSource.Opened) -> String {
    let configuration = opened.configuration
    let size = "\(configuration.channels) channels, \(configuration.layers) cells"
    if let retraining = opened.retraining { return "derived network (\(retraining.scale.rawValue)), \(size)" }
    return (opened.inheriting == nil ? "supernet" : "architecture of the supernet with inherited weights")
      + ", space \(configuration.space.rawValue), \(size)"
  }

  /// Runs the body with a trap for signals and a progress bar.
  private static func watched<Result>(_ batches: Int, _ body: (StopRequest, @escaping () -> Void) throws -> Result) throws
    -> Result
  {
    let (stop, reporter) = (SignalTrap.install(), ProgressReporter.standardError())
    defer { reporter.clear() }
    var done = 0
    do {
      return try body(stop) {
        done += 1
        reporter.report(done: Double(done), of: Double(max(done, batches)), "\(done) of \(batches) batches")
      }
    } catch is CancellationError {
      reporter.clear()
      complain("stopped; nothing is written")
      throw ExitCode(128 + (stop.signal ?? SIGTERM))
    }
  }
}
