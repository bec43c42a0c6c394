/// Title and caption of a page: what every figure has above and below its drawing.
struct PageText {
  private let title: (Label, Double)
  private let caption: [String]
  private let width: Double

  /// Where what lies below the title begins.
  let top: Double

  init(title: String, caption: [String], width: Double, ruler: Ruler) {
    let room = width - 2 * Theme.margin
    self.title = ruler.fitted(Label(title), size: Theme.titleSize, least: 7, bold: true, room: room)
    self.caption = ruler.wrapped(caption.joined(separator: " "), size: Theme.captionSize, room: room)
    self.width = width
    top = title.isEmpty ? Theme.margin : Theme.margin + self.title.1 * Theme.capHeight + 8
  }

  /// Height of the caption with the air above it.
  var captionHeight: Double {
    caption.isEmpty ? 0 : 7 + Double(caption.count) * Theme.captionSize * Theme.lineHeight
  }

  /// - Parameter bottom: where what lies above the caption ends.
  func draw(on canvas: Canvas, bottom: Double) {
    canvas.text(
      title.0, at: Point(width / 2, Theme.margin), size: title.1, bold: true, horizontal: .centre, vertical: .top)
    for (index, line) in caption.enumerated() {
      let y = bottom + 7 + Double(index) * Theme.captionSize * Theme.lineHeight
      canvas.text(Label(line), at: Point(Theme.margin, y), size: Theme.captionSize, vertical: .top)
    }
  }
}
