import Cells
import Foundation
import Runs

/// What ran, with what result, at what cost.
enum SummarySection {
  static func html(_ report: Report) -> HTML {
    var parts: [HTML] = []
    if report.runs.count == 1, let run = report.runs.first {
      parts = [facts(run, report.truth), genotype(run)]
    } else if !report.runs.isEmpty {
      parts = [table(report)]
    }
    if report.runs.isEmpty { parts.append(contents(report)) }
    return section("Summary", id: "summary", parts)
  }

  /// What the page is about, in a line under its title.
  static func lead(_ report: Report) -> String {
    if report.runs.count == 1, let run = report.runs.first {
      let settings = run.settings
      switch run.kind {
      case .search:
        return [
          "A search", settings["dataset"].map { "on \($0)" }, settings["seed"].map { "with seed \($0)" },
          settings["channels"].map { "and \($0) channels" }, settings["layers"].map { "in \($0) cells" },
        ].compactMap { $0 }.joined(separator: " ") + ". " + state(run)
      case .retraining:
        return [
          "A network trained from scratch", settings["dataset"].map { "on \($0)" },
          settings["seed"].map { "with seed \($0)" },
        ].compactMap { $0 }.joined(separator: " ") + ". " + state(run)
      }
    }
    let parts = [
      report.runs.count > 0 ? "\(report.runs.count) runs" : nil,
      report.suites.count > 0 ? plural(report.suites.count, "suite") : nil,
      report.comparisons.count > 0 ? plural(report.comparisons.count, "comparison") : nil,
      report.landscapes.count > 0 ? plural(report.landscapes.count, "landscape") : nil,
      report.studies.count > 0 ? plural(report.studies.count, "table") + " of statistics" : nil,
    ]
    let datasets = Set(report.runs.compactMap { $0.settings["dataset"] })
    let places = datasets.count == 1 ? " on \(datasets.first ?? "")" : ""
    return parts.compactMap { $0 }.joined(separator: ", ") + places + "."
  }

  private static func plural(_ count: Int, _ word: String) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }

  /// How far a run is.
  static func state(_ run: ReportRun) -> String {
    let (finished, wanted) = (run.finishedEpochs, run.wantedEpochs)
    let epochs = wanted.map { "\(finished) of \($0) epochs" } ?? "\(finished) epochs"
    let returns = run.rollBacks.map { " Round \($0.round): \($0.account)." }.joined()
    return end(run, finished, wanted, epochs) + returns
  }

  private static func end(_ run: ReportRun, _ finished: Int, _ wanted: Int?, _ epochs: String) -> String {
    switch run.log.end {
    case .finished: return run.isEarly ? "Stopped early after \(finished) epochs." : "Finished: \(epochs)."
    case .broken(let reason): return "Stopped after \(epochs): \(reason)"
    case .open: return finished == wanted ? "Finished: \(epochs)." : "Not finished: \(epochs)."
    }
  }

  private static func facts(_ run: ReportRun, _ truth: ArchitectureTable?) -> HTML {
    var entries: [(String, String, String?)] = []
    func add(_ name: String, _ column: String, percent: Bool = false, at epoch: Int? = run.resultEpoch) {
      guard let epoch, let text = run.metric(column, epoch: epoch), let value = Double(text) else {
        return
      }
      entries.append((name, percent ? self.percent(value) : LineChart.short(value), text))
    }
    switch run.kind {
    case .search:
      add("validation loss (nats)", "validation_loss")
      add("validation accuracy", "validation_accuracy", percent: true)
      add("skips, normal cell", "skip_connections")
      add("skips, reduction cell", "skip_connections_reduce")
      add("training loss (nats)", "training_loss")
    case .retraining:
      if let found = run.retrained {
        add("\(found.split) loss (nats)", "\(found.split)_loss", at: found.last)
        for (name, epoch) in [("last", found.last), ("best", found.best)] {
          add("\(found.split) accuracy, \(name) epoch (\(epoch))", "\(found.split)_accuracy", percent: true, at: epoch)
          add("\(found.split) top-5, \(name) epoch (\(epoch))", "\(found.split)_top5", percent: true, at: epoch)
        }
      }
      add("training loss (nats)", "training_loss")
      add("training accuracy", "training_accuracy", percent: true)
    }
    if let truth, let entry = truth.entry(of: run) {
      entries.append(("\(truth.column) (table)", LineChart.short(entry.value), "\(entry.value)"))
      entries.append(("rank in the table", "\(entry.rank) / \(entry.count)", nil))
    }
    add("weight steps", "weight_steps")
    if let epoch = run.resultEpoch {
      entries.append(
        (run.isEarly ? "epoch returned" : "epochs", "\(epoch)\(run.wantedEpochs.map { " / \($0)" } ?? "")", nil))
    }
    if let seconds = run.seconds { entries.append(("wall time", ProgressReporter.duration(seconds), nil)) }
    guard !entries.isEmpty else { return .element("p", ["class": "note"], ["No epoch is finished yet."]) }
    return .element(
      "dl", ["class": "facts"],
      entries.map { name, value, whole in
        .element("div", [:], [.element("dt", [:], [.text(name)]), .element("dd", ["title": whole], [.text(value)])])
      })
  }

  private static func genotype(_ run: ReportRun) -> HTML {
    guard let genotype = run.genotype else { return .empty }
    return .element("pre", ["class": "genotype", "tabindex": "0", "aria-label": "Genotype"], [.text(genotype)])
  }

  private static func table(_ report: Report) -> HTML {
    let rows = zip(report.runs, report.runLabels).map { run, label -> [String] in
      func cell(_ column: String) -> String { run.resultEpoch.flatMap { run.metric(column, epoch: $0) } ?? "" }
      let split = run.retrained?.split ?? (run.kind == .search ? "validation" : "test")
      let (loss, accuracy) = (cell("\(split)_loss"), cell("\(split)_accuracy"))
      let best = run.retrained.flatMap { run.metric("\(split)_accuracy", epoch: $0.best) } ?? ""
      return [
        label, run.settings["method"] ?? "retraining", run.settings["space"] ?? "", run.settings["seed"] ?? "",
        "\(run.finishedEpochs)\(run.wantedEpochs.map { "/\($0)" } ?? "")", loss, accuracy, best, cell("skip_connections"),
        cell("skip_connections_reduce"), cell("weight_steps"), run.seconds.map { ProgressReporter.duration($0) } ?? "",
      ]
        + (report.truth.map { truth in
          truth.entry(of: run).map { ["\($0.value)", "\($0.rank)/\($0.count)"] } ?? ["", ""]
        } ?? [])
    }
    let table = DataTable(
      caption:
        "Runs at the epoch that each returns; loss and accuracy on the validation split, of retrainings on the test split, "
        + "unless they hold images out; the accuracy of a retraining's best epoch is chosen by what it reports",
      columns: [
        "run", "method", "space", "seed", "epochs", "loss (nats)", "accuracy", "accuracy, best epoch", "skips, normal",
        "skips, reduction", "weight steps", "wall time",
      ] + (report.truth.map { ["\($0.column) (table)", "rank"] } ?? []), rows: rows, digits: 5)
    return table.html()
  }

  private static func contents(_ report: Report) -> HTML {
    let entries =
      report.comparisons.map { "Comparison \($0.path)" } + report.landscapes.map { "Landscape \($0.path)" }
      + report.studies.map { "\($0.kind.rawValue.capitalized) \($0.path)" }
    return .element("ul", [:], entries.map { .element("li", [:], [.text($0)]) })
  }

  static func percent(_ value: Double) -> String { String(format: "%.2f %%", 100 * value) }
}

extension ArchitectureTable {
  /// What the table says of what a run found.
  fileprivate func entry(of run: ReportRun) -> (value: Double, rank: Int, count: Int)? {
    run.genotype.flatMap { try? Genotype(parsing: $0) }.flatMap { entry(of: $0) }
  }
}
