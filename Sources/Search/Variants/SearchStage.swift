import Cells
import Problems

/// One stage of a progressive search: a network of its own, deeper than the one before and with fewer candidates
/// (Chen et al., P-DARTS, ICCV 2019, §3.2).
public struct SearchStage: Equatable, Sendable {
  /// Cells.
  public var layers: Int
  /// C, the channels of the first cells.
  public var channels: Int
  /// Candidates of an edge; from one stage to the next those with the largest mixing weights are kept.
  public var operations: Int
  /// Rate at which skip connections drop values in the first epoch of the stage.
  public var skipDropout: Double
  public var epochs: Int
  /// Epochs at its start that train ω alone.
  public var warmup: Int

  public init(layers: Int, channels: Int, operations: Int, skipDropout: Double, epochs: Int, warmup: Int) {
    self.layers = layers
    self.channels = channels
    self.operations = operations
    self.skipDropout = skipDropout
    self.epochs = epochs
    self.warmup = warmup
  }

  /// As config.yaml has it.
  var yaml: String {
    "{layers: \(layers), channels: \(channels), operations: \(operations), skip_dropout: \(skipDropout), "
      + "epochs: \(epochs), warmup: \(warmup)}"
  }

  /// The published stages for a space of 8 operations (P-DARTS, §4.2; the dropout rates are those for CIFAR-10).
  public static let published = [
    SearchStage(layers: 5, channels: 16, operations: 8, skipDropout: 0, epochs: 25, warmup: 10),
    SearchStage(layers: 11, channels: 16, operations: 5, skipDropout: 0.4, epochs: 25, warmup: 10),
    SearchStage(layers: 17, channels: 16, operations: 3, skipDropout: 0.7, epochs: 25, warmup: 10),
  ]
}

extension SearchConfiguration {
  /// The settings of one stage (from 0): a search of its own, with the operations that the stage before kept.
  ///
  /// `operations` nil: all of the space. The last stage alone limits the skip connections of its genotypes.
  public func stage(_ index: Int, operations: EdgeOperations?) -> SearchConfiguration {
    var result = self
    let stage = stages[index]
    result.stages = []
    result.layers = stage.layers
    result.channels = stage.channels
    result.skipDropout = stage.skipDropout
    result.epochs = stage.epochs
    result.warmup = stage.warmup
    result.keptOperations = operations
    if index + 1 < stages.count { result.maximumSkips = nil }
    return result
  }

  /// The candidates of each edge.
  public var operations: EdgeOperations { keptOperations ?? space.operations }

  /// What the α of the search stands for.
  public var alphaShape: AlphaShape { AlphaShape(operations: operations, hasEdgeColumn: edgeNormalisation) }

  /// What the settings change in the supernet.
  public var variant: SupernetVariant {
    var result = SupernetVariant()
    result.scale = scale
    result.partialChannels = partialChannels
    result.edgeNormalisation = edgeNormalisation
    result.skipDropout = skipDropout > 0
    result.dropsPaths = dropPath > 0
    result.mergedConvolutions = mergedConvolutions
    result.auxiliarySkip = auxiliarySkip > 0
    result.operations = keptOperations
    return result
  }

  /// The decay of the dropout of skip connections.
  public var skipDropoutSchedule: SkipDropout { SkipDropout(initialRate: skipDropout, epochs: epochs, warmup: warmup) }
}
