/// The title of a page or panel: on one line, on two where it is too long, and smaller and at last cut where two don't do.
struct TitleText {
  private let lines: [Label]
  private let size: Double
  private let bold: Bool

  init(_ text: String, size: Double, bold: Bool = true, room: Double, ruler: Ruler) {
    self.bold = bold
    let whole = Label(text)
    guard ruler.width(whole, size: size, bold: bold) > room else {
      (lines, self.size) = (whole.isEmpty ? [] : [whole], size)
      return
    }
    // Two lines of about one length read best: the break nearest to the middle.
    let words = text.split(separator: " ").map(String.init)
    let breaks = (1..<max(2, words.count)).map { count in
      [words.prefix(count).joined(separator: " "), words.dropFirst(count).joined(separator: " ")]
    }
    func longest(_ lines: [String]) -> Double { lines.map { ruler.width(Label($0), size: size, bold: bold) }.max() ?? 0 }
    let best = breaks.min { longest($0) < longest($1) } ?? [text]
    let fitted = best.filter { !$0.isEmpty }.map { ruler.fitted(Label($0), size: size, least: 7, bold: bold, room: room) }
    self.size = fitted.map(\.1).min() ?? size
    lines = fitted.map(\.0)
  }

  private var lineHeight: Double { size * 1.25 }

  /// From the top of the capitals to the last baseline; 0 without a title.
  var height: Double { lines.isEmpty ? 0 : size * Theme.capHeight + Double(lines.count - 1) * lineHeight }

  func draw(on canvas: Canvas, centre: Double, top: Double) {
    for (index, line) in lines.enumerated() {
      canvas.text(
        line, at: Point(centre, top + Double(index) * lineHeight), size: size, bold: bold, horizontal: .centre,
        vertical: .top)
    }
  }
}
