import Problems

/// A named way of drawing a landscape: what a landscape that names no settings of its own has in their place.
public struct LandscapePreset: Sendable {
  public let name: String
  /// What it is for, in a line.
  public let summary: String
  /// Paper, or file and lines of the public script.
  public let source: String
  public let objectives: [Objective]
  /// Points along each side of a grid, and of a line.
  public let points: Int
  public let range: Double
  public let batchNorm: BatchNormMode
  public let validation: ValidationExtent
  /// Of inner steps, apart from the search's; nil for the search's.
  public let innerLearningRate: Double?
  public let startsAtRest: Bool
  public let drawing: BatchDrawing
  public let space: LandscapeSpace
  /// What losses are evaluated on.
  public let data: DataSplit

  /// One line a preset.
  public static let all: [LandscapePreset] = [.authors, .lossLandscape]

  /// The preset of a name; nil where there is none.
  public init?(named name: String) {
    guard let preset = Self.all.first(where: { $0.name == name }) else { return nil }
    self = preset
  }

  private init(
    name: String, summary: String, source: String, objectives: [Objective], points: Int, range: Double,
    batchNorm: BatchNormMode, validation: ValidationExtent, innerLearningRate: Double?, startsAtRest: Bool,
    drawing: BatchDrawing, space: LandscapeSpace = .alphas, data: DataSplit = .validation
  ) {
    (self.name, self.summary, self.source) = (name, summary, source)
    (self.objectives, self.points, self.range) = (objectives, points, range)
    (self.batchNorm, self.validation) = (batchNorm, validation)
    (self.innerLearningRate, self.startsAtRest, self.drawing) = (innerLearningRate, startsAtRest, drawing)
    (self.space, self.data) = (space, data)
  }

  /// The landscapes of the ZARTS paper as its authors' script draws them. Its loop takes a step before it looks whether it has
  /// taken enough, so what it calls 1 and 10 steps are 2 and 11.
  public static let authors = LandscapePreset(
    name: "authors",
    summary: "the landscapes of the ZARTS paper as its released script draws them, M said as it is: 2 and 11",
    source: "vicFigure/ZARTS 38bb2a6, cnn/loss_landscape/vis_loss_landscape.py, lines 56-57, 198, 249, 264-277, 332-365",
    objectives: [.firstOrder, .trueLoss(innerSteps: 2), .trueLoss(innerSteps: 11)], points: 51, range: 1,
    batchNorm: .running, validation: .augmentedSplit, innerLearningRate: 0.001, startsAtRest: true, drawing: .fresh)

  /// The planes of weights of Li et al. (2018): filter-normalised random directions without biases and batch norm, which are the
  /// defaults of directions in ω, and the loss over the whole training set, not augmented, in evaluation mode.
  public static let lossLandscape = LandscapePreset(
    name: "loss-landscape",
    summary:
      "planes of weights as the scripts of loss-landscape draw them: filter-normalised, over the training set, running statistics",
    source:
      "tomgoldstein/loss-landscape 64ef4d5, script/2d_contour_resnet56.sh; plot_surface.py, line 289; evaluation.py, line 31",
    objectives: [.firstOrder], points: 51, range: 1, batchNorm: .running, validation: .split, innerLearningRate: nil,
    startsAtRest: false, drawing: .fixed, space: .weights, data: .training)

  /// What it sets, as keys and values of a YAML mapping.
  public var entries: [(key: String, value: String)] {
    var entries: [(key: String, value: String)] = []
    if space != .alphas { entries.append(("over", space.rawValue)) }
    if data != .validation { entries.append(("data", data.rawValue)) }
    return entries + [
      ("objectives", "\"\(objectives.map(\.label).joined(separator: ","))\""), ("grid", "\(points)"), ("range", "\(range)"),
      ("validation_batches", validation.text),
    ] + batchNorm.entries + (innerLearningRate.map { [("inner_learning_rate", "\($0)")] } ?? [])
      + [("fresh_momentum", "\(startsAtRest)"), ("batches", drawing.rawValue)]
  }
}
