import Cells
import Compute
import Datasets
import Formats
import Foundation
import Runs
import Yams

extension SearchMethod {
  /// Whether a setting of config.yaml makes a difference to the method.
  public func takes(_ key: String) -> Bool {
    guard let field = SearchConfiguration.field(key) else { return false }
    return field.methods?.contains(self) ?? true
  }
}

extension SearchConfiguration {
  /// Keys of settings that differ from their defaults although the method does not read them.
  public var ignoredSettings: [String] {
    var defaults = SearchConfiguration(method: method, space: space, dataset: dataset)
    defaults.mu = Self.defaultMu(space, rsDistribution)
    return Self.fields.filter { !method.takes($0.key) && $0.write(self) != $0.write(defaults) }.map(\.key)
  }

  /// One setting as it stands in the file.
  struct Field: Sendable {
    let key: String
    let comment: String
    /// The methods that read it; nil for all.
    var methods: [SearchMethod]?
    let wanted: String
    /// What a count may be, and the count of a configuration; nil where it has none.
    var bounds: CountBounds?
    var count: (@Sendable (SearchConfiguration) -> Int?)?
    let write: @Sendable (SearchConfiguration) -> String
    /// Answers whether the node holds such a value.
    let read: @Sendable (inout SearchConfiguration, Node) -> Bool

    /// - Throws: `InputError` where the count is out of bounds.
    func checkCount(of configuration: SearchConfiguration) throws {
      guard let bounds, let count = count?(configuration), !bounds.contains(count) else { return }
      throw InputError("value out of range", at: .setting(key), found: "\(count)", wanted: bounds.wanted)
    }

    /// The comment of its line in the file.
    var remark: String { methods.map { "\(comment) (\($0.map(\.rawValue).joined(separator: ", ")))" } ?? comment }
  }

  static func field(_ key: String) -> Field? { fields.first { $0.key == key } }

  private static let zeroOrder: [SearchMethod] = [.zartsRS, .zartsMGS, .zartsGLD]
  private static let darts: [SearchMethod] = [.darts1, .darts2, .darts1ES, .darts2ES]
  private static let earlyStopping: [SearchMethod] = [.darts1ES, .darts2ES]

  static let fields: [Field] = [
    choice("method", \.method, "how alpha is updated"),
    choice("space", \.space, "candidate operations of each edge"),
    Field(
      key: "dataset", comment: DatasetSpecification.forms, wanted: "text",
      write: { quoted($0.dataset) },
      read: { configuration, node in
        guard let text = node.string else { return false }
        configuration.dataset = text
        return true
      }),
    Field(
      key: "seed", comment: "key of every random number", wanted: "a whole number from 0 to 2^64 - 1",
      write: { "\($0.seed)" },
      read: { configuration, node in
        guard let seed = node.string.flatMap(UInt64.init) else { return false }
        configuration.seed = seed
        return true
      }),
    whole("epochs", \.epochs, RunBounds.epochs, "epochs of the search"),
    whole("warmup", \.warmup, RunBounds.warmup, "epochs at the start that train the weights alone"),
    whole("channels", \.channels, SupernetArchitecture.channelCounts, "channels of the first cells"),
    whole("layers", \.layers, SupernetArchitecture.layerCounts, "cells"),
    whole(
      "partial_channels", \.partialChannels, CountBounds(1...512),
      "K: operations see the first 1/K of the channels (PC-DARTS)"),
    flag("edge_normalisation", \.edgeNormalisation, "whether edges have weights of their own, beta (PC-DARTS)"),
    flag("merged_convolutions", \.mergedConvolutions, "whether the convolutions of an edge share one kernel (MergeNAS)"),
    number("skip_dropout", \.skipDropout, "rate at which skip connections drop values at first (P-DARTS)"),
    maximumSkipsField, operationsField, stagesField,
    whole("batch", \.batch, BatchLoader.batchSizes, "images in a batch"),
    Field(
      key: "train_limit", comment: "training images used, before they are split; null for all",
      wanted: "a whole number or null", bounds: RunBounds.halvedImages, count: \.trainLimit,
      write: { $0.trainLimit.map(String.init) ?? "null" },
      read: { configuration, node in
        configuration.trainLimit = node.string.flatMap { Int($0) }
        return configuration.trainLimit != nil || node.null != nil
      }),
    whole("threads", \.threads, RunBounds.threads, "0 for one a core; the result does not depend on it"),
    whole(
      "inner_steps", \.innerSteps, RunBounds.innerSteps, "M: weight steps of a candidate, and between two updates", zeroOrder
    ),
    whole(
      "candidates", \.candidates, RunBounds.candidates,
      "N: of an update; in random search, architectures tried an epoch",
      [.zartsRS, .zartsMGS, .random]),
    number("sigma", \.sigma, "standard deviation of candidates before its decay", [.zartsMGS]),
    choice("sigma_decay", \.sigmaDecay, "fall of sigma after the warm-up", [.zartsMGS]),
    number("tau", \.tau, "temperature of the candidates' weights", [.zartsMGS]),
    number("lambda", \.lambda, "share of candidates that ignore the gradient", [.zartsMGS]),
    choice("proposal", \.proposal, "importance weights", [.zartsMGS]),
    choice("rs_distribution", \.rsDistribution, "of the directions", [.zartsRS]),
    number("mu", \.mu, "distance of candidates along their directions", [.zartsRS]),
    number("xi", \.xi, "step along the negative gradient estimate", [.zartsRS]),
    flag("antithetic", \.antithetic, "whether candidates come in opposite pairs, which need no baseline", [.zartsRS]),
    number("radius", \.radius, "R: of the largest ball", [.zartsGLD]),
    whole("radii", \.radii, RunBounds.radii, "K: balls, each of half the radius of the one before", [.zartsGLD]),
    number("learning_rate", \.learningRate, "of the weights, in the first epoch"),
    number("minimum_learning_rate", \.minimumLearningRate, "towards which the cosine falls"),
    number("momentum", \.momentum, "of the weights"),
    number("weight_decay", \.weightDecay, "of the weights"),
    number("gradient_clip", \.gradientClip, "largest norm of the weights' gradient"),
    number("alpha_learning_rate", \.alphaLearningRate, "of Adam on alpha", darts),
    number("alpha_beta1", \.alphaBeta1, "of Adam on alpha", darts),
    number("alpha_beta2", \.alphaBeta2, "of Adam on alpha", darts),
    number("alpha_epsilon", \.alphaEpsilon, "of Adam on alpha", darts),
    number("alpha_weight_decay", \.alphaWeightDecay, "of Adam on alpha", darts),
    whole(
      "eigenvalue_every", \.eigenvalueEvery, RunBounds.interval.or(zero: "none"),
      "epochs between dominant eigenvalues of the Hessian of the validation loss in alpha; 0 for none"),
    whole("eigenvalue_batches", \.eigenvalueBatches, RunBounds.batches, "validation batches of that Hessian"),
    whole(
      "early_stop_window", \.earlyStopWindow, RunBounds.window,
      "k: epochs of its moving average, and back to the returned architecture",
      earlyStopping),
    number("early_stop_ratio", \.earlyStopRatio, "of averages k epochs apart, below which the search stops", earlyStopping),
    whole(
      "early_stop_start", \.earlyStopStart, RunBounds.start,
      "epochs before the earliest architecture that may be returned", earlyStopping),
    whole(
      "keep_last", \.keepLast, RunBounds.interval.or(zero: "all"),
      "checkpoints kept, 0 for all; the result does not depend on it"),
    whole(
      "checkpoint_every", \.checkpointEvery, RunBounds.stepInterval.or(zero: "none"),
      "weight steps between checkpoints within an epoch, 0 for none; the result does not depend on it"),
    flag("tensorboard", \.tensorboard, "whether event files are written; the result does not depend on it"),
  ]

  private typealias Path<Value> = WritableKeyPath<SearchConfiguration, Value> & Sendable

  private static func whole(
    _ key: String, _ path: Path<Int>, _ bounds: CountBounds, _ comment: String, _ methods: [SearchMethod]? = nil
  ) -> Field {
    Field(
      key: key, comment: comment, methods: methods, wanted: bounds.wanted, bounds: bounds, count: { $0[keyPath: path] },
      write: { "\($0[keyPath: path])" },
      read: { configuration, node in
        guard let value = node.string.flatMap({ Int($0) }) else { return false }
        configuration[keyPath: path] = value
        return true
      })
  }

  private static func number(
    _ key: String, _ path: Path<Double>, _ comment: String, _ methods: [SearchMethod]? = nil
  ) -> Field {
    Field(
      key: key, comment: comment, methods: methods, wanted: "a number", write: { decimal($0[keyPath: path]) },
      read: { configuration, node in
        guard let value = node.string.flatMap(Double.init) else { return false }
        configuration[keyPath: path] = value
        return true
      })
  }

  private static func flag(
    _ key: String, _ path: Path<Bool>, _ comment: String, _ methods: [SearchMethod]? = nil
  ) -> Field {
    Field(
      key: key, comment: comment, methods: methods, wanted: "true or false", write: { "\($0[keyPath: path])" },
      read: { configuration, node in
        guard let value = node.bool else { return false }
        configuration[keyPath: path] = value
        return true
      })
  }

  private static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
    _ key: String, _ path: Path<Value>, _ comment: String, _ methods: [SearchMethod]? = nil
  ) -> Field {
    let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
    return Field(
      key: key, comment: "\(comment): \(names)", methods: methods, wanted: "one of \(names)",
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
