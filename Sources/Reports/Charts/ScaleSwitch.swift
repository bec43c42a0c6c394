import Figures

/// A choice between two colour scales that works without a script: what it leads to follows it in the same element, those
/// parts that are of one scale alone in the classes `shared` and `own`.
enum ScaleSwitch {
  /// - Parameters:
  ///   - id: tells several switches of a page apart; their `id` with "-scale" is that of the title.
  ///   - shared: what the first choice is called, which is taken at the start.
  static func html(id: String, shared: String, own: String) -> [HTML] {
    [
      .element("span", ["class": "switch-title", "id": "\(id)-scale"], ["Colour scale"]), radio(id, "shared", checked: true),
      .element("label", ["for": "\(id)-shared"], [.text(shared)]), radio(id, "own", checked: false),
      .element("label", ["for": "\(id)-own"], [.text(own)]),
    ]
  }

  private static func radio(_ id: String, _ name: String, checked: Bool) -> HTML {
    .element(
      "input",
      [
        "type": "radio", "name": "\(id)-colours", "id": "\(id)-\(name)", "class": "choose-\(name)",
        "checked": checked ? "checked" : nil,
      ])
  }
}
