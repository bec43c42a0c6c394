import Formats
import Foundation
import TestSupport
import Testing

/// No command replaces what it did not make.
@Suite("What is replaced") struct OverwriteTests {
  private let scratch: ScratchFolder
  private var folder: String { scratch.path }

  init() throws { scratch = try ScratchFolder() }
  private static let golden = GoldenFile.path("s2_c16_l3_b4")

  /// A tiny search in the test's folder.
  private func search(_ name: String = "s") throws -> String {
    let path = "\(folder)/\(name)"
    let result = try CommandLineRunner.run([
      "search", "--method", "darts1", "--space", "s2", "--dataset", "tensors:\(Self.golden)", "--channels", "4", "--layers",
      "3", "--batch", "2", "--epochs", "2", "--threads", "1", "--out", path,
    ])
    try #require(result.status == 0, "\(result.errors)")
    return path
  }

  private func content(_ path: String) throws -> [String: [UInt8]] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: path)
    return Dictionary(
      uniqueKeysWithValues: names.compactMap { name in
        (try? FileBytes.read("\(path)/\(name)")).map { (name, $0) }
      })
  }

  @Test("of a run is nothing, by any command, asked for or not")
  func run() throws {
    let run = try search()
    let before = try content(run)
    let cases: [([String], String)] = [
      (["gradients", "--run", run, "--out", "\(run)/checkpoints/epoch-002.safetensors"], "epoch-002.safetensors"),
      (["gradients", "--run", run, "--out", "\(run)/checkpoints/epoch-003.safetensors"], "epoch-003.safetensors"),
      (["curves", run, "--out", "\(run)/metrics.png"], "metrics.csv"),
      (["draw", run, "--out", "\(run)/checkpoints/cells.png"], "cells.png"),
      (["report", run, "--out", "\(run)/checkpoints/x.html"], "x.html"),
      (["plot", run, "--kind", "curves", "--out", "\(run)/checkpoints/x.svg"], "x.svg"),
    ]
    for (arguments, mention) in cases {
      for more in [[], ["--overwrite"]] {
        let result = try CommandLineRunner.run(arguments + more)
        #expect(result.status != 0 && result.errors.contains(mention), "\(arguments): \(result.errors)")
        #expect(result.errors.contains("would be replaced"), "\(result.errors)")
        #expect(result.output.isEmpty)
      }
    }
    #expect(try content(run) == before)
  }

  @Test("is what the same command made, again and again; of others' files only what --overwrite names")
  func own() throws {
    let run = try search()
    let commands: [(command: [String], outputs: [String])] = [
      (["gradients", "--run", run, "--estimators", "first", "--out"], ["g.safetensors"]),
      (["curves", run, "--out"], ["curves-1.png"]), (["curves", run, "--out"], ["curves-1.pdf"]),
      (["curves", run, "--no-metadata", "--out"], ["curves-2.svg"]), (["draw", run, "--out"], ["cells.pdf"]),
      (["draw", run, "--svg-text", "--no-metadata", "--out"], ["cells.svg"]), (["draw", run, "--out"], ["cells.png"]),
      (["plot", run, "--kind", "curves", "--out"], ["plot.png"]), (["report", run, "--out"], ["page.html"]),
      (["report", run, "--no-metadata", "--out"], ["page.html"]),
    ]
    for (command, outputs) in commands {
      let path = "\(folder)/\(outputs[0])"
      for _ in 0..<2 {
        let result = try CommandLineRunner.run(command + [path])
        #expect(result.status == 0, "\(command.dropFirst(2)): \(result.errors)")
      }
      let other = "\(folder)/other-\(outputs[0])"
      try AtomicFile.write("mine\n", to: other)
      let refused = try CommandLineRunner.run(command + [other])
      #expect(refused.status == 1 && refused.errors.contains("would be replaced"), "\(refused.errors)")
      #expect(try FileBytes.read(other) == Array("mine\n".utf8))
      let asked = try CommandLineRunner.run(command + [other, "--overwrite"])
      #expect(asked.status == 0, "\(asked.errors)")
      #expect(try FileBytes.read(other) != Array("mine\n".utf8))
    }
    // Another command's figure is not one's own, nor is a text of the right name.
    let crossed = try CommandLineRunner.run(["draw", run, "--out", "\(folder)/plot.png"])
    #expect(crossed.status == 1 && crossed.errors.contains("not a PNG figure of zarts draw"), "\(crossed.errors)")
    // In the run's own folder, figures and pages may be drawn again.
    for _ in 0..<2 {
      for arguments in [["plot", run], ["report", run], ["diagnose", run, "--quick"]] {
        let result = try CommandLineRunner.run(arguments)
        #expect(result.status == 0, "\(arguments): \(result.errors)")
      }
    }
    try AtomicFile.write("my own notes\n", to: "\(run)/diagnosis.txt")
    let diagnosis = try CommandLineRunner.run(["diagnose", run, "--quick"])
    #expect(diagnosis.status == 1 && diagnosis.errors.contains("diagnosis.txt"), "\(diagnosis.errors)")
    #expect(try FileBytes.read("\(run)/diagnosis.txt") == Array("my own notes\n".utf8))
  }

  @Test("Paths that cannot be outputs are named before anything is made")
  func paths() throws {
    let run = try search()
    let cases: [([String], String)] = [
      (["plot", run, "--out", "\(folder)/x.jpg"], ".png, .pdf, .svg, .vti, .vtp or .h5"),
      (["plot", run, "--out", "\(folder)/figs.v2"], "ends in /"),
      (["draw", run, "--out", "\(folder)/x.jpg"], ".png, .pdf or .svg"),
      (["gradients", "--run", run, "--out", "\(folder)/no/g.safetensors"], "no folder"),
      (["gradients", "--run", run, "--out", "/dev/null"], "a device"),
    ]
    let before = try FileManager.default.contentsOfDirectory(atPath: folder)
    for (arguments, mention) in cases {
      let result = try CommandLineRunner.run(arguments)
      #expect(result.status != 0 && result.errors.contains(mention), "\(arguments): \(result.errors)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == before)
    let folders = try CommandLineRunner.run(["plot", run, "--kind", "curves", "--out", "\(folder)/figs.v2/"])
    #expect(
      folders.status == 0 && FileManager.default.fileExists(atPath: "\(folder)/figs.v2/curves.png"), "\(folders.errors)")
  }

  @Test("Summary, curves and report pass over what is no search beside searches")
  func otherFolders() throws {
    let run = try search("a")
    try FileManager.default.createDirectory(atPath: "\(folder)/l", withIntermediateDirectories: true)
    try AtomicFile.write("dataset: \"x\"\n", to: "\(folder)/l/landscape.yaml")
    try AtomicFile.write("text\n", to: "\(folder)/notes.txt")
    try FileManager.default.createDirectory(atPath: "\(folder)/empty", withIntermediateDirectories: true)
    let all = try CommandLineRunner.shell("zarts summary *", in: folder)
    #expect(all.status == 0 && all.output.contains("darts1"), "\(all.errors)")
    for mention in ["note: l is passed over: a folder of zarts landscape", "notes.txt is passed over: a file", "empty"] {
      #expect(all.errors.contains(mention), "\(all.errors)")
    }
    let curves = try CommandLineRunner.shell("zarts curves * --out c.svg", in: folder)
    #expect(curves.status == 0 && curves.errors.contains("l is passed over"), "\(curves.errors)")
    let report = try CommandLineRunner.shell("zarts report a empty notes.txt --out page.html", in: folder)
    #expect(report.status == 0 && report.errors.contains("empty is passed over"), "\(report.errors)")
    for script in [
      "zarts summary l", "zarts summary l empty", "zarts summary a absent", "zarts report empty notes.txt --out q.html",
    ] {
      let result = try CommandLineRunner.shell(script, in: folder)
      #expect(result.status == 1 && result.output.isEmpty, "\(script): \(result.errors)")
    }
    try AtomicFile.write("method: [\n", to: "\(run)/config.yaml")
    let damaged = try CommandLineRunner.run(["summary", run])
    #expect(damaged.status == 1 && damaged.errors.contains("a/config.yaml"), "\(damaged.errors)")
  }
}
