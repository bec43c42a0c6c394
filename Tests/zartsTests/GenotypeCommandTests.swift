import Cells
import Formats
import Foundation
import Search
import TestSupport
import Testing

@Suite("zarts genotype and zarts draw") struct GenotypeCommandTests {
  private static let v2 = """
    Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), \
    ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), \
    ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), \
    ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))
    """
  private static let golden = GoldenFile.path("s3_c8_l5_b4")

  private func withFolder(_ body: (String) throws -> Void) throws {
    let scratch = try ScratchFolder()
    let folder = scratch.path
    try body(folder)
  }

  @Test func publishedSizesArePrinted() throws {
    let result = try CommandLineRunner.run(["genotype", Self.v2])
    #expect(result.status == 0, "\(result.errors)")
    let genotype = try Genotype(parsing: Self.v2)
    #expect(result.output.hasPrefix("\(Self.v2)\n\n\(genotype.json)\n\n"))
    for part in [
      "3349342 (3.35 M)", "+ 476426 (0.476 M)", "528359040 (528 M)", "4718752 (4.72 M)", "529911552 (530 M)",
      "544589032 (545 M)",
    ] {
      #expect(result.output.contains(part), "no \(part) in \(result.output)")
    }
    let small = try CommandLineRunner.run([
      "genotype", Self.v2, "--scale", "imagenet", "--channels", "16", "--layers", "4", "--classes", "7", "--image-size",
      "64",
    ])
    #expect(small.output.contains("103743") && small.output.contains("1644032") && !small.output.contains("cifar"))
  }

  @Test func formsAreReadBack() throws {
    let json = try CommandLineRunner.run(["genotype", Self.v2, "--format", "json"]).output
    let python = try CommandLineRunner.run(["genotype", json, "--format", "python"])
    #expect(python.output == Self.v2 + "\n", "\(python.errors)")
    try withFolder { folder in
      try AtomicFile.write("A = \(Self.v2.replacing("dil_", with: "sep_"))\nB = \(Self.v2)\n", to: "\(folder)/g.py")
      #expect(try CommandLineRunner.run(["genotype", "\(folder)/g.py", "--format", "python"]).output == python.output)
      for flags in [["--line", "1"], ["--name", "A"]] {
        let other = try CommandLineRunner.run(["genotype", "\(folder)/g.py", "--format", "python"] + flags)
        #expect(other.output == python.output.replacing("dil_", with: "sep_"))
      }
    }
  }

  @Test func genotypeIsDerivedFromAlphasOfAFile() throws {
    let result = try CommandLineRunner.run(["genotype", Self.golden, "--format", "python", "--space", "s3"])
    let file = try TensorFile(readingFrom: Self.golden)
    let expected = try Genotype(alphas: ArchitectureParameters(inferringFrom: file), space: .s3)
    #expect(result.output == expected.pythonLine + "\n", "\(result.errors)")
    let wrong = try CommandLineRunner.run(["genotype", Self.golden, "--space", "s5"])
    #expect(wrong.status != 0 && wrong.errors.contains("space s3"), "\(wrong.errors)")
  }

  @Test func runFolderGivesWhatItsSearchReturnsOrAnEpoch() throws {
    try withFolder { folder in
      try AtomicFile.write(
        "preset: smoke\nmethod: darts1\nspace: s3\ndataset: 'tensors:\(Self.golden)'\ntrain_limit: null\nbatch: 4\nepochs: 2\n",
        to: "\(folder)/mine.yaml")
      let search = try CommandLineRunner.run([
        "search", "--config", "\(folder)/mine.yaml", "--threads", "1", "--out", "\(folder)/run",
      ])
      #expect(search.status == 0, "\(search.errors)")
      let run = try SearchRunFolder(existing: "\(folder)/run")
      let genotypes = try run.genotypes()
      for (flags, expected) in [([], genotypes[1]), (["--epoch", "1"], genotypes[0])] {
        let result = try CommandLineRunner.run(["genotype", "\(folder)/run", "--format", "python"] + flags)
        #expect(result.output == expected.pythonLine + "\n", "\(result.errors)")
      }
      let late = try CommandLineRunner.run(["genotype", "\(folder)/run", "--epoch", "3"])
      #expect(late.status != 0 && late.errors.contains("1 to 2"), "\(late.errors)")
      let flag = try CommandLineRunner.run(["genotype", "\(folder)/run", "--line", "3"])
      #expect(flag.status != 0 && flag.errors.contains("--line"), "\(flag.errors)")
      // α of the run and of its checkpoint are the same, and so are the figures of both.
      let pictures = try ["\(folder)/run", run.checkpointPath(epoch: 2)].map { source in
        let result = try CommandLineRunner.run(["draw", source, "--alphas", "--out", "\(folder)/a.svg"])
        #expect(result.status == 0, "\(result.errors)")
        let svg = try String(decoding: FileBytes.read("\(folder)/a.svg"), as: UTF8.self)
        return svg.components(separatedBy: "</desc>").last
      }
      #expect(pictures[0] == pictures[1])
    }
  }

  @Test func figureIsWrittenInEveryFormatWithItsGenotype() throws {
    try withFolder { folder in
      let formats = ["png", "pdf", "svg"]
      let result = try CommandLineRunner.run(
        ["draw", Self.v2, "--title", "DARTS"] + formats.flatMap { ["--out", "\(folder)/cells.\($0)"] })
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output == formats.map { "\(folder)/cells.\($0)\n" }.joined())
      let png = String(decoding: try FileBytes.read("\(folder)/cells.png"), as: UTF8.self)
      #expect(png.contains("tEXtGenotype\0Genotype(normal=[('sep_conv_3x3', 0)") && png.contains("tEXtTitle\0DARTS"))
      #expect(String(decoding: try FileBytes.read("\(folder)/cells.pdf"), as: UTF8.self).hasPrefix("%PDF"))
      #expect(String(decoding: try FileBytes.read("\(folder)/cells.svg"), as: UTF8.self).contains("<title>DARTS</title>"))
    }
  }

  @Test(arguments: [
    (["genotype", "/no/such/place"], "/no/such/place"), (["genotype", "Genotype(normal=3)"], "line 1, column 17"),
    (["genotype", "Genotype()"], "no 'normal'"), (["draw", v2, "--out", "cells.jpg"], ".svg"), (["draw", v2], "--out"),
    (["draw", v2, "--alphas", "--out", "never.png"], "alphas"), (["genotype", v2, "--epoch", "1"], "--epoch"),
    (["genotype", v2, "--channels", "7"], "multiple of 4"), (["genotype", v2, "--image-size", "30"], "--image-size"),
    (["genotype", v2.replacing("('dil_conv_3x3', 2)", with: "('nor_conv_3x3', 2)")], "nor_conv_3x3"),
  ])
  func wrongInputIsNamed(arguments: [String], mention: String) throws {
    let result = try CommandLineRunner.run(arguments)
    #expect(result.status != 0)
    #expect(result.errors.contains(mention), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: "never.png") && !FileManager.default.fileExists(atPath: "cells.jpg"))
  }
}
