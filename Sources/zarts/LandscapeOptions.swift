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
extension GridSize: ExpressibleByArgument {
  public init?(argument: String) { self.init(text: argument) }
  public var defaultValueDescription: String { text }
}

/// The flags of `zarts landscape` that decide what is computed, beside those that name the checkpoint.
struct LandscapeOptions: ParsableArguments {
  @Option(
    help: """
      A way of drawing to start from: \(LandscapePreset.all.map { "\($0.name) (\($0.summary))" }.joined(separator: "; ")). \
      Flags win over it.
      """)
  var preset: LandscapePreset?
  @OptionGroup var weighing: WeightDirectionFlags
  @Option(
    help: """
      What to draw: \(Objective.forms), with commas between. Default: first,second,true:10, or first over weights. eigenvalue is \
      the largest of ∇² in ω, convexity |λ_min|/|λ_max| of it, by at most so many products (default 30); random and adversarial \
      are L₁ at mixing weights moved by up to EPS, the mean of draws and the largest that ascent finds.
      """)
  var objectives: String?
  @Option(help: "grid for a square in the plane of two directions, line for a line along each of any number.")
  var kind = LandscapeSettings.Kind.grid
  @Option(
    help: ArgumentHelp(
      "Points along each side of a grid, or along its first and second direction (51x31); 1 is the centre alone. Default: 25.",
      valueName: "points"))
  var grid: GridSize?
  @Option(help: "Points along each line. Default: 51.")
  var points: Int?
  @Option(
    help: """
      Largest coordinate, in units of the directions' length, or bounds (--range=-0.2:1.2), or auto for the smallest about the centre \
      that holds the paths of --trajectory, or path for the smallest that holds them wherever they lie; two \
      with a comma between for the two directions (1,0.5, -0.2:1.2,-1:1, or auto,auto, where one auto or path makes a square). \
      Default: 1, or auto where every direction is a principal component.
      """)
  var range: String?
  @Option(
    help: """
      Directions, with commas between: random, random*COUNT, first (−∇L₁), second (−∇L₂), true:STEPS (−∇L_M, by \
      differences), zarts (a ZARTS-MGS update), pca1, \
      pca2, … (of --trajectory, or of --run), to:PATH (the α of a run folder or a file), file:PATH#NAME. Of ω: random, \
      random*COUNT, pca1, …, hessian1, … (of --eigenvectors), to:PATH, file:PATH#NAME. Default: random,random, or \
      alpha:random,weights:random.
      """)
  var directions: String?
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
      "Run folder whose path of α, or over weights of ω, is projected onto the plane. May be given several times.",
      valueName: "run"))
  var trajectory: [String] = []
  @Option(
    help: """
      What losses are evaluated on: validation, training or test. Default: validation; of a derived network what it is reported on.
      """)
  var data: DataSplit?
  @Option(
    help: """
      Batches of --data that each loss is the mean over: the validation batches that a search would meet, or the first of training \
      or test data as they are; all for the whole split as it is, augmented for the validation batches of an epoch of the search, \
      as it augments them; a rest that fills no batch is left out. Default: 1.
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
  @OptionGroup var following: PathFlags

  func validate() throws {
    try CountBounds(0...RefinementSampler<SupernetProblem>.largestLevels).check(refine, "--refine")
    for side in [grid?.x, grid?.y] { try CountBounds(1...LandscapeGrid.largestSize).check(side, "--grid") }
    try CountBounds(1...LandscapeGrid.largestSize).check(points, "--points")
  }

  /// The settings but for those that the checkpoint brings. Checked before data is read and weights are loaded.
  ///
  /// - Throws: `InputError` where a flag cannot be met, or goes with another kind.
  func settings() throws -> LandscapeSettings {
    if kind == .line { try refuse("--paths", following.paths, goesWith: "--kind grid") }
    let space = weighing.space(else: preset?.space)
    let weightDirections = try weighing.settings(over: space)
    let axes = try LandscapeAxis.parse(
      list: directions ?? (space == .both ? "alpha:random,weights:random" : "random,random"), over: space)
    if space == .weights, let normalisation {
      throw UsageError(
        "goes with directions of α only", at: "--normalisation", found: normalisation.rawValue,
        wanted: "--weight-normalisation")
    }
    // Mixed planes hold no path.
    let isPath = space != .both && axes.allSatisfy(\.isPrincipal)
    if space != .alphas { try refuse("--paths", following.paths, goesWith: "--over alphas") }
    if space == .both, !axes.contains(where: \.isPrincipal) {
      try refuse("--trajectory", trajectory.first, goesWith: "planes of one space, or principal components (pca1)")
    }
    if !axes.contains(where: { if case .weights(.eigenvector) = $0 { true } else { false } }) {
      try refuse("--eigenvectors", weighing.eigenvectors, goesWith: "directions hessian1, hessian2, …")
    }
    switch kind {
    case .grid: try refuse("--points", points.map(String.init), goesWith: "--kind line")
    case .line:
      try refuse("--grid", grid?.text, goesWith: "--kind grid")
      if !trajectory.isEmpty, !axes.contains(where: \.isPrincipal) {
        throw InputError(
          "a path is seen in a plane", at: .setting("trajectory"), found: "--kind line", wanted: "--kind grid")
      }
    }
    let batchNorm = try normalising.mode(else: preset?.batchNorm)
    let usual = GridReach(isPath && kind == .grid ? nil : preset?.range ?? 1)
    let reach = try range.map { try GridReach(parsing: $0) } ?? usual
    guard kind == .grid || reach.isSquare else {
      throw UsageError(
        "two ranges go with --kind grid only", at: "--range", found: range ?? "", wanted: "one number, or bounds such as 0:1"
      )
    }
    let side = points ?? preset?.points ?? (kind == .grid ? 25 : 51)
    var settings = LandscapeSettings(
      objectives: try objectives.map { try Objective.parse(list: $0) } ?? preset?.objectives
        ?? (space == .weights ? [.firstOrder] : [.firstOrder, .secondOrder, .trueLoss(innerSteps: 10)]),
      grid: try (reach.isAutomatic ? GridReach(1) : reach).grid(
        grid ?? GridSize(x: side, y: side), setting: kind == .grid ? "grid" : "points"),
      directionsSeed: directionsSeed,
      normalisation: normalisation ?? .cell, kind: kind,
      center: center ?? (isPath && space == .alphas ? .trajectory : .checkpoint),
      batchNorm: batchNorm, refinementLevels: refine, startsAtRest: inner.freshMomentum ?? preset?.startsAtRest ?? false,
      drawing: batches ?? preset?.drawing ?? .fixed)
    if reach.isAutomatic { settings.automaticReach = reach }
    (settings.axes, settings.weightDirections) = (axes, weightDirections)
    if normalisation == nil, settings.directions.allSatisfy(\.hasLength) { settings.normalisation = .own }
    settings.data = data ?? preset?.data ?? .validation
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
    guard needsPath || settings.space == .alphas else { return [] }
    let paths = trajectory.isEmpty && needsPath ? [run].compactMap { $0 } : trajectory
    for path in paths { try SearchRunFolder(existing: path).checkHistory() }
    return try AlphaTrajectory.read(runs: paths, like: shape)
  }

  private func refuse(_ flag: String, _ value: String?, goesWith other: String) throws {
    guard let value else { return }
    throw UsageError("goes with \(other) only", at: flag, found: value, wanted: "no \(flag)")
  }
}
