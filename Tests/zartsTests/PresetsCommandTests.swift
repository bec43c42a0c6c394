import Formats
import Foundation
import Search
import TestSupport
import Testing

struct PresetsCommandTests {
  private static let golden = GoldenFile.path("s2_c16_l3_b4")

  @Test func presetsAreListedWithWhatTheyAreFor() throws {
    let result = try CommandLineRunner.run(["presets"])
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(lines.count == 2 + SearchPreset.all.count)
    for (line, preset) in zip(lines.dropFirst(2), SearchPreset.all) {
      #expect(line.hasPrefix(preset.name + " ") && line.hasSuffix(preset.summary))
    }
  }

  @Test func printedPresetIsACompleteConfiguration() throws {
    let result = try CommandLineRunner.run(["presets", "paper-rdarts-s3-cifar100"])
    #expect(result.status == 0)
    let preset = try SearchPreset(named: "paper-rdarts-s3-cifar100", at: "")
    #expect(try SearchConfiguration(yaml: result.output, from: "output") == SearchConfiguration(preset: preset))
    #expect(result.output == (try SearchConfiguration(preset: preset).yaml))
    let wrong = try CommandLineRunner.run(["presets", "paper"])
    #expect(wrong.status != 0 && wrong.errors.contains("'paper'") && wrong.errors.contains("laptop"))
  }

  @Test func configurationOfARunWithAPresetRepeatsItBitForBit() throws {
    let scratch = try ScratchFolder()
    let folder = scratch.path
    try AtomicFile.write(
      "preset: smoke\ndataset: 'tensors:\(Self.golden)'\ntrain_limit: null\nbatch: 4\nepochs: 9\nseed: 8\n",
      to: "\(folder)/mine.yaml")
    let first = try CommandLineRunner.run([
      "search", "--config", "\(folder)/mine.yaml", "--epochs", "3", "--threads", "2", "--method", "darts2-es",
      "--tensorboard",
      "--report-every", "0", "--out", "\(folder)/first",
    ])
    #expect(first.status == 0, "\(first.errors)")
    #expect(
      first.errors.contains("epoch 3/3  step 1/1  training loss") && first.errors.contains("images/s"), "\(first.errors)")
    let files = try SearchRunFolder(existing: "\(folder)/first")
    let configuration = try files.configuration()
    #expect(configuration.epochs == 3 && configuration.seed == 8 && configuration.channels == 4)
    #expect(configuration.method == .darts2ES && configuration.tensorboard && configuration.warmup == 1)
    #expect(!EventFile.names(in: files.folder).isEmpty)
    let second = try CommandLineRunner.run([
      "search", "--config", files.configurationPath, "--threads", "1", "--out", "\(folder)/second",
    ])
    #expect(second.status == 0, "\(second.errors)")
    let again = try SearchRunFolder(existing: "\(folder)/second")
    for epoch in 0...3 {
      #expect(try FileBytes.read(files.checkpointPath(epoch: epoch)) == FileBytes.read(again.checkpointPath(epoch: epoch)))
    }
    #expect(try FileBytes.read(files.genotypePath) == FileBytes.read(again.genotypePath))
    var same = try again.configuration()
    same.threads = configuration.threads
    #expect(same == configuration)
  }

  @Test func divergedSearchHasAnExitStatusOfItsOwn() throws {
    let scratch = try ScratchFolder()
    let folder = scratch.file("out")
    let path = try scratch.write(
      "preset: smoke\ndataset: 'tensors:\(Self.golden)'\ntrain_limit: null\nbatch: 4\nlearning_rate: 1.0e+38\n",
      to: "config.yaml")
    let result = try CommandLineRunner.run(["search", "--config", path, "--out", folder])
    #expect(result.status == 3)
    #expect(result.errors.contains("last good checkpoint: \(folder)/checkpoints/epoch-000.safetensors"), "\(result.errors)")
    #expect(result.errors.contains("‖ω‖"))
  }
}
