import Cells
import Foundation
import TestSupport
import Testing

@Suite("Damaged images") struct DamagedImageTests {
  private static let small = [
    "--space", "s2", "--channels", "4", "--layers", "3", "--batch", "8", "--epochs", "1", "--warmup", "0", "--threads", "1",
  ]
  private static let zarts = ["--inner-steps", "2", "--candidates", "2"]

  private func withFolder(_ body: (String) throws -> Void) throws {
    let scratch = try ScratchFolder()
    let folder = scratch.path
    try body(folder)
  }

  private func expectFailure(_ arguments: [String], naming file: String, _ sourceLocation: SourceLocation = #_sourceLocation)
    throws
  {
    let result = try CommandLineRunner.run(arguments)
    #expect(result.status == 1, "\(arguments[0]): \(result.status), \(result.errors)", sourceLocation: sourceLocation)
    #expect(result.errors.contains(file), "\(arguments[0]): \(result.errors)", sourceLocation: sourceLocation)
    #expect(!result.errors.contains("not finite"), "\(result.errors)", sourceLocation: sourceLocation)
  }

  @Test("A search or comparison that meets one fails with its name, whatever the method, and does not diverge")
  func searches() throws {
    try withFolder { folder in
      try ImageSamples.writeFolder("\(folder)/data", images: 12)
      try ImageSamples.damage("\(folder)/data/train/b/7.png")
      let data = ["--dataset", "images:\(folder)/data?size=16&crop=padded"]
      for method in ["darts1", "darts2-es", "zarts-mgs", "random"] {
        let settings = method.hasPrefix("darts") ? [] : method == "random" ? ["--candidates", "2"] : Self.zarts
        try expectFailure(
          ["search", "--method", method, "--out", "\(folder)/\(method)"] + Self.small + data + settings,
          naming: "train/b/7.png: a damaged PNG image")
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/\(method)/genotype.txt"))
      }
      let compared = try CommandLineRunner.run(
        ["compare", "--methods", "darts1,zarts-mgs", "--out", "\(folder)/compared"] + Self.small + data + Self.zarts)
      #expect(compared.status == 1, "\(compared.errors)")
      let table = try String(contentsOfFile: "\(folder)/compared/comparison.csv", encoding: .utf8)
      let rows = table.split(separator: "\n").dropFirst()
      #expect(rows.count == 2 && rows.allSatisfy { $0.contains(",failed,") && $0.contains("train/b/7.png") }, "\(table)")
    }
  }

  @Test("What reads a run meets it where it reads images, and leaves no result behind")
  func readers() throws {
    try withFolder { folder in
      let images = try ImageSamples.writeFolder("\(folder)/data", images: 12)
      let data = ["--dataset", "images:\(folder)/data?size=16&crop=padded"]
      let search = try CommandLineRunner.run(["search", "--method", "darts1", "--out", "\(folder)/run"] + Self.small + data)
      #expect(search.status == 0, "\(search.errors)")
      // The same size, so that only decoding can tell.
      for image in images {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: image))
        bytes[bytes.count / 2] ^= 0x55
        try bytes.write(to: URL(fileURLWithPath: image))
      }
      let run = ["--run", "\(folder)/run", "--threads", "1", "--out"]
      let commands: [(arguments: [String], result: String)] = [
        (["landscape", "--grid", "3"] + run + ["\(folder)/landscape"], "landscape/landscape.csv"),
        (["landscape", "--grid", "3", "--validation-batches", "all"] + run + ["\(folder)/whole"], "whole/landscape.csv"),
        (
          ["landscape", "--grid", "3", "--batch-norm", "recalibrated"] + run + ["\(folder)/again"],
          "again/landscape.csv"
        ), (["fidelity"] + run + ["\(folder)/fidelity"], "fidelity/fidelity.csv"),
        (["estimators"] + run + ["\(folder)/estimators"], "estimators/estimators.csv"),
        (["spectrum"] + run + ["\(folder)/spectrum"], "spectrum/spectrum.csv"),
        (["gradients"] + run + ["\(folder)/g.safetensors"], "g.safetensors"),
        (["diagnose", "\(folder)/run", "--threads", "1", "--out", "\(folder)/diagnosis"], "diagnosis/diagnosis.csv"),
      ]
      for (arguments, result) in commands {
        try expectFailure(arguments, naming: ".png: a damaged PNG image")
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/\(result)"), "\(result)")
      }
    }
  }

  @Test("A retraining meets it in training and in its test")
  func retraining() throws {
    try withFolder { folder in
      for (name, image) in [("trained", "train/a/3.png"), ("tested", "val/b/2.png")] {
        try ImageSamples.writeFolder("\(folder)/\(name)", images: 6)
        try ImageSamples.damage("\(folder)/\(name)/\(image)")
        let edges = "[" + (0..<8).map { "('skip_connect', \($0 % 2))" }.joined(separator: ", ") + "]"
        let genotype = "Genotype(normal=\(edges), normal_concat=range(2, 6), reduce=\(edges), reduce_concat=range(2, 6))"
        try expectFailure(
          [
            "retrain", "--genotype", genotype, "--dataset", "images:\(folder)/\(name)?size=16&crop=padded", "--epochs", "1",
            "--channels", "4", "--layers", "3", "--batch", "4", "--no-auxiliary", "--threads", "1", "--out",
            "\(folder)/\(name)-run",
          ], naming: "\(image): a damaged PNG image")
      }
    }
  }
}
