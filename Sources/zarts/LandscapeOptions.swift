import ArgumentParser
import Cells
import Compute
import Formats
import Landscape
import Problems
import Runs
import Search

extension DirectionNormalisation: ExpressibleByArgument {}
extension LandscapeSettings.Kind: ExpressibleByArgument {}
extension BatchDrawing: ExpressibleByArgument {}
extension LandscapePreset: ExpressibleByArgument {
  public init?(argument: String) { self.init(named: argument) }
  public var defaultValueDescription: String { name }
  public static var allValueStrings: [String] { all.map(\.name) }
}
extension LandscapeSettings.Center: ExpressibleByArgument {}

/// The flags of `zarts landscape` that decide what is computed, beside those that name the checkpoint.
struct LandscapeOptions: ParsableArguments {
  @Option(
    help: """
      A way of drawing to start from: \(LandscapePreset.all.map { "\($0.name) (\($0.summary))" }.joined(separator: "; ")). \
      Flags win over it.
      """)
  var preset: LandscapePreset?
  @Option(
    help: """
      What to draw: \(Objective.forms), with commas between. Default: first,second,true:10. eigenvalue is the largest of ∇² in ω, \
      convexity |λ_min|/|λ_max| of it, by at most so many products (default 30).
      """)
  var objectives: String?
  @Option(help: "grid for a square in the plane of two directions, line for a line along each of any number.")
  var kind = LandscapeSettings.Kind.grid
  @Option(help: "Points along each side of a grid; 1 is the centre alone. Default: 25.")
  var grid: Int?
  @Option(help: "Points along each line. Default: 51.")
  var points: Int?
  @Option(
    help: """
      Largest coordinate, in units of the directions' length, or auto for the smallest that holds the paths of --trajectory. \
      Default: 1, or auto where every direction is a principal component.
      """)
  var range: String?
  @Option(
    help: """
      Directions, with commas between: random, random*COUNT, first (−∇L₁), second (−∇L₂), true:STEPS (−∇L_M, by \
      differences), zarts (a ZARTS-MGS update), pca1, \
      pca2, … (of --trajectory, or of --run), to:PATH (the α of a run folder or a file), file:PATH#NAME. Default: random,random.
      """)
  var directions = "random,random"
  @Option(help: "Key of random directions.")
  var directionsSeed: UInt64 = 0
  @Option(
    help: """
      Parts of α whose norm each direction takes over: row, cell, model, or none to keep its length. Default: cell, or none \
      where every direction has a length of its own (pca, to).
      """)
  var normalisation: DirectionNormalisation?
  @Option(
    help: """
      Where the directions start: checkpoint, or mean for that of the paths of --trajectory. Default: mean where every \
      direction is a principal component.
      """)
  var center: LandscapeSettings.Center?
  @Option(
    help: ArgumentHelp(
      "Run folder whose path of α is projected onto the plane. May be given several times.", valueName: "run"))
  var trajectory: [String] = []
  @Option(
    help: """
      Validation batches that each loss is the mean over; all for the whole validation split as it is, augmented for the \
      batches of an epoch of the search, as it augments them; a rest that fills no batch is left out. Default: 1.
      """)
  var validationBatches: String?
  @OptionGroup var normalising: BatchNormFlags
  @OptionGroup var inner: InnerStepFlags
  @Option(
    help: """
      fixed: every point sees the batches that the search would meet; fresh: each has training batches of its own, and \
      augmented validation images are augmented anew. Default: fixed.
      """)
  var batches: BatchDrawing?
  @Option(help: "Levels of refinement around the minimisers of a grid: at each the spacing is halved.")
  var refine = 0

  func validate() throws {
    try CountBounds(0...RefinementSampler<SupernetProblem>.largestLevels).check(refine, "--refine")
    try CountBounds(1...LandscapeGrid.largestSize).check(grid, "--grid")
    try CountBounds(1...LandscapeGrid.largestSize).check(points, "--points")
  }

  /// The settings but for those that the checkpoint brings. Checked before data is read and weights are loaded.
  ///
  /// - Throws: `InputError` where a flag cannot be met, or goes with another kind.
  func settings() throws -> LandscapeSettings {
    let list = try DirectionKind.parse(list: directions)
    let isPath = list.allSatisfy { if case .principal = $0 { true } else { false } }
    switch kind {
    case .grid: try refuse("--points", points, goesWith: "--kind line")
    case .line:
      try refuse("--grid", grid, goesWith: "--kind grid")
      if !trajectory.isEmpty, !list.contains(where: { if case .principal = $0 { true } else { false } }) {
        throw InputError(
          "a path is seen in a plane", at: .setting("trajectory"), found: "--kind line", wanted: "--kind grid")
      }
    }
    let batchNorm = try normalising.mode(else: preset?.batchNorm)
    let isAutomatic = (range ?? (isPath && kind == .grid ? "auto" : "1")) == "auto"
    guard isAutomatic || range.map({ Double($0) != nil }) ?? true else {
      throw InputError(
        "not a range", at: .setting("range"), found: "'\(range ?? "")'", wanted: "a positive finite number, or auto")
    }
    let side = grid ?? points ?? preset?.points ?? (kind == .grid ? 25 : 51)
    var settings = LandscapeSettings(
      objectives: try objectives.map { try Objective.parse(list: $0) } ?? preset?.objectives
        ?? [.firstOrder, .secondOrder, .trueLoss(innerSteps: 10)],
      grid: try LandscapeGrid(
        size: side, range: isAutomatic ? 1 : range.flatMap { Double($0) } ?? preset?.range ?? 1,
        setting: kind == .grid ? "grid" : "points"),
      directionsSeed: directionsSeed,
      normalisation: normalisation ?? (list.allSatisfy(\.hasLength) ? .own : .cell), kind: kind,
      isRangeAutomatic: isAutomatic, directions: list, center: center ?? (isPath ? .trajectory : .checkpoint),
      batchNorm: batchNorm, refinementLevels: refine, startsAtRest: inner.freshMomentum ?? preset?.startsAtRest ?? false,
      drawing: batches ?? preset?.drawing ?? .fixed)
    settings.validation =
      try validationBatches.map { try ValidationExtent(parsing: $0) } ?? preset?.validation ?? .batches(1)
    return settings
  }

  /// The inner steps' own learning rate; nil for that of the search.
  var ownRate: Double? { inner.innerLearningRate ?? preset?.innerLearningRate }

  /// The paths of α: of --trajectory or, where principal components are asked for without any, of the checkpoint's run.
  func trajectories(of settings: LandscapeSettings, run: String?, like shape: ArchitectureParameters) throws
    -> [AlphaTrajectory]
  {
    let needsPath = settings.directions.contains { if case .principal = $0 { true } else { false } }
    let paths = trajectory.isEmpty && needsPath ? [run].compactMap { $0 } : trajectory
    for path in paths { try SearchRunFolder(existing: path).checkHistory() }
    return try AlphaTrajectory.read(runs: paths, like: shape)
  }

  private func refuse(_ flag: String, _ value: Int?, goesWith other: String) throws {
    guard let value else { return }
    throw UsageError("goes with \(other) only", at: flag, found: "\(value)", wanted: "no \(flag)")
  }
}
