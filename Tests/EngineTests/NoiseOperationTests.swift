import Cells
import Engine
import NetworkSupport
import Testing

@Suite struct NoiseOperationTests {
  private let network = TinySupernet(space: .s4, channels: 12)

  private func loss(_ model: SupernetModel, _ network: TinySupernet, noiseKey: UInt64) -> Double {
    model.evaluate(
      weights: model.makeInitialWeights(seed: 3), alphas: network.alphas(), batch: network.images(noiseKey: noiseKey)
    ).loss
  }

  @Test("one noise key gives one loss, and two keys give two")
  func keys() throws {
    let model = try network.model()
    let keys: [UInt64] = [0, 1, 2, 1 << 32, .max]
    let losses = keys.map { loss(model, network, noiseKey: $0) }
    let again = try keys.map { loss(try network.model(threads: 1), network, noiseKey: $0) }
    #expect(again.map(\.bitPattern) == losses.map(\.bitPattern))
    #expect(Set(losses.map(\.bitPattern)).count == keys.count, "\(losses)")
  }

  @Test("the noise key changes nothing in a space without noise")
  func otherSpaces() throws {
    for space in SearchSpace.allCases where space != .s4 {
      let network = TinySupernet(space: space, channels: 4)
      let model = try network.model()
      #expect(loss(model, network, noiseKey: 1).bitPattern == loss(model, network, noiseKey: 2).bitPattern, "\(space)")
    }
  }

  @Test("the noise of an image is the same however many follow it")
  func imagesOfABatch() throws {
    // With the whole mixture on noise, nodes hold nothing of the images: equal logits show equal noise.
    var alphas = SearchSpace.s4.zeroAlphas
    alphas.flat = alphas.flat.indices.map { $0 % 2 == 0 ? 200 : -200 }
    let model = try network.model(batch: 4)
    let weights = model.makeInitialWeights(seed: 3)
    _ = model.evaluate(weights: weights, alphas: alphas, batch: network.images(seed: 5, count: 4))
    let four = model.lastLogits(count: 4)
    _ = model.evaluate(weights: weights, alphas: alphas, batch: network.images(seed: 6, count: 2))
    #expect(model.lastLogits(count: 2) == Array(four[..<20]))
    #expect(Set(four).count == four.count, "two images share their noise")
    _ = model.evaluate(weights: weights, alphas: alphas, batch: network.images(seed: 5, count: 4, noiseKey: 78))
    #expect(Set(model.lastLogits(count: 4)).isDisjoint(with: four), "another key leaves noise as it was")
  }
}
