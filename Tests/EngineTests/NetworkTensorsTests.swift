import Cells
import Compute
import Engine
import Formats
import NetworkSupport
import TestSupport
import Testing

/// The tensors that a network's description declares, and the places that the CPU engine gives them.
@Suite struct NetworkTensorsTests {
  struct Network: CustomTestStringConvertible {
    let name: String
    let make: @Sendable () throws -> NetworkDescription

    var testDescription: String { name }

    static func derived(
      _ name: String, _ genotype: String, channels: Int = 8, layers: Int = 3, size: Int = 32, auxiliary: Bool,
      scale: DerivedArchitecture.Scale = .cifar
    ) -> Network {
      Network(name: name) {
        .derived(
          try DerivedArchitecture(
            genotype: Genotype(parsing: genotype), scale: scale, channels: channels, layers: layers, imageSize: size,
            hasAuxiliaryHead: auxiliary))
      }
    }
  }

  /// Every space, variant, stem and auxiliary head.
  static let networks: [Network] =
    (TinySupernet.all + TinySupernet.paths).map { network in
      Network(name: network.description) { try network.model(batch: 1).engine.network }
    } + [
      .derived("derived", InitialWeightsTests.genotype, auxiliary: true),
      .derived("derived, 36 channels", InitialWeightsTests.genotype, channels: 36, layers: 5, auxiliary: false),
      .derived("derived for ImageNet", InitialWeightsTests.genotype, size: 224, auxiliary: true, scale: .imagenet),
      .derived(
        "derived for ImageNet without auxiliary head", InitialWeightsTests.genotype, size: 64, auxiliary: false,
        scale: .imagenet),
      .derived("derived of NAS-Bench-201", InitialWeightsTests.stages, layers: 6, auxiliary: false),
    ]

  @Test("Every declared tensor has a name, a place and storage of its own, and nothing else has", arguments: networks)
  func everyTensorIsPlaced(network: Network) throws {
    let description = try network.make()
    let tensors = description.tensors
    // Lowering ends the program where a tensor is placed that is not declared, declared and not placed, or of another shape.
    let engine = try CPUEngine(description, batch: 1, threads: 1, kernels: Kernels.select(named: nil))
    #expect(engine.tensors == tensors)
    #expect(Set(tensors.parameters.map(\.name)).count == tensors.parameters.count)
    let norms = tensors.norms.flatMap(\.names)
    #expect(Set(norms).count == norms.count && tensors.norms.allSatisfy { !$0.names.isEmpty && $0.channels > 0 })
    var next: Float = 0
    let numbered = tensors.parameters.map { parameter in
      (0..<parameter.count).map { _ in
        next += 1
        return next
      }
    }
    try #require(next < 16_777_216, "every number must be a float")
    let vector = engine.makeVector(numbered)
    #expect(engine.values(of: vector) == numbered)
    #expect(vector.values.count { $0 != 0 } == Int(next))
    let moments = tensors.norms.map { norm in
      func numbers() -> [Float] {
        (0..<norm.channels).map { _ in
          next += 1
          return next
        }
      }
      return NormMoments(means: numbers(), variances: numbers())
    }
    let statistics = engine.makeStatistics(moments)
    #expect(engine.moments(of: statistics) == moments)
    #expect(statistics.values.count { $0 != 0 } == tensors.norms.reduce(0) { $0 + 2 * $1.channels })
  }

  /// Where a parameter starts, by its name and shape alone: what PyTorch does for the module that holds it.
  private static func start(_ name: String, _ shape: [Int], among shapes: [String: [Int]]) -> NetworkTensors.Start {
    if name.hasSuffix(".bias") {
      // A classifier's, or a batch norm's.
      let weight = shapes[String(name.dropLast(4)) + "weight"] ?? []
      return weight.count == 2 ? .uniform(fanIn: weight[1]) : .zero
    }
    if shape.count == 1 { return .scale }
    let fanIn = shape.dropFirst().reduce(1, *)
    return name.hasSuffix("depth_weight1") ? .normal(deviation: (2 / Double(fanIn)).squareRoot()) : .uniform(fanIn: fanIn)
  }

  @Test("A parameter starts as PyTorch starts it, from the stream of its place in the table", arguments: networks)
  func startsAreStreams(network: Network) throws {
    let tensors = try network.make().tensors
    let shapes = Dictionary(uniqueKeysWithValues: tensors.parameters.map { ($0.name, $0.shape) })
    let values = tensors.initialValues(seed: 19)
    #expect(values.count == tensors.parameters.count)
    for (index, parameter) in tensors.parameters.enumerated() {
      let start = Self.start(parameter.name, parameter.shape, among: shapes)
      #expect(parameter.start == start, "\(parameter.name)")
      var stream = RandomStream(seed: 19, purpose: .weights, index: index)
      let wanted: [Float] = (0..<parameter.count).map { _ in
        switch start {
        case .zero: 0
        case .scale: 1
        case .normal(let deviation): Float(deviation * stream.normal())
        case .uniform(let fanIn): Float((2 * stream.uniform() - 1) * (1 / Double(fanIn).squareRoot()))
        }
      }
      #expect(values[index].bits == wanted.bits, "\(parameter.name)")
    }
  }

  @Test("Pools of one state share a batch norm, which has the names of all edges that have the pool")
  func poolsShareTheirNorm() throws {
    let architecture = try SupernetArchitecture(space: .s6, channels: 8, layers: 3, imageSize: 8)
    let norms = NetworkDescription.supernet(architecture).tensors.norms
    // Edges 0, 2, 5 and 9 leave the first input; candidate 0 is the maximum, candidate 1 the mean.
    let edges = [0, 2, 5, 9]
    for candidate in [0, 1] {
      let names = edges.map { "cells.0._ops.\($0)._ops.\(candidate).1" }
      #expect(norms.contains { $0.names == names && $0.channels == 8 })
    }
    #expect(norms[0].names == ["stem.1"] && norms[0].channels == 24)
  }

  @Test("A place is refused to what is not declared, has another shape or has one already, by name")
  func placesAreChecked() {
    let declared = [
      NetworkTensors.Parameter(name: "a", shape: [4], start: .scale),
      NetworkTensors.Parameter(name: "b", shape: [2], start: .zero),
    ]
    var layout = ParameterLayout(declared)
    #expect(layout.missing == "a")
    #expect(layout.fault(placing: "c", shape: [4]) == "c is placed and not declared")
    #expect(layout.fault(placing: "a", shape: [5]) == "a is declared as [4] and placed as [5]")
    #expect(layout.fault(placing: "a", shape: [4]) == nil)
    #expect(layout.vector("a", count: 4) == 0)
    #expect(layout.fault(placing: "a", shape: [4]) == "a is placed twice")
    #expect(layout.missing == "b")
    #expect(layout.vector("b", count: 2) == 16, "every tensor begins a register")
    #expect(layout.missing == nil)
  }

  @Test("A batch norm that is not declared, has other names or channels or a place already is refused, by name")
  func normPlacesAreChecked() {
    let declared = [
      NetworkTensors.Norm(names: ["a", "b"], channels: 4), NetworkTensors.Norm(names: ["c"], channels: 20),
    ]
    var layout = StatisticsLayout(declared)
    #expect(layout.missing == "a")
    #expect(layout.fault(placing: ["b"], channels: 4) == "batch norm b is placed and not declared")
    #expect(
      layout.fault(placing: ["a"], channels: 4) == "batch norm a is declared as [\"a\", \"b\"] and placed as [\"a\"]")
    #expect(
      layout.fault(placing: ["a", "b"], channels: 3) == "batch norm a is declared with 4 channels and placed with 3")
    #expect(layout.place(["a", "b"], channels: 4) == 0)
    #expect(layout.fault(placing: ["a", "b"], channels: 4) == "batch norm a is placed twice")
    #expect(layout.missing == "c")
    #expect(layout.place(["c"], channels: 20) == 32, "mean and variance of a block each")
    #expect(layout.missing == nil)
  }
}
