import Cells
import Formats
import TestSupport
import Testing

@Suite("A table of architectures") struct ArchitectureTableTests {
  private static let architectures = ["none", "nor_conv_3x3", "skip_connect"].map { last in
    "|none~0|+|none~0|none~1|+|none~0|none~1|\(last)~2|"
  }

  private func table(_ content: String, _ ending: String, column: String? = nil) throws -> ArchitectureTable {
    let folder = try ScratchFolder()
    return try ArchitectureTable(readingFrom: folder.write(content, to: "table.\(ending)"), column: column)
  }

  @Test("says the accuracy and rank of its file, whatever its form")
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

  @Test("is refused where it does not say which numbers, or of what")
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
