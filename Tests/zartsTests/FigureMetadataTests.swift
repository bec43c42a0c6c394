import Cells
import Formats
import Foundation
import TestSupport
import Testing

/// What the files of figures say beside the figure: papers under double-blind review hold them.
@Suite("Metadata of figures") struct FigureMetadataTests {
  private let scratch: ScratchFolder
  private var folder: String { scratch.path }
  private static let golden = GoldenFile.path("s2_c16_l3_b4")

  init() throws { scratch = try ScratchFolder() }

  private func run(_ script: String) throws {
    let result = try CommandLineRunner.shell(script, in: folder)
    try #require(result.status == 0, "\(script): \(result.errors)")
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try FileBytes.read("\(folder)/\(name)"), as: UTF8.self)
  }

  @Test("hold the command line as a shell reads it, no absolute path that we added, and with --no-metadata nothing")
  func metadata() throws {
    try run(
      "zarts search --method darts1 --space s2 --dataset 'tensors:\(Self.golden)' --channels 4 --layers 3 --batch 2 "
        + "--epochs 1 --threads 1 --out run")
    let title = "--title \"two words; 'quoted'\""
    let quoted = "'two words; '\\''quoted'\\'''"
    for format in ["svg", "png"] {
      try run("zarts draw run \(title) --out cells.\(format)")
      try run("zarts curves run \(title) --out curves.\(format)")
      #expect(try text("cells.\(format)").contains("zarts draw run --title \(quoted) --out cells.\(format)"))
      #expect(try text("curves.\(format)").contains("zarts curves run --title \(quoted) --out curves.\(format)"))
    }
    try run(
      "zarts landscape --run \"$PWD/run\" --grid 3 --objectives first --threads 1 --svg --out land")
    let here = try #require(realpath(folder, nil).map { String(cString: $0) })
    for name in ["land/landscape.svg", "land/landscape.png"] {
      let text = try text(name)
      #expect(
        text.contains("run/checkpoints/epoch-001.safetensors") && text.contains("Settings: checkpoint")
          || name.hasSuffix("png"))
      for private_ in [folder, here, NSHomeDirectory() + "/", (Self.golden as NSString).deletingLastPathComponent] {
        #expect(!text.contains(private_), "\(name) holds \(private_)")
      }
    }
    try run("zarts plot run land --no-metadata --format svg,png,pdf --out bare")
    try run("zarts draw run --no-metadata --out bare/cells.svg --out bare/cells.png --out bare/cells.pdf")
    try run("zarts curves run --no-metadata --out bare/c.svg --out bare/c.png --out bare/c.pdf")
    try run(
      "zarts landscape --run run --grid 3 --objectives first --threads 1 --svg --pdf --no-metadata --out bare/land")
    try run("zarts report run land --no-metadata --out bare/page.html")
    let names = try FileManager.default.subpathsOfDirectory(atPath: "\(folder)/bare").filter {
      ["svg", "png", "pdf", "html"].contains(($0 as NSString).pathExtension)
    }
    #expect(names.count >= 16)
    for name in names {
      let text = try text("bare/\(name)")
      for mention in ["--out", "Settings", "Config-SHA256", "Command:", "checkpoint:", "zarts search", here] {
        #expect(!text.contains(mention), "\(name) holds \(mention)")
      }
    }
  }

  @Test("Letters of an SVG are outlines, or with --svg-text text")
  func letters() throws {
    let cell = "[" + Array(repeating: "('sep_conv_3x3', 0), ('skip_connect', 1)", count: 4).joined(separator: ", ") + "]"
    try AtomicFile.write(
      "Genotype(normal=\(cell), normal_concat=range(2, 6), reduce=\(cell), reduce_concat=range(2, 6))\n",
      to: "\(folder)/g.txt")
    try run("zarts draw g.txt --title 'A & B <c>' --out outlines.svg")
    try run("zarts draw g.txt --title 'A & B <c>' --svg-text --out text.svg")
    let (outlines, letters) = (try text("outlines.svg"), try text("text.svg"))
    #expect(!outlines.contains("<text") && outlines.contains("<use"))
    #expect(letters.contains(">sep_conv_3x3</tspan>") && letters.contains(">A &amp; B &lt;c&gt;</tspan>"))
    #expect(letters.contains("'DejaVu Sans'") && letters.contains("sans-serif") && !letters.contains("<use"))
    #expect(letters.components(separatedBy: ">skip_connect</tspan>").count == 1 + 8)
  }
}
