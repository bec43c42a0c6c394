import Problems

/// A way to search: everything that others need to know of it, declared in one file beside its optimiser.
///
/// Flags, config.yaml, budgets, estimates, comparisons and landscapes ask; none of them knows a method by name. The
/// declared ones stand in `SearchMethod.all`.
public protocol MethodDefinition: Sendable {
  /// As in config.yaml, flags and folders. Runs are known by it, so it stays what it is.
  var name: String { get }
  /// What it does, in a line.
  var summary: String { get }
  /// Keys of config.yaml that make a difference to it and not to every method. A key that no method names is read by all.
  var settings: Set<String> { get }
  /// Whether its searches may be in stages of growing depth (`StagedSearch`).
  var searchesInStages: Bool { get }
  /// Settings of config.yaml that its authors searched with, of which the best is taken (`variants` of a plan); empty where they
  /// name one.
  var publishedVariants: [[(key: String, value: String)]] { get }
  /// How its updates are studied as estimates of the gradient of the true loss; empty where they are none.
  var estimators: [StudiedEstimator] { get }

  /// Puts the method's published settings in, where they are others than those of first-order DARTS.
  func setDefaults(_ configuration: inout SearchConfiguration)
  /// Checks what only this method asks of the settings, each of which is in its own range.
  ///
  /// - Throws: `InputError` naming the first setting that cannot be.
  func validate(_ configuration: SearchConfiguration) throws
  /// When it updates α and what an update costs, with these settings.
  func plan(_ configuration: SearchConfiguration) -> UpdatePlan
  /// Losses that an update, or the end of an epoch, asks for at once, none of which needs another: they may be evaluated side
  /// by side. A method with any reads the setting `groups`. 0 where there is nothing to share.
  func lossesAtOnce(_ configuration: SearchConfiguration) -> Int
  /// The criterion by which a search may end before its last epoch, without any history; nil where there is none.
  func earlyStopping(_ configuration: SearchConfiguration) -> EarlyStopping?
  /// - Throws: `InputError` where the problem is none for the method.
  func makeOptimiser<Problem: BilevelProblem>(
    _ configuration: SearchConfiguration, for problem: Problem
  ) throws -> any ArchitectureOptimiser<Problem>
}

extension MethodDefinition {
  public var searchesInStages: Bool { true }
  public var publishedVariants: [[(key: String, value: String)]] { [] }
  public var estimators: [StudiedEstimator] { [] }
  public func setDefaults(_ configuration: inout SearchConfiguration) {}
  public func validate(_ configuration: SearchConfiguration) throws {}
  public func earlyStopping(_ configuration: SearchConfiguration) -> EarlyStopping? { nil }
  public func lossesAtOnce(_ configuration: SearchConfiguration) -> Int { 0 }
}
