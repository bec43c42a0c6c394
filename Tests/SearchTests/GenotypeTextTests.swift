import Supernet
import Testing

struct GenotypeTextTests {
  private static func line(_ operation: String) -> String {
    let edges = (0..<8).map { "('\(operation)', \($0 % 2))" }.joined(separator: ", ")
    return "Genotype(normal=[\(edges)], normal_concat=range(2, 6), reduce=[\(edges)], reduce_concat=range(2, 6))"
  }

  private let module = """
    from collections import namedtuple
    Genotype = namedtuple('Genotype', 'normal normal_concat reduce reduce_concat')
    NASNet = Genotype(
      normal = [('sep_conv_7x7', 1)], normal_concat = [2],
      reduce = [('conv_7x1_1x7', 1)], reduce_concat = [2],
    )
    FIRST = \(line("skip_connect"))
    SECOND = \(line("sep_conv_3x3").replacing("], ", with: "],\n  "))

    DARTS = SECOND
    """

  private func first(_ genotype: Genotype) -> Supernet.Operation { genotype.normal[0].operation }

  @Test func statementsOfAModuleAreFoundWithNamesAndLines() throws {
    let text = GenotypeText(module)
    #expect(text.entries.map(\.name) == ["NASNet", "FIRST", "SECOND"])
    #expect(text.entries.map(\.line) == [3, 7, 8])
    #expect(first(try text.genotype(path: "f")) == .separableConv3x3)
    #expect(first(try text.genotype(name: "FIRST", path: "f")) == .skipConnect)
    #expect(first(try text.genotype(line: 7, path: "f")) == .skipConnect)
    // A statement over several lines is on each of them.
    for line in 8...10 { #expect(first(try text.genotype(line: line, path: "f")) == .separableConv3x3) }
  }

  @Test func linesOfALogAndWindowsLineEndsAreRead() throws {
    let text = GenotypeText(
      "12:00 epoch 0\r\n12:01 genotype = \(Self.line("noise"))\r\n12:02 genotype = \(Self.line("skip_connect")) done\r\n")
    #expect(text.entries.map(\.line) == [2, 3])
    #expect(first(try text.genotype(path: "f")) == .skipConnect)
    #expect(first(try text.genotype(line: 2, path: "f")) == .noise)
  }

  @Test func jsonIsReadWholeOrLineByLine() throws {
    let genotypes = try ["skip_connect", "sep_conv_5x5"].map { try Genotype(parsing: Self.line($0)) }
    let lines = GenotypeText(genotypes.map(\.json).joined(separator: "\n"))
    #expect(try lines.genotype(line: 1, path: "f") == genotypes[0] && lines.genotype(path: "f") == genotypes[1])
    let spread = GenotypeText("\n" + genotypes[0].json.replacing(",", with: ",\n  "))
    #expect(try spread.genotype(path: "f") == genotypes[0])
  }

  @Test func whatIsNotThereIsNamed() throws {
    func message(_ body: () throws -> Genotype) throws -> String {
      "\(try #require(#expect(throws: SupernetError.self, performing: { _ = try body() })))"
    }
    let text = GenotypeText(module)
    #expect(try message { try text.genotype(name: "DARTS", path: "g.py") }.contains("NASNet, FIRST, SECOND"))
    #expect(try message { try text.genotype(line: 2, path: "g.py") }.contains("no genotype on line 2"))
    #expect(try message { try text.genotype(name: "NASNet", path: "g.py") }.contains("g.py, line 3: genotype, character"))
    #expect(try message { try GenotypeText("").genotype(path: "g.py") }.contains("none at all"))
    #expect(try message { try GenotypeText("x = Genotype(normal=[").genotype(path: "g.py") }.contains("the end of the text"))
    #expect(try message { try GenotypeText("{\"normal\": 3").genotype(path: "g.py") }.contains("line 1"))
  }
}
