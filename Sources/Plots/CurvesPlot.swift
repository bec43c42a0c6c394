import Figures
import Formats
import Foundation
import Runs
import Search

/// The figure of learning curves: a panel a column, a line a group.
public struct CurvesPlot {
  public enum Band: String, CaseIterable, Sendable { case deviation, range, none }

  private let figure: LinePanels
  private let metadata: FigureMetadata

  /// - Throws: `InputError` where there are too many lines to tell apart.
  public init(_ curves: LearningCurves, columns: [String], band: Band, title: String) throws {
    guard curves.groups.count <= LineStyle.distinct else {
      throw InputError.undrawable(
        "lines by \(curves.grouping)", found: "\(curves.groups.count)",
        wanted: "\(LineStyle.distinct) at most, so that they can be told apart")
    }
    let panels = try columns.map { column in
      try LineFigure(
        title: "", series: curves.groups.map { try Self.series(column, $0, curves, band) }, xLabel: "epoch",
        yLabel: Label(plain: (curves.reference == nil ? "" : "Δ ") + Self.name(column)))
    }
    figure = try Panels.figure(panels, title: title, caption: Self.caption(curves, band), PlotStyle())
    metadata = FigureMetadata(command: Provenance.commandLine, maker: Self.maker)
  }

  public static let maker = "zarts curves"

  public func write(to path: String, _ style: FigureFile.Style = .init()) throws {
    try FigureFile.write(figure, to: path, metadata: style.kept(metadata), letters: style.letters)
  }

  private static func series(
    _ column: String, _ group: String, _ curves: LearningCurves, _ band: Band
  ) throws -> LineSeries {
    let points = curves.curves.first { $0.column == column && $0.group == group }?.points ?? []
    let edges: [(Double, Double)]? =
      switch band {
      case .none: nil
      // A single run has no band: its edges are the line itself.
      case .deviation: points.map { ($0.mean - ($0.deviation ?? 0), $0.mean + ($0.deviation ?? 0)) }
      case .range: points.map { ($0.least, $0.greatest) }
      }
    let isBand = points.contains { $0.runs > 1 }
    return try LineSeries(
      label: Label(plain: group), x: points.map { Double($0.epoch) }, y: points.map(\.mean),
      band: isBand ? edges.map { .init(lower: $0.map(\.0), upper: $0.map(\.1)) } : nil)
  }

  private static let suffixes = [
    ("_reduce", ", reduction cell"), ("_normal", ", normal cell"), ("_running", ", running statistics"),
  ]

  /// A column in words, with its unit.
  private static func name(_ column: String) -> String {
    let suffix = suffixes.first { column.hasSuffix($0.0) }
    let words = String(column.dropLast(suffix?.0.count ?? 0)).replacing("_", with: " ") + (suffix?.1 ?? "")
    let isInNats = column.hasSuffix("_loss") || column.hasSuffix("_loss_running") || column.hasPrefix("alpha_entropy")
    return isInNats ? "\(words) (nats)" : column == "seconds" ? "seconds an epoch" : words
  }

  private static func caption(_ curves: LearningCurves, _ band: Band) -> [String] {
    let counts = Set(curves.curves.flatMap { $0.points.map(\.runs) })
    guard let least = counts.min(), let most = counts.max() else { return [] }
    let logged =
      curves.logged.isEmpty
      ? [] : ["Searches that another program logged: \(curves.logged.joined(separator: ", "))."]
    let before = logged + (curves.reference.map { ["Differences from \($0) on the same seed."] } ?? [])
    guard most > 1 else { return before + ["One run a line."] }
    let runs = least == most ? "\(most) runs" : "\(least) to \(most) runs"
    switch band {
    case .none: return before + ["Means of \(runs) of different seeds."]
    case .deviation:
      return before + ["Means of \(runs) of different seeds; bands are ± 1 sample standard deviation over them."]
    case .range:
      return before + ["Means of \(runs) of different seeds; bands reach from the least to the greatest of them."]
    }
  }
}
