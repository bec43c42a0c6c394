import Formats
import Foundation
import TestSupport
import Testing

@Suite("zarts landscape: paths held to the plane, and planes of two ranges") struct ConfinedPathCommandTests {
  private static let golden = GoldenFile.path("s3_c8_l5_b4")

  private let good = ["landscape", "--weights", golden, "--dataset", "tensors:\(golden)", "--objectives", "first"]

  @Test("methods are followed over a rectangle, side by side as alone, and drawn") func paths() throws {
    let scratch = try ScratchFolder()
    let flags =
      good + ["--grid", "3x2", "--range", "1,0.5", "--paths", "darts1,darts2,zarts-mgs", "--path-steps", "2"]
      + ["--path-start", "0.25,-0.5"]
    for (name, width) in [("a", ["--parallel", "1"]), ("b", ["--threads", "2", "--parallel", "2"])] {
      let result = try CommandLineRunner.run(flags + width + ["--svg", "--out", scratch.file(name)])
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.errors.contains("paths: 8 forward passes and 92 training steps, "), "\(result.errors)")
    }
    let table = try CSVTable(readingFrom: scratch.file("a/paths.csv"))
    #expect(try table.column("path") == ["darts1", "darts2", "zarts-mgs"].flatMap { Array(repeating: $0, count: 3) })
    #expect(try table.integers("update") == [0, 1, 2, 0, 1, 2, 0, 1, 2])
    #expect(try table.doubles("x")[0] == 0.25 && table.doubles("y")[6] == -0.5)
    let text = try String(contentsOfFile: scratch.file("a/landscape.yaml"), encoding: .utf8)
    #expect(text.contains("\ngrid: 3x2\nrange: \"1.0,0.5\"\n") && text.contains("\npath_3: \"method zarts-mgs, "))
    for name in try FileManager.default.contentsOfDirectory(atPath: scratch.file("a")) where !name.hasSuffix(".png") {
      #expect(
        try FileBytes.read(scratch.file("a/\(name)")) == FileBytes.read(scratch.file("b/\(name)")), "\(name)")
    }
    let plain = try CommandLineRunner.run(
      good + ["--grid", "3x2", "--range", "1,0.5", "--svg", "--out", scratch.file("plain")])
    #expect(plain.status == 0, "\(plain.errors)")
    let with = try FileBytes.read(scratch.file("a/landscape.svg")).count
    let without = try FileBytes.read(scratch.file("plain/landscape.svg")).count
    #expect(with > without + 1000, "three paths and their legend are drawn")
    #expect(
      try FileBytes.read(scratch.file("a/landscape.csv")) == FileBytes.read(scratch.file("plain/landscape.csv")))
    let page = try CommandLineRunner.run(["report", scratch.file("a"), "--out", scratch.file("page.html")])
    #expect(page.status == 0, "\(page.errors)")
    let html = try String(contentsOfFile: scratch.file("page.html"), encoding: .utf8)
    #expect(html.contains("zarts-mgs, update 2") && html.contains("up to 1.0 and 0.5 lengths of the directions away"))
  }

  @Test(
    "flags that cannot be meant are named",
    arguments: [
      (["--paths", "sgd"], "--paths: found 'sgd'"), (["--paths", "random"], "--paths"), (["--paths", ""], "--paths"),
      (["--paths", "darts1,darts1"], "--paths"), (["--path-steps", "3"], "--path-steps"),
      (["--path-start", "0,0"], "--path-start"), (["--paths", "darts1", "--path-steps", "0"], "--path-steps"),
      (["--paths", "darts1", "--path-start", "1"], "--path-start"),
      (["--kind", "line", "--paths", "darts1"], "--paths"), (["--grid", "3x0"], "--grid"), (["--grid", "3x"], "3x"),
      (["--range", "1,0"], "--range"), (["--range", "1,2,3"], "--range"),
      (["--kind", "line", "--range", "1,2"], "--range"), (["--refine", "1", "--grid", "3x1"], "--refine"),
    ])
  func badFlags(arguments: [String], mention: String) throws {
    let scratch = try ScratchFolder()
    let result = try CommandLineRunner.run(good + arguments + ["--out", scratch.file("out")])
    #expect(result.status == 64, "\(result.errors)")
    #expect(result.errors.contains(mention), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("out")))
  }
}
