import Formats
import Foundation
import Testing

@Suite("zarts report")
struct ReportCommandTests {
  @Test("The page stands in the run's folder, or where it is wanted, and repeats byte for byte")
  func written() throws {
    let samples = try ReportSamples()
    let run = "\(samples.folder)/darts1"
    let result = try CommandLineRunner.run(["report", run])
    #expect(result.status == 0 && result.errors.isEmpty && result.output == "\(run)/report.html\n", "\(result.errors)")
    let first = try FileBytes.read("\(run)/report.html")
    #expect(String(decoding: first.prefix(15), as: UTF8.self) == "<!DOCTYPE html>")
    #expect(try CommandLineRunner.run(["report", run]).status == 0)
    #expect(try FileBytes.read("\(run)/report.html") == first)
    let out = "\(samples.folder)/both.html"
    let both = try CommandLineRunner.run(
      ["report", run, "\(samples.folder)/zarts-mgs", "--landscape", "\(samples.folder)/landscape", "--out", out])
    #expect(both.status == 0, "\(both.errors)")
    let page = try String(contentsOfFile: out, encoding: .utf8)
    #expect(page.contains("zarts report \(run)") && page.contains("2 runs, 1 landscape on closed-form."))
  }

  @Test("Bad input is named and leaves no page")
  func badInput() throws {
    let samples = try ReportSamples()
    let (run, out) = ("\(samples.folder)/darts1", "\(samples.folder)/out.html")
    let cases: [([String], String)] = [
      ([], "paths"), (["/nonexistent", "--out", out], "/nonexistent"),
      (["\(run)/config.yaml", "--out", out], "config.yaml"),
      (["\(run)/checkpoints", "--out", out], "checkpoints"), ([run, "--out", "\(samples.folder)/out.pdf"], "out.pdf"),
      ([run, "--landscape", run, "--out", out], "--landscape"),
      ([run, "--out", "\(samples.folder)/absent/out.html"], "absent"),
    ]
    for (arguments, mention) in cases {
      let result = try CommandLineRunner.run(["report"] + arguments)
      #expect(result.status != 0 && result.errors.contains(mention), "\(arguments): \(result.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: out))
  }
}
