import Datasets
import Formats
import Foundation

/// What `zarts data check` prints.
enum DataCheckText {
  static func files(_ files: [CheckedFile]) -> String {
    let rows = files.map { [$0.source, "\($0.byteCount)", $0.md5, $0.verdict.rawValue] }
    let digests = files.filter { $0.verdict != .official }.map { "SHA-256 \($0.sha256)  \($0.source)" }
    return ([TextTable.text(header: ["file", "bytes", "MD5", "published"], rows: rows, rightAligned: [1])] + digests)
      .joined(separator: "\n")
  }

  static func splits(_ report: DatasetReport, of dataset: ImageDataset) -> String {
    func triple(_ values: [Double]) -> String { values.map { String(format: "%.6f", $0) }.joined(separator: " ") }
    func range(_ split: DatasetReport.Split) -> String {
      func extent(_ range: ClosedRange<Int>) -> String {
        range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)…\(range.upperBound)"
      }
      return "\(extent(split.widths))×\(extent(split.heights))"
    }
    let table = TextTable.text(
      header: ["split", "images", "classes", "size", "repeated", "also in training", "of another label"],
      rows: report.splits.map { split in
        [
          split.name, "\(split.count)", "\(split.labelCounts.count { $0 > 0 }) of \(dataset.classes)", range(split),
          "\(split.repeats)", split.name == "training" ? "-" : "\(split.alsoInTraining)", "\(split.contradictions)",
        ]
      }, rightAligned: [1, 2, 3, 4, 5, 6])
    let moments = TextTable.text(
      header: ["split", "mean of channels", "deviation of channels"],
      rows: report.splits.map { [$0.name, triple($0.mean), triple($0.standardDeviation)] }
        + (dataset.isAugmentable
          ? [["normalised with", triple(dataset.normalisation.mean), triple(dataset.normalisation.standardDeviation)]] : []))
    let digests = report.splits.compactMap { split in
      split.filesSHA256.map { "SHA-256 over the files of \(split.name): \($0)" }
    }
    let checksum = "CRC-32C by which runs know the data: \(dataset.checksum)"
    return ([table, "", moments, ""] + digests + [checksum]).joined(separator: "\n")
  }

  static func labels(_ report: DatasetReport, of dataset: ImageDataset) -> String {
    let rows = (0..<dataset.classes).map { label in
      ["\(label)", dataset.classNames?[label] ?? "-"] + report.splits.map { "\($0.labelCounts[label])" }
    }
    return TextTable.text(
      header: ["label", "class"] + report.splits.map(\.name), rows: rows,
      rightAligned: Set([0] + report.splits.indices.map { $0 + 2 }))
  }

  /// One line a split: fewest and most images of a class.
  static func labelSummary(_ report: DatasetReport, of dataset: ImageDataset) -> String {
    report.splits.map { split in
      let (least, most) = (split.labelCounts.min() ?? 0, split.labelCounts.max() ?? 0)
      return "\(split.name): \(dataset.classes) classes of \(least == most ? "\(least)" : "\(least) to \(most)") images"
    }.joined(separator: "\n")
  }

  static func labelCSV(_ report: DatasetReport, of dataset: ImageDataset) -> String {
    let header = ["label", "class"] + report.splits.map(\.name)
    let rows = (0..<dataset.classes).map { label in
      ["\(label)", CSVField.text(dataset.classNames?[label] ?? "").encoded]
        + report.splits.map { "\($0.labelCounts[label])" }
    }
    return ([header] + rows).map { $0.joined(separator: ",") + "\n" }.joined()
  }

  static func damaged(_ errors: [InputError]) -> String {
    let shown = 20
    let rest = errors.count > shown ? ["… and \(errors.count - shown) more"] : []
    let title = "\(errors.count) damaged image\(errors.count == 1 ? "" : "s"), left out of the numbers above:"
    return ([title] + errors.prefix(shown).map(\.description) + rest).joined(separator: "\n")
  }
}
