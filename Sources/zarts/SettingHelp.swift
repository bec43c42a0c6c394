import ArgumentParser
import Cells
import Search

/// The help of a flag that stands for a setting of config.yaml: what the setting is, the methods that read it, its default.
enum SettingHelp {
  /// - Parameters:
  ///   - meaning: what the flag means, where a command line gives the setting otherwise than config.yaml has it.
  ///   - usual: the default in words, where it goes with other settings or is no value.
  static func of(_ key: String, _ meaning: String? = nil, default usual: String? = nil) -> ArgumentHelp {
    let readers = SearchMethod.readers(of: key)
    let methods = readers.map { " (\($0.map(\.rawValue).joined(separator: ", ")))" } ?? ""
    let said = meaning ?? sentence(SearchConfiguration.field(key)?.meaning ?? "")
    return ArgumentHelp("\(said)\(methods). Default: \(usual ?? text(key, readers ?? SearchMethod.all)).")
  }

  /// The meaning of a setting as a sentence, with the letters that config.yaml spells out. A symbol in front, as in
  /// `k: epochs …`, stays as it is.
  private static func sentence(_ meaning: String) -> String {
    let letters = [("alpha", "α"), ("beta", "β"), ("sigma", "σ")]
    let text = letters.reduce(meaning) { $0.replacing($1.0, with: $1.1) }
    return text.dropFirst().first == ":" ? text : text.prefix(1).uppercased() + text.dropFirst()
  }

  /// The default, with the methods or spaces that have another than most.
  private static func text(_ key: String, _ methods: [SearchMethod]) -> String {
    func value(_ method: SearchMethod, _ space: SearchSpace) -> String {
      SearchConfiguration(method: method, space: space, dataset: "").text(of: key) ?? ""
    }
    let byMethod = methods.map { (name: $0.rawValue, value: value($0, .s6)) }
    let bySpace = SearchSpace.allCases.map { (name: $0.rawValue, value: value(methods[0], $0)) }
    return Set(byMethod.map(\.value)).count > 1 ? split(byMethod, "with") : split(bySpace, "on")
  }

  private static func split(_ entries: [(name: String, value: String)], _ preposition: String) -> String {
    let groups = Dictionary(grouping: entries, by: \.value)
    guard let usual = entries.max(by: { (groups[$0.value]?.count ?? 0) < (groups[$1.value]?.count ?? 0) }) else { return "" }
    var others: [String] = []
    for entry in entries where entry.value != usual.value && !others.contains(entry.value) { others.append(entry.value) }
    let parts = others.map { other in
      "\(other) \(preposition) \((groups[other] ?? []).map(\.name).joined(separator: ", "))"
    }
    return (parts + [parts.isEmpty ? usual.value : "else \(usual.value)"]).joined(separator: ", ")
  }
}
