import Cells
import Compute
import Engine
import Formats
import Foundation
import Testing

/// All 15,625 architectures: text, derivation and costs.
@Suite struct NASBench201SpaceTests {
  private static let operations = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]

  /// The text of an architecture from its digits, edge by edge, written out by hand.
  private func text(_ o: [String]) -> String { "|\(o[0])~0|+|\(o[1])~0|\(o[2])~1|+|\(o[3])~0|\(o[4])~1|\(o[5])~2|" }

  private func network(_ genotype: Genotype, classes: Int = 10, side: Int = 32) throws -> DerivedArchitecture {
    try DerivedArchitecture(
      genotype: genotype, channels: 16, layers: 15, classes: classes, imageSize: side, hasAuxiliaryHead: false)
  }

  /// Costs: the closed form of the public counter (xautodl/utils/flop_benchmark.py of AutoDL-Projects), from the number of
  /// convolutions of each size alone.
  @Test("an architecture loses its text, its derivation or its costs on the way")
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
  @Test("costs differ from published ones")
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

  /// Parameters of the public search network, by hand: FACTS of its state_dict.
  @Test("tensors of the supernet are not those of the public one")
  func tensors() throws {
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

  @Test("edges in another order, left out or in JSON and Python give another architecture")
  func otherForms() throws {
    let genotype = try Genotype(parsing: "|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|avg_pool_3x3~2|")
    #expect(try Genotype(parsing: " |skip_connect~0| + |nor_conv_3x3~1|none~0| + |avg_pool_3x3~2|") == genotype)
    #expect(try Genotype(parsing: genotype.json) == genotype && Genotype(parsing: genotype.pythonLine) == genotype)
    #expect(try GenotypeText("\n\(genotype.line)\n").genotype(path: "f") == genotype)
  }

  @Test(
    "a text that is no architecture is read, or the error does not say where it goes wrong",
    arguments: [
      ("|none~0|+|none~0|none~1|", "2 nodes"), ("|none~0|+none~0|+|none~0|", "node 2"),
      ("|none~0|+|none~2|+|none~0|", "node 2, 'none~2'"), ("|none~0|+|none~0|none~0|+|none~0|", "second edge"),
      ("|sep_conv_3x3~0|+|none~0|+|none~0|", "sep_conv_3x3"), ("|none|+|none~0|+|none~0|", "node 1, 'none'"),
    ])
  func refused(text: String, part: String) throws {
    let error = try #require(throws: InputError.self) { try Genotype(parsing: text) }
    #expect("\(error)".contains(part), "\(error)")
  }

  @Test("a network takes what its cells cannot compute")
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
    let dense = try DerivedCostTests.genotype(replacing: "sep_conv_5x5", by: "nor_conv_3x3")
    let refused = try #require(throws: InputError.self) { try DerivedArchitecture(genotype: dense, channels: 16, layers: 8) }
    #expect("\(refused)".contains("nor_conv_3x3"), "\(refused)")
  }
}

extension DerivedCostTests {
  fileprivate static func genotype(replacing old: String, by new: String) throws -> Genotype {
    try Genotype(parsing: (genotypes["few"] ?? "").replacing(old, with: new))
  }
}

@Suite("A table of architectures") struct ArchitectureTableTests {
  private static let architectures = ["none", "nor_conv_3x3", "skip_connect"].map { last in
    "|none~0|+|none~0|none~1|+|none~0|none~1|\(last)~2|"
  }

  private func table(_ content: String, _ ending: String, column: String? = nil) throws -> ArchitectureTable {
    let path = NSTemporaryDirectory() + "/zarts-\(UUID().uuidString).\(ending)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try content.write(toFile: path, atomically: true, encoding: .utf8)
    return try ArchitectureTable(readingFrom: path, column: column)
  }

  @Test("says another accuracy or rank than its file, whatever its form")
  func forms() throws {
    let a = Self.architectures
    let forms: [(String, String, String?)] = [
      ("index,arch,test\n7,\(a[0]),10\n1,\(a[1]),93.5\n2,\(a[2]),90\n", "csv", "test"),
      ("{\"\(a[0])\": 10, \"\(a[1])\": 93.5, \"\(a[2])\": 90}", "json", nil),
      (
        """
        {"0": {"architecture_string": "\(a[0])", "cifar10": {"test_accuracy": 10, "loss": 2}},
         "1": {"architecture_string": "\(a[1])", "cifar10": {"test_accuracy": 93.5, "loss": 1}},
         "2": {"architecture_string": "\(a[2])", "cifar10": {"test_accuracy": [1, 90], "loss": 1}}}
        """, "json", "cifar10.test_accuracy"
      ),
    ]
    for (content, ending, column) in forms {
      let table = try table(content, ending, column: column)
      let found = try a.map { try table.entry(of: Genotype(parsing: $0)) }
      #expect(found.map { $0?.value } == [10, 93.5, 90] && found.map { $0?.rank } == [3, 1, 2], "\(content)")
      let other = try Genotype(parsing: "|skip_connect~0|+|none~0|none~1|+|none~0|none~1|none~2|")
      #expect(table.entry(of: other) == nil)
    }
  }

  @Test("is read where it does not say which numbers, or of what")
  func refused() throws {
    let line = Self.architectures[0]
    for (content, ending, column, part) in [
      ("arch,a,b\n\(line),1,2\n", "csv", nil, "one of a, b"), ("arch,a\n\(line),1\n", "csv", "c", "found c"),
      ("arch,a\nx,1\n", "csv", nil, "no table of architectures"), ("{", "json", nil, "not JSON"),
      ("arch,a\n\(line),1\n\(line),2\n", "csv", nil, "twice"),
    ] as [(String, String, String?, String)] {
      let error = try #require(throws: InputError.self) { try table(content, ending, column: column) }
      #expect("\(error)".contains(part), "\(error)")
    }
  }
}
