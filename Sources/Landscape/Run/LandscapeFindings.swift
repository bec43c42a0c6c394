/// What a landscape says in a few numbers.
extension LandscapePlane {
  /// An objective at the centre; nil where no point of the grid lies there.
  public func centre(of objective: Objective) -> ObjectiveSample? {
    guard let i = grid.x.coordinates.firstIndex(of: 0), let j = grid.y.coordinates.firstIndex(of: 0) else { return nil }
    return samples[objective]?[i * grid.y.size + j]
  }
}

extension LandscapeLines {
  /// The point of a line (counted from 0) where an objective's finite loss is least, the first of equals, and where it lies;
  /// nil where no loss is finite.
  public func least(of objective: Objective, line: Int) -> (sample: ObjectiveSample, t: Double)? {
    let samples = lines[line][objective] ?? []
    let least = samples.indices.filter { samples[$0].loss.isFinite }.min {
      (samples[$0].loss, $0) < (samples[$1].loss, $1)
    }
    return least.map { (samples[$0], axis.coordinate($0)) }
  }
}

extension LandscapeRun.Result {
  /// Objectives that are not finite at some of their points, at how many, and of how many.
  public var gaps: [(objective: Objective, count: Int, total: Int)] {
    let losses: [(Objective, [Double])] =
      if let landscape {
        landscape.objectives.map { ($0, landscape.losses(of: $0)) }
      } else {
        lines.map { lines in
          lines.objectives.map { objective in (objective, lines.lines.flatMap { ($0[objective] ?? []).map(\.loss) }) }
        } ?? []
      }
    return losses.map { ($0, $1.count { !$0.isFinite }, $1.count) }.filter { $0.1 > 0 }
  }
}
