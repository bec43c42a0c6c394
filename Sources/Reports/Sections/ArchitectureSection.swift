import Cells
import Figures
import Foundation
import Plots

/// α by epoch, and the cells that came of it.
enum ArchitectureSection {
  /// Bytes of strips on one page; runs beyond them have reports of their own.
  private static let budget = 3_000_000

  static func strips(_ report: Report) -> HTML? {
    let runs = zip(report.runs, report.runLabels).filter { ($0.0.alphas?.epochs ?? 0) > 0 }
    guard !runs.isEmpty else { return nil }
    var used = 0
    var left: [String] = []
    var parts: [HTML] = []
    for (index, (run, label)) in runs.enumerated() {
      guard let alphas = run.alphas else { continue }
      let content =
        [AlphaStrips.html(alphas, id: "strips-of-\(index)")]
        + [folded("The same as tables, at the end", id: "weights-\(index)", alphas.cells.map(AlphaStrips.table))]
      let size = content.reduce(0) { $0 + $1.markup.utf8.count }
      guard used + size <= budget || index == 0 else {
        left.append(label)
        continue
      }
      used += size
      parts.append(
        runs.count == 1
          ? .element("div", ["class": "run"], content)
          : folded(label, id: "strips-\(index)", isOpen: index == 0, content))
    }
    if !left.isEmpty {
      parts.append(
        .element(
          "p", ["class": "note"],
          [.text("Left out to keep this page small, and in a report of each run's own: \(left.joined(separator: ", ")).")]))
    }
    return section("Architecture parameters by epoch", id: "alphas", parts)
  }

  static func cells(_ report: Report) throws -> HTML? {
    let runs = zip(report.runs, report.runLabels).filter { $0.0.genotype != nil }
    guard !runs.isEmpty else { return nil }
    let parts = try runs.enumerated().map { index, run -> HTML in
      let line = run.0.genotype ?? ""
      let heading = runs.count == 1 ? HTML.empty : .element("h3", [:], [.text(run.1)])
      let text = HTML.element(
        "pre", ["class": "genotype", "tabindex": "0", "aria-label": "Genotype of \(run.1)"], [.text(line)])
      guard let genotype = try? Genotype(parsing: line) else {
        return heading
          + .element("p", ["class": "note"], ["This line is no genotype of a DARTS cell, so there is nothing to draw."])
          + text
      }
      // A drawing of cells that many runs share would only be longer.
      return heading + (try CellPicture.html(genotype)) + (runs.count == 1 ? .empty : text)
    }
    let operations = Set(
      runs.compactMap { try? Genotype(parsing: $0.0.genotype ?? "") }.flatMap { $0.cells.flatMap(\.edges) }.map(\.operation))
    let kinds = [
      ("convolution", "convolution", CellDiagram.Kind.convolution), ("pool", "pooling", .pool),
      ("skip", "skip connection", .skip), ("noise", "noise", .noise),
    ]
    let legend = HTML.element(
      "ul", ["class": "legend kinds"],
      kinds.filter { kind in operations.contains { $0.kind == kind.2 } }.map { style, name, _ in
        .element("li", ["class": style], [.element("span", ["class": "chip", "aria-hidden": "true"]), .text(name)])
      })
    return section("Derived cells", id: "cells", [legend] + parts)
  }
}
