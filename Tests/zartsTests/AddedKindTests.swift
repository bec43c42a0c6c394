import Figures
import Formats
import Foundation
import Landscape
import Plots
import TestSupport
import Testing
import zarts

/// `SampleSizePlot.swift` is a figure that the program doesn't have.
@Suite("A figure kind that is added is one file and one line") struct AddedPlotKindTests {
  private func folder(_ scratch: ScratchFolder, _ name: String, sizes: [String]) throws -> String {
    try FileManager.default.createDirectory(atPath: scratch.file(name), withIntermediateDirectories: true)
    let rows = sizes.enumerated().map { "\($0 + 1),2.\($0),0.5,\($1)" }
    try AtomicFile.write(
      (["epoch,training_loss,training_accuracy,ess"] + rows).joined(separator: "\n") + "\n",
      to: scratch.file("\(name)/metrics.csv"))
    return scratch.file(name)
  }

  @Test("it is offered where its file holds what it draws, and nowhere where it is not known") func offered() throws {
    let scratch = try ScratchFolder()
    let (full, empty) = try (
      folder(scratch, "full", sizes: ["", "2.5", "3"]), folder(scratch, "empty", sizes: ["", "", ""])
    )
    let kinds = ["heatmap", "surface", "lines", "scatter", "density", "eigenvalues", "estimators", "curves", "alphas"]
    #expect(PlotKind.all.map(\.name) == kinds && PlotKind(named: "sample-size") == nil)
    #expect(try PlotFolder(full).kinds.map(\.name) == ["curves"])
    let refused = #expect(throws: (any Error).self) { try PlotCommand.parse([full, "--kind", "sample-size"]) }
    let text = PlotCommand.message(for: try #require(refused))
    #expect(text.contains("--kind: found 'sample-size', wanted \(kinds.joined(separator: ", "))"))
    try PlotKind.$guests.withValue([.sampleSize]) { () throws in
      #expect(PlotKind.all.map(\.name) == kinds + ["sample-size"])
      #expect(try PlotFolder(full).kinds.map(\.name) == ["curves", "sample-size"])
      #expect(try PlotFolder(empty).kinds.map(\.name) == ["curves"])
      let error = #expect(throws: InputError.self) { try PlotCommand.parse([empty, "--kind", "sample-size"]).run() }
      #expect(error?.place == .file(empty, "--kind sample-size") && error?.found == "curves")
    }
  }

  @Test("zarts plot draws it, with the command that draws it again, and the same bytes again") func drawn() throws {
    let scratch = try ScratchFolder()
    let path = try folder(scratch, "run", sizes: ["", "2.5", "3"])
    try PlotKind.$guests.withValue([.sampleSize]) {
      try PlotCommand.parse([path, "--kind", "sample-size", "--format", "svg,png"]).run()
      let svg = try FileBytes.read(path + "/sample-size.svg")
      let text = String(decoding: svg, as: UTF8.self)
      #expect(text.hasPrefix("<?xml") && text.contains("zarts plot . --kind sample-size"))
      #expect(try FileBytes.read(path + "/sample-size.png").starts(with: [0x89, 0x50]))
      try PlotCommand.parse([path, "--kind", "sample-size", "--out", path + "/again.svg"]).run()
      #expect(try FileBytes.read(path + "/again.svg") == svg)
      // All that fit.
      try PlotCommand.parse([path, "--out", path + "/figures"]).run()
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: path + "/figures").sorted() == ["curves.png", "sample-size.png"])
    }
  }
}

@Suite("A format for other programs that is added is one value") struct AddedExportTests {
  /// How many rows a search has.
  private static let rows = PlotExport(
    name: "txt", summary: "a count of rows", sources: ["metrics.csv"], isOwn: { $0.starts(with: Array("rows ".utf8)) }
  ) { folder, _ in
    let table = try CSVTable(readingFrom: folder.file("metrics.csv"))
    return .init(files: [.init(name: "rows", bytes: Array("rows \(table.rows.count)\n".utf8))])
  }

  @Test("it is a word of --format and an ending of --out where it is known, and refused where it is not") func flag() throws
  {
    let scratch = try ScratchFolder()
    try scratch.write("epoch,training_loss\n1,2\n2,1\n", to: "run/metrics.csv")
    let (run, out) = (scratch.file("run"), scratch.file("count.txt"))
    let refused = #expect(throws: (any Error).self) { try PlotCommand.parse([run, "--format", "txt"]) }
    #expect(
      PlotCommand.message(for: try #require(refused)).contains("--format: found 'txt', wanted png, pdf, svg, vti, vtp, h5"))
    try PlotExport.$guests.withValue([Self.rows]) {
      try PlotCommand.parse([run, "--format", "txt"]).run()
      #expect(try FileBytes.read(scratch.file("run/rows.txt")) == Array("rows 2\n".utf8))
      try PlotCommand.parse([run, "--out", out]).run()
      try PlotCommand.parse([run, "--out", out]).run()
      #expect(try FileBytes.read(out) == Array("rows 2\n".utf8))
      try scratch.write("mine", to: "count.txt")
      let error = #expect(throws: InputError.self) { try PlotCommand.parse([run, "--out", out]).run() }
      #expect(error?.place == .file(out) && error?.found == "a file that is not a .txt file of zarts plot")
    }
  }
}

/// The flag's parser asks the modes.
@Suite("A batch-norm mode that is added is a value of --batch-norm") struct AddedBatchNormFlagTests {
  private static let still = BatchNormMode(name: "still", batches: 4) { bench, _ in bench.checkpoint }

  @Test("with its number of batches; where it is not known it is refused") func flag() throws {
    #expect(try BatchNormFlags.parse([]).mode() == .batch)
    let refused = #expect(throws: (any Error).self) { try BatchNormFlags.parse(["--batch-norm", "still"]) }
    #expect(BatchNormFlags.message(for: try #require(refused)).contains("still"))
    try BatchNormMode.$guests.withValue([Self.still]) {
      #expect(try BatchNormFlags.parse(["--batch-norm", "still"]).mode() == Self.still)
      let other = try BatchNormFlags.parse(["--batch-norm", "still", "--recalibration-batches", "7"]).mode()
      #expect(other.name == "still" && other.batches == 7)
      let error = #expect(throws: (any Error).self) {
        try BatchNormFlags.parse(["--batch-norm", "running", "--recalibration-batches", "7"]).mode()
      }
      let text = error.map { "\($0)" }
      #expect(text?.hasPrefix("--recalibration-batches: goes with --batch-norm recalibrated or still only: found 7") == true)
    }
  }
}
