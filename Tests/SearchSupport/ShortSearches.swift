import Cells
import Formats
import Problems
import Runs
import Search

/// A short search on a quadratic.
package func shortConfiguration(_ method: SearchMethod, seed: UInt64 = 5) -> SearchConfiguration {
  var configuration = SearchConfiguration(method: method, space: .s2, dataset: "closed-form")
  configuration.seed = seed
  configuration.epochs = 4
  configuration.warmup = 2
  configuration.innerSteps = 4
  configuration.candidates = 3
  configuration.learningRate = 0.1
  return configuration
}

/// Runs a search into a new folder.
@discardableResult
package func search<Problem: BilevelProblem>(
  _ problem: Problem, _ configuration: SearchConfiguration, in path: String, stop: StopRequest = StopRequest(),
  space: SearchSpace? = .s2, crew: CandidateCrew<Problem>? = nil
) throws -> SearchRunFolder {
  let run = try SearchRun(
    starting: problem, configuration: configuration, folder: .create(at: path), space: space, crew: crew, stop: stop)
  try run.run()
  return run.files
}
