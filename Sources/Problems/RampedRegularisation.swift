/// Edges that are dropped and squares that are cut out of images, more of them from epoch to epoch (Zela et al., *Understanding
/// and robustifying differentiable architecture search*, ICLR 2020, and its code, commit 3dec3fe, src/search/train_search.py, lines
/// 111–113): probabilities that rise linearly from 0 in the first epoch to their largest in the last.
public struct RampedRegularisation: Equatable, Sendable {
  /// With which an image drops an edge of a cell in the last epoch, below 1.
  public var dropPath: Double
  /// With which cutout is applied to an image in the last epoch.
  public var cutoutProbability: Double
  /// Whether that probability rises; else it is the same in every epoch.
  public var rampsCutout: Bool
  /// Epochs of the search or of its stage.
  public var epochs: Int

  public init(dropPath: Double = 0, cutoutProbability: Double = 1, rampsCutout: Bool = true, epochs: Int = 1) {
    self.dropPath = dropPath
    self.cutoutProbability = cutoutProbability
    self.rampsCutout = rampsCutout
    self.epochs = epochs
  }

  /// Drops nothing; a cutout that the loader has is of every image.
  public static let none = RampedRegularisation(rampsCutout: false)

  /// How far an epoch, counted from 0, is on the way from the first to the last; inner training may look beyond that.
  private func fraction(_ epoch: Int) -> Double { epochs > 1 ? min(1, Double(epoch) / Double(epochs - 1)) : 0 }

  /// Of an epoch counted from 0.
  public func dropPath(epoch: Int) -> Double { dropPath * fraction(epoch) }

  /// Of an epoch counted from 0.
  public func cutoutProbability(epoch: Int) -> Double {
    rampsCutout ? cutoutProbability * fraction(epoch) : cutoutProbability
  }
}
