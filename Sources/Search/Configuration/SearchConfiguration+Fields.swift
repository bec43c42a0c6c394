import Cells
import Compute
import Datasets
import Engine
import Formats
import Foundation
import Problems
import Runs
import Yams

extension SearchConfiguration {
  /// Whether a setting is of something that is not switched on in this search.
  package func isIdle(_ key: String) -> Bool { Self.field(key)?.isIdle(self) ?? false }

  /// Keys of settings that differ from their defaults although the method, or what is switched on, does not read them.
  public var ignoredSettings: [String] {
    var defaults = SearchConfiguration(method: method, space: space, dataset: dataset)
    defaults.mu = Self.defaultMu(space, rsDistribution)
    return Self.fields.filter {
      (!takes($0.key) || $0.isIdle(self)) && $0.write(self) != $0.write(defaults)
    }.map(\.key)
  }

  /// One setting as it stands in the file.
  package struct Field: Sendable {
    package let key: String
    /// What it is, for config.yaml and for the help of its flag.
    package let meaning: String
    /// What it may be, where that is one of a few names.
    private let choices: String?
    package let affects: SettingEffect
    let wanted: String
    /// What is wrong with the value of a configuration taken by itself; nil where nothing is.
    let fault: @Sendable (SearchConfiguration) -> (found: String, wanted: String)?
    package let write: @Sendable (SearchConfiguration) -> String
    /// Answers whether the node holds such a value.
    let read: @Sendable (inout SearchConfiguration, Node) -> Bool
    /// Puts the value of the first configuration into the second.
    let copy: @Sendable (SearchConfiguration, inout SearchConfiguration) -> Void

    init<Value>(
      _ key: String, _ meaning: String, _ path: WritableKeyPath<SearchConfiguration, Value> & Sendable,
      affects: SettingEffect, wanted: String, choices: String? = nil,
      fault: @escaping @Sendable (SearchConfiguration) -> (found: String, wanted: String)? = { _ in nil },
      write: @escaping @Sendable (SearchConfiguration) -> String,
      read: @escaping @Sendable (inout SearchConfiguration, Node) -> Bool
    ) {
      self.key = key
      self.meaning = meaning
      self.choices = choices
      self.affects = affects
      self.wanted = wanted
      self.fault = fault
      self.write = write
      self.read = read
      copy = { $1[keyPath: path] = $0[keyPath: path] }
    }

    /// Whether digests are not of the field where it has the value of versions without it: shared warm-ups had names before
    /// there was such a setting, and keep them.
    package private(set) var isLater = false
    /// Gives the setting what versions without it did; nil where that is its default.
    private(set) var setEarlier: (@Sendable (inout SearchConfiguration) -> Void)?

    /// The same for a setting that came later than the names of shared warm-ups, and whose default is what was done before.
    var later: Field {
      var result = self
      result.isLater = true
      return result
    }

    /// The same where earlier versions did something else than the default: files that lack the key mean that.
    func later(
      was setEarlier: @escaping @Sendable (inout SearchConfiguration) -> Void
    ) -> Field {
      var result = later
      result.setEarlier = setEarlier
      return result
    }

    /// Whether it is of something that a search has not switched on.
    private(set) var isIdle: @Sendable (SearchConfiguration) -> Bool = { _ in false }

    /// The same for a setting of what has to be switched on by another.
    func idle(where isIdle: @escaping @Sendable (SearchConfiguration) -> Bool) -> Field {
      var result = self
      result.isIdle = isIdle
      return result
    }

    /// - Throws: `InputError` where the value is out of bounds.
    func check(_ configuration: SearchConfiguration) throws {
      guard let fault = fault(configuration) else { return }
      throw InputError("value out of range", at: .setting(key), found: fault.found, wanted: fault.wanted)
    }

    /// The comment of its line in the file.
    var remark: String {
      let comment = choices.map { "\(meaning): \($0)" } ?? meaning
      return SearchMethod.readers(of: key).map { "\(comment) (\($0.map(\.rawValue).joined(separator: ", ")))" } ?? comment
    }
  }

  package static func field(_ key: String) -> Field? { fields.first { $0.key == key } }

  package static let fields: [Field] = [
    choice("method", \.method, .afterWarmup, "how alpha is updated"),
    choice("space", \.space, .warmup, "candidate operations of each edge"),
    Field(
      "dataset", DatasetSpecification.forms, \.dataset, affects: .dataset, wanted: "text",
      fault: { $0.dataset.isEmpty ? ("''", DatasetSpecification.forms) : nil },
      write: { quoted($0.dataset) },
      read: { configuration, node in
        guard let text = node.string else { return false }
        configuration.dataset = text
        return true
      }),
    Field(
      "seed", "key of every random number", \.seed, affects: .warmup, wanted: "a whole number from 0 to 2^64 - 1",
      write: { "\($0.seed)" },
      read: { configuration, node in
        guard let seed = node.string.flatMap(UInt64.init) else { return false }
        configuration.seed = seed
        return true
      }),
    whole("epochs", \.epochs, .warmup, RunBounds.epochs, "epochs of the search"),
    whole("warmup", \.warmup, .afterWarmup, RunBounds.warmup, "epochs at the start that train the weights alone"),
    whole(
      "channels", \.channels, .warmup, SupernetArchitecture.channelCounts, "channels of the first cells, a multiple of 4"),
    whole("layers", \.layers, .warmup, SupernetArchitecture.layerCounts, "cells, 3 or more"),
    choice(
      "scale", \.scale, .warmup, "images that the network is for: a stem at full resolution, or one that divides it by 8"
    ).later,
    whole(
      "partial_channels", \.partialChannels, .warmup, CountBounds(1...512),
      "K: operations see the first 1/K of the channels (PC-DARTS)"),
    flag("edge_normalisation", \.edgeNormalisation, .warmup, "whether edges have weights of their own, beta (PC-DARTS)"),
    flag(
      "merged_convolutions", \.mergedConvolutions, .warmup, "whether the convolutions of an edge share one kernel (MergeNAS)"
    ),
    number(
      "skip_dropout", \.skipDropout, .warmup, .belowOne, "rate at which skip connections drop values at first (P-DARTS)"),
    number(
      "drop_path", \.dropPath, .warmup, .belowOne,
      "probability with which an image drops an edge of a cell in the last epoch, from 0 in the first (RobustDARTS)"
    ).later,
    whole(
      "cutout", \.cutout, .warmup, CountBounds(2...2 * SupernetArchitecture.imageSizes.range.upperBound, zero: "none"),
      "side of the square cut out of the images of steps and updates, 0 for none; tensors are used as they are"
    ).later,
    number(
      "cutout_probability", \.cutoutProbability, .warmup, .fraction, "probability of that cutout, in the last epoch"
    ).later.idle { $0.cutout == 0 },
    flag(
      "cutout_ramp", \.rampsCutout, .warmup, "whether that probability rises from 0 in the first epoch (RobustDARTS)"
    ).later.idle { $0.cutout == 0 },
    number(
      "auxiliary_skip", \.auxiliarySkip, .warmup, .fromZero,
      "beta: weight of a skip connection that every edge has beside its mixture, at first; 0 for none (DARTS-)"
    ).later,
    choice("auxiliary_decay", \.auxiliaryDecay, .warmup, "fall of that weight over the epochs").later
      .idle { $0.auxiliarySkip == 0 },
    maximumSkipsField, operationsField, stagesField,
    whole("batch", \.batch, .warmup, BatchLoader.batchSizes, "images in a batch"),
    Field(
      "train_limit", "training images used, before they are split; null for all", \.trainLimit, affects: .warmup,
      wanted: "a whole number or null", fault: fault(RunBounds.halvedImages, \.trainLimit),
      write: { $0.trainLimit.map(String.init) ?? "null" },
      read: { configuration, node in
        configuration.trainLimit = node.string.flatMap { Int($0) }
        return configuration.trainLimit != nil || node.null != nil
      }),
    choice(
      "split", \.split, .warmup, "order in which training images are taken and halved"
    ).later,
    flag(
      "running_validation", \.runningValidation, .warmup,
      "whether the validation split is evaluated with running statistics too"
    ).later,
    choice(
      "validation_sampling", \.validationSampling, .afterWarmup,
      "validation batches of updates: one after the other through an order of the epoch, or each drawn afresh"
    ).later,
    choice(
      "depthwise_initialisation", \.depthwiseInitialisation, .warmup, "size of depthwise weights at the start"
    ).later,
    choice(
      "batch_norm_initialisation", \.batchNormInitialisation, .warmup,
      "scales of batch norms at the start; in a search of those outside the cells"
    ).later,
    whole(
      "threads", \.threads, .nothing, RunBounds.threads,
      "0 for one a processor that the process may use; the result does not depend on it"),
    whole(
      "groups", \.groups, .nothing, RunBounds.groups,
      "candidates at a time, each on its part of the threads, 0 for a choice by threads and memory; the result does not depend on it"
    ).later,
    choice("engine", \.engine, .nothing, "what computes the network").later,
    whole(
      "inner_steps", \.innerSteps, .afterWarmup, RunBounds.innerSteps,
      "M: weight steps of a candidate, and between two updates"),
    whole(
      "candidates", \.candidates, .afterWarmup, RunBounds.candidates,
      "N: candidates of an update; in random search, architectures tried an epoch"),
    number("sigma", \.sigma, .afterWarmup, .aboveZero, "standard deviation of candidates before its decay"),
    choice("sigma_decay", \.sigmaDecay, .afterWarmup, "fall of sigma after the warm-up"),
    number("tau", \.tau, .afterWarmup, .aboveZero, "temperature of the candidates' weights"),
    number("lambda", \.lambda, .afterWarmup, .fraction, "share of candidates that ignore the gradient"),
    choice("proposal", \.proposal, .afterWarmup, "importance weights of candidates"),
    choice("rs_distribution", \.rsDistribution, .afterWarmup, "directions of candidates"),
    number("mu", \.mu, .afterWarmup, .aboveZero, "distance of candidates along their directions"),
    number("xi", \.xi, .afterWarmup, .aboveZero, "step along the negative gradient estimate"),
    flag("antithetic", \.antithetic, .afterWarmup, "whether candidates come in opposite pairs, which need no baseline"),
    number("radius", \.radius, .afterWarmup, .aboveZero, "R: radius of the largest ball of candidates"),
    whole("radii", \.radii, .afterWarmup, RunBounds.radii, "K: balls, each of half the radius of the one before"),
    choice("gld_distribution", \.gldDistribution, .afterWarmup, "where in a ball its candidate lies").later,
    flag(
      "untrained_baseline", \.untrainedBaseline, .afterWarmup,
      "whether candidates have to be better than alpha without inner training"
    ).later,
    optionalNumber(
      "candidate_learning_rate", \.candidateLearningRate, .afterWarmup, .aboveZero,
      "of candidates' inner training; null for that of the epoch"
    ).later,
    optionalNumber(
      "candidate_momentum", \.candidateMomentum, .afterWarmup, .belowOne,
      "of candidates' inner training, from rest; null for the run's, with its velocity"
    ).later,
    number("learning_rate", \.learningRate, .warmup, .aboveZero, "of the weights, in the first epoch"),
    number("minimum_learning_rate", \.minimumLearningRate, .warmup, .any, "towards which the cosine falls"),
    number("momentum", \.momentum, .warmup, .belowOne, "of the weights"),
    number("weight_decay", \.weightDecay, .warmup, .fromZero, "of the weights"),
    number("gradient_clip", \.gradientClip, .warmup, .limit, "largest norm of the weights' gradient"),
    choice("perturbation", \.perturbation, .afterWarmup, "of the mixing weights that the weights are trained at (SDARTS)")
      .later,
    number(
      "perturbation_size", \.perturbationSize, .afterWarmup, .fraction,
      "largest perturbation of a mixing weight, towards which it grows with the epochs"
    ).later.idle { $0.perturbation == .none },
    number("perturbation_start", \.perturbationStart, .afterWarmup, .fraction, "the same in the first epoch").later
      .idle { $0.perturbation == .none },
    whole(
      "perturbation_steps", \.perturbationSteps, .afterWarmup, CountBounds(1...1000),
      "steps of ascent of an adversarial perturbation"
    ).later.idle { $0.perturbation != .adversarial },
    number("alpha_learning_rate", \.alphaLearningRate, .afterWarmup, .aboveZero, "of Adam on alpha"),
    number("alpha_beta1", \.alphaBeta1, .afterWarmup, .belowOne, "of Adam on alpha"),
    number("alpha_beta2", \.alphaBeta2, .afterWarmup, .belowOne, "of Adam on alpha"),
    number("alpha_epsilon", \.alphaEpsilon, .afterWarmup, .aboveZero, "of Adam on alpha"),
    number("alpha_weight_decay", \.alphaWeightDecay, .afterWarmup, .fromZero, "of Adam on alpha"),
    whole(
      "eigenvalue_every", \.eigenvalueEvery, .afterWarmup, RunBounds.interval.or(zero: "none"),
      "epochs between dominant eigenvalues of the Hessian of the validation loss in alpha; 0 for none"),
    whole("eigenvalue_batches", \.eigenvalueBatches, .afterWarmup, RunBounds.batches, "validation batches of that Hessian"),
    choice("hessian", \.hessian, .afterWarmup, "how products of that Hessian are made").later(
      was: { $0.hessian = .difference }),
    whole(
      "early_stop_window", \.earlyStopWindow, .afterWarmup, RunBounds.window,
      "eigenvalues of its moving average"),
    whole(
      "early_stop_distance", \.earlyStopDistance, .afterWarmup, RunBounds.lag.or(zero: "the window"),
      "k: eigenvalues back to the returned architecture; 0 for the window"
    ).later,
    number(
      "early_stop_ratio", \.earlyStopRatio, .afterWarmup, .ratio,
      "ratio of averages k epochs apart below which the search stops"),
    whole(
      "early_stop_start", \.earlyStopStart, .afterWarmup, RunBounds.start,
      "epochs before the earliest architecture that may be returned"),
    number(
      "adaptive_decay_factor", \.adaptiveDecayFactor, .afterWarmup, .fromOne,
      "factor of weight_decay where the rule of early stopping fires and the search goes back; 1 for never"
    ).later,
    number(
      "adaptive_decay_maximum", \.adaptiveDecayMaximum, .afterWarmup, .aboveZero,
      "weight decay that is not raised any more"
    ).later.idle { $0.adaptiveDecayFactor == 1 },
    whole(
      "keep_last", \.keepLast, .nothing, RunBounds.interval.or(zero: "all"),
      "checkpoints kept, 0 for all; the result does not depend on it"),
    whole(
      "checkpoint_every", \.checkpointEvery, .nothing, RunBounds.stepInterval.or(zero: "none"),
      "weight steps between checkpoints within an epoch, 0 for none; the result does not depend on it"),
    flag("tensorboard", \.tensorboard, .nothing, "whether event files are written; the result does not depend on it"),
  ]

  private typealias Path<Value> = WritableKeyPath<SearchConfiguration, Value> & Sendable

  /// Of a count that may be absent.
  static func fault(
    _ bounds: CountBounds, _ count: @escaping @Sendable (SearchConfiguration) -> Int?
  ) -> @Sendable (SearchConfiguration) -> (found: String, wanted: String)? {
    { configuration in
      guard let count = count(configuration), !bounds.contains(count) else { return nil }
      return ("\(count)", bounds.wanted)
    }
  }

  private static func whole(
    _ key: String, _ path: Path<Int>, _ affects: SettingEffect, _ bounds: CountBounds, _ meaning: String
  ) -> Field {
    Field(
      key, meaning, path, affects: affects, wanted: bounds.wanted, fault: fault(bounds) { $0[keyPath: path] },
      write: { "\($0[keyPath: path])" },
      read: { configuration, node in
        guard let value = node.string.flatMap({ Int($0) }) else { return false }
        configuration[keyPath: path] = value
        return true
      })
  }

  private static func number(
    _ key: String, _ path: Path<Double>, _ affects: SettingEffect, _ bounds: RealBounds, _ meaning: String
  ) -> Field {
    Field(
      key, meaning, path, affects: affects, wanted: "a number",
      fault: { configuration in
        let value = configuration[keyPath: path]
        return bounds.contains(value) ? nil : ("\(value)", bounds.wanted)
      }, write: { decimal($0[keyPath: path]) },
      read: { configuration, node in
        guard let value = node.string.flatMap(Double.init) else { return false }
        configuration[keyPath: path] = value
        return true
      })
  }

  private static func optionalNumber(
    _ key: String, _ path: Path<Double?>, _ affects: SettingEffect, _ bounds: RealBounds, _ meaning: String
  ) -> Field {
    Field(
      key, meaning, path, affects: affects, wanted: "a number or null",
      fault: { configuration in
        guard let value = configuration[keyPath: path], !bounds.contains(value) else { return nil }
        return ("\(value)", bounds.wanted)
      }, write: { $0[keyPath: path].map(decimal) ?? "null" },
      read: { configuration, node in
        configuration[keyPath: path] = node.string.flatMap(Double.init)
        return configuration[keyPath: path] != nil || node.null != nil
      })
  }

  private static func flag(
    _ key: String, _ path: Path<Bool>, _ affects: SettingEffect, _ meaning: String
  ) -> Field {
    Field(
      key, meaning, path, affects: affects, wanted: "true or false", write: { "\($0[keyPath: path])" },
      read: { configuration, node in
        guard let value = node.bool else { return false }
        configuration[keyPath: path] = value
        return true
      })
  }

  private static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
    _ key: String, _ path: Path<Value>, _ affects: SettingEffect, _ meaning: String
  ) -> Field {
    let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
    return Field(
      key, meaning, path, affects: affects, wanted: "one of \(names)", choices: names,
      write: { $0[keyPath: path].rawValue },
      read: { configuration, node in
        guard let value = node.string.flatMap(Value.init) else { return false }
        configuration[keyPath: path] = value
        return true
      })
  }

  /// The shortest text that reads back to the same bits. YAML 1.1 readers take 1e-05 for text, so a point goes in.
  private static func decimal(_ value: Double) -> String {
    let text = "\(value)"
    guard let exponent = text.firstIndex(of: "e"), !text[..<exponent].contains(".") else { return text }
    return text[..<exponent] + ".0" + text[exponent...]
  }

  /// A double-quoted YAML scalar.
  private static func quoted(_ text: String) -> String {
    let escaped = text.unicodeScalars.map { scalar -> String in
      switch scalar {
      case "\"": "\\\""
      case "\\": "\\\\"
      case "\n": "\\n"
      case let control where control.value < 0x20 || control.value == 0x7F:
        String(format: "\\x%02x", control.value)
      default: String(scalar)
      }
    }
    return "\"" + escaped.joined() + "\""
  }
}
