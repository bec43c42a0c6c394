import Cells
import Engine
import NetworkSupport
import Testing

@Suite struct SkipDropoutTests {
  private let network = TinySupernet(space: .s2, channels: 12, variant: .dropping(partial: 1))

  private func loss(_ model: SupernetModel, rate: Double, noiseKey: UInt64, alphas: ArchitectureParameters) -> Double {
    var images = network.images(noiseKey: noiseKey)
    images.skipDropout = rate
    return model.evaluate(weights: model.makeInitialWeights(seed: 3), alphas: alphas, batch: images).loss
  }

  @Test("a rate of zero is the network without dropout, bit for bit")
  func zeroRate() throws {
    let plain = try TinySupernet(space: .s2, channels: 12).model()
    let dropping = try network.model()
    let alphas = network.alphas()
    #expect(
      loss(dropping, rate: 0, noiseKey: 1, alphas: alphas).bitPattern
        == loss(plain, rate: 0, noiseKey: 1, alphas: alphas).bitPattern)
    // A network that is built without takes no notice of a rate.
    #expect(
      loss(plain, rate: 0.5, noiseKey: 1, alphas: alphas).bitPattern
        == loss(plain, rate: 0, noiseKey: 1, alphas: alphas).bitPattern)
  }

  @Test("masks follow the batch's key alone")
  func keys() throws {
    let model = try network.model()
    let alphas = network.alphas()
    let first = loss(model, rate: 0.5, noiseKey: 1, alphas: alphas)
    #expect(loss(model, rate: 0.5, noiseKey: 2, alphas: alphas) != first)
    #expect(loss(model, rate: 0.25, noiseKey: 1, alphas: alphas) != first)
    #expect(loss(model, rate: 0.5, noiseKey: 1, alphas: alphas).bitPattern == first.bitPattern)
  }
}
