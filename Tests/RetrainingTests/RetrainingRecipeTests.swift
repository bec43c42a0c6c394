import Formats
import Problems
import Retraining
import Testing

/// Schedules, presets and reported accuracies of retrainings.
@Suite("Recipes of retrainings") struct RetrainingRecipeTests {
  private static func preset(_ name: String) throws -> RetrainingConfiguration {
    try RetrainingPreset(named: name, at: .setting("preset")).configuration(genotype: RetrainingSamples.line, dataset: "d")
  }

  /// `adjust_lr` of the public scripts for 250 epochs: (245 − e)/245, and (250 − e)/(5·245) in the last five.
  @Test("The linear schedule falls as the public scripts' does, with a smaller slope in its last five epochs")
  func linear() throws {
    var settings = try Self.preset("pcdarts-imagenet")
    settings.warmupEpochs = 0
    let expected: [(Int, Double)] = [
      (0, 0.5), (100, 0.5 * 145 / 245), (244, 0.5 / 245), (245, 0.5 / 245), (246, 0.5 * 4 / 1225), (249, 0.5 / 1225),
    ]
    for (epoch, rate) in expected { #expect(abs(settings.learningRate(epoch: epoch) - rate) < 1e-15, "epoch \(epoch)") }
    settings.minimumLearningRate = 0.1
    #expect(abs(settings.learningRate(epoch: 100) - (0.1 + 0.4 * 145 / 245)) < 1e-15)
    (settings.epochs, settings.minimumLearningRate) = (4, 0)
    #expect((0..<4).map { settings.learningRate(epoch: $0) } == [0.5, 0.375, 0.25, 0.125])
  }

  @Test("Warm-up rises to the first learning rate, or to what the schedule has in the epoch")
  func warmup() throws {
    let start = try Self.preset("pcdarts-imagenet")
    let schedule = try Self.preset("pdarts-imagenet")
    for epoch in 0..<5 {
      let part = Double(epoch + 1) / 5
      #expect(abs(start.learningRate(epoch: epoch) - 0.5 * part) < 1e-15)
      #expect(abs(schedule.learningRate(epoch: epoch) - 0.5 * Double(245 - epoch) / 245 * part) < 1e-15)
    }
    #expect(start.learningRate(epoch: 5) == schedule.learningRate(epoch: 5))
    #expect(abs(start.learningRate(epoch: 5) - 0.5 * 240 / 245) < 1e-15)
    // Beside a cosine it is the same rule.
    let cosine = RetrainingSamples.configuration { ($0.epochs, $0.warmupEpochs, $0.learningRate) = (10, 2, 0.1) }
    #expect((0..<2).map { cosine.learningRate(epoch: $0) } == [0.05, 0.1])
    #expect(cosine.learningRate(epoch: 5) == 0.05)
  }

  @Test("Presets have the settings of the scripts that they name")
  func presets() throws {
    func size(_ name: String) throws -> [Double] {
      let settings = try Self.preset(name)
      return [Double(settings.layers), Double(settings.channels), Double(settings.batch), settings.dropPath]
    }
    #expect(try size("rdarts-script") == [8, 16, 96, 0.2])
    #expect(try size("pdarts-cifar") == [20, 36, 128, 0.3] && size("pcdarts-cifar") == [20, 36, 96, 0.3])
    for dataset in ["cifar10", "cifar100", "svhn"] {
      #expect(try size("zarts-\(dataset)") == [20, 36, 64, 0.2] && size("sdarts-\(dataset)") == [20, 36, 96, 0.2])
      #expect(try size("dartspt-\(dataset)") == (dataset == "cifar10" ? [20, 36, 96, 0.2] : [8, 16, 96, 0.2]))
    }
    for name in ["zarts", "pdarts", "pcdarts", "sdarts"] {
      let (settings, rate) = (try Self.preset("\(name)-imagenet"), name == "zarts" ? 0.1 : 0.5)
      #expect(settings.schedule == .linear && settings.warmupEpochs == 5 && settings.batch == 1024)
      #expect(settings.learningRate == rate && settings.weightDecay == 3e-5 && settings.labelSmoothing == 0.1)
      #expect(settings.layers == 14 && settings.channels == 48 && settings.epochs == 250)
    }
    let table = try RetrainingPreset(named: "nb201", at: .setting("preset")).configuration(
      genotype: "|none~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|", dataset: "d")
    #expect(table.nesterov && table.weightDecay == 5e-4 && table.batch == 256 && table.epochs == 200)
    #expect(table.learningRate == 0.1 && table.cutout == 0 && !table.auxiliary && table.schedule == .cosine)
    #expect(Set(RetrainingPreset.all.map(\.name)).count == RetrainingPreset.all.count)
    for preset in RetrainingPreset.all {
      #expect(!preset.source.isEmpty && !preset.summary.isEmpty)
      guard preset.name != "nb201" else { continue }
      try preset.configuration(genotype: RetrainingSamples.line, dataset: "d").validate()
    }
  }

  @Test("New settings are written and read back, and at their defaults where a file lacks them")
  func yaml() throws {
    let settings = RetrainingSamples.configuration {
      ($0.schedule, $0.warmupEpochs, $0.warmupTarget, $0.nesterov) = (.linear, 2, .schedule, true)
      ($0.holdOut, $0.split) = (true, .fileOrder)
    }
    #expect(try RetrainingConfiguration(yaml: settings.yaml, from: "test") == settings)
    let names = ["warmup_epochs", "warmup_target", "nesterov", "hold_out", "split"]
    let earlier = try settings.yaml.split(separator: "\n").filter { line in !names.contains { line.hasPrefix("\($0):") } }
    let read = try RetrainingConfiguration(yaml: earlier.joined(separator: "\n"), from: "test")
    #expect(read.warmupEpochs == 0 && !read.nesterov && !read.holdOut && read.split == .seeded)
    let cases: [(String, (inout RetrainingConfiguration) -> Void, String)] = [
      ("warmup_epochs", { $0.warmupEpochs = 4 }, "found 4, wanted 0 to 3"),
      ("nesterov", { ($0.nesterov, $0.momentum) = (true, 0) }, "found true, wanted false, or a momentum above 0"),
    ]
    for (key, change, text) in cases {
      let error = try #require(
        #expect(throws: InputError.self) { try RetrainingSamples.configuration(change).validate() })
      #expect(error.place.setting == key && "\(error)".contains(text), "\(error)")
    }
  }

  /// Seven classes. The label of the first image is third; that of the second ties with five others at the top and lies after
  /// them; that of the third is last; logits of the fourth are no numbers.
  @Test("A class counts as found among five where fewer than five are above it, the first of equal ones being higher")
  func topFive() {
    let logits: [Float] =
      [0, 5, 4, 3, 2, 1, -1] + [1, 1, 1, 1, 1, 1, 0] + [6, 5, 4, 3, 2, 1, 0] + [Float](repeating: .nan, count: 7)
    func hits(_ labels: [Int32], among places: Int) -> Int {
      TopCount.hits(logits: logits, labels: labels, classes: 7, among: places)
    }
    #expect(hits([3, 5, 6, 0], among: 5) == 1)
    #expect(hits([3, 4, 6, 0], among: 5) == 2)
    #expect(hits([3, 5, 6, 0], among: 2) == 0 && hits([1, 0, 0, 0], among: 1) == 3)
    #expect(hits([3, 5, 6, 0], among: 6) == 2)
  }

  @Test("The outcome names the last and the best tested epoch, and the first of equal ones")
  func outcome() throws {
    func record(_ epoch: Int, _ accuracy: Double?) -> RetrainingRecord {
      var result = RetrainingRecord()
      (result.epoch, result.testAccuracy, result.testLoss) = (epoch, accuracy, accuracy.map { 1 - $0 })
      return result
    }
    let records = [record(1, 0.5), record(2, 0.75), record(3, nil), record(4, 0.75), record(5, 0.625), record(6, nil)]
    let outcome = try #require(RetrainingOutcome(of: records))
    #expect(outcome.last.epoch == 5 && outcome.best.epoch == 2 && outcome.last.reported.split == "test")
    #expect(outcome.text == "test accuracy 62.50 % in the last epoch (5), 75.00 % in the best (2)")
    #expect(RetrainingOutcome(of: [record(1, nil)]) == nil)
  }
}
