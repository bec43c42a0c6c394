import Cells
import Compute
import Engine
import TestSupport
import Testing

/// Depthwise weights as PyTorch 0.3.1 drew them: from U(±1/√(C k²)) in place of U(±1/k), on the same random numbers.
@Suite struct DepthwiseInitialisationTests {
  struct Network: CustomTestStringConvertible, Sendable {
    let name: String
    let make: @Sendable () throws -> NetworkDescription
    var testDescription: String { name }

    static func supernet(_ space: SearchSpace, channels: Int, partial: Int = 1, merged: Bool = false) -> Network {
      Network(name: "\(space), \(channels) channels, 1/\(partial)\(merged ? ", merged" : "")") {
        var variant = SupernetVariant()
        (variant.partialChannels, variant.edgeNormalisation) = (partial, partial > 1)
        variant.mergedConvolutions = merged
        return .supernet(
          try SupernetArchitecture(
            space: space, channels: channels, layers: space == .nb201 ? 6 : 3, imageSize: 16, variant: variant))
      }
    }
  }

  static let networks: [Network] = [
    .supernet(.s6, channels: 8), .supernet(.s2, channels: 16), .supernet(.s5, channels: 16, partial: 4),
    .supernet(.s6, channels: 4, merged: true), .supernet(.s1, channels: 4, merged: true), .supernet(.nb201, channels: 8),
    Network(name: "derived for ImageNet") {
      .derived(
        try DerivedArchitecture(
          genotype: Genotype(parsing: InitialWeightsTests.genotype), scale: .imagenet, channels: 8, layers: 3,
          imageSize: 224, hasAuxiliaryHead: true))
    },
  ]

  /// Whether a parameter is a depthwise kernel drawn uniformly: one input to each output of k × k pixels, within an operation.
  private static func isDepthwise(_ parameter: NetworkTensors.Parameter) -> Bool {
    let shape = parameter.shape
    return shape.count == 4 && shape[1] == 1 && shape[2] > 1 && !parameter.name.hasSuffix("depth_weight1")
  }

  @Test(
    "Depthwise weights are 1/√C of what PyTorch 1 makes of the same numbers, and nothing else differs", arguments: networks)
  func formula(network: Network) throws {
    let tensors = try network.make().tensors
    let (now, then) = (
      tensors.initialValues(seed: 5), tensors.initialValues(seed: 5, initialisation: .init(depthwise: .pytorch03))
    )
    #expect(tensors.initialValues(seed: 5, initialisation: .init(depthwise: .pytorch1)).map(\.bits) == now.map(\.bits))
    var found = 0
    for (index, parameter) in tensors.parameters.enumerated() {
      guard Self.isDepthwise(parameter) else {
        #expect(then[index].bits == now[index].bits, "\(parameter.name)")
        continue
      }
      found += 1
      let (channels, side) = (parameter.shape[0], parameter.shape[2])
      var stream = RandomStream(seed: 5, purpose: .weights, index: index)
      let bound = 1 / Double(channels * side * side).squareRoot()
      let wanted = (0..<parameter.count).map { _ in Float((2 * stream.uniform() - 1) * bound) }
      #expect(then[index].bits == wanted.bits, "\(parameter.name)")
      let scaled = now[index].map { $0 / Float(channels).squareRoot() }
      #expect(zip(then[index], scaled).allSatisfy { abs($0 - $1) <= 1e-6 * abs($1) }, "\(parameter.name)")
      // Of hundreds of numbers some lie in the upper half of the range, none outside.
      let largest = Double(then[index].map(abs).max() ?? 0)
      #expect(largest <= bound && largest > bound / 2, "\(parameter.name)")
    }
    // Dense convolutions alone, and merged ones alone, which their code draws from a normal.
    let hasDepthwise = !["nb201, 8 channels, 1/1", "s6, 4 channels, 1/1, merged"].contains(network.name)
    #expect((found > 0) == hasDepthwise, "\(found) depthwise kernels")
  }

  @Test("The models of search and retraining take it from their caller")
  func models() throws {
    let kernels = try Kernels.select(named: nil)
    let supernet = try SupernetModel(
      architecture: SupernetArchitecture(space: .s2, channels: 4, layers: 3, imageSize: 8), batch: 1, threads: 1,
      kernels: kernels)
    let name = "cells.0._ops.0._ops.1.op.1.weight"
    func weights(_ depthwise: DepthwiseInitialisation) throws -> [Float] {
      let tensors = supernet.export(supernet.makeInitialWeights(seed: 3, initialisation: .init(depthwise: depthwise)))
      guard case .float32(let values) = try #require(tensors.first { $0.name == name }).values else { return [] }
      return values
    }
    let (now, then) = try (weights(.pytorch1), weights(.pytorch03))
    #expect(now.count == 36 && zip(then, now).allSatisfy { abs($0 - $1 / 2) <= 1e-6 * abs($1) }, "four channels: half")
  }
}
