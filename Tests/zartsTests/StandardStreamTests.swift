import Cells
import Formats
import Foundation
import Search
import TestSupport
import Testing

/// What cannot be written is an error, and what is missing takes nothing else with it.
@Suite("Standard output and standard error") struct StandardStreamTests {
  private let scratch: ScratchFolder
  private var folder: String { scratch.path }
  private static let golden = GoldenFile.path("s2_c16_l3_b4")
  private static let search =
    "zarts search --method darts1 --space s2 --dataset 'tensors:\(golden)' --channels 4 --layers 3 --batch 2 --epochs 2 "
    + "--threads 1 --report-every 0"
  private static let genotype = {
    let cell = "[" + Array(repeating: "('skip_connect', 0), ('skip_connect', 1)", count: 4).joined(separator: ", ") + "]"
    return "'Genotype(normal=\(cell.replacing("'", with: "\"")), normal_concat=[2, 3, 4, 5], "
      + "reduce=\(cell.replacing("'", with: "\"")), reduce_concat=[2, 3, 4, 5])'"
  }()

  init() throws { scratch = try ScratchFolder() }

  @Test(
    "that is full or closed ends a command with an error",
    arguments: ["presets", "presets laptop", "genotype \(genotype)", "--help", "help search", "--version"])
  func lostOutput(command: String) throws {
    for (redirection, reason) in [(">/dev/full", "No space left"), (">&-", "Bad file descriptor")] {
      let result = try CommandLineRunner.shell("zarts \(command) \(redirection)")
      #expect(result.status == 1, "\(redirection): \(result.status) \(result.errors)")
      #expect(
        result.errors.contains("standard output: cannot be written") && result.errors.contains(reason), "\(result.errors)")
    }
    // Without anything to complain to, the status is left.
    #expect(try CommandLineRunner.shell("zarts \(command) >&- 2>&-").status == 1)
    #expect(try CommandLineRunner.shell("zarts \(command) >/dev/full 2>/dev/full").status == 1)
    #expect(try CommandLineRunner.shell("zarts \(command) <&- | cat >/dev/null").status == 0)
  }

  @Test("that is lost loses no search, and no progress gets into its files")
  func search() throws {
    let whole = try CommandLineRunner.shell("\(Self.search) --out '\(folder)/whole' </dev/null")
    try #require(whole.status == 0, "\(whole.errors)")
    let reference = try SearchRunFolder(existing: "\(folder)/whole")
    for (index, redirections) in ["<&- >&- 2>&-", "2>&-", ">/dev/full 2>/dev/full"].enumerated() {
      let path = "\(folder)/run-\(index)"
      let result = try CommandLineRunner.shell("\(Self.search) --out '\(path)' \(redirections)")
      #expect(result.status == (redirections == "2>&-" ? 0 : 1), "\(redirections): \(result.errors)")
      let files = try SearchRunFolder(existing: path)
      for file in [\SearchRunFolder.alphasPath, \.genotypePath, \.configurationPath] {
        #expect(try FileBytes.read(files[keyPath: file]) == FileBytes.read(reference[keyPath: file]))
      }
      // A line of the log begins with its time.
      let log = try String(contentsOfFile: files.logPath, encoding: .utf8).split(separator: "\n")
      #expect(!log.isEmpty && log.allSatisfy { $0.prefix(20).hasSuffix("Z") }, "\(log)")
      #expect(log.last?.hasSuffix("finished") == true)
    }
  }

  @Test("that nobody reads to its end is no error worth a word")
  func pipe() throws {
    for trap in ["", "trap '' PIPE; "] {
      let result = try CommandLineRunner.shell("\(trap){ zarts presets laptop; echo \"status $?\" >&2; } | true")
      #expect(!result.errors.contains("zarts:") && !result.errors.contains("rror"), "\(result.errors)")
    }
  }
}
