import Cells
import Compute
import Engine
import Formats
import NetworkSupport
import TestSupport
import Testing

@Suite struct InterchangeTests {
  private static let networks = SearchSpace.allCases.flatMap { space in
    [4, 12, 16, 20, 36].map { TinySupernet(space: space, channels: $0) }
  }

  @Test("weights come back from a file with the same bits", arguments: networks, ["", "momentum."])
  func weights(network: TinySupernet, prefix: String) throws {
    let model = try network.model(batch: 1)
    let weights = model.makeInitialWeights(seed: 3)
    let folder = try ScratchFolder()
    let path = folder.file("a.safetensors")
    let tensors = model.export(weights).map { NamedTensor(name: prefix + $0.name, shape: $0.shape, values: $0.values) }
    try TensorFile.write(tensors, metadata: [:], to: path)
    let found = try model.importVector(from: TensorFile(readingFrom: path), prefix: prefix)
    #expect(found.values.bits == weights.values.bits)
  }

  @Test("every parameter has a stored value of its own", arguments: networks)
  func distinctStorage(network: TinySupernet) throws {
    let model = try network.model(batch: 1)
    var next: Float = 0
    let numbered = try model.vector { _, count in
      (0..<count).map { _ in
        next += 1
        return next
      }
    }
    #expect(next < 16_777_216, "every number must be a float")
    #expect(numbered.values.filter { $0 != 0 }.sorted() == (1...Int(next)).map(Float.init))
    #expect(model.tensors(numbered).flatMap(\.values) == (1...Int(next)).map(Float.init))
  }

  @Test("no name repeats, and shapes are PyTorch's")
  func names() throws {
    let model = try TinySupernet(space: .s6, channels: 12).model(batch: 1)
    let tensors = model.export(model.makeVector())
    #expect(Set(tensors.map(\.name)).count == tensors.count && tensors.map(\.name) == model.parameterNames)
    let shapes = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.shape) })
    #expect(shapes["stem.0.weight"] == [36, 3, 3, 3])
    #expect(shapes["cells.0.preprocess0.op.1.weight"] == [12, 36, 1, 1])
    // Cells 1 and 2 of three reduce, so the farther input of cell 2 is twice as large as the nearer.
    #expect(shapes["cells.2.preprocess0.conv_1.weight"] == [24, 48, 1, 1])
    #expect(shapes["cells.2.preprocess1.op.1.weight"] == [48, 96, 1, 1])
    #expect(shapes["cells.1._ops.0._ops.2.conv_2.weight"] == [12, 24, 1, 1])
    #expect(shapes["cells.0._ops.0._ops.4.op.5.weight"] == [12, 1, 5, 5])
    #expect(shapes["classifier.weight"] == [10, 192])
  }

  /// Parameters of the public search network, by hand: FACTS of its state_dict.
  @Test("The supernet of NAS-Bench-201 has the tensors of the public one")
  func namesOfNASBench201() throws {
    let model = try SupernetModel(
      architecture: SupernetArchitecture(space: .nb201, channels: 16, layers: 15, imageSize: 32), batch: 1, threads: 1,
      kernels: Kernels.select())
    let tensors = model.export(model.makeVector())
    #expect(tensors.count == 201 && tensors.reduce(0) { $0 + $1.values.count } == 1_686_106)
    let shapes = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.shape) })
    #expect(shapes["cells.16.edges.3<-2.3.op.1.weight"] == [64, 64, 3, 3])
    #expect(shapes["cells.5.downsample.1.weight"] == [32, 16, 1, 1] && shapes["cells.11.conv_b.op.2.bias"] == [64])
    #expect(model.makeInitialAlphas(seed: 1).tensors.map { "\($0.name) \($0.shape)" } == ["arch_parameters [6, 5]"])
  }

  @Test("running statistics come back from a file with the same bits", arguments: networks)
  func statistics(network: TinySupernet) throws {
    let model = try network.model(batch: 3)
    let statistics = model.makeInitialStatistics()
    _ = model.gradient(
      weights: model.makeInitialWeights(seed: 3), alphas: network.alphas(), batch: network.images(), weightGradient: nil,
      wantsAlphaGradient: false, statistics: statistics)
    let folder = try ScratchFolder()
    let path = folder.file("a.safetensors")
    try TensorFile.write(model.exportStatistics(statistics), metadata: [:], to: path)
    let found = try #require(try model.importStatistics(from: TensorFile(readingFrom: path)))
    #expect(found.values.bits == statistics.values.bits)
    let empty = TensorFile(path: "empty", metadata: [:], tensors: [])
    #expect(try model.importStatistics(from: empty) == nil)
  }

  @Test("a file without a tensor, with one of another shape or with an overflowing one is refused with the tensor's name")
  func badFiles() throws {
    let model = try TinySupernet(space: .s2, channels: 4).model(batch: 1)
    let tensors = model.export(model.makeInitialWeights(seed: 3))
    func reading(_ change: (NamedTensor) -> NamedTensor?) -> InputError? {
      let file = TensorFile(path: "file", metadata: [:], tensors: tensors.compactMap(change))
      do {
        _ = try model.importVector(from: file, prefix: "")
        return nil
      } catch {
        return error as? InputError
      }
    }
    let name = "cells.0.preprocess0.op.1.weight"
    #expect(reading { $0 } == nil)
    let missing = try #require(reading { $0.name == name ? nil : $0 })
    #expect(
      missing.problem == "missing tensor" && missing.place == .file("file", name) && missing.wanted == "shape [4, 12, 1, 1]")
    let misshapen = try #require(
      reading { $0.name == name ? NamedTensor(name: name, shape: [12, 4, 1, 1], values: $0.values) : $0 })
    #expect(misshapen.problem == "misshapen tensor" && misshapen.found == "shape [12, 4, 1, 1]")
    for poison in [Float.nan, .infinity] {
      let values = [Float](repeating: 0, count: 47) + [poison]
      let overflowing = try #require(
        reading { $0.name == name ? NamedTensor(name: name, shape: $0.shape, values: .float32(values)) : $0 })
      #expect(overflowing.place == .file("file", name) && overflowing.wanted == "finite values")
    }
  }
}
