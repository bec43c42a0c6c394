import Foundation
import Search
import Testing

@Suite("flags of settings") struct SettingFlagTests {
  /// A value other than the default for each flag that stands for one setting of a search; nil for a flag without value.
  private static let values: [(flag: String, value: String?)] = [
    ("warmup", "3"), ("epochs", "20"), ("channels", "32"), ("layers", "5"), ("scale", "imagenet"), ("partial-channels", "4"),
    ("edge-normalisation", nil), ("skip-dropout", "0.25"), ("auxiliary-skip", "0.5"), ("auxiliary-decay", "slow-cosine"),
    ("drop-path", "0.25"), ("cutout", "4"), ("cutout-probability", "0.5"), ("maximum-skips", "2"), ("batch", "32"),
    ("train-limit", "100"), ("split", "file-order"), ("running-validation", nil),
    ("perturbation", "adversarial"), ("perturbation-size", "0.5"), ("perturbation-start", "0.25"),
    ("perturbation-steps", "3"),
    ("inner-steps", "3"), ("candidates", "6"), ("sigma", "0.5"), ("sigma-decay", "linear"), ("tau", "0.5"),
    ("lambda", "0.25"), ("proposal", "exact"), ("rs-distribution", "sphere"), ("mu", "0.25"), ("xi", "0.5"),
    ("antithetic", nil), ("radius", "0.5"), ("radii", "3"), ("gld-distribution", "sphere"),
    ("untrained-baseline", nil), ("candidate-learning-rate", "0.5"), ("candidate-momentum", "0.5"),
    ("validation-sampling", "fresh"), ("depthwise-initialisation", "pytorch-0.3"),
    ("batch-norm-initialisation", "uniform"), ("eigenvalue-every", "2"),
    ("eigenvalue-batches", "3"), ("hessian", "difference"),
    ("early-stop-window", "7"), ("early-stop-distance", "2"), ("early-stop-ratio", "0.5"), ("early-stop-start", "3"),
    ("adaptive-decay-factor", "2.0"), ("adaptive-decay-maximum", "0.5"),
    ("groups", "2"), ("keep-last", "2"), ("checkpoint-every", "5"), ("tensorboard", nil),
  ]
  /// Flags that go with none of the others, or that a comparison has otherwise.
  private static let others = [
    "method", "space", "dataset", "seed", "threads", "merged-convolutions", "stages", "engine", "cutout-ramp",
  ]

  private static let compare = ["compare", "--methods", "zarts-mgs", "--spaces", "s5", "--datasets", "d", "--print-config"]

  /// The help of the flags of `search` that have a setting's name, by flag.
  private func help() throws -> [String: String] {
    let search = try #require(try CommandCatalogue.read().command.subcommands?.first { $0.commandName == "search" })
    let all = (search.arguments ?? []).compactMap { argument in
      argument.flag.map { (String($0.dropFirst(2)), argument.abstract ?? "") }
    }
    let settings = all.filter { SearchConfiguration.field($0.0.replacing("-", with: "_")) != nil }
    return Dictionary(settings) { first, _ in first }
  }

  @Test("each sets its setting, and each has a case here") func effects() throws {
    #expect(try help().keys.sorted() == (Self.values.map(\.flag) + Self.others).sorted())
    let flags = Self.values.flatMap { flag, value in ["--\(flag)"] + [value].compactMap { $0 } }
    let (usual, given) = try (CommandLineRunner.run(Self.compare), CommandLineRunner.run(Self.compare + flags))
    #expect(usual.status == 0 && given.status == 0, "\(usual.errors)\(given.errors)")
    for (flag, value) in Self.values {
      let line = "\(flag.replacing("-", with: "_")): \(value ?? "true")  # "
      #expect(given.output.contains(line) && !usual.output.contains(line), "\(flag)")
    }
    let merged = try CommandLineRunner.run(Self.compare + ["--merged-convolutions"])
    #expect(merged.output.contains("merged_convolutions: true  # "), "\(merged.errors)")
    let even = try CommandLineRunner.run(Self.compare + ["--no-cutout-ramp"])
    #expect(usual.output.contains("cutout_ramp: true  # ") && even.output.contains("cutout_ramp: false  # "))
    let staged = try CommandLineRunner.run(Self.compare + ["--stages", "published"])
    #expect(staged.status != 0 && staged.errors.contains("setting stages"), "\(staged.errors)")
  }

  @Test("the help says what config.yaml says of the setting, and its default") func texts() throws {
    let help = try help()
    for (flag, text) in [
      ("layers", "Cells, 3 or more. Default: 15 on nb201, else 8."),
      ("partial-channels", "K: operations see the first 1/K of the channels (PC-DARTS). Default: 1, all."),
      ("edge-normalisation", "Whether edges have weights of their own, β (PC-DARTS). Default: not."),
      ("tau", "Temperature of the candidates' weights (zarts-mgs). Default: 0.01."),
      ("xi", "Step along the negative gradient estimate (zarts-rs). Default: 0.1."),
      ("keep-last", "Checkpoints kept, 0 for all; the result does not depend on it. Default: 0."),
    ] { #expect(help[flag] == text) }
    for (flag, text) in help { #expect(!text.contains("null") && !text.contains("alpha"), "\(flag): \(text)") }
  }
}
