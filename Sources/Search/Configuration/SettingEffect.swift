import Datasets

/// What of a search changes with a setting. Each field of config.yaml says so, and what runs may share or change where
/// they go on is made of it.
package enum SettingEffect: Sendable {
  /// Nothing that is computed: housekeeping.
  case nothing
  /// Where the data are, and what they are: the place alone makes no difference.
  case dataset
  /// The epochs before α first moves: ω, the losses, the genotypes that are derived there; with them all that follows.
  case warmup
  /// Only what follows the warm-up, and how long that is; and eigenvalues, which every run computes for itself.
  case afterWarmup
}

extension SearchConfiguration {
  private static func keys(_ effect: SettingEffect) -> [String] {
    fields.filter { $0.affects == effect }.map(\.key)
  }

  /// Settings of config.yaml that a run may change where it goes on: no result depends on them.
  public static let housekeeping = keys(.nothing)

  /// Settings that a run may be given where it goes on: the housekeeping, and where its data now are.
  public static let adjustable = housekeeping + keys(.dataset)

  /// The same computation with the housekeeping at its defaults and the data named without their place: neither must leave
  /// a trace in a run's results.
  package var withoutHousekeeping: SearchConfiguration {
    var neutral = self
    let defaults = SearchConfiguration(method: method, space: space, dataset: dataset)
    neutral.take(from: defaults) { $0 == .nothing }
    neutral.dataset = DatasetSpecification.kind(of: dataset)
    return neutral
  }

  /// The search that this one is until α first moves, for a shared computation: what neither the weights nor the rows of
  /// the warm-up depend on is at its default, and α never moves.
  ///
  /// Searches with equal ones have the same warm-up, bit for bit, as far as it goes in each.
  package var sharedWarmup: SearchConfiguration {
    var shared = SearchConfiguration(method: .neutral, space: space, dataset: dataset)
    shared.take(from: self) { $0 != .afterWarmup }
    // Nothing of the warm-up depends on what came later, and folders of earlier versions are of what was before.
    for field in Self.fields where field.affects == .afterWarmup { field.setEarlier?(&shared) }
    shared.warmup = epochs
    // Runs that start from it take every epoch over.
    shared.keepLast = 0
    return shared
  }

  /// The same computation with the housekeeping of another, and its place of the data.
  package func withHousekeeping(of other: SearchConfiguration) -> SearchConfiguration {
    var result = self
    result.take(from: other) { $0 == .nothing || $0 == .dataset }
    return result
  }

  private mutating func take(from other: SearchConfiguration, where isTaken: (SettingEffect) -> Bool) {
    for field in Self.fields where isTaken(field.affects) { field.copy(other, &self) }
  }
}
