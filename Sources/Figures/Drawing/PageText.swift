/// Title and caption of a page: what every figure has above and below its drawing.
struct PageText {
  private let title: TitleText
  private let caption: [String]
  private let width: Double

  /// Where what lies below the title begins.
  let top: Double

  init(title: String, caption: [String], width: Double, ruler: Ruler) {
    let room = width - 2 * Theme.margin
    self.title = TitleText(title, size: Theme.titleSize, room: room, ruler: ruler)
    self.caption = ruler.wrapped(caption.joined(separator: " "), size: Theme.captionSize, room: room)
    self.width = width
    top = title.isEmpty ? Theme.margin : Theme.margin + self.title.height + 8
  }

  /// Height of the caption with the air above it.
  var captionHeight: Double {
    caption.isEmpty ? 0 : 7 + Double(caption.count) * Theme.captionSize * Theme.lineHeight
  }

  /// - Parameter bottom: where what lies above the caption ends.
  func draw(on canvas: Canvas, bottom: Double) {
    title.draw(on: canvas, centre: width / 2, top: Theme.margin)
    for (index, line) in caption.enumerated() {
      let y = bottom + 7 + Double(index) * Theme.captionSize * Theme.lineHeight
      canvas.text(Label(line), at: Point(Theme.margin, y), size: Theme.captionSize, vertical: .top)
    }
  }
}
