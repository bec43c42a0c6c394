import Formats
import Foundation
import Search
import TestSupport
import Testing

/// A search of a small supernet that goes back, through the commands that read it.
@Suite("A search that went back, from the command line") struct AdaptiveSearchTests {
  /// Its eigenvalue is 0.088 after epoch 2 and 0.117 after epoch 3, which two steps of another weight decay hardly change: it
  /// goes back from 3 to 2 twice.
  private static func search(_ out: String, _ flags: [String] = []) throws -> SearchRunFolder {
    let result = try CommandLineRunner.run(
      [
        "search", "--method", "darts-ada", "--space", "s2", "--dataset", "tensors:\(GoldenFile.path("s2_c16_l3_b4"))",
        "--channels", "4", "--layers", "3", "--batch", "2", "--epochs", "6", "--warmup", "1", "--threads", "1", "--seed",
        "7",
        "--eigenvalue-batches", "1", "--early-stop-window", "1", "--early-stop-distance", "1", "--early-stop-ratio", "0.9",
        "--early-stop-start", "0", "--out", out,
      ] + flags)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("the search went back to the end of epoch 2, and weight decay was raised"))
    return try SearchRunFolder(existing: out)
  }

  @Test(
    "It is judged, reported, drawn and analysed on the path that it went in the end, and what it left is a run of its own")
  func commands() throws {
    let scratch = try ScratchFolder()
    let files = try Self.search(scratch.file("run"))
    let path = files.folder.path
    let rollBacks = try files.rollBacks()
    #expect(rollBacks.map(\.fired) == [3, 3] && rollBacks.map(\.returned) == [2, 2])
    #expect(rollBacks.map(\.weightDecay) == [3e-4, 3e-4 * 10] && rollBacks.map(\.raised) == [3e-4 * 10, 0.03])
    #expect(try files.metrics().map(\.weightDecay) == [nil, 3e-4, 0.03, 0.03, 0.03, 0.03])
    #expect(try files.metrics().map(\.round) == [nil, 1, 3, 3, 3, 3])

    func run(_ arguments: [String]) throws -> String {
      let result = try CommandLineRunner.run(arguments)
      #expect(result.status == 0, "\(arguments): \(result.errors)")
      return result.output
    }
    let judged = try run(["diagnose", path, "--quick"])
    #expect(rollBacks.allSatisfy { judged.contains($0.account) })
    #expect(try run(["diagnose", "\(path)/round-1", "--quick"]).contains("3 of 6 epochs"))
    #expect(try run(["summary", path, "\(path)/round-2"]).contains("run/round-2"))
    _ = try run(["curves", path, "\(path)/round-1", "--by", "run", "--out", scratch.file("curves.png")])
    _ = try run(["plot", path, "--kind", "eigenvalues", "--out", scratch.file("eigenvalues.png")])
    _ = try run(["report", path, "--out", scratch.file("report.html")])
    let page = try String(decoding: bytes(scratch.file("report.html")), as: UTF8.self)
    #expect(page.contains("weight decay was raised from 0.0003 to 0.003"))
    for (epoch, decay) in [(1, "0.0003"), (2, "0.03"), (5, "0.03")] {
      let out = scratch.file("line-\(epoch)")
      _ = try run([
        "landscape", "--run", path, "--epoch", "\(epoch)", "--kind", "line", "--points", "2", "--objectives", "first",
        "--threads", "1", "--parallel", "1", "--out", out,
      ])
      let settings = try String(decoding: bytes("\(out)/landscape.yaml"), as: UTF8.self)
      #expect(settings.contains("weight_decay: \(decay)"), "\(settings)")
    }
    _ = try run([
      "landscape", "--run", "\(path)/round-1", "--kind", "line", "--points", "2", "--objectives", "first", "--threads", "1",
      "--parallel", "1", "--out", scratch.file("left"),
    ])
  }

  @Test("However few checkpoints are kept, it ends with the same bits")
  func pruned() throws {
    let scratch = try ScratchFolder()
    let whole = try Self.search(scratch.file("whole"))
    let pruned = try Self.search(scratch.file("pruned"), ["--keep-last", "1"])
    #expect(try bytes(whole.checkpointPath(epoch: 6)) == bytes(pruned.checkpointPath(epoch: 6)))
    #expect(pruned.checkpoints().count == 1 && pruned.round(1).checkpoints().isEmpty)
    #expect(whole.round(1).checkpoints().map(\.epoch) == [3] && whole.checkpoints().map(\.epoch) == Array(0...6))
  }
}
