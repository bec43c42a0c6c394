import Formats
import Foundation
import Search
import SearchSupport
import TestSupport
import Testing

/// A failure of data is never a divergence: whatever a method was about to do with a batch that cannot be made, the search
/// ends with the error that says why.
struct DamagedDataTests {
  private static let damage = InputError("a damaged PNG image", at: .file("train/cat/7.png"))

  private func configuration(_ method: SearchMethod) -> SearchConfiguration {
    var configuration = shortConfiguration(method)
    (configuration.epochs, configuration.warmup) = (3, 1)
    configuration.eigenvalueEvery = 1
    return configuration
  }

  @Test(arguments: SearchMethod.allCases)
  func aBatchThatCannotBeMadeStopsEveryMethodInEveryPhaseWithItsOwnError(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    let whole = try ObservedProblem(quadratic())
    try search(whole, configuration(method), in: folder.file("whole"))
    let batches = whole.batches
    #expect(batches > 20)
    // Every third of them meets every phase.
    for place in Array(stride(from: 0, to: batches, by: 3)) + [batches - 1] {
      let problem = try ObservedProblem(quadratic())
      problem.spoilBatch = { if $0 == place { throw Self.damage } }
      let path = folder.file("run-\(place)")
      let error = #expect(throws: InputError.self, "batch \(place) of \(batches)") {
        try search(problem, configuration(method), in: path)
      }
      #expect(error == Self.damage)
      // Nothing that the batch had a part in is kept.
      let files = try SearchRunFolder(existing: path)
      let kept = try files.checkpoints().map { try bytes($0.path) }
      let expected = try files.checkpoints().map { checkpoint in
        try bytes(SearchRunFolder(existing: folder.file("whole")).checkpointPath(epoch: checkpoint.epoch))
      }
      #expect(kept == expected && !FileManager.default.fileExists(atPath: files.genotypePath))
    }
  }

  @Test func aComparisonSaysFailedWithTheFileForDamagedDataAndGoesOnWhereItIsMended() throws {
    let folder = try ScratchFolder()
    let yaml = """
      methods: [darts1, zarts-mgs]
      spaces: [s2]
      datasets: [closed-form]
      settings: {epochs: 3, warmup: 0, inner_steps: 2, learning_rate: 0.1}
      """
    let plan = try ComparisonPlan(yaml: yaml, from: "test")
    let output = try OutputFolder.create(at: folder.file("comparison"))
    let rows = try ComparisonRun(of: plan, in: output) { configuration in
      let problem = try ObservedProblem(quadratic(seed: configuration.seed))
      problem.spoilBatch = { if $0 == 9 { throw Self.damage } }
      return problem
    }.run()
    #expect(rows.allSatisfy { $0.status == .failed && $0.error?.contains("train/cat/7.png") == true }, "\(rows)")
    let mended = try ComparisonRun(of: plan, in: output) { try ObservedProblem(quadratic(seed: $0.seed)) }.run()
    #expect(mended.allSatisfy { $0.status == .finished }, "\(mended)")
  }
}
