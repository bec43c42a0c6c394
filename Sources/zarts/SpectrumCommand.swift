import ArgumentParser
import Compute
import Formats
import Landscape
import Problems
import Search
import Studies

struct SpectrumCommand: RankedCommand {
  static let rankUse = RankUse.team
  static let configuration = CommandConfiguration(
    commandName: "spectrum", abstract: "Find eigenvalues, trace and density of the loss's Hessian in α or in ω.",
    discussion: """
      At one checkpoint, or with --epochs at several of a run: of the validation loss in α, or with --over weights of the \
      loss on any data in ω, with the density of its eigenvalues and a figure of that. Batch norm takes the statistics of \
      the batch, as in the gradients of a search; there is no --batch-norm, since gradients of losses with running or \
      recalibrated statistics are not computed. Exact products lay out a second network in memory. Writes spectrum.yaml and \
      spectrum.csv; of weights spectrum-density.csv, spectrum-curve.csv, spectrum.npz and density.png too. SIGINT, SIGTERM, \
      SIGHUP or SIGUSR1 stops; the same command with --resume goes on with the checkpoints, or of weights the runs of \
      Lanczos' process and random vectors, that it stopped in.
      """)

  @OptionGroup var source: LandscapeSource
  @Option(help: "By what the loss is differentiated twice: alphas or weights.")
  var over = SpectrumVariable.alphas
  @Option(help: "Checkpoints of --run after so many epochs: all, or numbers and ranges such as 0,5,10-20.")
  var epochs: String?
  @Option(help: "Largest eigenvalues to find.")
  var eigenvalues = 5
  @Option(help: "Random vectors for the trace; 0 for no trace.")
  var probes = 20
  @Option(help: "Batches of the validation split, or of --data, without augmentation.")
  var batches = 4
  @Option(
    help: HessianKind.help(
      "the Hessian", default: "exact; beside --displacement difference; with --resume, what the folder has"))
  var hessian: HessianKind?
  @Option(help: "ε of differences, in units of α. Default: \(HessianProducts.usualDisplacement).")
  var displacement: Double?
  @Flag(help: "Find the largest eigenvalues in the mixing weights p too, which ‖α‖ does not shrink; with exact products.")
  var mixing = false
  @Flag(help: "Form the whole Hessian, one product a value of α, for all eigenvalues and the exact trace.")
  var full = false
  @Option(help: "Residual of an eigenvalue at most, relative to the largest.")
  var tolerance = 1e-3
  @OptionGroup(title: "Of weights") var weightFlags: WeightSpectrumFlags
  @OptionGroup var walk: WalkFlags

  func run() throws {
    try walk.requireOut()
    try requireFlagsOfOneKind()
    var weightSettings = try weightFlags.settings(
      eigenvalues: eigenvalues, probes: probes, batches: batches, tolerance: tolerance)
    var settings = try SpectrumSettings(
      eigenvalues: eigenvalues, probes: probes, batches: batches, products: products(), takesMixing: mixing, isFull: full,
      tolerance: tolerance)
    let team = try RunningProgram.team()
    let sources = try sources()
    var first = try sources[0].open(.networks)
    if team.rank == 0 { first.announce(takingSteps: false) } else { first = first.silent }
    settings.seed = first.configuration.seed
    weightSettings.seed = first.configuration.seed
    try measure(ProblemFactory.problem(of: first), sources, first, settings, weightSettings, team)
  }

  private func requireFlagsOfOneKind() throws {
    let others = [
      ("--hessian", hessian != nil), ("--displacement", displacement != nil), ("--mixing", mixing), ("--full", full),
    ]
    let (given, owner) =
      over == .weights ? (others.filter(\.1).map(\.0), SpectrumVariable.alphas) : (weightFlags.given, .weights)
    guard given.isEmpty else {
      throw UsageError(
        "flags of a spectrum over \(owner.rawValue)", found: given.joined(separator: ", "),
        wanted: "none of them, or --over \(owner.rawValue)")
    }
  }

  private func products() throws -> HessianProducts {
    if hessian == .exact, let displacement {
      throw UsageError(
        "a distance of exact products", found: "--displacement \(displacement) beside --hessian exact",
        wanted: "one of them")
    }
    let flag = hessian ?? displacement.map { _ in .difference }
    return HessianKind.chosen(flag, walk, settings: "spectrum.yaml").products(
      displacement: displacement ?? HessianProducts.usualDisplacement)
  }

  /// One source a checkpoint.
  private func sources() throws -> [LandscapeSource] {
    guard let epochs else { return [source] }
    guard source.run != nil || source.retraining != nil else {
      throw UsageError(
        "flag without its run", found: "--epochs \(epochs)", wanted: "--epochs only beside --run or --retraining")
    }
    guard source.epoch == nil else {
      throw UsageError("two flags for one thing", found: "--epoch and --epochs", wanted: "one of them")
    }
    let available = try source.checkpoints().filter { $0.step == 0 }.map(\.epoch)
    let chosen = try NumberList.epochs(epochs, of: available)
    guard !chosen.isEmpty else {
      throw UsageError(
        "no checkpoint", found: "none in \(source.run ?? source.retraining ?? "")",
        wanted: "checkpoints/epoch-NNN.safetensors")
    }
    return chosen.map { epoch in
      var one = source
      one.epoch = epoch
      return one
    }
  }

  private func measure<Problem: NetworkProblem>(
    _ problem: Problem, _ sources: [LandscapeSource], _ first: LandscapeSource.Opened, _ settings: SpectrumSettings,
    _ weightSettings: WeightSpectrumSettings, _ team: any Team
  ) throws {
    let place = try LandscapeCheckpoint(first, of: problem, learningRate: source.innerLr)
    switch over {
    case .alphas:
      try place.requireAlphas()
      if settings.products == .exact { try problem.prepareHessianProducts() }
    case .weights: try problem.prepareWeightHessianProducts()
    }
    let origin = place.origin.filter { $0.key != "checkpoint" }
    // All are read before the folder is made, so that a missing epoch leaves nothing behind.
    let checkpoints = try sources.indices.map { index in
      let opened = index == 0 ? first : try sources[index].open(.networks)
      let place = try LandscapeCheckpoint(opened.silent, of: problem, learningRate: source.innerLr)
      let (weights, alphas) = (place.checkpoint.weights, place.alphas)
      return SpectrumRun<Problem>.Checkpoint(name: place.path, epoch: place.checkpoint.epoch) { (weights, alphas) }
    }
    guard over == .alphas else { return try measureWeights(problem, checkpoints, place, weightSettings, team) }
    let copies = try ProblemFactory.instances(
      of: problem, first.configuration, objectives: [], parallel: walk.parallel,
      points: SharedWork.share(of: checkpoints.count, team))
    if settings.products == .exact { for copy in copies { try copy.prepareHessianProducts() } }
    let crew = SharedWork.crew(team, workers: copies.count)
    let run = try SpectrumRun(
      problem: problem, checkpoints: checkpoints, settings: settings, copies: copies, crew: crew, origin: place.agreement)
    guard team.rank == 0 else { return try run.serve(team, signal: SharedWork.signal()) }
    guard let folder = try walk.folder() else {
      print(LandscapeEstimate.text(try run.estimate(), copies, []))
      return
    }
    let rows = try StudyCommand.run(unit: "checkpoints", journal: folder.file("journal.csv")) { isStopRequested, progress in
      try run.run(
        in: folder, origin: origin, isContinued: walk.resume, isStopRequested: isStopRequested, progress: progress)
    }
    try crew.dismiss()
    let open = SpectrumConvergence.warnings(rows, tolerance: settings.tolerance, needsSmallest: false)
    for warning in Self.warnings(rows, settings) + open { complain(warning) }
    print(Self.text(rows, settings))
    print(folder.file("spectrum.csv"))
  }

  private static func warnings(_ rows: [SpectrumRow], _ settings: SpectrumSettings) -> [String] {
    epochs(of: rows).compactMap { epoch in
      func value(_ quantity: SpectrumRow.Quantity) -> Double? {
        rows.first { $0.epoch == epoch && $0.quantity == quantity && $0.index == 1 }?.value
      }
      return NumericalNoise.curvatureWarning(
        epoch.map { "epoch \($0)" } ?? "the checkpoint", asymmetry: value(.asymmetry), largest: value(.eigenvalue),
        atHalf: value(.halved), products: settings.products)
    }
  }

  private static func text(_ rows: [SpectrumRow], _ settings: SpectrumSettings) -> String {
    let columns: [Column] =
      [
        ("largest", .eigenvalue, 1), ("second", .eigenvalue, 2), ("smallest", .smallest, 1), ("trace", .trace, 1),
        ("smoothed largest", .smoothed, 1),
      ] + (settings.products.halved == nil ? [] : [("largest at ε/2", .halved, 1)]) + [("asymmetry", .asymmetry, 1)]
      + (settings.takesMixing ? [("largest in p", .mixingEigenvalue, 1)] : [])
    let products = settings.products.displacement.map { "differences over ε = \($0)" } ?? "exact products"
    return table(rows, columns) + "\nby \(products)"
  }

  typealias Column = (title: String, quantity: SpectrumRow.Quantity, index: Int)

  /// A line a checkpoint.
  static func table(_ rows: [SpectrumRow], _ columns: [Column]) -> String {
    let lines = epochs(of: rows).map { epoch -> [String] in
      let mine = rows.filter { $0.epoch == epoch }
      func cell(_ quantity: SpectrumRow.Quantity, _ index: Int) -> String {
        guard let row = mine.first(where: { $0.quantity == quantity && $0.index == index }) else { return "-" }
        // A residual alone is no error bar: only a trace's error is one.
        let isTrace = row.quantity == .trace || row.quantity == .densityTrace
        let reach = isTrace ? row.error : row.uncertainty
        return StudyCommand.decimal(row.value) + (reach.map { " ± " + StudyCommand.decimal($0) } ?? "")
      }
      return [epoch.map(String.init) ?? "-"] + columns.map { cell($0.quantity, $0.index) }
    }
    return TextTable.text(header: ["epoch"] + columns.map(\.title), rows: lines, rightAligned: [0])
  }

  private static func epochs(of rows: [SpectrumRow]) -> [Int?] {
    rows.reduce(into: []) { if !$0.contains($1.epoch) { $0.append($1.epoch) } }
  }
}
