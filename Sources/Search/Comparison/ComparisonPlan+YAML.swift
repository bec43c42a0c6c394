import Cells
import Formats

extension ComparisonPlan {
  /// The content of compare.yaml: the lists and every setting of every run, so that the file repeats the comparison
  /// whatever the defaults become.
  ///
  /// A setting that was given stands under `settings` where it is the same for all runs. A default that goes with the method
  /// or the space stands with these, so that a method or space added later has its own.
  public var yaml: String {
    var (common, bySpace, byMethod, byBoth) = ([String](), Layer(), Layer(), Layer())
    for field in SearchConfiguration.fields where !ComparisonText.listed.contains(field.key) {
      let values = bases.map { ($0.space, $0.method, field.write($0)) }
      func line(_ value: String) -> String { "\(field.key): \(value)" }
      func isFunction<Key: Hashable>(of key: (SearchSpace, SearchMethod) -> Key) -> Bool {
        Dictionary(grouping: values) { key($0.0, $0.1) }.values.allSatisfy { group in
          group.allSatisfy { $0.2 == group[0].2 }
        }
      }
      let dependence = given[field.key] ?? Self.dependence(of: field)
      if dependence == .none, isFunction(of: { _, _ in 0 }) {
        common.append("\(line(values[0].2))  # \(field.remark)")
      } else if dependence == .none || dependence == .space, isFunction(of: { space, _ in space }) {
        for (space, _, value) in values { bySpace.add(line(value), to: space.rawValue) }
      } else if dependence == .none || dependence == .method, isFunction(of: { _, method in method }) {
        for (_, method, value) in values { byMethod.add(line(value), to: method.rawValue) }
      } else {
        for (space, method, value) in values { byBoth.add(line(value), to: "\(space.rawValue)/\(method.rawValue)") }
      }
    }
    let (unit, steps): (String, String) =
      switch budget {
      case .epochs: ("epochs", "null")
      case .steps(let steps): ("steps", steps.map(String.init) ?? "null")
      }
    return """
      # zarts compare THIS_FILE --out DIR repeats the comparison.
      methods: [\(methods.map(\.rawValue).joined(separator: ", "))]
      seeds: [\(seeds.map(String.init).joined(separator: ", "))]
      spaces: [\(spaces.map(\.rawValue).joined(separator: ", "))]
      datasets: [\(datasets.map(JSONText.quoted).joined(separator: ", "))]
      budget: \(unit)  # what all methods get the same of: epochs, steps
      budget_steps: \(steps)  # weight steps with those of candidates; null for those of the dearest method
      settings:
      \(common.map { "  \($0)\n" }.joined())
      """ + bySpace.text("space_settings") + byMethod.text("method_settings") + byBoth.text("run_settings")
        + variantsText
  }

  /// Nothing where there are none.
  private var variantsText: String {
    let members = methods.compactMap { method in
      variants[method].map { list in
        "  \(method.rawValue):\n" + list.map { "    - \($0.yaml)\n" }.joined()
      }
    }
    return members.isEmpty ? "" : "variants:\n" + members.joined()
  }

  /// Lines under names, in the order in which the names came.
  private struct Layer {
    private var names: [String] = []
    private var lines: [String: [String]] = [:]

    mutating func add(_ line: String, to name: String) {
      if lines[name] == nil { names.append(name) }
      if lines[name]?.contains(line) != true { lines[name, default: []].append(line) }
    }

    func text(_ key: String) -> String {
      guard !names.isEmpty else { return "" }
      let members = names.map { name in "  \(name):\n" + (lines[name] ?? []).map { "    \($0)\n" }.joined() }
      return "\(key):\n" + members.joined()
    }
  }

  /// What the default of a setting goes with.
  private static func dependence(of field: SearchConfiguration.Field) -> Dependence {
    func value(_ method: SearchMethod, _ space: SearchSpace) -> String {
      field.write(SearchConfiguration(method: method, space: space, dataset: ""))
    }
    if Set(SearchMethod.allCases.map { value($0, .s6) }).count > 1 { return .method }
    // Sizes of networks of another family stand with their space where they differ.
    let family = SearchSpace.allCases.filter { $0.kinds == .darts }
    return Set(family.map { value(.neutral, $0) }).count > 1 ? .space : .none
  }
}
