import Cells
import Formats
import TestSupport
import Testing

struct GenotypeTests {
  private let darts = """
    Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), \
    ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), \
    reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), \
    ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))
    """

  @Test func publishedLineReadsAndPrintsUnchanged() throws {
    let genotype = try Genotype(parsing: darts)
    #expect(genotype.pythonLine == darts)
    #expect(genotype.normal[7] == .init(.dilatedConv3x3, from: 2))
    #expect(genotype.skipConnectionCount == 2 && genotype.reduceSkipConnectionCount == 3)
    #expect(genotype.parameterFreeCount == 2)
    #expect(try Genotype(parsing: genotype.json) == genotype)
  }

  @Test func spellingsThatPythonTakesAreTaken() throws {
    let loose =
      "DARTS_V2 = "
      + darts.replacing("'", with: "\"").replacing("range(2, 6)", with: "[2,3,4,5]").replacing("), (", with: "),\n  (")
      .replacing("2)], normal", with: "2), ], normal")
    #expect(try Genotype(parsing: loose) == Genotype(parsing: darts))
    let gap = darts.replacing("normal_concat=range(2, 6)", with: "normal_concat=[2, 4, 5]")
    #expect(try Genotype(parsing: gap).pythonLine == gap)
  }

  @Test func numbersOfNumPyWeightsAndCommentsAreRead() throws {
    let expected = try Genotype(parsing: darts)
    let forms: [(String, String)] = [
      (", 0)", ", np.int64(0))"), (", 0)", ", numpy.int32(0))"), (", 0)", ", 0, 0.2386)"), (", 1)", ", 1, 1e-05)"),
      (", 1)", ", 1, -.5,)"), (", 1)", ", np.int64(1), np.float32(0.25))"), (", 2)", ", 2, nan)"),
      ("range(2, 6)", "range(2, 6,)"),
      ("range(2, 6)", "list(range(2, 6))"), ("range(2, 6)", "(2, 3, 4, np.int64(5))"), ("('skip", "(np.str_('skip"),
      ("), (", "),  # ('none', 9) and a quote: don't\n  ("),
      ("reduce_concat=range(2, 6)", "reduce_concat=range(2, 6),  # end\n"),
      ("Genotype(", "X: Genotype = Genotype(  # )\n"),
    ]
    for (part, replacement) in forms {
      var text = darts.replacing(part, with: replacement)
      if replacement.contains("np.str_") { text = text.replacing("connect'", with: "connect')") }
      #expect(text != darts)
      #expect(try Genotype(parsing: text) == expected, "\(text)")
    }
  }

  @Test func whatIsNoGenotypeIsNamedByLineAndColumn() throws {
    let text = darts.replacing("normal_concat", with: "\n  normal_concat").replacing("range(2, 6)", with: "range(2; 6)")
    let error = #expect(throws: InputError.self) { try Genotype(parsing: text) }
    #expect("\(try #require(error))" == "line 2, column 24: not a genotype: found ';', wanted ','")
  }

  @Test(arguments: [
    ("sep_conv_3x3', 0", "sep_conv_9x9', 0", "sep_conv_9x9"),
    ("('skip_connect', 0), ('dil", "('skip_connect', 5), ('dil", "0 to 4"),
    (", ('dil_conv_3x3', 2)]", "]", "7"), ("range(2, 6), ", "range(2, 7), ", "range(2, 7)"),
    ("range(2, 6), ", "[2, 2], ", "different"), ("normal_concat=range(2, 6), ", "", "normal_concat"),
    ("reduce_concat", "reduce_concert", "reduce_concert"), ("Genotype(", "Genotype{", "'('"), ("6))", "6)) x", "the end"),
    ("6))", "6)", "the end of the text"), ("('skip_connect', 0)", "('skip_connect', -1)", "'-'"),
    ("normal=[", "normal=[('skip_connect', 0, 'x'), ", "the weight of the edge"),
    ("normal=[", "normal=[('skip_connect', 0, 1, 2), ", "the weight of the edge, which is left"),
    ("('skip_connect', 0)", "('skip_connect', np.float32(0))", "np's int_"),
    ("('skip_connect', 0)", "('skip_connect', os.system(0))", "'os'"), ("range(2, 6), ", "set([2, 3]), ", "range(2, 6)"),
    ("range(2, 6), ", "range(2, 6, 1), ", "')'"), ("'skip_connect', 0)", "skip_connect, 0)", "an operation in quotes"),
  ])
  func badLinesAreRefusedNamingWhatWasFound(part: String, replacement: String, mention: String) throws {
    guard let range = darts.firstRange(of: part) else { throw TestFailure("the test replaces nothing") }
    let bad = darts[..<range.lowerBound] + replacement + darts[range.upperBound...]
    let error = #expect(throws: InputError.self) { try Genotype(parsing: String(bad)) }
    let text = "\(try #require(error))"
    #expect(text.contains(mention), "\(text)")
  }

  @Test(arguments: [
    ("{", "genotype, the whole text: "), ("{}", "genotype, normal"), ("{\"normal\":3}", "genotype, normal"),
    ("", "line 1, column 1: the end of the text"),
  ])
  func badJSONIsRefused(text: String, place: String) {
    #expect(refusal { try Genotype(parsing: text) }?.hasPrefix(place) == true)
  }

  @Test func strongestTwoEdgesRemainInDescendingOrderAndNoneNeverWins() throws {
    var alphas = SearchSpace.s3.zeroAlphas
    // Node 1 has edges 2, 3, 4 of states 0, 1, 2. `none` dominates edge 2, so its skip is weak although its α is large.
    alphas.normal[2, 0] = 9
    alphas.normal[2, 1] = 3
    alphas.normal[3, 2] = 1
    alphas.normal[4, 1] = 2
    let genotype = try Genotype(alphas: alphas, space: .s3)
    #expect(Array(genotype.normal[2..<4]) == [.init(.skipConnect, from: 2), .init(.separableConv3x3, from: 1)])
    // Ties: the earlier edges, the earlier operation other than none.
    #expect(Array(genotype.normal[0..<2]) == [.init(.skipConnect, from: 0), .init(.skipConnect, from: 1)])
    #expect(Array(genotype.reduce[6..<8]) == [.init(.skipConnect, from: 0), .init(.skipConnect, from: 1)])
  }

  @Test func operationsOfS1AreThoseOfTheirEdge() throws {
    var alphas = SearchSpace.s1.zeroAlphas
    alphas.normal[12, 1] = 5
    alphas.normal[13, 0] = 4
    alphas.reduce[0, 1] = 3
    let genotype = try Genotype(alphas: alphas, space: .s1)
    #expect(Array(genotype.normal[6..<8]) == [.init(.dilatedConv5x5, from: 3), .init(.dilatedConv3x3, from: 4)])
    #expect(genotype.reduce[0] == .init(.averagePool3x3, from: 0))
  }

  @Test func noiseCountsLikeAnyOperation() throws {
    var alphas = SearchSpace.s4.zeroAlphas
    alphas.normal[1, 0] = 1
    #expect(try Genotype(alphas: alphas, space: .s4).normal[0] == .init(.noise, from: 1))
  }

  @Test func alphasOfAnotherSpaceOrNotFiniteAreRefused() {
    #expect(refusal { try Genotype(alphas: SearchSpace.s2.zeroAlphas, space: .s6) } == "alphas_normal: [14, 2]")
    var alphas = SearchSpace.s2.zeroAlphas
    alphas.reduce[0, 0] = .nan
    #expect(refusal { try Genotype(alphas: alphas, space: .s2) } == "alphas_reduce: values that are not finite")
  }

  @Test func entropyRunsFromLogOfTheOperationsToZero() {
    var matrix = ArchitectureParameters.Matrix(rows: 2, columns: 4)
    #expect(abs(matrix.meanEntropy - 1.3862943611198906) < 1e-15)
    matrix[0, 1] = 1000
    #expect(abs(matrix.meanEntropy - 0.6931471805599453) < 1e-15)
  }
}
