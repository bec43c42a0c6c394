import Formats
import Foundation
import Studies
import TestSupport
import Testing

@Suite("zarts agreement")
struct AgreementCommandTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private static let samples = "objective,inner_steps,direction,radius,loss\n"

  private static func interval(_ lower: Double, _ upper: Double) -> StatedInterval {
    var interval = StatedInterval(uncertainty: 0, of: 0)
    (interval.lower, interval.upper, interval.kind, interval.resampled, interval.units) =
      (lower, upper, "student", "directions", 12)
    return interval
  }

  /// A folder as `zarts fidelity` leaves it.
  @discardableResult
  private func study(
    _ name: String, method: String = "darts1", epoch: Int?, cosines: [Double], truth: String = "true:10",
    batches: Int = 8, seed: Int = 0
  ) throws -> String {
    let path = scratch.file(name)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let settings = [
      "space: s1", "channels: 16", "layers: 8", "seed: \(seed)",
      "checkpoint: \"runs/\(method)-\(seed)/checkpoints/epoch.safetensors\"", "dataset: \"cifar10:data\"",
      "method: \(method)",
      epoch.map { "finished_epochs: \($0)" }, "objectives: \"first,second,\(truth)\"", "confidence: 0.95",
      "validation_batches: \(batches)",
    ].compactMap { $0 }
    try AtomicFile.write(settings.joined(separator: "\n") + "\n", to: "\(path)/fidelity.yaml")
    let objectives = [("first", 0), ("second", 1), ("rs", 10)]
    var rows = zip(objectives, cosines).map { objective, cosine in
      FidelityRow(
        "gradient_cosine", objective.0, innerSteps: objective.1, value: cosine,
        interval: Self.interval(cosine - 0.25, cosine + 0.125), count: 8)
    }
    for (objective, cosine) in zip(objectives.prefix(2), cosines) {
      for radius in [nil, 0.5] {
        rows.append(
          FidelityRow(
            "spearman", objective.0, innerSteps: objective.1, radius: radius, value: cosine / (radius ?? 1), count: 12))
      }
    }
    try CSVWriter.write(columns: FidelityRow.columns, rows: rows.map(\.fields), to: "\(path)/fidelity.csv")
    try AtomicFile.write(Self.samples, to: "\(path)/fidelity-samples.csv")
    return path
  }

  private func run(_ studies: [String], _ more: [String] = [], out: String) throws -> CommandLineRunner.Result {
    try CommandLineRunner.run(["agreement"] + studies + more + ["--out", out])
  }

  @Test("The table holds the studies' own values and intervals, by epoch, whatever the order of the folders")
  func valuesByEpoch() throws {
    let studies = try [
      study("late", epoch: 30, cosines: [0.75, 0.5, 0.25]), study("early", epoch: 5, cosines: [0.125, -0.25, 0]),
    ]
    let (svg, png) = (scratch.file("out.svg"), scratch.file("out.png"))
    let result = try run(
      studies,
      ["--statistic", "gradient_cosine,spearman@0.5", "--objectives", "first,rs:10", "--svg-text", "--out", png], out: svg)
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    let table = try CSVTable(readingFrom: scratch.file("out.csv"))
    #expect(table.columns == ["statistic", "radius", "method", "objective", "epoch", "value", "lower", "upper"])
    #expect(
      table.rows == [
        ["gradient_cosine", "", "darts1", "first", "5", "0.125", "-0.125", "0.25"],
        ["gradient_cosine", "", "darts1", "first", "30", "0.75", "0.5", "0.875"],
        ["gradient_cosine", "", "darts1", "rs:10", "5", "0.0", "-0.25", "0.125"],
        ["gradient_cosine", "", "darts1", "rs:10", "30", "0.25", "0.0", "0.375"],
        ["spearman", "0.5", "darts1", "first", "5", "0.25", "", ""],
        ["spearman", "0.5", "darts1", "first", "30", "1.5", "", ""],
      ], "\(table.rows)")
    #expect(result.output.contains("0.750 [0.500, 0.875]") && result.output.contains("against true:10"))
    let picture = try String(contentsOfFile: svg, encoding: .utf8)
    for words in ["cosine of the gradient", "Spearman's ρ, radius 0.5", "rs:10", "Student"] {
      #expect(picture.contains(words), "\(words)")
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: png)).starts(with: [0x89, 0x50, 0x4E, 0x47]))
    #expect(try run(studies, out: svg).status == 0, "its own files are replaced")
  }

  @Test("Searches of several methods are lines of their own, and settings that differ are said")
  func groups() throws {
    let studies = try [
      study("one", epoch: 5, cosines: [0.5, 0.25, 0]),
      study("two", method: "darts2", epoch: 5, cosines: [0.25, 0.5, 0], batches: 1),
    ]
    let result = try run(studies, ["--statistic", "gradient_cosine", "--objectives", "first"], out: scratch.file("out.png"))
    #expect(result.status == 0 && result.errors.contains("studies differ in validation_batches"), "\(result.errors)")
    #expect(!result.errors.contains("seed") && !result.errors.contains("method"))
    let seeds = try [
      study("first", epoch: 5, cosines: [0.5, 0, 0]), study("next", epoch: 6, cosines: [0.25, 0, 0], seed: 1),
    ]
    let bySeed = try run(seeds, ["--by", "seed", "--objectives", "first"], out: scratch.file("seeds.png"))
    #expect(bySeed.status == 0 && bySeed.errors.isEmpty, "\(bySeed.errors)")
    #expect(try CSVTable(readingFrom: scratch.file("seeds.csv")).rows.prefix(2).map { $0[2] } == ["0", "1"])
    let rows = try CSVTable(readingFrom: scratch.file("out.csv")).rows
    #expect(rows.map { $0[2] } == ["darts1", "darts2"] && rows.map { $0[5] } == ["0.5", "0.25"])
  }

  @Test("Bad input is named and leaves no figure")
  func badInput() throws {
    let good = try study("good", epoch: 5, cosines: [0.5, 0.25, 0])
    let same = try study("same", epoch: 5, cosines: [0.5, 0.25, 0])
    let seeded = try study("seeded", epoch: 7, cosines: [0.5, 0.25, 0], seed: 1)
    let other = try study("other", epoch: 6, cosines: [0.5, 0.25, 0], truth: "true:5")
    let placeless = try study("placeless", epoch: nil, cosines: [0.5, 0.25, 0])
    let samples = scratch.file("unfinished")
    try FileManager.default.createDirectory(atPath: samples, withIntermediateDirectories: true)
    try AtomicFile.write(Self.samples, to: "\(samples)/fidelity-samples.csv")
    let out = scratch.file("out.png")
    let cases: [([String], [String], String)] = [
      ([good, same], [], "same: two studies of one point"),
      ([good, other], [], "fidelity.yaml: objectives: another truth"),
      ([good, seeded], [], "fidelity.yaml: seed: of another search than"),
      ([good, seeded], ["--by", "space"], "found 1, wanted 0, or --by seed"),
      ([placeless], [], "fidelity.yaml: finished_epochs: does not say of which epoch it is"),
      ([samples], [], "unfinished: no finished study of fidelity"),
      ([scratch.file("none")], [], "none: there is no such folder"),
      ([good], ["--statistic", "cosine"], "found 'cosine', wanted gradient_cosine, spearman"),
      ([good], ["--statistic", "spearman@0.25"], "found 'spearman@0.25', wanted spearman@0.5"),
      ([good], ["--statistic", "spearman@x"], "found 'spearman@x'"),
      ([good], ["--statistic", "spearman,spearman"], "the same statistic twice"),
      ([good], ["--objectives", "mgs:10"], "found 'mgs:10', wanted first, second, rs:10"),
      ([good], ["--by", "colour"], "--by: no setting that tells searches apart: found 'colour', wanted "),
      ([good], ["--by", "finished_epochs"], "--by: no setting that tells searches apart"),
      ([good], ["--out", scratch.file("out.png")], "out.png twice"),
    ]
    for (studies, arguments, mention) in cases {
      let result = try run(studies, arguments, out: out)
      #expect(result.status != 0 && result.errors.contains(mention), "\(arguments): \(result.errors)")
    }
    let ending = try run([good], out: scratch.file("out.jpg"))
    #expect(ending.status == 64 && ending.errors.contains("out.jpg"), "\(ending.errors)")
    try AtomicFile.write("a,b\n1,2\n", to: scratch.file("out.csv"))
    let kept = try run([good], out: out)
    #expect(kept.status != 0 && kept.errors.contains("out.csv"), "\(kept.errors)")
    #expect(!FileManager.default.fileExists(atPath: out))
  }
}
