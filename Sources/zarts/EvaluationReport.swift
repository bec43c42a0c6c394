import Formats
import Foundation
import Landscape
import Problems

/// What `zarts evaluate` prints.
struct EvaluationReport {
  struct Row {
    var split: DataSplit
    var tally: SplitTally
  }

  var checkpoint: String
  /// Epochs finished; nil where the file does not say.
  var epoch: Int?
  /// In words.
  var network: String
  var dataset: String
  var batchNorm: BatchNormMode
  var rows: [Row]

  var text: String {
    let hasFive = rows.contains { $0.tally.amongFive != nil }
    let cells = rows.map { row -> [String] in
      let tally = row.tally
      return [
        row.split.rawValue, "\(tally.count)", StudyCommand.decimal(tally.loss, 6), percent(tally.accuracy),
        "\(tally.correct)",
      ]
        + (hasFive ? [tally.topFive.map(percent) ?? "-", tally.amongFive.map(String.init) ?? "-"] : [])
    }
    let header = ["split", "images", "loss", "top-1", "right"] + (hasFive ? ["top-5", "among five"] : [])
    let normalised = batchNorm.entries.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    return "\(checkpoint): \(network)\n"
      + TextTable.text(header: header, rows: cells, rightAligned: Set(1..<header.count))
      + "\nloss in nats, \(normalised)"
  }

  private func percent(_ value: Double) -> String { String(format: "%.2f %%", 100 * value) }

  /// One object, on a line of its own.
  var json: String {
    let splits = rows.map { row -> String in
      let tally = row.tally
      let five = tally.topFive.map { ", \"top5\": \($0), \"among_five\": \(tally.amongFive ?? 0)" } ?? ""
      // JSON has no numbers that are not finite.
      let loss = tally.loss.isFinite ? "\(tally.loss)" : "null"
      return "{\"split\": \(JSONText.quoted(row.split.rawValue)), \"images\": \(tally.count), \"loss\": \(loss), "
        + "\"top1\": \(tally.accuracy), \"correct\": \(tally.correct)\(five)}"
    }
    let batches = batchNorm.batches.map { ", \"recalibration_batches\": \($0)" } ?? ""
    return "{\"checkpoint\": \(JSONText.quoted(checkpoint)), \"epoch\": \(epoch.map(String.init) ?? "null"), "
      + "\"network\": \(JSONText.quoted(network)), \"dataset\": \(JSONText.quoted(dataset)), "
      + "\"batch_norm\": \(JSONText.quoted(batchNorm.name))\(batches), \"splits\": [\(splits.joined(separator: ", "))]}"
  }
}
