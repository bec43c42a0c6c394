import Problems

extension SearchConfiguration {
  /// When α is updated and what an update costs.
  public var updatePlan: UpdatePlan { method.definition.plan(self).perturbed(perturbationPasses) }

  /// Losses that an update, or the end of an epoch, asks for at once; 0 where there is nothing to share.
  public var lossesAtOnce: Int { method.definition.lossesAtOnce(self) }

  /// The criterion by which the search may end before its last epoch, without any history; nil where there is none.
  public var earlyStopping: EarlyStopping? { method.definition.earlyStopping(self) }

  /// The optimiser of α that the method names.
  ///
  /// - Throws: `InputError` where the problem has no architectures for the method to sample.
  public func makeOptimiser<Problem: BilevelProblem>(for problem: Problem) throws -> any ArchitectureOptimiser<Problem> {
    try method.definition.makeOptimiser(self, for: problem)
  }
}
