import Cells
import Formats
import Foundation
import Search
import TestSupport
import Testing

/// Whatever `zarts search` can make, every command that takes a run can read.
@Suite("A run of any method, variant and space") struct RunReadingTests {
  private func run(_ arguments: [String], _ what: Combination) throws -> String {
    let result = try CommandLineRunner.run(arguments)
    #expect(result.status == 0, "\(what): \(arguments.joined(separator: " ")): \(result.errors)")
    return result.output
  }

  /// - Parameter isLong: whether to run what costs seconds and is told apart by little.
  private func check(_ combination: Combination, isLong: Bool = false) throws {
    let scratch = try ScratchFolder()
    let made = scratch.file("run")
    _ = try run(combination.arguments(out: made), combination)
    let whole = try SearchRunFolder(existing: made)
    let files = combination.isStaged ? whole.stage(1) : whole
    let returned = try String(decoding: FileBytes.read(whole.genotypePath), as: UTF8.self)
    let epoch = try #require(try files.result()).record.epoch
    let checkpoint = files.checkpointPath(epoch: epoch)

    // The same architecture wherever it is read: run, stage, checkpoint, settings of a retraining.
    for source in [made, files.folder.path, checkpoint] {
      #expect(try run(["genotype", source, "--format", "python"], combination) == returned, "\(combination): \(source)")
    }
    let plan = try run(
      ["retrain", "--genotype", made, "--dataset", "tensors:\(Combination.data)", "--print-config"], combination)
    #expect(plan.contains(returned.trimmingCharacters(in: .newlines)), "\(combination): \(plan)")
    if isLong || combination.isStaged || combination.hasEdgeColumn || combination.space == .nb201 {
      let small = ["--channels", "4", "--layers", "3", "--batch", "1", "--repeats", "1", "--threads", "1"]
      _ = try run(["bench", "--genotype", made, "--quantities", "forward"] + small, combination)
    }

    // The same picture of α from the run and from its checkpoint.
    _ = try run(["draw", made, "--out", scratch.file("cells.svg")], combination)
    let pictures = try [made, checkpoint].map { source in
      _ = try run(["draw", source, "--alphas", "--out", scratch.file("alphas.svg")], combination)
      return String(decoding: try FileBytes.read(scratch.file("alphas.svg")), as: UTF8.self).components(
        separatedBy: "</desc>"
      )
      .last
    }
    #expect(pictures[0] == pictures[1], "\(combination)")

    // Tables and pages, which count the epochs of one run; a progressive search has several.
    _ = try run(["summary", made], combination)
    _ = try run(["report", made, "--out", scratch.file("report.html")], combination)
    let figures: [[String]] = [
      ["plot", "--out", scratch.file("plots"), "--kind", "curves,alphas", files.folder.path],
      ["curves", "--column", "validation_loss", "--out", scratch.file("curves.png"), files.folder.path],
      [
        "diagnose", "--samples", "3", "--inner-steps", "1", "--validation-batches", "1", "--out", scratch.file("diagnosis"),
        files.folder.path,
      ],
    ]
    for arguments in figures {
      _ = try run(arguments, combination)
      guard combination.isStaged else { continue }
      let refused = try CommandLineRunner.run(arguments.dropLast() + [made])
      #expect(refused.status != 0 && refused.errors.contains("\(made)/stage-2"), "\(combination): \(refused.errors)")
    }

    // What is measured at a checkpoint.
    let source = ["--run", made, "--threads", "1"]
    _ = try run(
      [
        "landscape", "--epoch", "0", "--grid", "2", "--objectives", "first,second,true:1", "--directions",
        "random,to:\(made)", "--normalisation", "cell", "--trajectory", made, "--range", "1", "--parallel", "1", "--out",
        scratch.file("landscape"),
      ] + source, combination)
    let directions = try TensorFile(readingFrom: scratch.file("landscape/directions.safetensors"))
    #expect(directions.contains("betas_normal") == combination.hasEdgeColumn, "\(combination)")
    let settings = String(decoding: try FileBytes.read(scratch.file("landscape/landscape.yaml")), as: UTF8.self)
    #expect(
      settings.contains("\nauxiliary_skip: 1.0\n") == (combination.method == .dartsMinus), "\(combination): \(settings)")
    _ = try run(
      [
        "fidelity", "--objectives", "first,true:1", "--directions", "4", "--radii", "1", "--plane", "0", "--no-gradients",
        "--length", "unit", "--no-eigenvalue", "--replicates", "20", "--out", scratch.file("fidelity"),
      ] + source, combination)
    _ = try run(
      [
        "estimators", "--estimators", "darts1,darts2", "--inner-steps", "1", "--candidates", "2", "--sigmas", "0.2",
        "--repeats", "2", "--places", "1", "--replicates", "20", "--out", scratch.file("estimators"),
      ] + source, combination)
    _ = try run(
      [
        "spectrum", "--eigenvalues", "1", "--probes", "0", "--batches", "1", "--epochs", "all", "--out",
        scratch.file("spectrum"),
      ] + source, combination)
    _ = try run(["gradients", "--out", scratch.file("gradients.safetensors")] + source, combination)
    let gradients = try TensorFile(readingFrom: scratch.file("gradients.safetensors"))
    let shape = try files.configuration().alphaShape.zeroAlphas
    for (kind, matrix) in zip(shape.kinds, shape.matrices) {
      #expect(gradients.tensors["first.\(kind.name)"]?.shape == [matrix.rows, matrix.columns], "\(combination)")
    }

    // As weights of anyone's, without a run: the file itself says what its network is.
    let weights = ["--weights", checkpoint, "--dataset", "tensors:\(Combination.data)", "--threads", "1", "--seed", "7"]
    _ = try run(["gradients", "--estimators", "first", "--out", scratch.file("weights.safetensors")] + weights, combination)
  }

  @Test("is read by every command that takes one", arguments: Combination.sample)
  func sample(combination: Combination) throws { try check(combination) }

  @Test(
    "is read by every command that takes one, whatever the combination",
    .enabled(if: ProcessInfo.processInfo.environment["ZARTS_LONG_TESTS"] == "1"), arguments: Combination.all)
  func all(combination: Combination) throws { try check(combination, isLong: true) }

  @Test("The sample has every method, variant and space")
  func sampleIsComplete() {
    #expect(Set(Combination.sample.map(\.method)) == Set(SearchMethod.allCases))
    #expect(Set(Combination.sample.map(\.variant)) == Set(Combination.Variant.allCases))
    #expect(Set(Combination.sample.map(\.space)) == Set(SearchSpace.allCases))
  }
}
