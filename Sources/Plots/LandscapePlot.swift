import Figures
import Formats
import Foundation
import Landscape

extension PlotKind {
  static let heatmap = PlotKind(
    name: "heatmap", sources: ["landscape.csv", PlotFolder.surfaceFiles], fileName: "landscape",
    fits: SurfaceFilePlot.isPlane
  ) {
    try SurfaceFilePlot($0, $1)?.heatmap() ?? LandscapePlot($0, $1).heatmap()
  }
  static let surface = PlotKind(
    name: "surface", sources: ["landscape.csv", PlotFolder.surfaceFiles], fileName: "landscape-surface",
    fits: SurfaceFilePlot.isPlane
  ) {
    try SurfaceFilePlot($0, $1)?.surface() ?? LandscapePlot($0, $1).surface()
  }
}

/// Heatmaps and surfaces of `landscape.csv`.
struct LandscapePlot {
  private let folder: PlotFolder
  private let style: PlotStyle
  private let text: PlotText
  private let objectives: [Objective]
  /// Sampled too, and of another quantity.
  private let others: [Objective]
  private let grids: [Objective: Grid]
  /// Objectives that are not finite everywhere, in words.
  private let gaps: [String]
  /// Of the standard errors over validation batches; nil where there are none.
  private let largestError: Double?

  /// - Throws: `InputError` where the table is not that of a grid, or lacks an objective that is asked for.
  init(_ folder: PlotFolder, _ style: PlotStyle) throws {
    (self.folder, self.style, text) = (folder, style, PlotText(folder: folder))
    let table = try CSVTable(readingFrom: folder.file("landscape.csv"))
    try table.requireRows()
    let (rows, places) = (try table.objectives(), (try table.doubles("x"), try table.doubles("y")))
    let values = try table.numbersOrGaps(style.quantity.rawValue)
    let found = rows.unique()
    let wanted = try PlotText.ofOneQuantity(style.objectives ?? Self.truthLast(found), style, path: table.path)
    others = found.filter { $0.quantity != wanted.first?.quantity }
    for objective in wanted where !found.contains(objective) {
      throw InputError(
        "was not sampled", at: .file(table.path, "objective \(objective.label)"),
        wanted: found.map(\.label).joined(separator: ", "))
    }
    let (xs, ys) = (Set(places.0).sorted(), Set(places.1).sorted())
    guard xs.count * ys.count <= 4 * rows.count / found.count + 4 else {
      throw InputError(
        "not the points of a grid", at: .file(table.path, "x, y"),
        found: "\(rows.count) rows at \(xs.count) different x and \(ys.count) different y")
    }
    let (columnOf, rowOf) = (Self.positions(xs), Self.positions(ys))
    var filled: [Objective: [Double]] = [:]
    var notFinite: [Objective: Int] = [:]
    for row in rows.indices {
      guard let column = columnOf[places.0[row]], let line = rowOf[places.1[row]] else { continue }
      // Points that are missing in an unfinished table stay gaps.
      filled[rows[row], default: Array(repeating: .nan, count: xs.count * ys.count)][line * xs.count + column] =
        values[row].isFinite ? values[row] : .nan
      if !values[row].isFinite { notFinite[rows[row], default: 0] += 1 }
    }
    gaps = wanted.compactMap { objective in
      notFinite[objective].map { "\(objective.label) at \($0) of \(xs.count * ys.count) points" }
    }
    let errorName = "\(style.quantity.rawValue)_error"
    let errors = table.columns.contains(errorName) ? try table.optionalDoubles(errorName) : []
    largestError = zip(rows, errors).compactMap { wanted.contains($0) ? $1 : nil }.filter(\.isFinite).max()
    grids = try filled.mapValues { try Grid(x: xs, y: ys, values: $0) }
    objectives = wanted
  }

  private static func positions(_ values: [Double]) -> [Double: Int] {
    Dictionary(uniqueKeysWithValues: values.enumerated().map { ($1, $0) })
  }

  /// The true loss of most steps comes last: a figure takes the last one for the truth.
  private static func truthLast(_ objectives: [Objective]) -> [Objective] {
    let truth = objectives.truth
    return objectives.filter { $0 != truth } + [truth].compactMap { $0 }
  }

  private var losses: [(title: String, grid: Grid)] {
    objectives.compactMap { objective in
      grids[objective].map { (PlotText.title(objective, of: style.quantity, over: text.space), $0) }
    }
  }

  private var isAccuracy: Bool { style.quantity == .accuracy }
  private var quantity: ObjectiveQuantity { objectives.first?.quantity ?? .loss }
  private var what: String { text.what(style.quantity, quantity) }
  private var valueLabel: Label { Label(text.valueLabel(style.quantity, quantity)) }
  private var title: String { style.title.map(PlotText.plain) ?? text.around(what) }

  /// Losses side by side, and below what each misses of the truth.
  func heatmap() throws -> LandscapeFigure {
    let hasTruth = objectives.last?.trueSteps != nil && objectives.count > 1
    var figure =
      hasTruth && style.showsDifferences
      ? try LandscapeFigure.comparison(title: title, losses: losses)
      : try LandscapeFigure(
        title: title, panels: losses.map { LandscapePanel(title: Label($0.title), grid: $0.grid) },
        reference: hasTruth ? losses.count - 1 : nil)
    let paths = try self.paths()
    figure.paths = paths
    figure.gaps = gaps
    figure.caption = caption(paths)
    figure.xLabel = Label(text.axis(1))
    figure.yLabel = Label(text.axis(2))
    figure.lossLabel = valueLabel
    figure.differenceLabel = isAccuracy ? "difference of accuracies" : "difference of losses (nats)"
    figure.seeksMaximum = isAccuracy
    if quantity != .loss { figure.values = "values" }
    if folder.settings["center"] == "mean" { figure.centreLabel = "centre: mean of the paths" }
    // Bounds of a plane need not lie about the centre.
    let isInside = losses.allSatisfy { loss in
      [loss.grid.x, loss.grid.y].allSatisfy { ($0.min() ?? 0) <= 0 && 0 <= ($0.max() ?? 0) }
    }
    if !isInside { figure.centreLabel = "" }
    (figure.colourMap, figure.differenceMap) = style.maps
    figure.range = style.range
    figure.isLogarithmic = style.isLogarithmic
    figure.width = style.width
    return figure
  }

  /// The losses as surfaces.
  func surface() throws -> SurfaceFigure {
    var figure = try SurfaceFigure(
      title: title, panels: losses.map { LandscapePanel(title: Label($0.title), grid: $0.grid) },
      xLabel: Label(text.direction(1)), yLabel: Label(text.direction(2)),
      zLabel: valueLabel, width: style.width)
    figure.gaps = gaps
    figure.caption = style.showsCaption ? [text.coordinates] + caption([]) : []
    figure.colourMap = style.maps.sequential
    figure.range = style.range
    figure.isLogarithmic = style.isLogarithmic
    figure.seeksMaximum = isAccuracy
    (figure.azimuth, figure.elevation) = (style.azimuth, style.elevation)
    return figure
  }

  /// What a reader needs to judge the picture or to draw it again.
  private func caption(_ paths: [LandscapePath]) -> [String] {
    guard style.showsCaption else { return [] }
    var sentences = [text.network, text.directions, text.evaluation(of: isAccuracy ? .loss : quantity)].compactMap { $0 }
    if !paths.isEmpty, let one = share("explained_variance_1"), let two = share("explained_variance_2") {
      let what = folder.settings["over"] == "weights" ? "ω" : "α"
      sentences.append("The two directions hold \(one) and \(two) of the variance of \(what) along the paths.")
    }
    if !paths.isEmpty, folder.has("paths.csv") {
      sentences.append("Methods are held to the plane, with ω of the checkpoint.")
    }
    if let note = PlotText.note(ofOthers: others), !isAccuracy { sentences.append(note) }
    if let largestError {
      sentences.append("Standard errors over the batches: at most \(PlotText.decimal(largestError)).")
    }
    return sentences
  }

  private func share(_ key: String) -> String? {
    folder.settings[key].flatMap(Double.init).map { String(format: "%.1f %%", 100 * $0) }
  }

  private func paths() throws -> [LandscapePath] {
    try paths("trajectory.csv", of: "run", by: "epoch") + paths("paths.csv", of: "path", by: "update")
  }

  /// The paths of a table.
  ///
  /// - Parameters:
  ///   - name: the column with a path's name.
  ///   - count: the column that counts its points.
  private func paths(_ file: String, of name: String, by count: String) throws -> [LandscapePath] {
    guard folder.has(file) else { return [] }
    let table = try CSVTable(readingFrom: folder.file(file))
    let (runs, epochs) = (try table.column(name), try table.integers(count))
    let (x, y) = (try table.doubles("x"), try table.doubles("y"))
    let names = PlotText.shortNames(ofPaths: runs.unique())
    return try runs.unique().map { run in
      let rows = runs.indices.filter { runs[$0] == run }.sorted { epochs[$0] < epochs[$1] }
      return try LandscapePath(
        label: Label(plain: names[run] ?? run), points: rows.map { Point(x[$0], y[$0]) },
        epochs: rows.map { epochs[$0] }, counts: "\(count)s")
    }
  }
}
