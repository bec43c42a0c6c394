import Formats
import Foundation
import Problems
import Search
import SearchSupport
import TestSupport
import Testing

/// Where data lie is not what a run is.
struct MovedDataTests {
  private func problem(_ checksum: String? = "0123abcd") throws -> ObservedProblem<QuadraticBilevelProblem> {
    let problem = try ObservedProblem(quadratic())
    problem.dataChecksum = checksum
    return problem
  }

  private func configuration(_ dataset: String, _ method: SearchMethod = .darts1) -> SearchConfiguration {
    var configuration = shortConfiguration(method)
    configuration.dataset = dataset
    return configuration
  }

  /// A run of which the last epoch is missing.
  private func interrupted(_ dataset: String, _ folder: ScratchFolder, _ name: String) throws -> SearchRunFolder {
    let files = try search(problem(), configuration(dataset), in: folder.file(name))
    try FileManager.default.removeItem(atPath: files.checkpointPath(epoch: 4))
    try FileManager.default.removeItem(atPath: files.genotypePath)
    return files
  }

  @Test func checkpointsOfOneSearchAreTheSameWhereverItsDataLie() throws {
    let folder = try ScratchFolder()
    let (one, other) = (
      try search(problem(), configuration("cifar10:/data/a?side=16"), in: folder.file("one")),
      try search(problem(), configuration("cifar10:/mnt/b?side=16"), in: folder.file("other"))
    )
    for epoch in 0...4 { #expect(try bytes(one.checkpointPath(epoch: epoch)) == bytes(other.checkpointPath(epoch: epoch))) }
    let metadata = try TensorFile(readingFrom: one.checkpointPath(epoch: 4)).metadata
    #expect(metadata["dataset"] == "cifar10?side=16" && metadata["dataset_crc32c"] == "0123abcd")
    #expect(!metadata.values.contains { $0.contains("/data/a") })
  }

  @Test func movedDataAreKnownByTheirChecksumAndConfigThenNamesTheirPlace() throws {
    let folder = try ScratchFolder()
    let whole = try search(problem(), configuration("cifar10:/data/a"), in: folder.file("whole"))
    let files = try interrupted("cifar10:/data/a", folder, "run")
    try SearchRun(
      continuing: problem(), folder: files.folder, space: .s2, adjusting: { $0.dataset = "cifar10:/data/b" }
    ).run()
    #expect(try files.configuration().dataset == "cifar10:/data/b")
    #expect(try bytes(files.checkpointPath(epoch: 4)) == bytes(whole.checkpointPath(epoch: 4)))
    // The same for a path that somebody has edited.
    let edited = try interrupted("cifar10:/data/a", folder, "edited")
    let yaml = try String(decoding: bytes(edited.configurationPath), as: UTF8.self)
    try AtomicFile.write(yaml.replacing("/data/a", with: "../c"), to: edited.configurationPath)
    try SearchRun(continuing: problem(), folder: edited.folder, space: .s2).run()
    #expect(try bytes(edited.checkpointPath(epoch: 4)) == bytes(whole.checkpointPath(epoch: 4)))
  }

  @Test func otherDataAndOtherSettingsAreRefusedWithBothValues() throws {
    let folder = try ScratchFolder()
    let files = try interrupted("cifar10:/data/a", folder, "run")
    let before = try bytes(files.configurationPath)
    func refusal(_ checksum: String = "0123abcd", _ adjusting: @escaping (inout SearchConfiguration) -> Void) -> String {
      message {
        _ = try SearchRun(continuing: problem(checksum), folder: files.folder, space: .s2, adjusting: adjusting)
      } ?? "accepted"
    }
    let content = refusal("89abcdef") { $0.dataset = "cifar10:/data/b" }
    let found = "setting dataset: other data: found 'cifar10:/data/b' of CRC-32C 89abcdef, wanted"
    #expect(content.hasPrefix(found), "\(content)")
    #expect(content.contains("'cifar10' of CRC-32C 0123abcd, as in \(files.checkpointPath(epoch: 3))"), "\(content)")
    let kind = refusal { $0.dataset = "cifar100:/data/a" }
    #expect(kind.contains("setting dataset") && kind.contains("'cifar100:/data/a'") && kind.contains("'cifar10'"), "\(kind)")
    let options = refusal { $0.dataset = "cifar10:/data/a?side=16" }
    #expect(options.contains("'cifar10:/data/a?side=16'") && options.contains("wanted 'cifar10'"), "\(options)")
    let setting = refusal { $0.tau = 0.5 }
    #expect(setting.hasPrefix("\(files.configurationPath): setting tau: "), "\(setting)")
    #expect(setting.contains("found 0.5, wanted 0.01, as in"), "\(setting)")
    #expect(try bytes(files.configurationPath) == before)
  }

  @Test func aCheckpointWithoutAChecksumGoesOnWhereItsDataWere() throws {
    let folder = try ScratchFolder()
    let files = try interrupted("cifar10:/data/a", folder, "run")
    // As versions before wrote it: the whole name of the data and no checksum.
    let file = try TensorFile(readingFrom: files.checkpointPath(epoch: 3))
    var metadata = file.metadata
    (metadata["dataset"], metadata["dataset_crc32c"], metadata["checksum"]) = ("cifar10:/data/a", nil, nil)
    metadata["configuration"] = metadata["configuration"]?.replacing("\"cifar10\"", with: "\"cifar10:/data/a\"")
    try TensorFile.write(Array(file.tensors.values), metadata: metadata, to: file.path)
    let moved = message {
      _ = try SearchRun(
        continuing: problem(), folder: files.folder, space: .s2, adjusting: { $0.dataset = "cifar10:/data/b" })
    }
    #expect(moved?.contains("no checksum tells") == true && moved?.contains("'cifar10:/data/a'") == true, "\(moved ?? "")")
    try SearchRun(continuing: problem(), folder: files.folder, space: .s2).run()
    #expect(FileManager.default.fileExists(atPath: files.genotypePath))
  }

  @Test func aComparisonGoesOnWithMovedDataAndRefusesOthers() throws {
    let folder = try ScratchFolder()
    func plan(_ dataset: String, methods: String = "darts1") throws -> ComparisonPlan {
      try ComparisonPlan(
        yaml: """
          methods: [\(methods)]
          spaces: [s2]
          datasets: ["\(dataset)"]
          settings: {epochs: 3, warmup: 1, inner_steps: 2, learning_rate: 0.1}
          """, from: "test")
    }
    let output = try OutputFolder.create(at: folder.file("comparison"))
    func run(_ plan: ComparisonPlan, _ checksum: String = "0123abcd") throws -> [ComparisonRow] {
      try ComparisonRun(of: plan, in: output) { configuration in
        let problem = try ObservedProblem(quadratic(seed: configuration.seed))
        problem.dataChecksum = checksum
        return problem
      }.run()
    }
    #expect(try run(plan("cifar10:/data/a")).map(\.status) == [.finished])
    let warmups = try FileManager.default.contentsOfDirectory(atPath: output.file("warmups"))
    let more = try run(plan("cifar10:/data/b", methods: "darts1, darts2"))
    #expect(more.map(\.status) == [.finished, .finished])
    #expect(try FileManager.default.contentsOfDirectory(atPath: output.file("warmups")) == warmups, "shared, wherever")
    #expect(try ComparisonFolder(output).plan().datasets == ["cifar10:/data/b"])
    let others = try run(plan("cifar10:/data/b", methods: "darts1, darts2, zarts-mgs"), "89abcdef")
    #expect(others.last?.status == .failed && others.last?.error?.contains("CRC-32C 89abcdef") == true, "\(others)")
    let kind = message { _ = try run(plan("cifar100:/data/b", methods: "darts1, darts2, zarts-mgs")) }
    #expect(kind?.contains("cifar100:/data/b") == true && kind?.contains("cifar10:/data/b") == true, "\(kind ?? "")")
  }

  @Test func stagesGoOnWithMovedDataAndRefuseOthers() throws {
    let folder = try ScratchFolder()
    var configuration = configuration("cifar10:/data/a")
    configuration.space = .s6
    configuration.stages = [
      SearchStage(layers: 5, channels: 16, operations: 7, skipDropout: 0, epochs: 2, warmup: 0),
      SearchStage(layers: 6, channels: 8, operations: 3, skipDropout: 0, epochs: 2, warmup: 0),
    ]
    func make(_ checksum: String) -> (SearchConfiguration) throws -> ObservedProblem<QuadraticBilevelProblem> {
      { settings in
        let alphas = settings.operations.zeroAlphas(edgeNormalisation: false)
        let problem = ObservedProblem(
          try QuadraticBilevelProblem.random(seed: 3, weightCount: 6, alphas: alphas, stepsPerEpoch: 6, noise: 0.1))
        problem.dataChecksum = checksum
        return problem
      }
    }
    let output = try OutputFolder.create(at: folder.file("staged"))
    try StagedSearch(starting: configuration, folder: output, makeProblem: make("0123abcd")).run()
    let files = SearchRunFolder(output)
    try FileManager.default.removeItem(atPath: files.stage(1).folder.path)
    let others = message {
      try StagedSearch(
        continuing: files, adjusting: { $0.dataset = "cifar10:/data/b" }, makeProblem: make("89abcdef")
      ).run()
    }
    #expect(others?.contains("other data: found 'cifar10:/data/b' of CRC-32C 89abcdef") == true, "\(others ?? "")")
    #expect(try files.configuration().dataset == "cifar10:/data/a")
    try StagedSearch(continuing: files, adjusting: { $0.dataset = "cifar10:/data/b" }, makeProblem: make("0123abcd")).run()
    for folder in [files, files.stage(0), files.stage(1)] {
      #expect(try folder.configuration().dataset == "cifar10:/data/b")
    }
  }
}
