import Cells
import Formats

/// A named set of settings to start from. What it leaves open are the defaults of the method and the space, so that
/// another method on a preset has its own published settings.
public struct SearchPreset: Equatable, Sendable {
  public let name: String
  /// What it is for, in a line.
  public let summary: String
  /// Its settings, as config.yaml has them.
  public let yaml: String

  /// - Parameter place: where the name stands, for the error.
  /// - Throws: `InputError` for a name that no preset has.
  public init(named name: String, at place: InputError.Place) throws {
    guard let preset = Self.all.first(where: { $0.name == name }) else {
      throw InputError("no such preset", at: place, found: "'\(name)'", wanted: Self.all.map(\.name).joined(separator: ", "))
    }
    self = preset
  }

  init(name: String, summary: String, settings: [(String, String)]) {
    self.name = name
    self.summary = summary
    yaml = settings.map { "\($0): \($1)\n" }.joined()
  }

  var settings: SettingsText {
    get throws { try SettingsText(yaml, from: "preset \(name)") }
  }

  /// All presets, in the order in which they are listed. docs/runs.md says where each value comes from.
  public static let all: [SearchPreset] =
    [paperCIFAR10, partialChannels, progressive, merged, earlyStopping, adaptive, regularised, dropPath, auxiliarySkip]
    + smooth + authorsPaths + robustDARTS + [laptop, smoke]

  /// The search settings of DARTS, §3.1, and ZARTS, §4.1, which both papers share for every experiment on CIFAR and SVHN; the
  /// order of validation batches is that of the code of ZARTS (cnn/train_search.py, lines 313–316, 325 and 340). The weight
  /// decay of ω, 3e-4 as a rule, is left to the method: for R-DARTS it is what the method is.
  private static func published(_ space: SearchSpace, _ dataset: String) -> [(String, String)] {
    [
      ("method", "zarts-mgs"), ("space", space.rawValue), ("dataset", dataset), ("epochs", "50"), ("channels", "16"),
      ("layers", "8"), ("batch", "64"), ("train_limit", "null"), ("split", "file-order"), ("running_validation", "true"),
      ("validation_sampling", "epoch"), ("learning_rate", "0.025"),
      ("minimum_learning_rate", "0.001"), ("momentum", "0.9"), ("gradient_clip", "5.0"),
      ("alpha_learning_rate", "0.0003"), ("alpha_beta1", "0.5"), ("alpha_beta2", "0.999"), ("alpha_weight_decay", "0.001"),
      ("inner_steps", "10"), ("tau", "0.01"), ("lambda", "0.001"),
    ]
  }

  /// The same on CIFAR-10 for a method without candidates.
  private static func withoutCandidates(_ space: SearchSpace) -> [(String, String)] {
    published(space, "cifar10:data/cifar10").filter { !["method", "inner_steps", "tau", "lambda"].contains($0.0) }
  }

  /// The same as the codes of RobustDARTS and SmoothDARTS search S1 (RobustDARTS, defaults of src/search/args.py, lines 28–40,
  /// validation batches as in src/search/train_search.py, line 348).
  static let robustDARTSCode =
    withoutCandidates(.s1).filter { $0.0 != "validation_sampling" } + [("validation_sampling", "fresh")]

  private static let paperCIFAR10 = SearchPreset(
    name: "paper-cifar10", summary: "the ZARTS paper's search on CIFAR-10",
    settings: published(.s6, "cifar10:data/cifar10") + [("sigma", "0.025")])

  /// Xu et al., PC-DARTS, ICLR 2020, §4.2: a quarter of the channels leaves room for the large batch. Validation batches as in
  /// its train_search.py, line 147.
  private static let partialChannels = SearchPreset(
    name: "paper-pcdarts-cifar10", summary: "PC-DARTS on CIFAR-10; method zarts-mgs combines it with ZARTS",
    settings: [
      ("method", "darts1"), ("space", "s5"), ("dataset", "cifar10:data/cifar10"), ("epochs", "50"), ("warmup", "15"),
      ("channels", "16"), ("layers", "8"), ("partial_channels", "4"), ("edge_normalisation", "true"), ("batch", "256"),
      ("train_limit", "null"), ("split", "file-order"), ("running_validation", "true"), ("validation_sampling", "fresh"),
      ("learning_rate", "0.1"),
      ("minimum_learning_rate", "0.0"),
      ("momentum", "0.9"), ("weight_decay", "0.0003"), ("gradient_clip", "5.0"), ("alpha_learning_rate", "0.0006"),
      ("alpha_beta1", "0.5"), ("alpha_beta2", "0.999"), ("alpha_weight_decay", "0.001"),
    ])

  /// Chen et al., P-DARTS, ICCV 2019, §4.2. Validation batches as in its train_search.py, lines 275–281.
  private static let progressive = SearchPreset(
    name: "paper-pdarts-cifar10", summary: "P-DARTS on CIFAR-10, three stages; method zarts-mgs combines it with ZARTS",
    settings: [
      ("method", "darts1"), ("space", "s5"), ("dataset", "cifar10:data/cifar10"),
      ("stages", "[\(SearchStage.published.map(\.yaml).joined(separator: ", "))]"), ("maximum_skips", "2"),
      ("batch", "96"), ("train_limit", "null"), ("split", "file-order"), ("running_validation", "true"),
      ("validation_sampling", "epoch"), ("learning_rate", "0.025"),
      ("minimum_learning_rate", "0.0"), ("momentum", "0.9"), ("weight_decay", "0.0003"), ("gradient_clip", "5.0"),
      ("alpha_learning_rate", "0.0006"), ("alpha_beta1", "0.5"), ("alpha_beta2", "0.999"), ("alpha_weight_decay", "0.001"),
    ])

  /// The script `run_search_mergeZARTS.sh` of the code that the authors of ZARTS released.
  private static let merged = SearchPreset(
    name: "paper-mergezarts-cifar10", summary: "ZARTS with the merged convolutions of MergeNAS on CIFAR-10",
    settings: published(.s6, "cifar10:data/cifar10") + [("sigma", "0.025"), ("merged_convolutions", "true")])

  /// What the code that the authors of ZARTS released sets for RS, GLD and MGS in its figure of paths
  /// (`cnn/loss_landscape/vis_optimzation.py`, lines 65–78 and 820–876), in a search with the paper's settings otherwise.
  /// Its N = 8 of RS are pairs. docs/methods.md says what of that code has no setting here.
  private static let authorsPaths: [SearchPreset] = {
    let own = ["method", "tau", "lambda"]
    let common =
      published(.s6, "cifar10:data/cifar10").filter { !own.contains($0.0) } + [
        ("candidate_learning_rate", "0.001"), ("candidate_momentum", "0.0"),
      ]
    let methods: [(name: String, method: String, settings: [(String, String)])] = [
      (
        "rs", "zarts-rs",
        [
          ("candidates", "16"), ("rs_distribution", "matrix-sphere"), ("mu", "0.1"), ("xi", "0.0001"),
          ("antithetic", "true"),
        ]
      ),
      (
        "gld", "zarts-gld",
        [("radius", "0.13"), ("radii", "15"), ("gld_distribution", "matrix-sphere"), ("untrained_baseline", "true")]
      ),
      (
        "mgs", "zarts-mgs",
        [
          ("candidates", "4"), ("sigma", "0.001"), ("sigma_decay", "constant"), ("tau", "1.0"), ("lambda", "0.1"),
          ("proposal", "flattened"),
        ]
      ),
    ]
    return methods.map { name, method, settings in
      SearchPreset(
        name: "authors-path-\(name)",
        summary: "\(name.uppercased()) as in the figure of paths of the ZARTS authors' code, on CIFAR-10",
        settings: [("method", method)] + common + settings)
    }
  }()

  /// Zela et al., RobustDARTS, ICLR 2020, with the cadence of their code (scripts/DARTS-ADA_search.sh and the defaults of
  /// src/search/args.py): the eigenvalue of one validation batch every second epoch, and `EarlyStopping.robustDARTSCode`.
  /// Validation batches as in its src/search/train_search.py, line 348.
  private static let earlyStopping = SearchPreset(
    name: "paper-darts-es-s1-cifar10", summary: "DARTS-ES on S1, CIFAR-10, at the cadence of RobustDARTS' code",
    settings: [("method", "darts2-es")] + ruleOfRobustDARTS)

  /// The same with what scripts/DARTS-ADA_search.sh raises weight decay by.
  private static let adaptive = SearchPreset(
    name: "paper-darts-ada-s1-cifar10", summary: "DARTS-ADA on S1, CIFAR-10, as the script of RobustDARTS sets it",
    settings: [("method", "darts-ada")] + ruleOfRobustDARTS + [
      ("adaptive_decay_factor", "\(AdaptiveRegularisation.publishedFactor)"),
      ("adaptive_decay_maximum", "\(AdaptiveRegularisation.publishedMaximum)"),
    ])

  private static let ruleOfRobustDARTS: [(String, String)] = {
    let rule = EarlyStopping.robustDARTSCode
    return robustDARTSCode + [
      ("eigenvalue_every", "\(rule.every)"), ("eigenvalue_batches", "1"), ("early_stop_window", "\(rule.window)"),
      ("early_stop_distance", "\(rule.distance)"), ("early_stop_ratio", "\(rule.ratio)"),
      ("early_stop_start", "\(rule.start)"),
    ]
  }()

  /// Chu et al., DARTS-, ICLR 2021: scripts/run_darts_minus.sh of their code, with the defaults of src/search/args.py. Validation
  /// batches as in its src/search/train_search.py, lines 340–345 and 359.
  private static let auxiliarySkip = SearchPreset(
    name: "paper-darts-minus-s3-cifar10", summary: "DARTS- on S3, CIFAR-10, as in its authors' script",
    settings: [("method", "darts-minus")] + withoutCandidates(.s3) + [
      ("auxiliary_skip", "1.0"), ("auxiliary_decay", "linear"),
    ])

  /// Chen & Hsieh, SmoothDARTS, ICML 2020, with the defaults of its code (sota/cnn/train_search.py, lines 36–57). Validation batches
  /// as in line 209 there, the perturbation as in line 170 and in attacker/perturb.py; its kind is the method's own, so that another
  /// method on the preset has none.
  private static let smooth: [SearchPreset] = [("rs", "random"), ("adv", "adversarial")].map { name, word in
    SearchPreset(
      name: "paper-sdarts-\(name)-s1-cifar10", summary: "SDARTS by \(word) perturbation on S1, CIFAR-10",
      settings: [("method", "sdarts-\(name)")] + robustDARTSCode + [
        ("perturbation_size", "0.3"), ("perturbation_start", "0.03"),
        ("perturbation_steps", "7"),
      ])
  }

  /// Zela et al., RobustDARTS, ICLR 2020, §5, at the strength that the method has by itself; `publishedVariants` of the method are
  /// all of them. Without drop-path the code has no cutout either (src/search/args.py, lines 103–105).
  private static let regularised = SearchPreset(
    name: "paper-rdarts-l2-s1-cifar10", summary: "R-DARTS on S1, CIFAR-10, by a stronger weight decay",
    settings: [("method", "rdarts-l2")] + robustDARTSCode)

  private static let robustDARTS = [SearchSpace.s1, .s2, .s3, .s4].flatMap { space in
    [("cifar10", "CIFAR-10"), ("cifar100", "CIFAR-100"), ("svhn", "SVHN")].map { dataset, title in
      SearchPreset(
        name: "paper-rdarts-\(space.rawValue)-\(dataset)",
        summary: "the RobustDARTS benchmark \(space.rawValue.uppercased()) on \(title), as in the ZARTS paper",
        settings: published(space, "\(dataset):data/\(dataset)") + [("sigma", "0.2")])
    }
  }

  private static let laptop = SearchPreset(
    name: "laptop", summary: "a ZARTS search on Fashion-MNIST that takes about an hour on 2 cores",
    settings: [
      ("method", "zarts-mgs"), ("space", "s2"), ("dataset", "fashion-mnist"), ("epochs", "25"), ("warmup", "5"),
      ("channels", "16"), ("layers", "8"), ("batch", "64"), ("train_limit", "20480"),
    ])

  private static let smoke = SearchPreset(
    name: "smoke", summary: "seconds: shows that everything works, finds nothing",
    settings: [
      ("method", "zarts-mgs"), ("space", "s2"), ("dataset", "fashion-mnist"), ("epochs", "4"), ("warmup", "1"),
      ("channels", "4"), ("layers", "3"), ("batch", "16"), ("train_limit", "256"), ("inner_steps", "4"),
      ("candidates", "2"),
    ])
}

extension SearchPreset {
  /// What the preset of a method's own published search on one of S1 to S4 sets otherwise than this one, as config.yaml has it: for
  /// tables of many methods, whose searches have all else in common. Empty where there is no such preset.
  public func ownSettings(of method: SearchMethod) -> [(key: String, value: String)] {
    for preset in Self.all where preset != self && preset.name.hasPrefix("paper-") {
      // Tests read every preset.
      guard let own = try? SearchConfiguration(preset: preset), own.method == method,
        [.s1, .s2, .s3, .s4].contains(own.space),
        let common = try? SearchConfiguration(preset: self, given: .init(method: method, space: own.space))
      else { continue }
      return SearchConfiguration.fields.filter { $0.key != "dataset" && $0.write(own) != $0.write(common) }
        .map { ($0.key, $0.write(own)) }
    }
    return []
  }
}
