import Compute
import Datasets
import Problems
import Search
import SearchSupport

/// The supernet of some settings on noise: 24 images of 8×8 pixels and three classes, half of which judge, so that with a batch of 4
/// an epoch has three steps.
///
/// - Parameter threads: nil for those of the settings.
@Sendable func noiseSupernet(
  _ settings: SearchConfiguration, threads: Int? = nil
) throws -> ObservedProblem<SupernetProblem> {
  var stream = RandomStream(seed: 4, purpose: .test)
  let images = (0..<24 * 3 * 64).map { _ in Float(stream.normal()) }
  let dataset = try ImageDataset(
    name: "noise", classes: 3, side: 8,
    training: .init(pixels: .floats(images), labels: (0..<24).map { _ in Int32(stream.integer(below: 3)) }), test: nil,
    normalisation: .cifar10)
  let threads = threads ?? settings.threads
  let loader = try BatchLoader(dataset: dataset, seed: settings.seed, batchSize: settings.batch, threads: threads)
  return ObservedProblem(
    try SupernetProblem(
      space: settings.space, channels: settings.channels, layers: settings.layers, loader: loader, seed: settings.seed,
      threads: threads, variant: settings.variant, skipDropout: settings.skipDropoutSchedule,
      regularisation: settings.regularisation))
}

extension Crowd {
  /// A search on `noiseSupernet` whose candidates the crowd evaluates. Where there are other ranks, each copy of rank 0 waits before
  /// its first loss until one of them has answered.
  func searched(_ settings: SearchConfiguration, in path: String, activity: ServerActivity) throws -> SearchRunFolder {
    try run(settings, activity: activity, serverProblem: { try noiseSupernet($0) }) { makeCrew in
      let problem = try noiseSupernet(settings)
      let copies = try (0..<groups).map { _ in
        let copy = try noiseSupernet(settings, threads: 1)
        copy.interfere = { [ranks] _ in
          if ranks > 1 { activity.wait() }
          return nil
        }
        return copy
      }
      return try search(
        problem, settings, in: path, space: settings.space, crew: makeCrew(settings, problem, copies))
    }
  }
}
