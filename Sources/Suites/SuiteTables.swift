import Formats
import Foundation

/// The results of a suite: suite.csv with a row a cell, suite-jobs.csv with one a job that ended, and suite.md and suite.tex
/// with a table as those of the twelve benchmarks: a row a benchmark and space, a column a method (Wang et al., ZARTS,
/// NeurIPS 2022, table 3).
public struct SuiteTables: Equatable, Sendable {
  /// Dataset by dataset, space by space, method by method.
  public let rows: [SuiteRow]
  private let records: [SuiteRecord]
  private let files: SuiteFolder?
  /// Whether tables say which variant of a method was chosen: where the plan has any.
  public let hasVariants: Bool

  /// Reads the records.
  ///
  /// - Throws: `InputError` where one cannot be read.
  public init(of plan: SuitePlan, in files: SuiteFolder) throws {
    let found = try plan.jobs.map(files.record)
    rows = plan.cells.indices.map { SuiteRow(of: $0, in: plan, found) }
    records = found.compactMap { $0 }
    self.files = files
    hasVariants = plan.hasVariants
  }

  public init(_ rows: [SuiteRow]) {
    (self.rows, records, files) = (rows, [], nil)
    hasVariants = rows.contains { !$0.variant.isEmpty }
  }

  /// The content of suite.csv, with a last column `variant` where there are any.
  private var table: (columns: [String], rows: [[CSVField]]) {
    guard hasVariants else { return (SuiteRow.columns, rows.map(\.fields)) }
    return (SuiteRow.columns + ["variant"], rows.map { $0.fields + [.text($0.variant)] })
  }

  /// - Throws: `InputError` where a file cannot be written.
  func write() throws {
    guard let files else { return }
    let ended = SuiteRecord.table(of: records)
    try CSVWriter.write(columns: table.columns, rows: table.rows, to: files.tablePath)
    try CSVWriter.write(columns: ended.columns, rows: ended.rows, to: files.jobsTablePath)
    try AtomicFile.write(markdown, to: files.markdownPath)
    try AtomicFile.write(latex, to: files.latexPath)
  }

  private var methods: [String] {
    rows.reduce(into: []) { if !$0.contains($1.method) { $0.append($1.method) } }
  }

  /// Benchmarks and spaces, with the cells of each in the order of the methods.
  private var lines: [(dataset: String, space: String, cells: [SuiteRow?])] {
    var places: [(String, String)] = []
    for row in rows where !places.contains(where: { $0 == (row.dataset, row.space) }) {
      places.append((row.dataset, row.space))
    }
    return places.map { dataset, space in
      let own = rows.filter { $0.dataset == dataset && $0.space == space }
      return (dataset, space, methods.map { method in own.first { $0.method == method } })
    }
  }

  private static func percent(_ value: Double) -> String { String(format: "%.2f", 100 * value) }

  /// Which of some cells have the smallest error, as it is printed; none where there is nothing to compare.
  private static func leaders(_ cells: [SuiteRow?]) -> Set<Int> {
    let means = cells.map { $0?.mean.map(percent) }
    guard means.count(where: { $0 != nil }) > 1 else { return [] }
    let least = cells.compactMap { $0?.mean }.min().map(percent)
    return Set(means.indices.filter { means[$0] != nil && means[$0] == least })
  }

  /// `2.54 ± 0.07`, a dash where nothing was trained.
  private static func text(_ cell: SuiteRow?, _ sign: String, _ nothing: String) -> String {
    guard let cell, let mean = cell.mean else { return nothing }
    return percent(mean) + (cell.deviation.map { " \(sign) \(percent($0))" } ?? "")
  }

  /// The content of suite.md.
  public var markdown: String {
    func row(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
    var text = ["Test error in %, mean ± sample deviation over the networks trained; the least of a row is bold.", ""]
    text += [row(["Benchmark", "Space"] + methods), row((0..<methods.count + 2).map { $0 < 2 ? "---" : "---:" })]
    for line in lines {
      let leaders = Self.leaders(line.cells)
      let cells = line.cells.enumerated().map { index, cell in
        let text = Self.text(cell, "±", "–")
        return leaders.contains(index) ? "**\(text)**" : text
      }
      text.append(row([line.dataset, line.space] + cells))
    }
    let header =
      [
        "Benchmark", "Space", "Method", "Networks", "Best", "Skips normal", "Skips reduce", "Verdict", "Collapsed", "Steps",
        "Core-hours", "of all", "Jobs",
      ] + (hasVariants ? ["Variant"] : [])
    text += [
      "",
      "The networks, and what the searches cost (training steps with gradients of α; core-hours of searches, and of all).",
      "", row(header),
      row(
        ["---", "---", "---"] + (0..<4).map { _ in "---:" } + ["---"] + (0..<5).map { _ in "---:" }
          + (hasVariants ? ["---"] : [])),
    ]
    func count(_ value: Double?) -> String {
      guard let value else { return "–" }
      return Int(exactly: value).map(String.init) ?? String(format: "%.1f", value)
    }
    for cell in rows {
      let diverged = cell.diverged > 0 ? ", \(cell.diverged) diverged" : ""
      let line = [
        cell.dataset, cell.space, cell.method, "\(cell.errors.count)", cell.best.map(Self.percent) ?? "–",
        count(cell.normalSkips), count(cell.reduceSkips), cell.verdict.isEmpty ? "–" : cell.verdict,
        "\(cell.collapsed)/\(cell.searches)\(diverged)", "\(cell.searchSteps)",
        String(format: "%.2f", cell.searchCoreHours), String(format: "%.2f", cell.coreHours),
        "\(cell.finished)/\(cell.jobs)",
      ]
      text.append(row(line + (hasVariants ? [cell.variant.isEmpty ? "–" : cell.variant] : [])))
    }
    return text.joined(separator: "\n") + "\n"
  }

  /// The content of suite.tex: a tabular for `booktabs` and `multirow`.
  public var latex: String {
    func escaped(_ text: String) -> String {
      text.map { "&%$#_{}".contains($0) ? "\\\($0)" : $0 == "\\" ? "\\textbackslash{}" : $0 == "~" ? "\\~{}" : "\($0)" }
        .joined()
    }
    var text = [
      "% Test error in %, mean and sample deviation over the networks trained. Needs booktabs and multirow.",
      "\\begin{tabular}{ll\(String(repeating: "c", count: methods.count))}", "\\toprule",
      (["Benchmark", "Space"] + methods.map(escaped)).joined(separator: " & ") + " \\\\",
    ]
    var last: String?
    let lines = lines
    for line in lines {
      let count = lines.count { $0.dataset == line.dataset }
      if line.dataset != last { text.append("\\midrule") }
      let leaders = Self.leaders(line.cells)
      let cells = line.cells.enumerated().map { index, cell in
        let text = Self.text(cell, "$\\pm$", "--")
        return leaders.contains(index) ? "\\textbf{\(text)}" : text
      }
      let benchmark =
        line.dataset == last ? "" : count > 1 ? "\\multirow{\(count)}{*}{\(escaped(line.dataset))}" : escaped(line.dataset)
      text.append(([benchmark, escaped(line.space)] + cells).joined(separator: " & ") + " \\\\")
      last = line.dataset
    }
    text += ["\\bottomrule", "\\end{tabular}"]
    // For the caption, or a note.
    text += rows.filter { !$0.variant.isEmpty }.map { "% chosen: \($0.dataset), \($0.space), \($0.method): \($0.variant)" }
    return text.joined(separator: "\n") + "\n"
  }
}
