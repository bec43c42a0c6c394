import Foundation
import Supernet
import Yams

extension SearchConfiguration {
  /// The content of a run's config.yaml: every setting, one a line, with its meaning.
  public var yaml: String {
    "# zarts search --config THIS_FILE --out DIR repeats the run.\n"
      + Self.fields.map { "\($0.key): \($0.write(self))  # \($0.comment)\n" }.joined()
  }

  /// Reads a configuration from YAML text; settings that are absent keep the defaults of the method and the space.
  ///
  /// - Parameter place: named in errors, a path as a rule.
  /// - Throws: `SearchError.invalid` for text that is not YAML, an unknown key, a value of a wrong type or out of range.
  public init(yaml: String, from place: String) throws {
    let root: Node?
    do {
      root = try Yams.compose(yaml: yaml)
    } catch {
      // The parser's account goes on with the text itself.
      let account = "\(error)".prefix { $0 != "\n" }
      throw SearchError.invalid("not YAML", at: place, found: String(account), wanted: "lines of 'key: value'")
    }
    guard let mapping = root?.mapping else {
      throw SearchError.invalid("not a configuration", at: place, found: "no mapping", wanted: "lines of 'key: value'")
    }
    var values: [String: Node] = [:]
    for (key, value) in mapping {
      let name = key.string ?? ""
      guard Self.fields.contains(where: { $0.key == name }) else {
        throw SearchError.invalid(
          "unknown setting", at: place, found: "'\(name)'", wanted: Self.fields.map(\.key).joined(separator: ", "))
      }
      values[name] = value
    }
    for name in ["method", "space", "dataset"] where values[name] == nil {
      throw SearchError.invalid("incomplete configuration", at: place, found: "no '\(name)'", wanted: "a value for it")
    }
    self.init(method: .darts1, space: .s6, dataset: "")
    for name in ["method", "space"] { try set(name, values[name], place) }
    self.init(method: method, space: space, dataset: "")
    for field in Self.fields { try set(field.key, values[field.key], place) }
    try validate()
  }

  private mutating func set(_ key: String, _ node: Node?, _ place: String) throws {
    guard let node, let field = Self.fields.first(where: { $0.key == key }) else { return }
    guard field.read(&self, node) else {
      let found = node.string.map { "'\($0)'" } ?? "a list or mapping"
      throw SearchError.invalid("wrong value", at: "\(place): \(key)", found: found, wanted: field.wanted)
    }
  }

  /// One setting as it stands in the file.
  private struct Field: Sendable {
    let key: String
    let comment: String
    let wanted: String
    let write: @Sendable (SearchConfiguration) -> String
    /// Answers whether the node holds such a value.
    let read: @Sendable (inout SearchConfiguration, Node) -> Bool
  }

  private static let fields: [Field] = [
    choice("method", \.method, "how alpha is updated"),
    choice("space", \.space, "candidate operations of each edge"),
    Field(
      key: "dataset", comment: "fashion-mnist, cifar10:DIR or tensors:FILE", wanted: "text",
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
    whole("epochs", \.epochs, "epochs of the search"),
    whole("warmup", \.warmup, "epochs at the start that train the weights alone"),
    whole("channels", \.channels, "channels of the first cells"),
    whole("layers", \.layers, "cells"),
    whole("batch", \.batch, "images in a batch"),
    Field(
      key: "train_limit", comment: "training images used, before they are split; null for all",
      wanted: "a whole number or null",
      write: { $0.trainLimit.map(String.init) ?? "null" },
      read: { configuration, node in
        configuration.trainLimit = node.string.flatMap { Int($0) }
        return configuration.trainLimit != nil || node.null != nil
      }),
    whole("threads", \.threads, "0 for one a core; the result does not depend on it"),
    whole("inner_steps", \.innerSteps, "M: weight steps of a candidate, and between two updates (ZARTS)"),
    whole("candidates", \.candidates, "N (ZARTS)"),
    number("sigma", \.sigma, "standard deviation of candidates before its cosine decay (ZARTS)"),
    number("tau", \.tau, "temperature of the candidates' weights (ZARTS)"),
    number("lambda", \.lambda, "share of candidates that ignore the gradient (ZARTS)"),
    choice("proposal", \.proposal, "importance weights (ZARTS)"),
    number("learning_rate", \.learningRate, "of the weights, in the first epoch"),
    number("minimum_learning_rate", \.minimumLearningRate, "towards which the cosine falls"),
    number("momentum", \.momentum, "of the weights"),
    number("weight_decay", \.weightDecay, "of the weights"),
    number("gradient_clip", \.gradientClip, "largest norm of the weights' gradient"),
    number("alpha_learning_rate", \.alphaLearningRate, "of Adam on alpha (DARTS)"),
    number("alpha_beta1", \.alphaBeta1, "of Adam on alpha (DARTS)"),
    number("alpha_beta2", \.alphaBeta2, "of Adam on alpha (DARTS)"),
    number("alpha_epsilon", \.alphaEpsilon, "of Adam on alpha (DARTS)"),
    number("alpha_weight_decay", \.alphaWeightDecay, "of Adam on alpha (DARTS)"),
  ]

  private typealias Path<Value> = WritableKeyPath<SearchConfiguration, Value> & Sendable

  private static func whole(_ key: String, _ path: Path<Int>, _ comment: String) -> Field {
    Field(
      key: key, comment: comment, wanted: "a whole number", write: { "\($0[keyPath: path])" },
      read: { configuration, node in
        guard let value = node.string.flatMap({ Int($0) }) else { return false }
        configuration[keyPath: path] = value
        return true
      })
  }

  private static func number(_ key: String, _ path: Path<Double>, _ comment: String) -> Field {
    Field(
      key: key, comment: comment, wanted: "a number", write: { decimal($0[keyPath: path]) },
      read: { configuration, node in
        guard let value = node.string.flatMap(Double.init) else { return false }
        configuration[keyPath: path] = value
        return true
      })
  }

  private static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
    _ key: String, _ path: Path<Value>, _ comment: String
  ) -> Field {
    let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
    return Field(
      key: key, comment: "\(comment): \(names)", wanted: "one of \(names)", write: { $0[keyPath: path].rawValue },
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
