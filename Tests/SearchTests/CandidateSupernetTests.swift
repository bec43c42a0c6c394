import Cells
import Compute
import Datasets
import Engine
import Problems
import Search
import SearchSupport
import TestSupport
import Testing

/// Candidates of a small supernet, whose batches carry keys of noise and rates of dropout.
struct CandidateSupernetTests {
  /// 3 steps an epoch; the second update of an epoch looks at the first batch of the next.
  private static func configuration(_ method: SearchMethod, _ space: SearchSpace) -> SearchConfiguration {
    var result = SearchConfiguration(method: method, space: space, dataset: "tensors:/a/x.safetensors")
    (result.seed, result.epochs, result.warmup, result.channels, result.layers) = (7, 2, 1, 8, 3)
    (result.batch, result.innerSteps, result.candidates, result.threads) = (4, 2, 5, 2)
    if space == .s2 { result.skipDropout = 0.5 }
    if space == .s3 { result.dropPath = 0.5 }
    return result
  }

  @Test(
    "A supernet's search has the same bits on groups of other threads and on ranks that make their batches themselves",
    arguments: [
      (SearchMethod.zartsMGS, SearchSpace.s2), (.zartsMGS, .s3), (.zartsMGS, .s4), (.zartsRS, .s4), (.zartsGLD, .s2),
      (.random, .s4),
    ])
  func sameBits(method: SearchMethod, space: SearchSpace) throws {
    let folder = try ScratchFolder()
    let configuration = Self.configuration(method, space)
    let alone = try search(noiseSupernet(configuration), configuration, in: folder.file("alone"), space: space)
    for crowd in [Crowd(groups: 2, ranks: 1), Crowd(groups: 1, ranks: 2), Crowd(groups: 2, ranks: 2)] {
      let activity = ServerActivity()
      let files = try crowd.searched(
        configuration, in: folder.file("\(crowd.groups)-\(crowd.ranks)"), activity: activity)
      for epoch in 0...2 {
        #expect(
          try bytes(alone.checkpointPath(epoch: epoch)) == bytes(files.checkpointPath(epoch: epoch)), "\(crowd), \(epoch)")
      }
      #expect(try bytes(alone.alphasPath) == bytes(files.alphasPath), "\(crowd)")
      #expect((activity.messages > 0) == (crowd.ranks > 1))
    }
  }
}
