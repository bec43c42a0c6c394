import Cells
import Compute
import Landscape

/// Where a study of fidelity looks: the centre, K rays out of it, and a square in the plane of two directions.
struct FidelityPoints {
  let settings: FidelitySettings
  let alphas: ArchitectureParameters
  /// One a ray, flat.
  let rays: [[Double]]
  /// The two directions of the plane, orthogonal, flat; none where there is no plane.
  let plane: [[Double]]
  let grid: LandscapeGrid?

  /// Ray k is standard normal, keyed by the seed and k alone, then scaled block by block. The rays are not orthogonalised:
  /// they are to be independent samples, and there may be more of them than dimensions.
  ///
  /// - Throws: `InputError` where two orthogonal directions do not fit in a block.
  init(_ settings: FidelitySettings, around alphas: ArchitectureParameters) throws {
    self.settings = settings
    self.alphas = alphas
    let centre = settings.length == .alpha ? alphas : alphas.zeros
    let raw = (0..<settings.directions).map { index in
      var stream = RandomStream(seed: settings.directionsSeed, purpose: .directions, index: index)
      return AlphaDirection(flat: stream.normals(alphas.count), like: alphas)
    }
    rays = try raw.map { direction in
      try Directions([direction], around: centre, normalisation: settings.normalisation).directions[0].flat
    }
    grid =
      settings.planePoints > 0 ? try LandscapeGrid(size: settings.planePoints, range: settings.radii.max() ?? 1) : nil
    plane =
      grid == nil
      ? []
      : try Directions(Array(raw.prefix(2)), around: centre, normalisation: settings.normalisation).directions.map(\.flat)
  }

  /// Points along a ray, the centre left out, ascending.
  var count: Int { settings.directions * settings.radii.count }

  /// α + r·d.
  func displacement(ray: Int, radius: Int) -> [Double] { rays[ray].map { settings.radii[radius] * $0 } }

  func displacement(planePoint: Int) -> [Double] {
    guard let grid else { return [] }
    let point = grid.point(planePoint)
    return zip(plane[0], plane[1]).map { point.x * $0 + point.y * $1 }
  }

  static let centre = StudyPoint("centre-of-rays")

  static func key(ray: Int, radius: Int) -> StudyPoint { .init("ray", first: ray, second: radius) }

  static func key(planePoint: Int) -> StudyPoint { .init("plane", first: planePoint) }

  /// Everything to be evaluated, in order.
  var tasks: [WalkPoint<StudyPoint>] {
    let objectives = settings.objectives
    let rays = (0..<settings.directions).flatMap { ray in
      settings.radii.indices.map { radius in
        WalkPoint(
          Self.key(ray: ray, radius: radius), objectives, number: 1 + ray * settings.radii.count + radius
        ) {
          alphas.moved(by: displacement(ray: ray, radius: radius))
        }
      }
    }
    let square = (0..<(grid?.count ?? 0)).map { point in
      WalkPoint(Self.key(planePoint: point), objectives, number: 1 + count + point) {
        alphas.moved(by: displacement(planePoint: point))
      }
    }
    return [WalkPoint(Self.centre, objectives) { alphas }] + rays + square
  }
}
