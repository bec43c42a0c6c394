import Cells
import Compute
import Datasets
import Formats
import Foundation
import Problems
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// Searches of a small supernet whose edges are dropped and whose images are cut.
@Suite struct DropPathSearchTests {
  /// 3 steps an epoch.
  private static func configuration(_ method: SearchMethod) -> SearchConfiguration {
    var result = SearchConfiguration(method: method, space: .s3, dataset: "bytes")
    (result.seed, result.epochs, result.warmup, result.channels, result.layers) = (7, 3, 0, 4, 3)
    (result.batch, result.threads, result.innerSteps, result.candidates) = (4, 1, 2, 2)
    (result.dropPath, result.cutout) = (0.5, 4)
    return result
  }

  private static func problem(_ configuration: SearchConfiguration, threads: Int = 1) throws
    -> ObservedProblem<SupernetProblem>
  {
    var stream = RandomStream(seed: 4, purpose: .test)
    let dataset = try ImageDataset(
      name: "bytes", classes: 3, side: 8,
      training: .init(
        pixels: .bytes((0..<24 * 3 * 64).map { _ in UInt8(stream.integer(below: 256)) }),
        labels: (0..<24).map { _ in Int32(stream.integer(below: 3)) }), test: nil, normalisation: .cifar10)
    let loader = try BatchLoader(
      dataset: dataset, seed: configuration.seed, batchSize: configuration.batch,
      augmentation: configuration.augmentation(of: dataset), threads: 1)
    return ObservedProblem(
      try SupernetProblem(
        space: configuration.space, channels: configuration.channels, layers: configuration.layers, loader: loader,
        seed: configuration.seed, threads: threads, variant: configuration.variant,
        regularisation: configuration.regularisation))
  }

  private static func tensors(_ files: SearchRunFolder, epoch: Int) throws -> [String: NamedTensor] {
    try TensorFile(readingFrom: files.checkpointPath(epoch: epoch)).tensors
  }

  @Test(
    "A search with dropped edges and cutout has the same bits on any number of threads and after stops anywhere",
    arguments: [SearchMethod.rdartsDP, .zartsMGS])
  func sameBits(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    let configuration = Self.configuration(method)
    let counted = try Self.problem(configuration)
    let whole = try search(counted, configuration, in: folder.file("whole"), space: .s3)
    let threaded = try search(
      Self.problem(configuration, threads: 3), configuration, in: folder.file("threads"), space: .s3)
    for epoch in 0...3 {
      #expect(try bytes(whole.checkpointPath(epoch: epoch)) == bytes(threaded.checkpointPath(epoch: epoch)))
    }
    let losses = counted.calls
    for number in stride(from: losses / 3, to: losses - 1, by: max(1, losses / 4)) {
      let path = folder.file("broken-\(number)")
      let (problem, stop) = (try Self.problem(configuration), StopRequest())
      problem.interfere = { calls in
        if calls == number { stop.request(signal: SIGINT) }
        return nil
      }
      #expect(throws: Interruption.self, "loss \(number)") {
        try search(problem, configuration, in: path, stop: stop, space: .s3)
      }
      let run = try SearchRun(continuing: Self.problem(configuration), folder: .existing(at: path), space: .s3)
      try run.run()
      for epoch in 0...3 {
        #expect(
          try bytes(whole.checkpointPath(epoch: epoch)) == bytes(run.files.checkpointPath(epoch: epoch)), "loss \(number)")
      }
    }
  }

  @Test("The first epoch, in which nothing is dropped or cut, is that of DARTS of second order; those after it are not")
  func difference() throws {
    let folder = try ScratchFolder()
    let regularised = Self.configuration(.rdartsDP)
    var plain = Self.configuration(.darts2)
    (plain.dropPath, plain.cutout) = (0, 0)
    var (dropping, cutting) = (regularised, regularised)
    (dropping.cutout, cutting.dropPath) = (0, 0)
    let runs = try [plain, regularised, dropping, cutting].enumerated().map { number, configuration in
      try search(Self.problem(configuration), configuration, in: folder.file("\(number)"), space: .s3)
    }
    let first = try runs.map { try Self.tensors($0, epoch: 1) }
    #expect(first.allSatisfy { $0 == first[0] }, "rates of the first epoch are 0")
    let second = try runs.map { try Self.tensors($0, epoch: 2) }
    for number in 1..<4 {
      for other in 0..<number {
        let apart = second[number].keys.filter { second[number][$0] != second[other][$0] }
        #expect(apart.contains { $0.hasPrefix("alphas") }, "\(number) and \(other)")
        #expect(apart.contains("stem.0.weight"))
      }
    }
  }
}
