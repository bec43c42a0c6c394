import Cells
import Foundation
import TestSupport
import Testing

@Suite("Moved data and moved runs") struct MovedDataTests {
  private static let small = [
    "--space", "s2", "--channels", "4", "--layers", "3", "--batch", "16", "--epochs", "2", "--warmup", "0", "--threads", "1",
  ]

  private static let search = ["search", "--method", "darts1", "--dataset", "cifar10:c10", "--out", "run"] + small

  /// A folder that is also where the program starts.
  private struct Place {
    let path: String

    func run(_ arguments: [String], in folder: String = "") throws -> CommandLineRunner.Result {
      let process = CommandLineRunner.process(arguments)
      process.currentDirectoryURL = URL(fileURLWithPath: "\(path)/\(folder)")
      return try CommandLineRunner.run(process)
    }

    func move(_ name: String, _ other: String) throws {
      try FileManager.default.moveItem(atPath: "\(path)/\(name)", toPath: "\(path)/\(other)")
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }

    func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")) }

    func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }
  }

  private func withPlace(_ body: (Place) throws -> Void) throws {
    let scratch = try ScratchFolder()
    _ = try scratch.folder("elsewhere")
    try ImageSamples.writeCIFAR(scratch.file("c10"))
    try body(Place(path: scratch.path))
  }

  private func expectSuccess(_ result: CommandLineRunner.Result) { #expect(result.status == 0, "\(result.errors)") }

  @Test("A search begun with a relative path goes on from any folder, with its data in any place, and with no others")
  func searches() throws {
    try withPlace { place in
      expectSuccess(try place.run(Self.search))
      #expect(try place.text("run/config.yaml").contains("dataset: \"cifar10:\(place.path)/c10\""))
      let last = "run/checkpoints/epoch-002.safetensors"
      let whole = try place.bytes(last)
      func undo() throws { for name in [last, "run/genotype.txt"] { try place.remove(name) } }
      try undo()
      expectSuccess(try place.run(["search", "--resume", "../run"], in: "elsewhere"))
      #expect(try place.bytes(last) == whole)
      try undo()
      try place.move("c10", "elsewhere/c10")
      let lost = try place.run(["search", "--resume", "run"])
      #expect(lost.status == 1 && lost.errors.contains("\(place.path)/c10: there is no such file or folder"))
      #expect(lost.errors.contains("--dataset beside --resume names the new place"), "\(lost.errors)")
      expectSuccess(try place.run(["search", "--resume", "../run", "--dataset", "cifar10:c10"], in: "elsewhere"))
      #expect(try place.text("run/config.yaml").contains("dataset: \"cifar10:\(place.path)/elsewhere/c10\""))
      #expect(try place.bytes(last) == whole)
      try undo()
      try ImageSamples.writeCIFAR("\(place.path)/c10", images: 65)
      let others = try place.run(["search", "--resume", "run", "--dataset", "cifar10:c10"])
      #expect(others.status == 1 && others.errors.contains("setting dataset: other data"), "\(others.errors)")
      let flag = try place.run(["search", "--resume", "run", "--dataset", "cifar10:c10", "--seed", "3"])
      #expect(flag.status != 0 && flag.errors.contains("--seed") && flag.errors.contains("--dataset"), "\(flag.errors)")
    }
  }

  @Test("Landscapes and studies of a moved run on moved data go on, whatever their paths")
  func studies() throws {
    try withPlace { place in
      expectSuccess(try place.run(Self.search))
      let commands: [(arguments: [String], result: String)] = [
        (["landscape", "--grid", "3", "--objectives", "first"], "landscape.csv"),
        (["fidelity", "--directions", "2", "--radii", "0.1", "--objectives", "first,true:1"], "fidelity.csv"),
        (
          ["estimators", "--estimators", "darts1", "--inner-steps", "1", "--repeats", "1", "--places", "1"],
          "estimators.csv"
        ),
        (["spectrum", "--batches", "1", "--eigenvalues", "1", "--probes", "2", "--epochs", "1,2"], "spectrum.csv"),
      ]
      func run(_ arguments: [String], _ name: String, _ more: [String]) throws -> CommandLineRunner.Result {
        try place.run(arguments + ["--run", name, "--threads", "1", "--out", "of-\(arguments[0])"] + more)
      }
      var results: [Data] = []
      for (arguments, result) in commands {
        expectSuccess(try run(arguments, "run", []))
        let name = "of-\(arguments[0])/\(result)"
        results.append(try place.bytes(name))
        try place.remove(name)
      }
      try place.move("run", "moved")
      try place.move("c10", "c10-moved")
      for (index, (arguments, result)) in commands.enumerated() {
        let resumed = try run(arguments, "moved", ["--dataset", "cifar10:c10-moved", "--resume"])
        expectSuccess(resumed)
        #expect(!resumed.errors.contains("other data"), "\(resumed.errors)")
        #expect(try place.bytes("of-\(arguments[0])/\(result)") == results[index])
        let settings = try FileManager.default.contentsOfDirectory(atPath: "\(place.path)/of-\(arguments[0])").first {
          $0.hasSuffix(".yaml")
        }
        let text = try place.text("of-\(arguments[0])/\(try #require(settings))")
        for part in ["cifar10:c10-moved", "dataset_crc32c: ", "moved/checkpoints"] {
          #expect(text.contains(part), "\(text)")
        }
      }
      // A run's own place that holds other data is an error, a flag that names others is noted, and no study goes on with them.
      try ImageSamples.writeCIFAR("\(place.path)/c10", images: 66)
      let implicit = try place.run(["gradients", "--run", "moved", "--threads", "1", "--out", "g.safetensors"])
      #expect(implicit.status == 1 && implicit.errors.contains("other data"), "\(implicit.errors)")
      let explicit = try place.run([
        "gradients", "--run", "moved", "--threads", "1", "--dataset", "cifar10:c10", "--out", "g.safetensors",
      ])
      #expect(explicit.status == 0 && explicit.errors.contains("is other data than"), "\(explicit.errors)")
      let study = try run(commands[0].arguments, "moved", ["--dataset", "cifar10:c10", "--resume"])
      #expect(study.status == 1 && study.errors.contains("setting dataset: other data"), "\(study.errors)")
      let diagnosed = try place.run(["diagnose", "moved", "--threads", "1", "--dataset", "cifar10:c10"])
      #expect(diagnosed.status == 1 && diagnosed.errors.contains("other data"), "\(diagnosed.errors)")
      expectSuccess(try place.run(["diagnose", "moved", "--threads", "1", "--dataset", "cifar10:c10-moved"]))
    }
  }

  @Test("Retrainings and comparisons go on with moved data and refuse others")
  func retrainingsAndComparisons() throws {
    try withPlace { place in
      let edges = "[" + (0..<8).map { "('skip_connect', \($0 % 2))" }.joined(separator: ", ") + "]"
      let genotype = "Genotype(normal=\(edges), normal_concat=range(2, 6), reduce=\(edges), reduce_concat=range(2, 6))"
      expectSuccess(
        try place.run([
          "retrain", "--genotype", genotype, "--dataset", "cifar10:c10", "--epochs", "2", "--channels", "4", "--layers", "3",
          "--batch", "32", "--no-auxiliary", "--threads", "1", "--out", "retrained",
        ]))
      let last = "retrained/checkpoints/epoch-002.safetensors"
      let whole = try place.bytes(last)
      try place.remove(last)
      expectSuccess(
        try place.run(
          ["compare", "--methods", "darts1", "--dataset", "cifar10:c10", "--out", "compared"] + Self.small))
      try place.move("c10", "moved")
      expectSuccess(try place.run(["retrain", "--resume", "retrained", "--dataset", "cifar10:moved"]))
      #expect(try place.bytes(last) == whole)
      #expect(try place.text("retrained/config.yaml").contains("cifar10:\(place.path)/moved"))
      try place.remove(last)
      let edited = try place.text("retrained/config.yaml").replacing("batch: 32", with: "batch: 16")
      try Data(edited.utf8).write(to: URL(fileURLWithPath: "\(place.path)/retrained/config.yaml"))
      let setting = try place.run(["retrain", "--resume", "retrained"])
      #expect(setting.status == 1 && setting.errors.contains("config.yaml: batch: "), "\(setting.errors)")
      #expect(setting.errors.contains("found 16, wanted 32"), "\(setting.errors)")
      let lost = try place.run(["compare", "--resume", "compared", "--methods", "darts1,random"])
      #expect(lost.status == 1 && lost.errors.contains("--dataset beside --resume names the new place"), "\(lost.errors)")
      expectSuccess(
        try place.run(["compare", "--resume", "compared", "--methods", "darts1,random", "--dataset", "cifar10:moved"]))
      #expect(try place.text("compared/compare.yaml").contains("cifar10:\(place.path)/moved"))
      try ImageSamples.writeCIFAR("\(place.path)/c10", images: 66)
      let others = try place.run([
        "compare", "--resume", "compared", "--methods", "darts1,random,darts2", "--dataset", "cifar10:c10",
      ])
      #expect(others.status == 1 && others.errors.contains("setting dataset: other data"), "\(others.errors)")
      #expect(try place.text("compared/compare.yaml").contains("cifar10:\(place.path)/moved"))
    }
  }
}
