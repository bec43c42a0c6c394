import Formats
import Problems

extension CollapseDiagnosis {
  /// The verdict for people.
  public var text: String {
    let judged = verdict.text(
      of: "\(configuration.method.rawValue) on \(configuration.space.rawValue), seed \(configuration.seed), "
        + "\(epochs.count) of \(configuration.epochs) epochs", thresholds: thresholds)
    guard !rollBacks.isEmpty else { return judged }
    return
      ([judged, "", "Regularisation was raised, and the epochs above are those of the path that was kept"]
      + rollBacks.map { "  \($0.account)" }).joined(separator: "\n")
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
      func line(_ found: ObjectiveAgreement) -> String {
        let rank =
          found.spearman.map { "rank correlation \(CollapseVerdict.short($0))" }
          ?? "no rank correlation, one of them is constant"
        let left = agreement.left.contains(found.name) ? ", below \(thresholds.agreement): it had left the true loss" : ""
        let bias = found.bias.map(CollapseVerdict.short) ?? "-"
        return "\(found.name): \(rank)\(left); on average \(bias) nats above it"
      }
      let names = agreement.found.map(\.name)
      let title = names.count > 1 ? "\(names.dropLast().joined(separator: ", ")) and \(names[names.count - 1])" : names[0]
      section("\(title) beside the true loss, at epoch \(agreement.epoch)", agreement.found.map(line))
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
      \(HessianKind.settingKey): \(hessian.rawValue)

      """
    text += list("evidence", verdict.evidence) + list("signs", verdict.signs)
    if let agreement = verdict.agreement {
      let objectives = agreement.found.map(\.objective)
      let values = zip(
        ObjectiveAgreement.columns(objectives), ObjectiveAgreement.values(objectives, in: agreement.found)
      ).map { "\($0): \(number($1)), " }
      text +=
        "agreement: {epoch: \(agreement.epoch), \(values.joined())left: [\(agreement.left.joined(separator: ", "))]}\n"
    } else {
      text += "agreement: null\n"
    }
    if !rollBacks.isEmpty {
      text +=
        "roll_backs:\n"
        + rollBacks.map {
          "  - {round: \($0.round), fired_epoch: \($0.fired), sign_epoch: \($0.sign), returned_epoch: \($0.returned), "
            + "average_before: \($0.before), average_after: \($0.after), weight_decay_before: \($0.weightDecay), "
            + "weight_decay_after: \($0.raised)}\n"
        }.joined()
    }
    text += "not_judged: [\(verdict.gaps.map(JSONText.quoted).joined(separator: ", "))]\n"
    text += "thresholds:\n" + thresholds.entries.map { "  \($0.key): \($0.value)\n" }.joined()
    guard let settings else { return text + "measurements: null\n" }
    return text + "measurements:\n" + settings.entries.map { "  \($0.key): \($0.value)\n" }.joined()
  }
}
