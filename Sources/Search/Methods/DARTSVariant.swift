import Problems

/// A method that updates α as DARTS of one order does, and differs from it by its default settings, by what it asks of them or by
/// where it ends. What it does not say is DARTS'.
protocol DARTSVariant: MethodDefinition {
  var base: DARTS { get }
}

extension DARTSVariant {
  var settings: Set<String> { base.settings }

  func plan(_ configuration: SearchConfiguration) -> UpdatePlan { base.plan(configuration) }

  func makeOptimiser<Problem: BilevelProblem>(
    _ configuration: SearchConfiguration, for problem: Problem
  ) -> any ArchitectureOptimiser<Problem> {
    base.makeOptimiser(configuration, for: problem)
  }
}
