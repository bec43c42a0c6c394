import Formats
import Landscape

/// Losses along rays out of a centre: what the statistics of fidelity are made of, and the content of
/// `fidelity-samples.csv`.
public struct FidelitySamples: Equatable, Sendable {
  public let objectives: [Objective]
  /// Ascending, the centre left out.
  public let radii: [Double]
  /// Samples at α itself.
  public let centre: [Objective: LandscapePlane.Sample]
  /// `rays[k][objective]`, one sample a radius.
  public let rays: [[Objective: [LandscapePlane.Sample]]]
  /// How far each point is from the centre in α: `displacements[k][radius]`, flat vectors.
  public let displacements: [[[Double]]]
  /// ‖α‖ over both matrices.
  public let alphaNorm: Double
  /// Validation batches whose losses are known at every point of the rays; 1 where they are not known apart.
  public let batchCount: Int

  /// - Parameter displacements: one vector for each ray and radius, all of one size.
  /// - Throws: `InputError` where an objective lacks a sample.
  public init(
    objectives: [Objective], radii: [Double], centre: [Objective: LandscapePlane.Sample],
    rays: [[Objective: [LandscapePlane.Sample]]], displacements: [[[Double]]], alphaNorm: Double
  ) throws {
    for objective in objectives {
      let isComplete = centre[objective] != nil && rays.allSatisfy { $0[objective]?.count == radii.count }
      guard isComplete, displacements.count == rays.count, displacements.allSatisfy({ $0.count == radii.count }) else {
        throw InputError(
          "not one sample a point", at: .words(objective.label), wanted: "\(radii.count) on each of \(rays.count) rays")
      }
    }
    self.objectives = objectives
    self.radii = radii
    self.centre = centre
    self.rays = rays
    self.displacements = displacements
    self.alphaNorm = alphaNorm
    let counts = Set(rays.flatMap { ray in objectives.flatMap { (ray[$0] ?? []).map(\.batchLosses.count) } })
    batchCount = counts.count == 1 ? max(1, counts.first ?? 1) : 1
  }

  public static let columns = ["direction", "radius", "objective", "inner_steps", "loss", "accuracy"]

  /// The rows of `fidelity-samples.csv`: the centre as direction 0 at radius 0, then ray by ray, counted from 1.
  public var rows: [[CSVField]] {
    func row(_ direction: Int, _ radius: Double, _ objective: Objective, _ sample: LandscapePlane.Sample) -> [CSVField] {
      [
        .integer(direction), .real(radius), .text(objective.name), .integer(objective.innerSteps), .real(sample.loss),
        .real(sample.accuracy),
      ]
    }
    let first = objectives.compactMap { objective in centre[objective].map { row(0, 0, objective, $0) } }
    return first
      + rays.enumerated().flatMap { ray, samples in
        radii.indices.flatMap { radius in
          objectives.compactMap { objective in
            samples[objective].map { row(ray + 1, radii[radius], objective, $0[radius]) }
          }
        }
      }
  }

  /// Losses at the centre and at every point of every ray.
  public func losses(of objective: Objective) -> [Double] {
    [centreLoss(objective)] + rays.flatMap { ($0[objective] ?? []).map(\.loss) }
  }

  func loss(_ objective: Objective, ray: Int, radius: Int) -> Double { rays[ray][objective]?[radius].loss ?? .nan }

  /// The mean over some of the validation batches, by number; over all of them what `loss` says.
  func loss(_ objective: Objective, ray: Int, radius: Int, batches: [Int]) -> Double {
    guard batches.count < batchCount, let sample = rays[ray][objective]?[radius] else {
      return loss(objective, ray: ray, radius: radius)
    }
    return batches.reduce(0) { $0 + sample.batchLosses[$1] } / Double(batches.count)
  }

  func accuracy(_ objective: Objective, ray: Int, radius: Int) -> Double { rays[ray][objective]?[radius].accuracy ?? .nan }

  func centreLoss(_ objective: Objective) -> Double { centre[objective]?.loss ?? .nan }
}
