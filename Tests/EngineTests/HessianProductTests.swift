import Compute
import Engine
import NetworkSupport
import TestSupport
import Testing

/// Exact products with ∇²_α L against the reference with dual numbers in double precision.
@Suite("Products with the Hessian of α") struct HessianProductTests {
  private static func error(_ found: [Double], _ expected: [Double]) -> Double {
    let difference = zip(found, expected).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (difference / max(1e-300, expected.reduce(0.0) { $0 + $1 * $1 })).squareRoot()
  }

  @Test("are those of the definition in every space and variant, with the gradient beside them", arguments: TinySupernet.all)
  func agreesWithDualNumbers(network: TinySupernet) throws {
    let model = try network.model()
    let weights = model.makeInitialWeights(seed: 11)
    let (alphas, batch) = (network.alphas(), network.images())
    let reference = ReferenceSupernet(model.architecture, weights: model.export(weights))
    var stream = RandomStream(seed: 3, purpose: .test)
    let direction = alphas.flat.map { _ in stream.normal() }
    let expected = reference.run(alphas: alphas, batch: batch)
    let found = try model.hessianProduct(weights: weights, alphas: alphas, direction: direction, batch: batch)
    #expect(abs(found.loss / expected.loss - 1) < 1e-5)
    #expect(Self.error(found.gradient, expected.alphaGradient) < 3e-4)
    // The worst of all networks is 1.3e-4: float32 through three cells.
    #expect(
      Self.error(found.product, reference.hessianProduct(alphas: alphas, direction: direction, batch: batch)) < 5e-4)
  }

  @Test("have the same bits on any number of threads, for any room and again", arguments: [TinySupernet(space: .s5, channels: 12, imageSize: 12), TinySupernet(space: .nb201, channels: 4, imageSize: 16)])
  func sameBits(network: TinySupernet) throws {
    let (alphas, batch) = (network.alphas(), network.images())
    let direction = alphas.flat.map { Double($0) }
    func product(batch capacity: Int, threads: Int) throws -> [[Double]] {
      let model = try network.model(batch: capacity, threads: threads)
      let weights = model.makeInitialWeights(seed: 11)
      return try [network.images(count: capacity), batch, batch].map {
        try model.hessianProduct(weights: weights, alphas: alphas, direction: direction, batch: $0).product
      }
    }
    let one = try product(batch: 3, threads: 1)
    #expect(one[1] == one[2])
    #expect(try product(batch: 3, threads: 3)[1] == one[1])
    #expect(try product(batch: 7, threads: 2)[1] == one[1])
  }
}
