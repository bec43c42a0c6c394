import Cells
import Compute
import Engine
import Testing

/// Expected values are counted by examples/pytorch/derived_torch.py: elements of the parameters, and for multiply-adds
/// outputs times inputs of each convolution and of the classifier, by hooks.
struct DerivedCostTests {
  static let genotypes = [
    "V1": """
    Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), \
    ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), \
    ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('max_pool_3x3', 0), ('skip_connect', 2), \
    ('skip_connect', 2), ('avg_pool_3x3', 0)], reduce_concat=[2, 3, 4, 5])
    """,
    "V2": """
    Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), \
    ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), \
    ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), \
    ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))
    """,
    "few": """
    Genotype(normal=[('avg_pool_3x3', 0), ('dil_conv_5x5', 1), ('sep_conv_5x5', 2), ('skip_connect', 1), ('max_pool_3x3', 3), \
    ('dil_conv_3x3', 0), ('sep_conv_3x3', 4), ('noise', 1)], normal_concat=[4, 5], reduce=[('skip_connect', 0), \
    ('sep_conv_5x5', 1), ('dil_conv_5x5', 0), ('skip_connect', 1), ('dil_conv_3x3', 3), ('skip_connect', 0), \
    ('avg_pool_3x3', 2), ('noise', 0)], reduce_concat=[2, 3, 5])
    """,
    "skip": """
    Genotype(normal=[('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), \
    ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1)], normal_concat=range(2, 6), reduce=[('skip_connect', 0), \
    ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1), \
    ('skip_connect', 0), ('skip_connect', 1)], reduce_concat=range(2, 6))
    """,
  ]

  struct Expectation: Sendable {
    var genotype: String
    var scale: DerivedArchitecture.Scale
    var channels: Int
    var layers: Int
    var classes: Int
    var size: Int
    var parameters: Int
    var auxiliary: Int
    var multiplyAdds: Int

    init(_ genotype: String, _ network: Network, _ parameters: Int, _ auxiliary: Int, _ multiplyAdds: Int) {
      self.genotype = genotype
      (scale, channels, layers, classes, size) = network.sizes
      (self.parameters, self.auxiliary, self.multiplyAdds) = (parameters, auxiliary, multiplyAdds)
    }

    func architecture() throws -> DerivedArchitecture {
      try DerivedArchitecture(
        genotype: Genotype(parsing: DerivedCostTests.genotypes[genotype] ?? ""), scale: scale, channels: channels,
        layers: layers, classes: classes, imageSize: size, hasAuxiliaryHead: auxiliary > 0)
    }
  }

  enum Network: Sendable {
    case cifar, imagenet, smallCIFAR, smallImageNet

    var sizes: (DerivedArchitecture.Scale, Int, Int, Int, Int) {
      switch self {
      case .cifar: (.cifar, 36, 20, 10, 32)
      case .imagenet: (.imagenet, 48, 14, 1000, 224)
      case .smallCIFAR: (.cifar, 8, 5, 100, 48)
      case .smallImageNet: (.imagenet, 16, 4, 7, 64)
      }
    }
  }

  static let expectations: [Expectation] = [
    .init("V1", .cifar, 3_169_414, 476_426, 500_987_520),
    .init("V1", .imagenet, 4_510_432, 1_260_776, 505_864_704),
    .init("V1", .smallCIFAR, 46_668, 0, 15_910_400),
    .init("V1", .smallImageNet, 98_511, 0, 1_599_744),
    // The parameters of V2 are also those that the logs of DARTS print: 3.349342 and 4.718752 million.
    .init("V2", .cifar, 3_349_342, 476_426, 528_359_040),
    .init("V2", .imagenet, 4_718_752, 1_260_776, 529_911_552),
    .init("V2", .smallCIFAR, 48_628, 0, 16_643_072),
    .init("V2", .smallImageNet, 103_743, 0, 1_644_032),
    .init("few", .cifar, 2_102_518, 457_994, 330_120_000),
    .init("few", .imagenet, 2_994_208, 1_236_200, 355_667_712),
    .init("few", .smallCIFAR, 44_428, 0, 15_682_816),
    .init("few", .smallImageNet, 114_511, 0, 1_621_376),
    .init("skip", .cifar, 1_580_950, 476_426, 248_505_984),
    .init("skip", .imagenet, 2_800_480, 1_260_776, 294_297_600),
    .init("skip", .smallCIFAR, 38_076, 0, 10_942_976),
    .init("skip", .smallImageNet, 88_687, 0, 1_419_008),
  ]

  @Test("counts are those of PyTorch", arguments: expectations)
  func countsArePyTorchs(expected: Expectation) throws {
    let cost = try expected.architecture().cost
    #expect(cost.parameters == expected.parameters)
    #expect(cost.auxiliaryParameters == expected.auxiliary)
    #expect(cost.multiplyAdds == expected.multiplyAdds)
  }

  @Test("the network has as many weights as are counted", arguments: expectations.filter { $0.layers < 10 })
  func countsAreThoseOfTheModel(expected: Expectation) throws {
    for size in [expected.size, expected.scale == .cifar ? 32 : 224] {
      var sized = expected
      sized.size = size
      sized.auxiliary = size == expected.size ? 0 : 1
      let architecture = try sized.architecture()
      let model = try DerivedModel(architecture: architecture, batch: 1, threads: 1, kernels: Kernels.select(named: nil))
      #expect(model.parameterCount(withAuxiliaryHead: false) == architecture.cost.parameters)
      #expect(
        model.parameterCount(withAuxiliaryHead: true)
          == architecture.cost.parameters + architecture.cost.auxiliaryParameters)
      #expect((architecture.cost.auxiliaryParameters > 0) == architecture.hasAuxiliaryHead)
    }
  }
}
