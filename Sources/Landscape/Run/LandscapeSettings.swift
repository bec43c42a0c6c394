import Search

/// Everything that decides what a landscape around a checkpoint holds, bit for bit.
public struct LandscapeSettings: Equatable, Sendable {
  public var objectives: [Objective]
  public var grid: LandscapeGrid
  public var directionsSeed: UInt64
  public var normalisation: DirectionNormalisation
  /// Settings of an inner step; its learning rate is ξ of L₂ too.
  public var step: WeightStep
  /// The weight step of the search (both counted from 0) whose batches come first.
  public var epoch: Int
  public var firstStep: Int
  /// Validation batches that each loss is the mean over.
  public var validationBatches: Int

  public init(
    objectives: [Objective], grid: LandscapeGrid, directionsSeed: UInt64 = 0, normalisation: DirectionNormalisation = .cell,
    step: WeightStep = WeightStep(), epoch: Int = 0, firstStep: Int = 0, validationBatches: Int = 1
  ) {
    self.objectives = objectives
    self.grid = grid
    self.directionsSeed = directionsSeed
    self.normalisation = normalisation
    self.step = step
    self.epoch = epoch
    self.firstStep = firstStep
    self.validationBatches = validationBatches
  }

  /// The settings as keys and values of a YAML mapping.
  public var entries: [(key: String, value: String)] {
    [
      ("objectives", "\"\(objectives.map(\.label).joined(separator: ","))\""), ("grid", "\(grid.size)"),
      ("range", "\(grid.range)"), ("directions_seed", "\(directionsSeed)"), ("normalisation", normalisation.rawValue),
      ("inner_learning_rate", "\(step.learningRate)"), ("momentum", "\(step.momentum)"),
      ("weight_decay", "\(step.weightDecay)"), ("gradient_clip", "\(step.gradientClip)"), ("batch_epoch", "\(epoch)"),
      ("batch_step", "\(firstStep)"), ("validation_batches", "\(validationBatches)"),
    ]
  }
}
