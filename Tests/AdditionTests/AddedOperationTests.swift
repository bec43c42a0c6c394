import Cells
import Compute
import Datasets
import Engine
import Formats
import NetworkSupport
import Problems
import TestSupport
import Testing

/// An operation of a known form and spaces that the package doesn't have, from α to derived networks.
@Suite struct AddedOperationTests {
  /// All normal edges but the first are skip connections.
  private func genotype(_ operation: CellOperation) throws -> Genotype {
    func edges(_ first: CellOperation) -> [Genotype.Edge] {
      (0..<8).map { Genotype.Edge($0 == 0 ? first : .skipConnect, from: $0 % 2) }
    }
    return try Genotype(
      normal: edges(operation), normalConcat: [2, 3, 4, 5], reduce: edges(.maxPool3x3), reduceConcat: [2, 3, 4, 5])
  }

  private func derived(_ operation: CellOperation) throws -> DerivedArchitecture {
    try DerivedArchitecture(
      genotype: genotype(operation), channels: 8, layers: 3, imageSize: 8, hasAuxiliaryHead: false)
  }

  private func images(_ count: Int = 3, side: Int = 8) -> ImageBatch {
    var stream = RandomStream(seed: 5, purpose: .test)
    return ImageBatch(
      images: (0..<count * 3 * side * side).map { _ in Float(stream.normal()) },
      labels: (0..<count).map { _ in Int32(stream.integer(below: 10)) }, channels: 3, height: side, width: side,
      noiseKey: 77)
  }

  @Test("A space and an operation are known by their names while they are there, and genotypes with them are read again")
  func text() throws {
    let line = try genotype(.onceConv3x3).line
    #expect(line.contains("('once_conv_3x3', 0)"))
    let unknown = #expect(throws: InputError.self) { try Genotype(parsing: line) }
    #expect("\(try #require(unknown))".contains("once_conv_3x3"))
    #expect(SearchSpace(rawValue: "once") == nil && CellOperation(rawValue: "once_conv_3x3") == nil)
    let known = CellOperation.allCases.map(\.rawValue)
    try CellOperation.$guests.withValue([.onceConv3x3]) {
      try SearchSpace.$guests.withValue([.once, .smooth]) {
        #expect(CellOperation.allCases.map(\.rawValue) == known + ["once_conv_3x3"])
        #expect(SearchSpace(rawValue: "once") == .once && SearchSpace(rawValue: "smooth") == .smooth)
        #expect(SearchSpace.once.hasEdgesOfConvolutions && !SearchSpace.smooth.hasEdgesOfConvolutions)
        #expect(try Genotype(parsing: line) == genotype(.onceConv3x3))
        #expect(try Genotype(json: genotype(.onceConv3x3).json) == genotype(.onceConv3x3))
        var alphas = SearchSpace.once.zeroAlphas
        for matrix in 0..<2 { for edge in 0..<14 { alphas.matrices[matrix][edge, edge % 2 == 0 ? 2 : 3] = 1 } }
        let found = try Genotype(alphas: alphas, space: .once)
        #expect(Set(found.cells.flatMap(\.edges).map(\.operation)) == [.onceConv3x3, .dilatedConv3x3])
        #expect(found.parameterFreeCount == 0)
        #expect(try Genotype(parsing: found.line) == found)
      }
    }
  }

  /// A kernel would take 7×7 for 5×5 and three convolutions for two, and say nothing.
  @Test("An operation of a shape that no kernel computes is refused by name, and no other is")
  func shapesWithoutKernel() throws {
    func refusal(_ form: CellOperation.Form) throws -> InputError? {
      let network = NetworkDescription.derived(try derived(CellOperation("odd_conv", form)))
      do {
        _ = try CPUEngine(network, batch: 2, threads: 1, kernels: Kernels.select())
        return nil
      } catch let error as InputError { return error }
    }
    for (kernel, dilation, times) in [(7, 1, 1), (1, 1, 1), (4, 1, 2), (3, 3, 1), (5, 0, 1), (3, 1, 3), (5, 2, 0)] {
      let form = CellOperation.Form.depthwise(kernel: kernel, dilation: dilation, times: times)
      let error = try #require(try refusal(form), "\(form)")
      #expect(error.place == .words("odd_conv") && error.found == "\(form)", "\(error)")
    }
    for kernel in [3, 5] {
      for dilation in [1, 2] {
        for times in [1, 2] {
          #expect(try refusal(.depthwise(kernel: kernel, dilation: dilation, times: times)) == nil)
        }
      }
    }
  }

  /// Of 8 channels on 8×8: depthwise 9·8, pointwise 8·8, scale and shift 2·8.
  @Test("An added operation costs what its form does")
  func cost() throws {
    // The first of the three cells is the only normal one.
    let (skip, once) = try (derived(.skipConnect).cost, derived(.onceConv3x3).cost)
    #expect(once.parameters - skip.parameters == 9 * 8 + 8 * 8 + 2 * 8)
    #expect(once.multiplyAdds - skip.multiplyAdds == (9 * 8 + 8 * 8) * 64)
    let twice = try derived(.separableConv3x3).cost
    #expect(twice.parameters - skip.parameters == 2 * (once.parameters - skip.parameters))
    #expect(try derived(.dilatedConv3x3).cost == once)
  }

  private static func error(_ found: [Double], _ expected: [Double]) -> Double {
    let difference = zip(found, expected).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (difference / max(1e-300, expected.reduce(0.0) { $0 + $1 * $1 })).squareRoot()
  }

  /// With all channels, and with an operation on a quarter of them, where convolutions are packed side by side.
  static let networks = [
    TinySupernet(space: .once, channels: 12, imageSize: 12), TinySupernet(space: .smooth, channels: 20),
    TinySupernet(space: .once, channels: 16, imageSize: 12, variant: .partial(4, edges: true)),
  ]

  @Test("The engine computes of an added operation and space what the reference defines", arguments: networks)
  func supernet(network: TinySupernet) throws {
    try CellOperation.$guests.withValue([.onceConv3x3]) {
      let model = try network.model()
      let weights = model.makeInitialWeights(seed: 11)
      let (alphas, batch) = (network.alphas(), network.images())
      let expected = ReferenceSupernet(model.architecture, weights: model.export(weights)).run(alphas: alphas, batch: batch)
      let gradient = model.makeVector()
      let found = model.gradient(
        weights: weights, alphas: alphas, batch: batch, weightGradient: gradient, wantsAlphaGradient: true,
        statistics: nil)
      #expect(abs(found.loss / expected.loss - 1) < 1e-5)
      #expect(Self.error(try #require(found.alphas).flat.map(Double.init), expected.alphaGradient) < 1e-3)
      let all = model.export(gradient)
      #expect(Set(all.map(\.name)) == Set(expected.weightGradient.keys))
      #expect(Self.error(all.flatMap(\.values.doubles), all.flatMap { expected.weightGradient[$0.name] ?? [] }) < 1e-3)
    }
  }

  /// Where only the middle tap of a depthwise kernel is other than zero, dilation makes no difference; elsewhere it does.
  @Test("A derived network of an added operation is that of the dilated one where dilation makes no difference")
  func derivedNetwork() throws {
    func model(_ operation: CellOperation) throws -> DerivedModel {
      try DerivedModel(architecture: derived(operation), batch: 3, threads: 2, kernels: Kernels.select(named: nil))
    }
    let (once, dilated) = try (model(.onceConv3x3), model(.dilatedConv3x3))
    let batch = images()
    func logits(_ model: DerivedModel, middleOnly: Bool) throws -> (logits: [Float], gradient: [NamedTensor]) {
      let tensors = model.export(model.makeInitialWeights(seed: 4)).map { tensor -> NamedTensor in
        guard middleOnly, tensor.shape.count == 4, tensor.shape[1...] == [1, 3, 3],
          case .float32(let values) = tensor.values
        else { return tensor }
        return NamedTensor(
          name: tensor.name, shape: tensor.shape,
          values: .float32(values.enumerated().map { $0 % 9 == 4 ? $1 : 0 }))
      }
      let weights = try model.importVector(from: TensorFile(path: "memory", metadata: [:], tensors: tensors), prefix: "")
      let gradient = model.makeVector()
      _ = model.gradient(
        weights: weights, batch: batch, regularisation: .init(), keep: nil, weightGradient: gradient, statistics: nil)
      return (model.lastLogits(count: 3), model.export(gradient))
    }
    let (first, second) = try (logits(once, middleOnly: true), logits(dilated, middleOnly: true))
    #expect(first.gradient.map(\.name) == second.gradient.map(\.name))
    #expect(zip(first.logits, second.logits).allSatisfy { abs($0 - $1) < 1e-5 })
    for (a, b) in zip(first.gradient, second.gradient) {
      // Of the kernel itself only the middle has the same slope.
      let isKernel = a.shape.count == 4 && a.shape[1...] == [1, 3, 3]
      let places = a.values.doubles.indices.filter { !isKernel || $0 % 9 == 4 }
      #expect(places.allSatisfy { abs(a.values.doubles[$0] - b.values.doubles[$0]) < 1e-4 }, "\(a.name)")
    }
    let (whole, other) = try (logits(once, middleOnly: false).logits, logits(dilated, middleOnly: false).logits)
    #expect(zip(whole, other).contains { abs($0 - $1) > 1e-3 })
  }
}
