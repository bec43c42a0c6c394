import NetworkSupport
import Testing

@Suite struct PaddingLaneTests {
  @Test("lanes that no parameter owns stay zero in ten training steps", arguments: TinySupernet.all)
  func training(network: TinySupernet) throws {
    let model = try network.model()
    let padding = try model.paddingIndices()
    let (weights, velocity, gradient) = (model.makeInitialWeights(seed: 3), model.makeVector(), model.makeVector())
    let statistics = model.makeInitialStatistics()
    let initial = weights.values
    var losses: [Double] = []
    for step in 0..<10 {
      let result = model.gradient(
        weights: weights, alphas: network.alphas(), batch: network.images(seed: UInt64(100 + step % 2)),
        weightGradient: gradient, wantsAlphaGradient: false, statistics: statistics)
      losses.append(result.loss)
      #expect(padding.allSatisfy { gradient[$0] == 0 }, "gradient of step \(step)")
      weights.momentumStep(
        velocity: velocity, gradient: gradient, gradientScale: 1, learningRate: 0.025, momentum: 0.9, weightDecay: 3e-4)
    }
    #expect(!padding.isEmpty && padding.allSatisfy { weights[$0] == 0 && velocity[$0] == 0 && initial[$0] == 0 })
    // The rest has moved, and downhill.
    let owned = Set(weights.values.indices).subtracting(padding)
    #expect(owned.filter { weights[$0] == initial[$0] }.count < owned.count / 100)
    #expect(losses[8] + losses[9] < losses[0] + losses[1], "\(losses)")
    #expect(losses.allSatisfy { $0.isFinite })

    let known = model.exportStatistics(statistics)
    let imported = try #require(
      try model.importStatistics(from: .init(path: "memory", metadata: [:], tensors: known)))
    // Import fills owned lanes only: equality means that the others still hold zero.
    #expect(imported.values == statistics.values)
  }
}
