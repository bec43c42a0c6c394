/// How far a landscape had come when it was interrupted, as its journals have it.
public struct LandscapeProgress: Equatable, Sendable {
  /// Points of the grid or the lines.
  public var points: Int
  /// The last level of the refinement that an objective has points of.
  public var refined: [Objective: Refined] = [:]
  /// Updates of paths that methods take in the plane.
  public var updates: [String: Int] = [:]

  public struct Refined: Equatable, Sendable {
    public var level: Int
    /// On that level.
    public var points: Int

    public init(level: Int, points: Int) { (self.level, self.points) = (level, points) }
  }

  public init(points: Int = 0) { self.points = points }

  /// Points that are left to refine at most: eight a level, fewer at an edge.
  func refinementPoints(of objective: Objective, levels: Int) -> Int {
    guard levels > 0 else { return 0 }
    guard let refined = refined[objective], refined.level > 0 else { return 8 * levels }
    return 8 * max(0, levels - refined.level) + max(0, 8 - refined.points)
  }
}
