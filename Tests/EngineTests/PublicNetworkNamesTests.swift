import Cells
import Engine
import Formats
import Foundation
import TestSupport
import Testing

/// The state_dicts of the public evaluation networks, listed from their constructors: DARTS, cnn/model.py, lines 8–213, and
/// cnn/operations.py, lines 4–100, of commit f276dd3.
@Suite("Names of the public evaluation networks") struct PublicNetworkNamesTests {
  struct Network: CustomTestStringConvertible {
    let scale: DerivedArchitecture.Scale
    let channels: Int
    let layers: Int
    let classes: Int
    let hasHead: Bool

    var testDescription: String { "\(scale) C\(channels) L\(layers) \(hasHead ? "with" : "without") head" }

    static let all = [true, false].flatMap { head in
      [
        Network(scale: .cifar, channels: 8, layers: 5, classes: 10, hasHead: head),
        Network(scale: .cifar, channels: 36, layers: 20, classes: 100, hasHead: head),
        Network(scale: .imagenet, channels: 8, layers: 4, classes: 12, hasHead: head),
        Network(scale: .imagenet, channels: 48, layers: 14, classes: 1000, hasHead: head),
      ]
    }
  }

  /// Every operation at both strides, and a reduction cell of fewer outputs.
  private static let normal: [(String, Int)] = [
    ("sep_conv_3x3", 0), ("dil_conv_5x5", 1), ("max_pool_3x3", 0), ("skip_connect", 2), ("sep_conv_5x5", 1),
    ("avg_pool_3x3", 3), ("dil_conv_3x3", 2), ("skip_connect", 0),
  ]
  private static let reduce: [(String, Int)] = [
    ("max_pool_3x3", 0), ("skip_connect", 1), ("sep_conv_5x5", 0), ("avg_pool_3x3", 1), ("dil_conv_3x3", 0),
    ("dil_conv_5x5", 2), ("skip_connect", 3), ("sep_conv_3x3", 1),
  ]
  private static let concat = (normal: [2, 3, 4, 5], reduce: [3, 4, 5])

  private func genotype() throws -> Genotype {
    func edges(_ list: [(String, Int)]) throws -> [Genotype.Edge] {
      try list.map { Genotype.Edge(try #require(CellOperation(rawValue: $0.0)), from: $0.1) }
    }
    return try Genotype(
      normal: edges(Self.normal), normalConcat: Self.concat.normal, reduce: edges(Self.reduce),
      reduceConcat: Self.concat.reduce)
  }

  private func architecture(_ network: Network) throws -> DerivedArchitecture {
    try DerivedArchitecture(
      genotype: genotype(), scale: network.scale, channels: network.channels, layers: network.layers,
      classes: network.classes, imageSize: network.scale == .cifar ? 32 : 224, hasAuxiliaryHead: network.hasHead)
  }

  /// Names and shapes, as the constructors make them.
  private struct Listing {
    var shapes: [String: [Int]] = [:]

    mutating func norm(_ name: String, _ channels: Int) {
      for part in ["weight", "bias", "running_mean", "running_var"] { shapes["\(name).\(part)"] = [channels] }
      shapes["\(name).num_batches_tracked"] = []
    }
    mutating func factorised(_ name: String, _ inputs: Int, _ outputs: Int) {
      shapes["\(name).conv_1.weight"] = [outputs / 2, inputs, 1, 1]
      shapes["\(name).conv_2.weight"] = [outputs / 2, inputs, 1, 1]
      norm("\(name).bn", outputs)
    }
    mutating func projection(_ name: String, _ inputs: Int, _ outputs: Int) {
      shapes["\(name).op.1.weight"] = [outputs, inputs, 1, 1]
      norm("\(name).op.2", outputs)
    }
    mutating func operation(_ name: String, _ operation: String, _ channels: Int, stride: Int) {
      func convolution(_ first: Int, _ kernel: Int, in listing: inout Listing) {
        listing.shapes["\(name).op.\(first).weight"] = [channels, 1, kernel, kernel]
        listing.shapes["\(name).op.\(first + 1).weight"] = [channels, channels, 1, 1]
        listing.norm("\(name).op.\(first + 2)", channels)
      }
      let kernel = operation.hasSuffix("5x5") ? 5 : 3
      if operation.hasPrefix("sep") {
        convolution(1, kernel, in: &self)
        convolution(5, kernel, in: &self)
      } else if operation.hasPrefix("dil") {
        convolution(1, kernel, in: &self)
      } else if operation == "skip_connect", stride == 2 {
        factorised(name, channels, channels)
      }
    }
    mutating func linear(_ name: String, _ inputs: Int, _ classes: Int) {
      shapes["\(name).weight"] = [classes, inputs]
      shapes["\(name).bias"] = [classes]
    }
  }

  private func listing(_ network: Network, reduceOutputs: Int = Self.concat.reduce.count) -> [String: [Int]] {
    var listing = Listing()
    let c = network.channels
    var (farther, nearer, current) = (c, c, c)
    var follows = network.scale == .imagenet
    if network.scale == .cifar {
      (farther, nearer) = (3 * c, 3 * c)
      listing.shapes["stem.0.weight"] = [3 * c, 3, 3, 3]
      listing.norm("stem.1", 3 * c)
    } else {
      listing.shapes["stem0.0.weight"] = [c / 2, 3, 3, 3]
      listing.norm("stem0.1", c / 2)
      listing.shapes["stem0.3.weight"] = [c, c / 2, 3, 3]
      listing.norm("stem0.4", c)
      listing.shapes["stem1.1.weight"] = [c, c, 3, 3]
      listing.norm("stem1.2", c)
    }
    var headInputs = 0
    for cell in 0..<network.layers {
      let reduces = cell == network.layers / 3 || cell == 2 * network.layers / 3
      if reduces { current *= 2 }
      let name = "cells.\(cell)"
      if follows {
        listing.factorised("\(name).preprocess0", farther, current)
      } else {
        listing.projection("\(name).preprocess0", farther, current)
      }
      listing.projection("\(name).preprocess1", nearer, current)
      for (index, (operation, source)) in (reduces ? Self.reduce : Self.normal).enumerated() {
        listing.operation("\(name)._ops.\(index)", operation, current, stride: reduces && source < 2 ? 2 : 1)
      }
      follows = reduces
      (farther, nearer) = (nearer, (reduces ? reduceOutputs : Self.concat.normal.count) * current)
      if cell == 2 * network.layers / 3 { headInputs = nearer }
    }
    if network.hasHead {
      listing.shapes["auxiliary_head.features.2.weight"] = [128, headInputs, 1, 1]
      listing.norm("auxiliary_head.features.3", 128)
      listing.shapes["auxiliary_head.features.5.weight"] = [768, 128, 2, 2]
      if network.scale == .cifar { listing.norm("auxiliary_head.features.6", 768) }
      listing.linear("auxiliary_head.classifier", 768, network.classes)
    }
    listing.linear("classifier", nearer, network.classes)
    return listing.shapes
  }

  private func shapes(_ architecture: DerivedArchitecture) -> [String: [Int]] {
    let tensors = NetworkDescription.derived(architecture).tensors
    var result = Dictionary(uniqueKeysWithValues: tensors.parameters.map { ($0.name, $0.shape) })
    for norm in tensors.norms {
      for name in norm.names {
        (result["\(name).running_mean"], result["\(name).running_var"]) = ([norm.channels], [norm.channels])
      }
    }
    for name in tensors.statisticsNames where name.hasSuffix("num_batches_tracked") { result[name] = [] }
    return result
  }

  @Test("names and shapes are those of NetworkCIFAR and NetworkImageNet, every one", arguments: Network.all)
  func names(network: Network) throws {
    let (found, expected) = (shapes(try architecture(network)), listing(network))
    let strange = Set(found.keys).symmetricDifference(expected.keys).sorted()
    #expect(strange.isEmpty, "\(strange.prefix(5))")
    for (name, shape) in expected { #expect(found[name] == shape, "\(name)") }
  }

  /// Of `EVERYTHING`, whose cells put out all of their nodes, at 4 channels, with the stem of ImageNet 8, and 3 cells (examples/pytorch/make_public_names.py, which runs
  /// the public code itself).
  @Test("the listing is what the public code says of itself") func publicCode() throws {
    let path = GoldenFile.folder + "/derived/public_names.json"
    let known = try JSONDecoder().decode([String: [String: [Int]]].self, from: Data(FileBytes.read(path)))
    #expect(known.count == 4)
    for (scale, name) in [(DerivedArchitecture.Scale.cifar, "NetworkCIFAR"), (.imagenet, "NetworkImageNet")] {
      for (hasHead, suffix) in [(true, "auxiliary"), (false, "plain")] {
        let network = Network(scale: scale, channels: scale == .cifar ? 4 : 8, layers: 3, classes: 10, hasHead: hasHead)
        #expect(listing(network, reduceOutputs: 4) == known["\(name)-\(suffix)"], "\(name) \(suffix)")
      }
    }
  }

  @Test("names and shapes tell what the network is", arguments: Network.all)
  func evidence(network: Network) throws {
    let evidence = try #require(DerivedEvidence(shapes: listing(network)))
    #expect(evidence.scale == network.scale && evidence.macroArchitecture == .reductions)
    #expect(evidence.channels == network.channels && evidence.layers == network.layers)
    #expect(evidence.classes == network.classes && evidence.hasAuxiliaryHead == network.hasHead)
    let head = network.hasHead ? ", auxiliary head" : ""
    #expect(
      evidence.text == "a derived network of the \(network.scale.rawValue) kind, \(network.channels) channels, "
        + "\(network.layers) cells, \(network.classes) classes\(head)")
  }

  @Test("a network of NAS-Bench-201 is told by its blocks, also where no cell has a weight", arguments: [1, 2, 5])
  func stages(perStage: Int) throws {
    for text in [
      "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|",
      "|none~0|+|skip_connect~0|none~1|+|skip_connect~0|avg_pool_3x3~1|none~2|",
    ] {
      let architecture = try DerivedArchitecture(
        genotype: Genotype(parsing: text), channels: 8, layers: 3 * perStage, classes: 7, imageSize: 32)
      let evidence = try #require(DerivedEvidence(shapes: shapes(architecture)))
      #expect(evidence.macroArchitecture == .residualStages(count: 3) && evidence.scale == .cifar)
      #expect(evidence.channels == 8 && evidence.layers == 3 * perStage && evidence.classes == 7)
      #expect(!evidence.hasAuxiliaryHead)
    }
  }

  @Test("no supernet passes for a derived network, nor does anything else", arguments: SearchSpace.allCases)
  func supernets(space: SearchSpace) throws {
    let architecture = try SupernetArchitecture(space: space, channels: 8, layers: 3)
    let tensors = NetworkDescription.supernet(architecture).tensors
    let shapes = Dictionary(uniqueKeysWithValues: tensors.parameters.map { ($0.name, $0.shape) })
    #expect(DerivedEvidence(shapes: shapes) == nil)
    #expect(DerivedEvidence(shapes: ["fc.weight": [10, 5], "cells.-1.preprocess1.op.1.weight": []]) == nil)
    #expect(DerivedEvidence(shapes: [:]) == nil)
    let odd = DerivedEvidence(
      shapes: [
        "cells.0.preprocess1.op.2.weight": [], "stem.0.weight": [], "classifier.bias": [],
        "cells.99999999999999999999.preprocess1.op.1.weight": [],
      ])
    #expect(odd?.layers == 1 && odd?.channels == nil && odd?.classes == nil)
  }
}
