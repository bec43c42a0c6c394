import Cells
import Compute
import Datasets
import Engine
import NetworkSupport
import Testing

/// Everything one evaluation and one gradient give, as bits.
private func fingerprint(
  space: SearchSpace, channels: Int, threads: Int, instructionSet: String?, batch: Int,
  variant: SupernetVariant = SupernetVariant()
) throws -> [UInt32] {
  let side = variant.scale == .cifar ? 12 : 64
  let architecture = try SupernetArchitecture(space: space, channels: channels, layers: 3, imageSize: side, variant: variant)
  let model = try SupernetModel(
    architecture: architecture, batch: batch, threads: threads, kernels: Kernels.select(named: instructionSet))
  var stream = RandomStream(seed: 5, purpose: .test)
  var images = ImageBatch(
    images: (0..<batch * 3 * side * side).map { _ in Float(stream.normal()) }, labels: (0..<batch).map { Int32($0 % 10) },
    channels: 3,
    height: side, width: side, noiseKey: 99)
  (images.skipDropout, images.dropPath) = (0.3, 0.3)
  let gradient = model.makeVector()
  let statistics = model.makeInitialStatistics()
  let result = model.gradient(
    weights: model.makeInitialWeights(seed: 7), alphas: model.makeInitialAlphas(seed: 7), batch: images,
    weightGradient: gradient,
    wantsAlphaGradient: true, statistics: statistics)
  let loss = result.loss.bitPattern
  return [UInt32(truncatingIfNeeded: loss), UInt32(truncatingIfNeeded: loss >> 32)]
    + (gradient.values + (result.alphas?.flat ?? []) + statistics.values).map(\.bitPattern)
}

@Suite struct DeterminismTests {
  @Test("bits are the same on any number of threads", arguments: SearchSpace.allCases)
  func threads(space: SearchSpace) throws {
    let expected = try fingerprint(space: space, channels: 12, threads: 1, instructionSet: nil, batch: 5)
    for threads in [2, 3, 7] {
      #expect(try fingerprint(space: space, channels: 12, threads: threads, instructionSet: nil, batch: 5) == expected)
    }
  }

  @Test("bits are the same with every instruction set", arguments: SearchSpace.allCases, [8, 20])
  func instructionSets(space: SearchSpace, channels: Int) throws {
    let expected = try fingerprint(space: space, channels: channels, threads: 2, instructionSet: "baseline", batch: 3)
    for name in Kernels.available {
      #expect(
        try fingerprint(space: space, channels: channels, threads: 2, instructionSet: name, batch: 3) == expected, "\(name)")
    }
  }

  @Test(
    "bits of a variant are the same on any number of threads and with every instruction set",
    arguments: TinySupernet.variants + TinySupernet.paths)
  func variants(network: TinySupernet) throws {
    func found(_ threads: Int, _ set: String?) throws -> [UInt32] {
      try fingerprint(
        space: network.space, channels: network.channels, threads: threads, instructionSet: set, batch: 5,
        variant: network.variant)
    }
    let expected = try found(1, nil)
    for threads in [2, 3, 7] { #expect(try found(threads, nil) == expected, "\(threads) threads") }
    for name in Kernels.available { #expect(try found(2, name) == expected, "\(name)") }
  }
}
