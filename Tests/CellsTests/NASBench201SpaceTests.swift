import Cells
import Formats
import Testing

/// All 15,625 architectures: text, derivation and costs.
@Suite struct NASBench201SpaceTests {
  private static let operations = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]

  /// The text of an architecture from its digits, edge by edge, written out by hand.
  private func text(_ o: [String]) -> String { "|\(o[0])~0|+|\(o[1])~0|\(o[2])~1|+|\(o[3])~0|\(o[4])~1|\(o[5])~2|" }

  private func network(_ genotype: Genotype, classes: Int = 10, side: Int = 32) throws -> DerivedArchitecture {
    try DerivedArchitecture(genotype: genotype, channels: 16, layers: 15, classes: classes, imageSize: side)
  }

  @Test("a network of stages has no auxiliary head unless one is asked for, which is refused")
  func auxiliaryHead() throws {
    let genotype = try Genotype(parsing: text(Array(repeating: "nor_conv_3x3", count: 6)))
    #expect(try !network(genotype).hasAuxiliaryHead)
    let error = #expect(throws: InputError.self) {
      try DerivedArchitecture(genotype: genotype, channels: 16, layers: 15, hasAuxiliaryHead: true)
    }
    #expect(error?.place == .words("genotype") && error?.found == "an auxiliary head")
  }

  /// Costs: the closed form of the public counter (xautodl/utils/flop_benchmark.py of AutoDL-Projects), from the number of
  /// convolutions of each size alone.
  @Test("an architecture keeps its text and derivation, and has the costs of the closed form")
  func all() throws {
    var alphas = SearchSpace.nb201.zeroAlphas
    for number in 0..<15_625 {
      let columns = (0..<6).map { edge in number / [3125, 625, 125, 25, 5, 1][edge] % 5 }
      let line = text(columns.map { Self.operations[$0] })
      let genotype = try Genotype(parsing: line)
      #expect(genotype.line == line)
      alphas.flat = alphas.flat.map { _ in 0 }
      for (edge, column) in columns.enumerated() { alphas.matrices[0][edge, column] = 1 }
      #expect(try Genotype(alphas: alphas, space: .nb201) == genotype)
      let (ones, threes) = (columns.count { $0 == 2 }, columns.count { $0 == 3 })
      let cost = try network(genotype).cost
      #expect(cost.parameters == 73_306 + 28_000 * ones + 243_040 * threes, "\(line)")
      #expect(cost.multiplyAdds == 7_783_050 + 3_932_160 * ones + 35_389_440 * threes, "\(line)")
    }
  }

  /// Millions of parameters and multiply-adds in the authors' own records (NATS-Bench, fake_torch_dir/NATS-tss-v1_0-3ffb9-simple,
  /// 000000, 000011 and 000284.pickle.pbz2, fields `params` and `flop`) for CIFAR-10, CIFAR-100 and ImageNet16-120; the ResNet
  /// cell from AutoDL-Projects, exps/NAS-Bench-201/visualize.py, to the digits printed there.
  @Test("costs are the published ones")
  func published() throws {
    let records: [(String, [(classes: Int, side: Int, parameters: Double, multiplyAdds: Double)])] = [
      (
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
        [(10, 32, 0.129306, 15.64737), (100, 32, 0.135156, 15.65322), (120, 16, 0.136456, 3.91948)]
      ),
      (
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|",
        [(10, 32, 0.802426, 113.95137), (100, 32, 0.808276, 113.95722), (120, 16, 0.809576, 28.49548)]
      ),
      (
        "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|none~0|nor_conv_1x1~1|none~2|",
        [(10, 32, 0.101306, 11.71521), (100, 32, 0.107156, 11.72106), (120, 16, 0.108456, 2.93644)]
      ),
    ]
    for (line, networks) in records {
      for record in networks {
        let cost = try network(Genotype(parsing: line), classes: record.classes, side: record.side).cost
        #expect(cost.parameters == Int((record.parameters * 1e6).rounded()), "\(line) \(record)")
        #expect(cost.multiplyAdds == Int((record.multiplyAdds * 1e6).rounded()), "\(line) \(record)")
      }
    }
    let resnet = try network(
      Genotype(parsing: "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|")
    ).cost
    #expect(abs(Double(resnet.parameters) / 1e6 - 0.559) < 5e-4 && abs(Double(resnet.multiplyAdds) / 1e6 - 78.56) < 5e-3)
  }

  @Test("edges in another order, left out or in JSON and Python give the same architecture")
  func otherForms() throws {
    let genotype = try Genotype(parsing: "|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|avg_pool_3x3~2|")
    #expect(try Genotype(parsing: " |skip_connect~0| + |nor_conv_3x3~1|none~0| + |avg_pool_3x3~2|") == genotype)
    #expect(try Genotype(parsing: genotype.json) == genotype && Genotype(parsing: genotype.pythonLine) == genotype)
    #expect(try GenotypeText("\n\(genotype.line)\n").genotype(path: "f") == genotype)
  }

  @Test(
    "a text that is no architecture is refused with where it goes wrong",
    arguments: [
      ("|none~0|+|none~0|none~1|", "2 nodes"), ("|none~0|+none~0|+|none~0|", "node 2"),
      ("|none~0|+|none~2|+|none~0|", "node 2, 'none~2'"), ("|none~0|+|none~0|none~0|+|none~0|", "second edge"),
      ("|sep_conv_3x3~0|+|none~0|+|none~0|", "sep_conv_3x3"), ("|none|+|none~0|+|none~0|", "node 1, 'none'"),
    ])
  func refused(text: String, part: String) throws {
    let error = try #require(throws: InputError.self) { try Genotype(parsing: text) }
    #expect("\(error)".contains(part), "\(error)")
  }

  @Test("what a network's cells cannot compute is refused")
  func networksOfAnotherKind() throws {
    let cell = try Genotype(parsing: "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    for (layers, hasHead, place) in [(14, false, "layers"), (15, true, "genotype")] {
      let error = try #require(throws: InputError.self) {
        try DerivedArchitecture(genotype: cell, channels: 16, layers: layers, hasAuxiliaryHead: hasHead)
      }
      #expect("\(error.place)".contains(place), "\(error)")
    }
    var variant = SupernetVariant()
    variant.edgeNormalisation = true
    let error = try #require(throws: InputError.self) {
      try SupernetArchitecture(space: .nb201, channels: 8, layers: 3, variant: variant)
    }
    #expect("\(error.place)".contains("nb201"), "\(error)")
    let edges = Array(repeating: "('nor_conv_3x3', 0), ('skip_connect', 1)", count: 4).joined(separator: ", ")
    let dense = try Genotype(
      parsing: "Genotype(normal=[\(edges)], normal_concat=range(2, 6), reduce=[\(edges)], reduce_concat=range(2, 6))")
    let refused = try #require(throws: InputError.self) { try DerivedArchitecture(genotype: dense, channels: 16, layers: 8) }
    #expect("\(refused)".contains("nor_conv_3x3"), "\(refused)")
  }
}
