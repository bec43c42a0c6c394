import Cells
import Formats
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

  private func first(_ genotype: Genotype) -> CellOperation { genotype.normal[0].operation }

  @Test func statementsOfAModuleAreFoundWithNamesAndLines() throws {
    let text = GenotypeText(module)
    #expect(text.entries.map(\.name) == ["NASNet", "FIRST", "SECOND", "DARTS"])
    #expect(text.entries.map(\.line) == [3, 7, 8, 12])
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
      "\(try #require(#expect(throws: InputError.self, performing: { _ = try body() })))"
    }
    let text = GenotypeText(module)
    #expect(try message { try text.genotype(name: "V3", path: "g.py") }.contains("NASNet, FIRST, SECOND, DARTS"))
    #expect(try message { try text.genotype(line: 2, path: "g.py") }.contains("no genotype on line 2"))
    let unknown = try message { try text.genotype(name: "NASNet", path: "g.py") }
    #expect(unknown.hasPrefix("g.py: line 4, column 14: not a genotype: found operation 'sep_conv_7x7'"), "\(unknown)")
    #expect(try message { try GenotypeText("").genotype(path: "g.py") }.contains("none at all"))
    #expect(try message { try GenotypeText("x = Genotype(normal=[").genotype(path: "g.py") }.contains("the end of the text"))
    #expect(try message { try GenotypeText("{\"normal\": 3").genotype(path: "g.py") }.contains("line 1"))
  }

  @Test func whatIsCommentedOutOrQuotedIsNoGenotype() throws {
    let (one, other) = (Self.line("skip_connect"), Self.line("sep_conv_3x3"))
    let text = GenotypeText(
      """
      NEW = \(one)  # OLD = \(other)
      # OLD = \(other)
        #   \(other)
      \"\"\"
      BEFORE = \(other)
      \"\"\"
      print("\(other.replacing("'", with: "`"))")
      # it's the end
      """)
    #expect(text.entries.map(\.name) == ["NEW"])
    #expect(first(try text.genotype(path: "f")) == .skipConnect)
    let spread = one.replacing("], ", with: "],  # Genotype(\n  # normal = ')'\n  ")
      .replacing("), (", with: "),  # don't\n  (")
    let commented = GenotypeText("A = \(other)\nB = \(spread)  # the best\n")
    #expect(try commented.genotype(path: "f") == Genotype(parsing: one))
    #expect(try commented.genotype(line: 4, path: "f") == Genotype(parsing: one))
    // Hash signs and brackets within quotes are text, and the apostrophes of prose no quotes.
    let log = GenotypeText("it's 12 o'clock, epoch '#3 (': genotype = \(one)\nthis, too: \(other) isn't\n")
    #expect(first(try log.genotype(line: 1, path: "f")) == .skipConnect && log.entries.count == 2)
  }

  @Test func anotherNameLeadsToWhatItStandsForThere() throws {
    let text = GenotypeText(
      """
      V1 = \(Self.line("skip_connect"))
      V2 = genotypes.\(Self.line("sep_conv_3x3"))
      BEST = V1  # of three
      DARTS = BEST
      V1 = \(Self.line("noise"))
      X = DARTS
      LOST = MISSING
      ROUND = TRIP
      TRIP = ROUND
      OWN = OWN
      count = total
      """)
    #expect(first(try text.genotype(name: "DARTS", path: "f")) == .skipConnect, "V1 as it was on line 3")
    #expect(first(try text.genotype(name: "V1", path: "f")) == .noise)
    #expect(first(try text.genotype(name: "V2", path: "f")) == .separableConv3x3)
    #expect(first(try text.genotype(path: "f")) == .skipConnect, "X is the last that leads to a genotype")
    #expect(first(try text.genotype(line: 3, path: "f")) == .skipConnect)
    for name in ["LOST", "ROUND", "TRIP", "OWN"] {
      let error = #expect(throws: InputError.self) { try text.genotype(name: name, path: "g.py") }
      let message = "\(try #require(error))"
      #expect(message.hasPrefix("g.py: line ") && message.contains("'\(name) = "), "\(message)")
      #expect(message.contains("V1, V2, BEST, DARTS, V1, X") && !message.contains("count"), "\(message)")
    }
  }
}
