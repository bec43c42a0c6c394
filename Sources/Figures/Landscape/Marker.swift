import Foundation

/// Signs for special points, legible on any colour: dark with a white outline, or the other way round.
enum Marker {
  /// The checkpoint that the landscape is drawn around.
  case centre
  /// The lowest point of a panel.
  case minimiser
  /// The lowest point of the reference panel.
  case reference

  /// Half of the room that the sign takes.
  static let radius = 5.6

  func draw(on canvas: Canvas, at point: Point) {
    switch self {
    case .centre:
      let arm = 2.7
      for (colour, width, extra) in [(Colour.white, 2.7, 0.8), (.ink, 1.2, 0.0)] {
        let reach = arm + extra
        canvas.stroke(
          [Point(point.x - reach, point.y), Point(point.x + reach, point.y)], colour, width: width)
        canvas.stroke(
          [Point(point.x, point.y - reach), Point(point.x, point.y + reach)], colour, width: width)
      }
    case .minimiser:
      let corners = (0..<10).map { index in
        let angle = Double(index) * .pi / 5 - .pi / 2
        let reach = index.isMultiple(of: 2) ? 5.4 : 2.4
        return Point(point.x + reach * cos(angle), point.y + reach * sin(angle))
      }
      canvas.fill(corners, .white)
      canvas.stroke(corners, .ink, width: 0.8, closed: true)
    case .reference:
      canvas.strokeCircle(point, radius: 3.8, .white, width: 2.4)
      canvas.strokeCircle(point, radius: 3.8, .ink, width: 1.1)
    }
  }
}
