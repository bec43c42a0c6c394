import ArgumentParser
import Cells
import Compute
import Datasets
import Formats
import Foundation
import Problems
import Runs
import Search

extension ProjectionSettings.Selection: ExpressibleByArgument {}
extension ProjectionSettings.Criterion: ExpressibleByArgument {}
extension ProjectionSettings.Order: ExpressibleByArgument {}
extension ProjectionSettings.AlphaUpdates: ExpressibleByArgument {}

struct DeriveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "derive", abstract: "Select an architecture from a finished supernet by what it loses without its parts.",
    discussion: """
      DARTS-PT (Wang et al., ICLR 2021) in place of the argmax rule, of the supernet of any search or of weights with their α: \
      edge by edge, of each kind of cell, the operation without which accuracy on the validation half is lowest stands alone \
      from then on, and at last each node keeps the edges without which it is lowest; between decisions ω and α are trained on. \
      Writes config.yaml, search.yaml, genotype.txt, argmax.txt (what the argmax rule derives), removals.csv (every \
      evaluation), metrics.csv, log.txt and checkpoints/. SIGINT, SIGTERM, SIGHUP or SIGUSR1 stops after the step or batch in \
      work; --resume goes on with the same bits. zarts genotype prints what is in the folder, zarts retrain --genotype and zarts \
      select take it, zarts diagnose --selection says where it differs. Exit status: 0 finished, 1 failed, 3 diverged, 64 wrong \
      flags, 128 + N stopped by signal N.
      """)

  private static let defaults = ProjectionSettings()

  @OptionGroup var source: LandscapeSource
  @Option(
    help: """
      What tells the strength of an operation: perturbation, what is lost without it; magnitude, its mixing weight, with the same \
      training in between (the paper's control).
      """)
  var selection = DeriveCommand.defaults.selection
  @Option(help: "What is compared of perturbed networks: accuracy or loss.")
  var criterion = DeriveCommand.defaults.criterion
  @Option(help: "Order of edges, then nodes: random, another one for each kind of cell; number, as they are numbered.")
  var order = DeriveCommand.defaults.order
  @Option(help: "Key of the random order. Default: the run's seed.")
  var orderSeed: UInt64?
  @Option(help: "Epochs of training between decisions; 0 for none.")
  var tuneEpochs = DeriveCommand.defaults.tuneEpochs
  @Option(help: "What becomes of α in them: first-order, Adam on ∇L₁ before every weight step; none.")
  var alphaUpdates = DeriveCommand.defaults.alphaUpdates
  @Option(help: "Learning rate of their weight steps. Default: a tenth of the search's.")
  var learningRate: Double?
  @Option(help: "How it falls over all of them: constant, cosine or linear.")
  var learningRateDecay = DeriveCommand.defaults.learningRateDecay
  @Option(help: "What it falls to.")
  var minimumLearningRate = DeriveCommand.defaults.minimumLearningRate
  @Option(help: "First batches of the validation half that judge; 0 for all.")
  var validationBatches = DeriveCommand.defaults.validationBatches
  @Flag(help: "Let none be chosen in cells whose argmax rule leaves it out, as the public code does.")
  var none = false
  @Option(
    help: "Removals that are evaluated at a time; 0 for a choice by threads and memory. The result does not depend on it.")
  var groups: Int?
  @Option(help: "Keep only so many of the newest checkpoints; 0 for all. Default: 1.")
  var keepLast: Int?
  @Option(help: "Weight steps between checkpoints within an epoch; 0 for none. Default: 0.")
  var checkpointEvery: Int?
  @Option(help: "Seconds from one line of progress to the next, where there is no terminal.")
  var reportEvery: Double = 30
  @Option(
    help: ArgumentHelp(
      "Folder for the results, absent or empty. Default: selection in the folder of --run.", valueName: "dir"))
  var out: String?
  @Option(help: ArgumentHelp("Folder of a selection to go on with.", valueName: "dir"))
  var resume: String?

  func validate() throws {
    try ReportInterval.check(reportEvery)
    try RunBounds.groups.check(groups, "--groups")
    try RunBounds.interval.or(zero: "all").check(keepLast, "--keep-last")
    try RunBounds.stepInterval.or(zero: "none").check(checkpointEvery, "--checkpoint-every")
  }

  func run() throws {
    let stop = SignalTrap.install()
    let progress = ProgressReporter.standardError(interval: reportEvery)
    let selection = try resume.map { try goOn(with: $0, progress, stop) } ?? begin(progress, stop)
    let genotype: Genotype
    do {
      genotype = try selection.run()
    } catch let error as Interruption {
      progress.clear()
      complain("\(error); go on with zarts derive --resume \(selection.files.folder.path)")
      throw ExitCode(128 + error.signal)
    }
    let difference = SelectionDifference(argmax: try selection.files.argmax(), selected: genotype)
    print(genotype.line)
    for (first, second) in zip(difference.argmax.cells, genotype.cells) {
      print(
        "\(first.kind.word) cell: \(difference.count(in: first.kind)) of \(first.kind.topology.edges.count) edges differ from the "
          + "argmax rule's; skip connections \(first.skipConnectionCount) there, \(second.skipConnectionCount) here")
    }
    print("results in \(selection.files.folder.path)")
  }

  private var settings: ProjectionSettings {
    var result = ProjectionSettings()
    (result.selection, result.criterion, result.order) = (selection, criterion, order)
    (result.tuneEpochs, result.alphaUpdates) = (tuneEpochs, alphaUpdates)
    result.learningRate = learningRate ?? result.learningRate
    (result.learningRateDecay, result.minimumLearningRate) = (learningRateDecay, minimumLearningRate)
    (result.validationBatches, result.none) = (validationBatches, none)
    return result
  }

  private func begin(_ progress: ProgressReporter, _ stop: StopRequest) throws -> ProjectionRun<SupernetProblem> {
    if let rate = source.innerLr {
      throw UsageError(
        "a selection has no inner steps", at: "--inner-lr", found: "\(rate)", wanted: "--learning-rate, of its training")
    }
    var settings = self.settings
    try settings.validate()
    let opened = try source.open()
    guard let out = out ?? source.run.map({ $0 + "/selection" }) else { throw UsageError(missing: "--out") }
    settings.orderSeed = orderSeed ?? opened.configuration.seed
    settings.learningRate = learningRate ?? opened.configuration.learningRate / 10
    var search = opened.configuration
    adjust(&search)
    search.dataset = DatasetSpecification.absolute(search.dataset)
    // The selection's own, whatever the search kept.
    (search.keepLast, search.checkpointEvery) = (keepLast ?? 1, checkpointEvery ?? 0)
    let problem = try ProblemFactory.make(search)
    let place = try LandscapeCheckpoint(opened, of: problem, learningRate: nil)
    opened.announce(takingSteps: false)
    return try ProjectionRun(
      starting: problem, from: place.checkpoint, alphas: place.alphas, search: search, settings: settings,
      copies: copies(of: problem, search, settings, progress), folder: { try OutputFolder.create(at: out) },
      progress: progress,
      stop: stop)
  }

  private func goOn(
    with path: String, _ progress: ProgressReporter, _ stop: StopRequest
  ) throws -> ProjectionRun<SupernetProblem> {
    let named: [(String, Any?)] = [
      ("--run", source.run), ("--retraining", source.retraining), ("--weights", source.weights), ("--epoch", source.epoch),
      ("--alphas", source.alphas), ("--operations", source.operations), ("--genotype", source.genotype),
      ("--edge-normalisation", source.edgeNormalisation ? true : nil), ("--auxiliary-skip", source.auxiliarySkip),
      ("--space", source.space),
      ("--channels", source.channels), ("--layers", source.layers), ("--batch", source.batch), ("--seed", source.seed),
      ("--train-limit", source.trainLimit), ("--split", source.split), ("--inner-lr", source.innerLr),
      ("--order-seed", orderSeed), ("--out", out),
    ]
    let others =
      named.filter { $0.1 != nil }.map(\.0)
      + (settings == ProjectionSettings() ? [] : ["settings of the selection"])
    guard others.isEmpty else {
      throw UsageError(
        "flags beside --resume", found: others.joined(separator: ", "),
        wanted: "--dataset, --threads, --groups, --engine, --keep-last, --checkpoint-every at most")
    }
    try source.pinning.apply()
    let folder = try OutputFolder.existing(at: path)
    var search = try ProjectionFolder(folder).search()
    adjust(&search)
    if let dataset = source.dataset { search.dataset = DatasetSpecification.absolute(dataset) }
    if let keepLast { search.keepLast = keepLast }
    if let checkpointEvery { search.checkpointEvery = checkpointEvery }
    try search.validate()
    let problem = try ProblemFactory.lookingForMovedData { try ProblemFactory.make(search) }
    return try ProjectionRun(
      continuing: problem, folder: folder, search: search,
      copies: copies(of: problem, search, ProjectionFolder(folder).settings(), progress), progress: progress, stop: stop)
  }

  private func adjust(_ search: inout SearchConfiguration) {
    if let threads = source.threads { search.threads = threads }
    if let engine = source.engine { search.engine = engine }
    if let groups { search.groups = groups }
  }

  /// Copies that the removals of a decision are evaluated on side by side.
  private func copies(
    of problem: SupernetProblem, _ search: SearchConfiguration, _ settings: ProjectionSettings, _ progress: ProgressReporter
  ) throws -> [SupernetProblem] {
    guard settings.selection == .perturbation else { return [] }
    let pieces = 1 + search.operations.operationsPerEdge
    return try ProblemFactory.groups(of: problem, search, pieces: pieces) { progress.note($0) }
  }
}
