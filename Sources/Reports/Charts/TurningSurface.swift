import Figures

/// The planes of a landscape as a surface that a reader turns by hand, one of them at a time.
///
/// `SurfaceScript` draws it from what the heatmaps above it carry for the pointer, so that no value stands in the page twice. Without
/// a script it stays hidden, and the heatmaps are what there is.
enum TurningSurface {
  /// What a page that has one holds.
  static let mark = "<figure class=\"turn\""

  /// - Parameters:
  ///   - id: tells several of a page apart.
  ///   - names: of the planes, in the order of their heatmaps.
  ///   - directions: names of the axes.
  ///   - maps: colours of losses, and of differences.
  static func html(
    id: String, names: [String], directions: (String, String), maps: (ColourMap, ColourMap)
  ) -> HTML {
    let buttons = names.enumerated().map { index, name in
      HTML.element("button", ["type": "button", "aria-pressed": index == 0 ? "true" : "false"], [.text(name)])
    }
    return .element(
      "figure",
      [
        "class": "turn", "id": "\(id)-turn", "hidden": "hidden", "data-x-name": directions.0, "data-y-name": directions.1,
        "data-colours": colours(maps.0), "data-differences": colours(maps.1),
      ],
      [
        .element(
          "figcaption", [:],
          [
            .element("b", [:], ["As a surface"]),
            .text(
              " Drag it, or use the arrow keys, to turn it; + and \u{2212}, two fingers, or the wheel once it has the focus, "
            )
              + "zoom; 0 goes back. Heights are cut off at the ends of the colour scale.",
          ]),
        .element("div", ["class": "choices", "role": "group", "aria-label": "Surface shown"], buttons),
        .element("canvas", ["tabindex": "0", "role": "img", "aria-label": "\(names.first ?? "") as a surface"]),
      ])
  }

  /// 33 colours at equal distances, between which the script interpolates.
  private static func colours(_ map: ColourMap) -> String {
    (0...32).map { String(HeatCells.colour(min(HeatCells.steps - 1, 8 * $0), map).dropFirst()) }.joined(separator: " ")
  }
}
