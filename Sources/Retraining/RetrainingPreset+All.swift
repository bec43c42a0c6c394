extension RetrainingPreset {
  /// All presets. docs/retraining.md has a table of their values and what differs between papers and code.
  public static let all: [RetrainingPreset] =
    [cifar, imagenet, nb201] + robustDARTS + [robustDARTSScript] + later + sdarts + dartsPT + zarts

  private static let cifar = RetrainingPreset(
    name: "cifar", summary: "DARTS on CIFAR-10: 20 cells, 36 channels, 600 epochs, batch 96",
    source: "DARTS, §3.2; quark0/darts, cnn/train.py, lines 22–40"
  ) { ($0.channels, $0.layers) = (36, 20) }

  private static let imagenet = RetrainingPreset(
    name: "imagenet", summary: "DARTS on ImageNet: 14 cells, 48 channels, 250 epochs, batch 128",
    source: "DARTS, §A.2; quark0/darts, cnn/train_imagenet.py, lines 24–42", scale: .imagenet
  ) { ($0.channels, $0.layers) = (48, 14) }

  private static let nb201 = RetrainingPreset(
    name: "nb201", summary: "NAS-Bench-201's table: 15 cells in three stages, 16 channels, 200 epochs, batch 256",
    source: "NAS-Bench-201, table 1; D-X-Y/AutoDL-Projects, configs/nas-benchmark/CIFAR.config"
  ) { $0.useStageDefaults() }

  private static let datasets = ["cifar10", "cifar100", "svhn"]
  private static func place(_ dataset: String) -> String { "\(dataset):data/\(dataset)" }

  /// RobustDARTS (ICLR 2020) reports the networks of its twelve benchmarks at three sizes.
  private static let robustDARTS = ["s1", "s2", "s3", "s4"].flatMap { space in
    datasets.map { dataset in
      let isCIFAR10 = dataset == "cifar10"
      let isWide = isCIFAR10 && (space == "s1" || space == "s3")
      let (channels, layers) = (isWide ? 36 : 16, isCIFAR10 ? 20 : 8)
      return RetrainingPreset(
        name: "rdarts-\(space)-\(dataset)",
        summary: "RobustDARTS' benchmark \(space.uppercased()) on \(dataset): \(layers) cells, \(channels) channels",
        source: "RobustDARTS, as the papers after it report its sizes", dataset: place(dataset)
      ) { ($0.channels, $0.layers) = (channels, layers) }
    }
  }

  private static let robustDARTSScript = RetrainingPreset(
    name: "rdarts-script", summary: "RobustDARTS' own script, for every space and dataset: 8 cells, 16 channels",
    source: "automl/RobustDARTS, src/evaluation/args.py, lines 32–49; scripts/DARTS_eval.sh"
  ) { ($0.channels, $0.layers) = (16, 8) }

  /// The methods of which comparisons are made.
  private static let later = [
    RetrainingPreset(
      name: "pdarts-cifar", summary: "P-DARTS on CIFAR: batch 128, drop-path 0.3",
      source: "chenxin061/pdarts, train_cifar.py, lines 22–38"
    ) { ($0.batch, $0.dropPath) = (128, 0.3) },
    RetrainingPreset(
      name: "pdarts-imagenet", summary: "P-DARTS on ImageNet: batch 1024, linear from 0.5 after 5 warm-up epochs",
      source: "P-DARTS, §4.4; chenxin061/pdarts, train_imagenet.py, lines 142–193", scale: .imagenet
    ) { largeBatch(&$0, learningRate: 0.5, warmupTarget: .schedule) },
    RetrainingPreset(
      name: "pcdarts-cifar", summary: "PC-DARTS on CIFAR: batch 96, drop-path 0.3",
      source: "yuhuixu1993/PC-DARTS, train.py, lines 23–41"
    ) { ($0.batch, $0.dropPath) = (96, 0.3) },
    RetrainingPreset(
      name: "pcdarts-imagenet", summary: "PC-DARTS on ImageNet: batch 1024, linear from 0.5 after 5 warm-up epochs",
      source: "yuhuixu1993/PC-DARTS, train_imagenet.py, lines 24–40 and 145–194", scale: .imagenet
    ) { largeBatch(&$0, learningRate: 0.5, warmupTarget: .start) },
    RetrainingPreset(
      name: "sdarts-imagenet", summary: "SDARTS on ImageNet: as PC-DARTS",
      source: "xiangning-chen/SmoothDARTS, sota/cnn/train_imagenet.py, lines 26–43 and 155–205", scale: .imagenet
    ) { largeBatch(&$0, learningRate: 0.5, warmupTarget: .start) },
  ]

  private static let sdarts = datasets.map { dataset in
    RetrainingPreset(
      name: "sdarts-\(dataset)", summary: "SDARTS on \(dataset), every space: 20 cells, 36 channels, batch 96",
      source: "xiangning-chen/SmoothDARTS, sota/cnn/train.py, lines 26–45", dataset: place(dataset)
    ) { ($0.channels, $0.layers) = (36, 20) }
  }

  private static let dartsPT = datasets.map { dataset in
    let isCIFAR10 = dataset == "cifar10"
    let (channels, layers) = isCIFAR10 ? (36, 20) : (16, 8)
    let script = isCIFAR10 ? "eval.sh" : dataset == "svhn" ? "eval-svhn.sh" : "eval-c100.sh"
    return RetrainingPreset(
      name: "dartspt-\(dataset)",
      summary: "DARTS-PT on \(dataset), every space: \(layers) cells, \(channels) channels, batch 96",
      source: "ruocwang/darts-pt, exp_scripts/\(script); sota/cnn/train.py, lines 26–45", dataset: place(dataset)
    ) { ($0.channels, $0.layers) = (channels, layers) }
  }

  /// The scripts of the code that the authors of ZARTS released.
  private static let zarts =
    datasets.map { dataset in
      RetrainingPreset(
        name: "zarts-\(dataset)",
        summary: "ZARTS on \(dataset), s1 to s4 and s6: 20 cells, 36 channels, batch 64",
        source: "vicFigure/ZARTS, cnn/script/run_fulltrain.sh and run_fulltrain_rdarts.sh, lines 4–10",
        dataset: place(dataset)
      ) { ($0.channels, $0.layers, $0.batch) = (36, 20, 64) }
    }
    + [
      RetrainingPreset(
        name: "zarts-imagenet", summary: "ZARTS on ImageNet: batch 1024, linear from 0.1 after 5 warm-up epochs",
        source: "vicFigure/ZARTS, cnn/script/run_fulltrain_imagenet.sh; cnn/train_imagenet_distributed.py, lines 30–45",
        scale: .imagenet
      ) { largeBatch(&$0, learningRate: 0.1, warmupTarget: .schedule) }
    ]

  /// `adjust_lr` of P-DARTS and what took it over.
  private static func largeBatch(
    _ configuration: inout RetrainingConfiguration, learningRate: Double, warmupTarget: RetrainingSchedule.WarmupTarget
  ) {
    (configuration.batch, configuration.learningRate) = (1024, learningRate)
    (configuration.schedule, configuration.warmupEpochs, configuration.warmupTarget) = (.linear, 5, warmupTarget)
  }
}
