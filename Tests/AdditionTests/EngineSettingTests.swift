import Cells
import Compute
import Datasets
import Engine
import Formats
import Foundation
import NetworkSupport
import Problems
import Retraining
import Search
import SearchSupport
import TestSupport
import Testing

/// The setting `engine`: by name, housekeeping, and no part of what a run is.
@Suite struct EngineSettingTests {
  private static func configuration(_ engine: EngineKind) -> SearchConfiguration {
    var result = SearchConfiguration(method: .darts1, space: .s2, dataset: "tensors:/a/x.safetensors")
    (result.seed, result.epochs, result.warmup, result.channels, result.layers) = (7, 2, 2, 4, 3)
    (result.batch, result.threads, result.engine) = (4, 1, engine)
    return result
  }

  private static func problem(_ configuration: SearchConfiguration) throws -> SupernetProblem {
    var stream = RandomStream(seed: 4, purpose: .test)
    let images = (0..<16 * 3 * 64).map { _ in Float(stream.normal()) }
    let dataset = try ImageDataset(
      name: "noise", classes: 3, side: 8,
      training: .init(pixels: .floats(images), labels: (0..<16).map { _ in Int32(stream.integer(below: 3)) }), test: nil,
      normalisation: .cifar10)
    let loader = try BatchLoader(
      dataset: dataset, seed: configuration.seed, batchSize: configuration.batch, threads: configuration.threads)
    return try SupernetProblem(
      space: configuration.space, channels: configuration.channels, layers: configuration.layers, loader: loader,
      seed: configuration.seed, threads: configuration.threads, engine: configuration.engine)
  }

  @Test("A configuration that names no engine has the CPU's")
  func absent() throws {
    let text = "method: darts1\nspace: s2\ndataset: x\n"
    #expect(try SearchConfiguration(yaml: text, from: "c").engine == .cpu)
    #expect(try SearchConfiguration(yaml: text + "engine: cpu\n", from: "c") == SearchConfiguration(yaml: text, from: "c"))
    let genotype = "genotype: '|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|'\ndataset: x\nlayers: 3\n"
    let stage = genotype + "auxiliary: false\ndrop_path: 0\n"
    #expect(try RetrainingConfiguration(yaml: stage, from: "c").engine == .cpu)
    #expect(
      try RetrainingConfiguration(yaml: stage + "engine: cpu\n", from: "c")
        == RetrainingConfiguration(yaml: stage, from: "c"))
  }

  @Test("An unknown engine is an error with the names that there are")
  func unknown() {
    let error = InputError("wrong value", at: .setting("engine", in: "c"), found: "'abacus'", wanted: "one of cpu")
    #expect(throws: error) {
      try SearchConfiguration(yaml: "method: darts1\nspace: s2\ndataset: x\nengine: abacus\n", from: "c")
    }
    #expect(throws: error) { try RetrainingConfiguration(yaml: "genotype: x\ndataset: x\nengine: abacus\n", from: "c") }
  }

  @Test("config.yaml names the engine, and reads back where its kind is known")
  func named() throws {
    let configuration = Self.configuration(.reference)
    #expect(configuration.yaml.contains("\nengine: reference  #"))
    #expect(
      throws: InputError("wrong value", at: .setting("engine", in: "c"), found: "'reference'", wanted: "one of cpu")
    ) { try SearchConfiguration(yaml: configuration.yaml, from: "c") }
    try EngineKind.$guests.withValue([.reference]) {
      let read = try SearchConfiguration(yaml: configuration.yaml, from: "c")
      #expect(read == configuration)
    }
  }

  @Test("Neither what a run is nor the name of a shared warm-up depends on the engine")
  func isHousekeeping() {
    let (cpu, other) = (Self.configuration(.cpu), Self.configuration(.reference))
    #expect(cpu.withoutHousekeeping == other.withoutHousekeeping)
    let shared = other.sharedWarmup.withoutHousekeeping.bareYAML
    #expect(shared == cpu.sharedWarmup.withoutHousekeeping.bareYAML)
    // Names of warm-ups are digests of this text, and there were warm-ups before there were engines.
    let keys = shared.split(separator: "\n").map { String($0.prefix { $0 != ":" }) }
    #expect(keys == SearchConfiguration.fields.filter { !$0.isLater }.map(\.key))
    #expect(!keys.contains("engine"))
    #expect(other.bareYAML.contains("\nengine: reference\n"))
  }

  @Test("A search runs on the engine that its configuration names, and goes on with another")
  func searches() throws {
    try EngineKind.$guests.withValue([.reference]) {
      let folder = try ScratchFolder()
      func rows(_ name: String, _ first: EngineKind, then second: EngineKind) throws -> [EpochRecord] {
        let configuration = Self.configuration(first)
        let problem = try Self.problem(configuration)
        #expect(problem.model.instructionSet == (first == .cpu ? try Kernels.select().name : "plain loops"))
        let files = try search(problem, configuration, in: folder.file(name), space: .s2)
        guard second != first else { return try files.metrics() }
        try FileManager.default.removeItem(atPath: files.checkpointPath(epoch: 2))
        try SearchRun(
          continuing: Self.problem(Self.configuration(second)), folder: files.folder, space: .s2,
          adjusting: { $0.engine = second }
        ).run()
        return try files.metrics()
      }
      let cpu = try rows("cpu", .cpu, then: .cpu)
      let reference = try rows("reference", .reference, then: .reference)
      let mixed = try rows("mixed", .cpu, then: .reference)
      #expect(cpu.count == 2 && mixed.count == 2)
      #expect(mixed[0].trainingLoss == cpu[0].trainingLoss, "the first epoch is the CPU's")
      for other in [reference, mixed] {
        for (found, wanted) in zip(other, cpu) {
          // Four steps in float32 and in double precision drift apart by their rounding.
          #expect(abs(found.trainingLoss / wanted.trainingLoss - 1) < 1e-3)
          #expect(abs(found.validationLoss / wanted.validationLoss - 1) < 1e-3)
        }
      }
    }
  }
}
