import Foundation

/// A parallel view of the box −1…1 × −1…1 × `floor`…1 from outside and above.
///
/// Parallel lines stay parallel and lengths along an axis stay comparable, which a perspective would lose; and what hides
/// what over a grid follows from the order of its cells alone.
struct Projection {
  /// Towards the viewer.
  let towards: (x: Double, y: Double, z: Double)
  private let right: (x: Double, y: Double)
  private let up: (x: Double, y: Double, z: Double)
  /// Height of the box's bottom; its top is at 1.
  let floor: Double
  private let scale: Double
  private let origin: Point

  /// Height of the box against half of its width.
  static let height = 1.0

  /// - Parameters:
  ///   - azimuth: degrees from the x axis, towards the y axis, to where the viewer stands.
  ///   - elevation: degrees above the ground.
  ///   - area: what the box fills on the page, in width; the height follows.
  init(azimuth: Double, elevation: Double, floor: Double, left: Double, top: Double, width: Double) {
    let (a, e) = (azimuth * .pi / 180, elevation * .pi / 180)
    towards = (cos(e) * cos(a), cos(e) * sin(a), sin(e))
    let (right, up) = ((x: -sin(a), y: cos(a)), (x: -sin(e) * cos(a), y: -sin(e) * sin(a), z: cos(e)))
    (self.right, self.up, self.floor) = (right, up, floor)
    let corners = Self.corners(floor).map { (x: $0 * right.x + $1 * right.y, y: $0 * up.x + $1 * up.y + $2 * up.z) }
    let (xs, ys) = (corners.map(\.x), corners.map(\.y))
    let (least, most) = (xs.min() ?? -1, xs.max() ?? 1)
    scale = width / (most - least)
    origin = Point(left - least * scale, top + (ys.max() ?? 1) * scale)
    boxHeight = ((ys.max() ?? 1) - (ys.min() ?? -1)) * scale
  }

  /// Height of the box on the page.
  let boxHeight: Double

  private static func corners(_ floor: Double) -> [(Double, Double, Double)] {
    [-1.0, 1].flatMap { x in [-1.0, 1].flatMap { y in [(x, y, floor), (x, y, height)] } }
  }

  func page(_ x: Double, _ y: Double, _ z: Double) -> Point {
    Point(
      origin.x + (x * right.x + y * right.y) * scale, origin.y - (x * up.x + y * up.y + z * up.z) * scale)
  }

  /// The sides that face the viewer: +1 or −1 along x and y.
  var nearX: Double { towards.x >= 0 ? 1 : -1 }
  var nearY: Double { towards.y >= 0 ? 1 : -1 }
}
