import ArgumentParser
import Compute
import Formats
import Landscape
import Plots
import Problems
import Studies

/// By what `zarts spectrum` differentiates the loss twice.
enum SpectrumVariable: String, CaseIterable, ExpressibleByArgument { case alphas, weights }

/// The flags of `zarts spectrum` that spectra of weights alone have.
struct WeightSpectrumFlags: ParsableArguments {
  @Option(
    help: """
      Images of the loss: \(DataSplit.allCases.map(\.rawValue).joined(separator: ", ")). Default: validation; of a derived network \
      those that its retraining reports on, of weights of one test.
      """)
  var data: DataSplit?
  @Option(help: "Steps of Lanczos' process from each start of the density. Default: 80.")
  var densitySteps: Int?
  @Option(help: "Random starts of the density of eigenvalues; 0 for no density. Default: 2.")
  var densityStarts: Int?
  @Option(
    help: ArgumentHelp(
      "σ of the Gaussian that stands for each node of the density. Default: σ² is 1e-5 times the larger of 1 and their range.",
      valueName: "sigma"))
  var densityWidth: Double?
  @Flag(help: "Write the eigenvectors of the largest eigenvalues to eigenvectors.safetensors.")
  var vectors = false
  @Flag(help: "Write density.pdf too.")
  var pdf = false
  @Flag(help: "Write density.svg too.")
  var svg = false
  @OptionGroup var figure: FigureFlags

  /// Those that were given.
  var given: [String] {
    let flags = [
      ("--data", data != nil), ("--density-steps", densitySteps != nil), ("--density-starts", densityStarts != nil),
      ("--density-width", densityWidth != nil), ("--vectors", vectors), ("--pdf", pdf), ("--svg", svg),
    ]
    return flags.filter(\.1).map(\.0) + figure.words
  }

  /// - Throws: `InputError` where a value is out of range; `UsageError` for flags of a density beside none.
  func settings(eigenvalues: Int, probes: Int, batches: Int, tolerance: Double) throws -> WeightSpectrumSettings {
    let ofDensity = [("--density-steps", densitySteps != nil), ("--density-width", densityWidth != nil)].filter(\.1)
    if densityStarts == 0, !ofDensity.isEmpty {
      throw UsageError(
        "flags of a density beside none", found: "\(ofDensity.map(\.0).joined(separator: ", ")), --density-starts 0",
        wanted: "--density-starts above 0, or none of them")
    }
    let usual = try WeightSpectrumSettings()
    return try WeightSpectrumSettings(
      eigenvalues: eigenvalues, probes: probes, densitySteps: densitySteps ?? usual.densitySteps,
      densityStarts: densityStarts ?? usual.densityStarts, densityWidth: densityWidth, data: data ?? usual.data,
      batches: batches, tolerance: tolerance, keepsVectors: vectors)
  }
}

extension SpectrumCommand {
  /// Spectra of ∇²_ω L at checkpoints that are read already.
  func measureWeights<Problem: NetworkProblem>(
    _ problem: Problem, _ checkpoints: [SpectrumRun<Problem>.Checkpoint], _ place: LandscapeCheckpoint<Problem>,
    _ given: WeightSpectrumSettings, _ team: any Team
  ) throws {
    var settings = given
    // A derived network has validation images only where some were held out.
    if weightFlags.data == nil { settings.data = problem.reportedSplit }
    let pieces = (1 + settings.densityStarts + settings.probes) * checkpoints.count
    let held = min(settings.batches, problem.splitCount(settings.data))
    try MemoryShortage.check(
      "\(held) \(settings.data.rawValue) batches", neededBytes: .saturatingProduct(held, problem.batchBytes))
    let copies = try ProblemFactory.instances(
      of: problem, place.configuration, objectives: [], vectors: settings.vectors, parallel: walk.parallel,
      points: SharedWork.share(of: pieces, team))
    for copy in copies { try copy.prepareWeightHessianProducts() }
    let bytes = Int.saturatingProduct(
      copies.count, settings.vectors, problem.makeVector().count, MemoryLayout<Float>.stride)
    try MemoryShortage.check(
      "\(copies.count) times \(settings.vectors) vectors of ω", neededBytes: bytes,
      advice: "a smaller --parallel, --density-steps or --eigenvalues")
    let crew = SharedWork.crew(team, workers: copies.count)
    let run = try WeightSpectrumRun(
      problem: problem, checkpoints: checkpoints, settings: settings, copies: copies, crew: crew, origin: place.agreement)
    guard team.rank == 0 else { return try run.serve(team, signal: SharedWork.signal()) }
    guard let folder = try walk.folder() else {
      print(LandscapeEstimate.text(try run.estimate(), copies, []))
      print("vectors of ω: \(settings.vectors) at a time on each copy, \(max(1, bytes >> 20)) MiB in all")
      return
    }
    let rows = try StudyCommand.run(unit: "products", journal: folder.file("journal.csv")) { isStopRequested, progress in
      try run.run(
        in: folder, origin: place.origin.filter { $0.key != "checkpoint" }, isContinued: walk.resume,
        isStopRequested: isStopRequested, progress: progress)
    }
    try crew.dismiss()
    let figures = try Plot.writeBeside(
      folder.path, formats: [.png] + (weightFlags.pdf ? [.pdf] : []) + (weightFlags.svg ? [.svg] : []),
      weightFlags.figure.style)
    var open = SpectrumConvergence.warnings(rows, tolerance: settings.tolerance, needsSmallest: true)
    if settings.densityStarts > 0 {
      open += try SpectrumConvergence.densityWarnings(
        rows, density: CSVTable(readingFrom: folder.file("spectrum-density.csv")))
    }
    for warning in open { complain(warning) }
    print(Self.weightText(rows))
    for path in [folder.file("spectrum.csv")] + figures { print(path) }
  }

  private static func weightText(_ rows: [SpectrumRow]) -> String {
    table(
      rows,
      [
        ("largest", .eigenvalue, 1), ("second", .eigenvalue, 2), ("smallest", .smallest, 1), ("trace", .trace, 1),
        ("trace by the density", .densityTrace, 1), ("asymmetry", .asymmetry, 1),
      ]) + "\n∇² in ω by exact products"
  }
}
