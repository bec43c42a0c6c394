import Figures
import Formats
import Landscape
import Runs

/// The figure of fidelity by epoch: a panel a statistic, a line an objective of a group, bars its intervals.
public struct AgreementPlot {
  private let figure: LinePanels
  private let metadata: FigureMetadata

  public static let maker = "zarts agreement"

  /// - Throws: `InputError` where there are too many lines to tell apart.
  public init(_ course: FidelityByEpoch, title: String) throws {
    guard course.lines.count <= LineStyle.distinct else {
      throw InputError.undrawable(
        "lines by \(course.grouping) and objective", found: "\(course.lines.count)",
        wanted: "\(LineStyle.distinct) at most, so that they can be told apart")
    }
    let panels = try course.statistics.map { statistic in
      let series = try course.lines.map { try Self.series($0, statistic, of: course) }
      var panel = try LineFigure(
        title: "", series: series, xLabel: "epoch", yLabel: Label(plain: Self.words(statistic)))
      panel.isWholeX = true
      if Self.signed.contains(statistic.name) {
        (panel.yRange, panel.references) = (-1.05...1.05, [ReferenceLine(.across, at: 0)])
      } else if Self.shares.contains(statistic.name) {
        (panel.yRange, panel.references) = (0...1.025, [ReferenceLine(.across, at: 0.5)])
      } else if Self.ratios.contains(statistic.name) {
        panel.references = [ReferenceLine(.across, at: 1)]
      }
      return panel
    }
    figure = try Panels.figure(panels, title: title, caption: Self.caption(course), PlotStyle())
    metadata = FigureMetadata(command: Provenance.commandLine, maker: Self.maker)
  }

  public func write(to path: String, _ style: FigureFile.Style = .init()) throws {
    try FigureFile.write(figure, to: path, metadata: style.kept(metadata), letters: style.letters)
  }

  /// In words, where the name in the table is short.
  private static let names = [
    "pearson": "Pearson's r", "spearman": "Spearman's ρ", "kendall": "Kendall's τ", "concordance": "pairs alike",
    "gradient_cosine": "cosine of the gradient", "gradient_sign_agreement": "signs of the gradient alike",
    "gradient_norm_ratio": "relative length of the gradient", "bias": "bias (nats)", "rmse": "RMSE (nats)",
  ]
  /// Between −1 and 1; 0 is what an approximation has that knows nothing.
  private static let signed: Set<String> = [
    "pearson", "spearman", "kendall", "accuracy_spearman", "gradient_cosine", "pearson_corrected",
    "gradient_cosine_corrected",
  ]
  /// Between 0 and 1; one half is what an approximation has that knows nothing.
  private static let shares: Set<String> = ["concordance", "gradient_sign_agreement"]
  /// 1 where an approximation is as steep as the truth.
  private static let ratios: Set<String> = [
    "slope", "slope_corrected", "gradient_norm_ratio", "gradient_norm_ratio_corrected",
  ]

  private static func series(
    _ line: FidelityByEpoch.Line, _ statistic: FidelityByEpoch.Statistic, of course: FidelityByEpoch
  ) throws -> LineSeries {
    // The line breaks where a study does not have the statistic.
    let points = line.epochs.map { line.point(statistic, at: $0) }
    let hasIntervals = points.contains { $0?.interval != nil }
    let name = line.loss.map { PlotText.title($0) } ?? PlotText.plain(line.objective)
    var series = try LineSeries(
      label: Label(course.groups.count > 1 ? "\(PlotText.plain(line.group)), \(name)" : name),
      x: line.epochs.map(Double.init), y: points.map { $0?.value ?? .nan },
      band: hasIntervals
        ? .init(
          lower: points.map { $0.map { $0.interval?.lower ?? $0.value } ?? .nan },
          upper: points.map { $0.map { $0.interval?.upper ?? $0.value } ?? .nan }) : nil)
    series.marksPoints = true
    return series
  }

  private static func words(_ statistic: FidelityByEpoch.Statistic) -> String {
    (names[statistic.name] ?? statistic.name.replacing("_", with: " "))
      + (statistic.radius.map { ", radius \(Numeral.short($0))" } ?? "")
  }

  private static func caption(_ course: FidelityByEpoch) -> [String] {
    // Panels whose intervals are of one kind are named together.
    var kinds: [(account: String, panels: [String])] = []
    for statistic in course.statistics {
      let intervals = course.lines.flatMap { $0.points[statistic] ?? [] }.compactMap(\.interval)
      guard !intervals.isEmpty else { continue }
      let account = course.text.intervals(intervals)
      if let known = kinds.firstIndex(where: { $0.account == account }) {
        kinds[known].panels.append(words(statistic))
      } else {
        kinds.append((account, [words(statistic)]))
      }
    }
    let bars = kinds.map { kinds.count > 1 ? "\($0.account) (\($0.panels.joined(separator: ", ")))" : $0.account }
    let truth = "Against \(PlotText.title(course.truth))"
    return [
      course.isOfOneNetwork ? course.text.network : nil,
      bars.isEmpty ? "\(truth)." : "\(truth); bars: \(bars.joined(separator: "; ")).",
    ].compactMap { $0 }
  }
}
