import Formats
import Problems

/// Everything that decides what a landscape around a checkpoint holds, bit for bit.
public struct LandscapeSettings: Equatable, Sendable {
  /// Whether points fill a plane or lie on lines.
  public enum Kind: String, CaseIterable, Sendable {
    /// A square in the plane of two directions.
    case grid
    /// A line along each of any number of directions.
    case line
  }

  /// Where the directions start.
  public enum Center: String, CaseIterable, Sendable {
    /// α of the checkpoint.
    case checkpoint
    /// The mean of the paths of α.
    case trajectory = "mean"
  }

  public var objectives: [Objective]
  public var kind: Kind
  /// Points along each side, or along each line.
  public var grid: LandscapeGrid
  /// How far the grid is to reach where that is to be the least that holds the paths, a tenth to spare; nil where it is given.
  public var automaticReach: GridReach?
  public var isRangeAutomatic: Bool { automaticReach != nil }
  /// What the axes run along, in their order.
  public var axes: [LandscapeAxis]
  /// Directions of α among them; set, they are all axes.
  public var directions: [DirectionKind] {
    get { axes.compactMap(\.alphaKind) }
    set { axes = newValue.map(LandscapeAxis.alphas) }
  }
  public var directionsSeed: UInt64
  public var normalisation: DirectionNormalisation
  public var center: Center
  /// Settings of an inner step; its learning rate is ξ of L₂ too, unless `unrolledRate` says otherwise.
  public var step: WeightStep
  /// ξ of L₂ and the rate of the search's own step in directions, where inner training has another; nil for that of `step`.
  public var unrolledRate: Float?
  /// Whether steps of L₂ and L_M begin with zero momentum in place of the checkpoint's. Directions are the search's in any case.
  public var startsAtRest: Bool
  /// Whether points share their batches.
  public var drawing: BatchDrawing
  /// The weight step of the search (both counted from 0) whose batches come first.
  public var epoch: Int
  public var firstStep: Int
  /// Validation batches that each loss is the mean over.
  public var validation: ValidationExtent
  public var batchNorm: BatchNormMode
  /// Levels of refinement around the minimisers of a grid.
  public var refinementLevels: Int
  /// Of a direction `zarts`.
  public var zarts: ZARTSUpdateSettings
  /// Methods that are followed in the plane of a grid of α; nil for none.
  public var paths: ConfinedPathSettings?
  /// Of directions in ω.
  public var weightDirections = WeightDirectionSettings()
  /// What losses are evaluated on. Directions along gradients are those of validation data in any case.
  public var data = DataSplit.validation

  public init(
    objectives: [Objective], grid: LandscapeGrid, directionsSeed: UInt64 = 0, normalisation: DirectionNormalisation = .cell,
    step: WeightStep = WeightStep(), epoch: Int = 0, firstStep: Int = 0, validationBatches: Int = 1,
    isWholeSplit: Bool = false, kind: Kind = .grid, isRangeAutomatic: Bool = false,
    directions: [DirectionKind] = [.random, .random], center: Center = .checkpoint, batchNorm: BatchNormMode = .batch,
    refinementLevels: Int = 0, zarts: ZARTSUpdateSettings = ZARTSUpdateSettings(), unrolledRate: Float? = nil,
    startsAtRest: Bool = false, drawing: BatchDrawing = .fixed
  ) {
    self.objectives = objectives
    self.kind = kind
    self.grid = grid
    automaticReach = isRangeAutomatic ? GridReach(nil) : nil
    axes = directions.map(LandscapeAxis.alphas)
    self.directionsSeed = directionsSeed
    self.normalisation = normalisation
    self.center = center
    self.step = step
    self.epoch = epoch
    self.firstStep = firstStep
    validation = isWholeSplit ? .split : .batches(validationBatches)
    self.batchNorm = batchNorm
    self.refinementLevels = refinementLevels
    self.zarts = zarts
    self.unrolledRate = unrolledRate
    self.startsAtRest = startsAtRest
    self.drawing = drawing
  }

  /// The search's own weight step.
  var searchStep: WeightStep { step.at(unrolledRate) }

  /// The settings as keys and values of a YAML mapping.
  public var entries: [(key: String, value: String)] {
    var entries: [(key: String, value: String)] = [
      ("objectives", "\"\(objectives.map(\.label).joined(separator: ","))\""),
      (kind == .grid ? "grid" : "points", grid.extent.text),
      ("range", grid.rangeText), ("directions_seed", "\(directionsSeed)"),
    ]
    if space != .alphas { entries.append(("over", space.rawValue)) }
    if space != .weights { entries.append(("normalisation", normalisation.rawValue)) }
    entries += [
      ("inner_learning_rate", "\(step.learningRate)"), ("momentum", "\(step.momentum)"),
      ("weight_decay", "\(step.weightDecay)"), ("gradient_clip", "\(step.gradientClip)"), ("batch_epoch", "\(epoch)"),
      ("batch_step", "\(firstStep)"), ("validation_batches", validation.text),
      ("kind", kind.rawValue), ("directions", quoted(axes.list)), ("center", center.rawValue),
    ]
    if space != .alphas { entries += weightDirections.entries(weightKinds) }
    // Absent at their defaults, so that landscapes begun before there was a choice go on.
    if data != .validation { entries.append(("data", data.rawValue)) }
    return entries + batchNorm.entries
      + DepartureEntries.of(unrolledRate: unrolledRate, startsAtRest: startsAtRest, drawing: drawing)
      + (kind == .grid ? [("refine", "\(refinementLevels)")] : []) + (directions.contains(.zarts) ? zarts.entries : [])
      + (directions.contains { $0.descended != nil }
        ? [("direction_displacement", "\(TrueLossDescent.displacement)")] : []) + (paths?.entries ?? [])
  }

  /// Whose directions the axes are.
  public var space: LandscapeSpace { axes.space }

  /// Directions of ω among the axes.
  var weightKinds: [WeightDirectionKind] { axes.compactMap(\.weightKind) }

  /// Whether biases and batch norm are left out of directions of ω of some kind.
  public func ignoresBiases(of isMeant: (WeightDirectionKind) -> Bool) -> Bool {
    weightKinds.enumerated().contains { isMeant($1) && weightDirections.ignored($0, of: $1) == .biasbn }
  }

  /// Points of the grid or of all lines, those of a refinement left out.
  public var pointCount: Int { kind == .grid ? grid.count : grid.size * axes.count }

  /// The same with what a refinement may add, which have numbers of their own.
  var numberedPoints: Int {
    pointCount + RefinementCount.largest(levels: kind == .grid ? refinementLevels : 0, objectives: objectives.count)
  }

  /// Memory that one point takes while a landscape is walked, about: what is to be done there, and what was found.
  public var pointBytes: Int { 160 + 8 * axes.count + 144 * objectives.count }

  /// Vectors of ω's size that a point has beside those of its objectives: ω of the point, where directions of ω move it.
  public var vectorsPerPoint: Int { space == .alphas ? 0 : 1 }

  /// The same with random directions in the place of those that it takes passes of the network to know: enough for an
  /// estimate of the time.
  public var withoutComputedDirections: LandscapeSettings {
    var result = self
    result.axes = axes.map { $0.alphaKind?.isComputed == true ? .alphas(.random) : $0 }
    return result
  }

  /// What is evaluated, for directions too.
  public var evaluated: [Objective] {
    directions.compactMap(\.descended).reduce(into: objectives) { if !$0.contains($1) { $0.append($1) } }
  }

  /// What it takes to know the directions.
  ///
  /// - Parameter values: of α.
  public func directionWork(validationBatches: Int, values: Int = 0) -> EvaluationWork {
    directions.reduce(EvaluationWork()) { sum, kind in
      sum
        + kind.work(
          validationBatches: validationBatches, recalibrationBatches: batchNorm.batches ?? 0, values: values, zarts: zarts)
    }
  }

  /// The work of every point but those of the refinement, whose number is known only afterwards, and of at most how many
  /// points that is.
  func work<Problem: BilevelProblem>(_ batches: EvaluationBatches<Problem>) -> (point: EvaluationWork, points: Int) {
    (
      EvaluationWork(
        of: objectives, validationBatches: batches.validationCount,
        recalibrationBatches: batches.recalibration.count),
      pointCount
    )
  }

  private func quoted(_ text: String) -> String { JSONText.quoted(text) }
}
