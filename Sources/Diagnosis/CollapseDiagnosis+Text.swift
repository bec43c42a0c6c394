import Formats

extension CollapseDiagnosis {
  /// The verdict for people.
  public var text: String {
    verdict.text(
      of: "\(configuration.method.rawValue) on \(configuration.space.rawValue), seed \(configuration.seed), "
        + "\(epochs.count) of \(configuration.epochs) epochs", thresholds: thresholds)
  }
}

extension CollapseVerdict {
  /// For people.
  ///
  /// - Parameters:
  ///   - search: which one, in a few words.
  ///   - absent: what could not be judged of any search of its kind.
  func text(of search: String, notJudged absent: [String] = [], thresholds: CollapseThresholds) -> String {
    var lines: [String] =
      switch state {
      case .collapsed: ["COLLAPSED since epoch \(epoch ?? 0): \(search)"]
      case .suspect: ["not collapsed, but suspect: \(search)"]
      case .healthy: ["not collapsed: \(search)"]
      }
    func section(_ title: String, _ items: [String]) {
      if !items.isEmpty { lines += ["", title] + items.map { "  \($0)" } }
    }
    section("Evidence", evidence.map { "from epoch \($0.epoch): \($0.account)" })
    section("Signs", signs.map { "from epoch \($0.epoch): \($0.account)" })
    if let agreement {
      func line(_ name: String, _ rho: Double?, _ bias: Double?) -> String {
        let rank =
          rho.map { "rank correlation \(CollapseVerdict.short($0))" } ?? "no rank correlation, one of them is constant"
        let left = agreement.left.contains(name) ? ", below \(thresholds.agreement): it had left the true loss" : ""
        return "\(name): \(rank)\(left); on average \(bias.map(CollapseVerdict.short) ?? "-") nats above it"
      }
      section(
        "L1 and L2 beside the true loss, at epoch \(agreement.epoch)",
        [
          line("L1", agreement.spearmanFirst, agreement.biasFirst),
          line("L2", agreement.spearmanSecond, agreement.biasSecond),
        ])
    }
    section("Not judged", gaps + absent)
    return lines.joined(separator: "\n")
  }
}

extension CollapseDiagnosis {
  /// The content of diagnosis.yaml.
  func yaml(run: String, settings: MeasurementSettings?) -> String {
    func number(_ value: Double?) -> String { value.map { $0.isFinite ? "\($0)" : ".nan" } ?? "null" }
    func list(_ key: String, _ items: [CollapseVerdict.Evidence]) -> String {
      guard !items.isEmpty else { return "\(key): []\n" }
      return "\(key):\n"
        + items.map {
          "  - {criterion: \($0.criterion), epoch: \($0.epoch), value: \(number($0.value)), "
            + "threshold: \(number($0.threshold)), account: \(JSONText.quoted($0.account))}\n"
        }.joined()
    }
    var text = """
      run: \(JSONText.quoted(run))
      verdict: \(verdict.state.rawValue)
      collapsed: \(verdict.isCollapsed)
      epoch: \(verdict.epoch.map(String.init) ?? "null")
      finished_epochs: \(epochs.count)
      epochs: \(configuration.epochs)
      method: \(configuration.method.rawValue)
      space: \(configuration.space.rawValue)
      seed: \(configuration.seed)

      """
    text += list("evidence", verdict.evidence) + list("signs", verdict.signs)
    if let agreement = verdict.agreement {
      text +=
        "agreement: {epoch: \(agreement.epoch), spearman_first: \(number(agreement.spearmanFirst)), "
        + "spearman_second: \(number(agreement.spearmanSecond)), bias_first: \(number(agreement.biasFirst)), "
        + "bias_second: \(number(agreement.biasSecond)), left: [\(agreement.left.joined(separator: ", "))]}\n"
    } else {
      text += "agreement: null\n"
    }
    text += "not_judged: [\(verdict.gaps.map(JSONText.quoted).joined(separator: ", "))]\n"
    text += "thresholds:\n" + thresholds.entries.map { "  \($0.key): \($0.value)\n" }.joined()
    guard let settings else { return text + "measurements: null\n" }
    return text + "measurements:\n" + settings.entries.map { "  \($0.key): \($0.value)\n" }.joined()
  }
}
