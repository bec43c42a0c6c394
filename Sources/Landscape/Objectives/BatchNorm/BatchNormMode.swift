import Compute
import Formats
import Runs

/// Which statistics normalise activations where a validation loss is evaluated. Inner steps train with batch statistics
/// whatever the mode.
///
/// A mode is declared in the file of its name and listed in `declared`; whoever offers, checks, plans or evaluates asks it.
public struct BatchNormMode: Sendable {
  /// What flags and files call it.
  public let name: String
  /// Training batches that it estimates statistics on before each loss, which is a forward pass each; nil where it estimates
  /// none.
  public let batches: Int?
  /// Whether the checkpoint has to hold running statistics.
  public let needsStatistics: Bool
  /// The statistics that steps of ω move on their way to a loss; nil where the mode has no use for them.
  let starting: @Sendable (NormalisationBench) -> ParameterVector?
  /// The statistics that a loss is evaluated with; nil for the batch's own.
  ///
  /// `running` is what `starting` gave and steps have moved, or those of the checkpoint where there were no steps.
  let normaliser: @Sendable (NormalisationBench, _ running: ParameterVector?) -> ParameterVector?

  package init(
    name: String, batches: Int? = nil, needsStatistics: Bool = false,
    starting: @escaping @Sendable (NormalisationBench) -> ParameterVector? = { _ in nil },
    normaliser: @escaping @Sendable (NormalisationBench, _ running: ParameterVector?) -> ParameterVector?
  ) {
    (self.name, self.batches, self.needsStatistics) = (name, batches, needsStatistics)
    (self.starting, self.normaliser) = (starting, normaliser)
  }

  /// One line a mode; its file says the rest.
  private static let declared: [BatchNormMode] = [.batch, .running, .recalibrated]

  /// Modes beside the declared ones while a task runs: of tests.
  @TaskLocal package static var guests: [BatchNormMode] = []

  /// Every mode. The first is the default.
  public static var all: [BatchNormMode] { declared + guests }

  /// The mode of a name; nil where there is none.
  ///
  /// - Parameter batches: training batches of a mode that estimates statistics; nil for its usual number.
  public init?(named name: String) {
    guard let mode = Self.all.first(where: { $0.name == name }) else { return nil }
    self = mode
  }

  /// The same with another number of batches; the mode itself where it estimates no statistics.
  public func over(batches: Int) -> BatchNormMode {
    self.batches == nil
      ? self
      : BatchNormMode(
        name: name, batches: batches, needsStatistics: needsStatistics, starting: starting, normaliser: normaliser)
  }

  /// - Throws: `InputError` where the number of batches is none.
  public func check() throws {
    guard let batches else { return }
    try RunBounds.batches.require(batches, at: .setting("recalibration_batches"), "not a number of batches")
  }

  /// - Parameters:
  ///   - statistics: of the checkpoint, and `wanted` how many values the problem has.
  /// - Throws: `InputError` where the mode needs those of the checkpoint and there are none that fit.
  package func check(_ statistics: ParameterVector?, wanted count: Int) throws {
    guard needsStatistics, statistics?.count != count else { return }
    throw InputError(
      statistics == nil ? "the checkpoint has none" : "not of this problem", at: "running statistics",
      found: statistics.map { "\($0.count) values" },
      wanted: "running_mean and running_var of every batch norm, or another batch_norm")
  }

  /// The mode as keys and values of a YAML mapping.
  public var entries: [(key: String, value: String)] {
    [("batch_norm", name)] + (batches.map { [("recalibration_batches", "\($0)")] } ?? [])
  }

  /// The same, nothing for the default: for files that earlier versions wrote without.
  public var entriesWhereSet: [(key: String, value: String)] { self == .all[0] ? [] : entries }
}

extension BatchNormMode: Hashable {
  public static func == (left: Self, right: Self) -> Bool { left.name == right.name && left.batches == right.batches }
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// What a batch-norm mode finds at a loss.
package struct NormalisationBench {
  /// Of the checkpoint; nil where it has none.
  package let checkpoint: ParameterVector?
  /// A vector for statistics, to be written at will.
  package let scratch: ParameterVector
  /// How many training batches there are to estimate statistics on.
  package let batches: Int
  /// Moves `scratch` towards the statistics of one of them, at the weights and α of the loss: r + momentum · (s − r).
  package let move: (_ batch: Int, _ momentum: Float) -> Void
}
