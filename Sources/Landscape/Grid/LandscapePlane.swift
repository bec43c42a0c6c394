import Formats

/// Losses and accuracies of several objectives over a grid: the content of `landscape.csv`.
public struct LandscapePlane: Equatable, Sendable {
  public let grid: LandscapeGrid
  public let objectives: [Objective]
  /// What each objective is at each point, in the grid's row-major order: objectives × grid.count values.
  public let samples: [Objective: [Sample]]

  public typealias Sample = ObjectiveSample

  /// - Throws: `InputError` where an objective has not one sample for every point.
  public init(grid: LandscapeGrid, objectives: [Objective], samples: [Objective: [Sample]]) throws {
    for objective in objectives where samples[objective]?.count != grid.count {
      throw InputError(
        "not one sample a point", at: .words(objective.label), found: "\(samples[objective]?.count ?? 0)",
        wanted: "\(grid.count)")
    }
    self.grid = grid
    self.objectives = objectives
    self.samples = samples.filter { objectives.contains($0.key) }
  }

  /// Losses in row-major order; empty for an objective that was not sampled.
  public func losses(of objective: Objective) -> [Double] { samples[objective]?.map(\.loss) ?? [] }

  /// Points at which an objective's loss is not finite: inner training diverged, or a value left float32.
  public func notFinite(_ objective: Objective) -> Int { losses(of: objective).count { !$0.isFinite } }

  /// Whether all finite losses of an objective, of two points at least, are one and the same number: no point is its least.
  public func isConstant(_ objective: Objective) -> Bool {
    let finite = losses(of: objective).filter(\.isFinite)
    return finite.count > 1 && finite.allSatisfy { $0 == finite[0] }
  }

  /// The point of the least finite loss, the first of equals; nil where no loss is finite or the objective is constant.
  public func minimiser(of objective: Objective) -> (point: LandscapeGrid.Point, loss: Double)? {
    guard !isConstant(objective) else { return nil }
    let finite = losses(of: objective).enumerated().filter { $0.element.isFinite }
    return finite.min { ($0.element, $0.offset) < ($1.element, $1.offset) }.map { (grid.point($0.offset), $0.element) }
  }

  /// The true loss of the most inner steps, which the others are compared with; nil where there is none.
  public var reference: Objective? { objectives.truth }
}

extension LandscapePlane {
  /// The content of `landscape.npz`, float64: `x` [i] along direction 1, `y` [j] along direction 2, and for each
  /// objective `loss_NAME` and `accuracy_NAME` [i, j], x first. NAME is `first`, `second` or `true10` and the like; of
  /// an objective that is no loss it is `value_NAME`, as `value_eigenvalue`. Over several
  /// validation batches `loss_error_NAME` and `accuracy_error_NAME` are their standard errors.
  public var arrays: NPZFile {
    func coordinates(_ axis: LandscapeGrid.Axis) -> NPYFile {
      NPYFile(shape: [axis.size], values: .float64(axis.coordinates))
    }
    let values = objectives.flatMap { objective in
      let name = objective.arrayName
      let samples = samples[objective] ?? []
      let errors = [
        ("loss_error_\(name)", samples.map { $0.lossError ?? .nan }),
        ("accuracy_error_\(name)", samples.map { $0.accuracyError ?? .nan }),
      ]
      return [
        ("\(objective.quantity == .loss ? "loss" : "value")_\(name)", samples.map(\.loss)),
        ("accuracy_\(name)", samples.map(\.accuracy)),
      ]
        + (samples.contains { $0.lossError != nil } ? errors : [])
    }
    return NPZFile(
      arrays: [("x", coordinates(grid.x)), ("y", coordinates(grid.y))]
        + values.map { ($0.0, NPYFile(shape: [grid.x.size, grid.y.size], values: .float64($0.1))) })
  }
}
