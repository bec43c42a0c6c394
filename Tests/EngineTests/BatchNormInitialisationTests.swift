import Cells
import Compute
import Engine
import TestSupport
import Testing

/// γ of batch norms as PyTorch up to 1.1 drew it, from U(0, 1).
@Suite struct BatchNormInitialisationTests {
  private static func derived() throws -> NetworkDescription {
    .derived(
      try DerivedArchitecture(
        genotype: Genotype(parsing: InitialWeightsTests.genotype), scale: .cifar, channels: 8, layers: 3, imageSize: 32,
        hasAuxiliaryHead: true))
  }

  private static func supernet(_ space: SearchSpace) throws -> NetworkDescription {
    .supernet(
      try SupernetArchitecture(space: space, channels: 8, layers: space == .nb201 ? 6 : 3, imageSize: 16))
  }

  /// Parameters that two initialisations draw otherwise.
  private static func changed(_ tensors: NetworkTensors) -> [(name: String, values: [Float], index: Int)] {
    let ones = tensors.initialValues(seed: 5)
    let uniform = tensors.initialValues(seed: 5, initialisation: WeightInitialisation(batchNorm: .uniform))
    return tensors.parameters.indices.filter { ones[$0].bits != uniform[$0].bits }.map {
      (tensors.parameters[$0].name, uniform[$0], $0)
    }
  }

  @Test("Every scale of a batch norm is drawn from U(0, 1), from the stream of its place, and nothing else differs")
  func scalesAreUniform() throws {
    let tensors = try Self.derived().tensors
    let changed = Self.changed(tensors)
    let scales = tensors.norms.map { "\($0.names[0]).weight" }
    #expect(Set(changed.map(\.name)) == Set(scales) && scales.count > 10)
    for (name, values, index) in changed {
      var stream = RandomStream(seed: 5, purpose: .weights, index: index)
      #expect(values.bits == values.map { _ in Float(stream.uniform()) }.bits, "\(name)")
      #expect(values.allSatisfy { $0 >= 0 && $0 <= 1 }, "\(name)")
    }
    let all = changed.flatMap(\.values)
    // Of n uniform numbers the mean has the standard deviation 1/√(12 n).
    let mean = all.reduce(0, +) / Float(all.count)
    #expect(abs(mean - 0.5) < 4 / Float(12 * all.count).squareRoot(), "\(all.count) scales")
  }

  @Test(
    "Cells of a supernet have no scales: its stem's alone is drawn, and in NAS-Bench-201 those outside the cells",
    arguments: [SearchSpace.s1, .s3, .nb201])
  func supernets(space: SearchSpace) throws {
    let names = Set(Self.changed(try Self.supernet(space).tensors).map(\.name))
    #expect(names.contains("stem.1.weight"))
    if space == .nb201 {
      #expect(names.contains("lastact.0.weight") && names.allSatisfy { !$0.contains(".edges.") }, "\(names.sorted())")
    } else {
      #expect(names == ["stem.1.weight"])
    }
  }
}
