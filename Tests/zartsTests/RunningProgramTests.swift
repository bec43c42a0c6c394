import Cells
import Foundation
import Testing

@Suite("The program that starts itself again") struct RunningProgramTests {
  @Test("is the one that runs, also where PATH found it, and hands words on as words")
  func race() throws {
    let peer = "echo '{\"quantity\": \"forward\", \"seconds\": 1}' #"
    let cell = Array(repeating: "('skip_connect', 0), ('skip_connect', 1)", count: 4).joined(separator: ", ")
    let genotype =
      "Genotype(normal=[\(cell)], normal_concat=range(2, 6), reduce=[\(cell)], reduce_concat=range(2, 6))"
    let flags = "--channels 4 --layers 3 --batch 2 --threads 1 --repeats 1 --rounds 1 --quantities forward"
    let plain = try CommandLineRunner.shell("zarts bench --peer '\(peer.replacing("'", with: "'\\''"))' \(flags)", in: "/")
    #expect(plain.status == 0 && plain.output.contains("forward"), "\(plain.errors)")
    let derived = try CommandLineRunner.shell(
      "zarts bench --peer 'count() { [ $# = 12 ] && echo \"{\\\"quantity\\\": \\\"forward\\\", \\\"seconds\\\": 1}\"; }; count' "
        + "--genotype \"\(genotype)\" \(flags)", in: "/")
    #expect(derived.status == 0 && derived.output.contains("forward"), "\(derived.errors)")
  }
}
