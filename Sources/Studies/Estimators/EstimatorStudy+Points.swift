import Landscape
import Problems
import Search

/// What a study of estimators evaluates at a place: α itself where an estimator asks for it, both sides of α along every
/// coordinate, and the candidates of its estimators.
extension EstimatorStudy {
  /// A point of a place.
  struct Point {
    let key: StudyPoint
    let kind: Kind
    let objectives: [Objective]

    enum Kind {
      case centre
      /// α ± h e_k, the sign that of `side`.
      case side(coordinate: Int, displacement: Double)
      /// A candidate of the draw, as the estimator of that gradient as guide has it.
      case candidate(CandidateFamily, index: Int, draw: CandidateDraw, guide: GradientEstimator?)
    }

    /// Whether it trains as the reference does, whatever candidates do.
    var isOfReference: Bool {
      if case .side = kind { true } else { false }
    }
  }

  /// h of the reference, then the compared ones.
  var displacements: [Double] { [settings.displacement] + settings.comparedDisplacements }

  func key(_ part: String, _ place: Int, _ first: Int = 0, _ second: Int = 0) -> StudyPoint {
    .init(prefix + part, place: place, first: first, second: second)
  }

  /// What candidates are compared with, evaluated at α itself.
  private var compared: [Objective] {
    let asking = settings.estimators.filter(\.definition.needsBaseline)
    return (asking.contains { !comparesUntrained($0) } ? settings.objectives : [])
      + (asking.contains(where: comparesUntrained) ? [.firstOrder] : [])
  }

  /// Whether an estimator compares candidates with L_val(ω, α) and not with L_M(α).
  func comparesUntrained(_ estimator: StudiedEstimator) -> Bool {
    settings.zeroOrder.hasUntrainedBaseline && estimator.definition.mayCompareUntrained
  }

  /// In order. Draw `repeat` at σ number `sigma` has the first number sigma · repeats + repeat.
  func points(place: Int) -> [Point] {
    var points: [Point] = []
    if settings.estimators.contains(where: \.definition.needsBaseline) {
      points.append(Point(key: key("centre", place), kind: .centre, objectives: compared))
    }
    for (index, displacement) in displacements.enumerated() {
      points += (0..<2 * alphas.count).map { side in
        Point(
          key: key("difference", place, index, side),
          kind: .side(coordinate: side / 2, displacement: side % 2 == 0 ? displacement : -displacement),
          objectives: index == 0 ? differenced : settings.objectives)
      }
    }
    let families = families()
    let most = families.map(\.family.count).max() ?? 0
    for number in 0..<settings.sigmas.count * settings.repeats {
      let draw = draw(place: place, first: number, candidates: settings.mostCandidates)
      for candidate in 0..<most {
        for (family, guide) in families where candidate < family.count {
          points.append(
            Point(
              key: key(family.name, place, number, candidate),
              kind: .candidate(family, index: candidate, draw: draw, guide: guide), objectives: settings.objectives))
        }
      }
    }
    return points
  }

  /// What is evaluated at both sides of α along a coordinate: L_M, and what else estimators take differences of.
  var differenced: [Objective] {
    let others = settings.estimators.compactMap(\.definition.differencedSteps).map { Objective.afterSteps($0) }
    return others.reduce(into: settings.objectives) { if !$0.contains($1) { $0.append($1) } }
  }

  /// Families of all estimators, those of a name once, with the most candidates that one of them takes.
  private func families() -> [(family: CandidateFamily, guide: GradientEstimator?)] {
    var result: [(family: CandidateFamily, guide: GradientEstimator?)] = []
    for estimator in settings.estimators {
      for family in estimator.definition.families(candidates: settings.mostCandidates) {
        if let known = result.firstIndex(where: { $0.family.name == family.name }) {
          if result[known].family.count < family.count { result[known].family = family }
        } else {
          result.append((family, estimator.definition.guide))
        }
      }
    }
    return result
  }

  /// From α to a point, flat.
  func displacement(of point: Point, _ guides: [GradientEstimator: [Double]]) -> [Double] {
    var result = [Double](repeating: 0, count: alphas.count)
    switch point.kind {
    case .centre: break
    case .side(let coordinate, let displacement): result[coordinate] = displacement
    case .candidate(let family, let index, var draw, let guide):
      if let found = guide.flatMap({ guides[$0] }) { draw.guide = found }
      result = family.displacement(draw, index)
    }
    return result
  }

  /// - Parameter first: as in the key of a candidate.
  func draw(place: Int, first: Int, candidates: Int) -> CandidateDraw {
    CandidateDraw(
      seed: settings.seed, number: place * settings.repeats + first % settings.repeats, matrices: alphas.ranges,
      candidates: candidates, sigma: settings.sigmas[first / settings.repeats], guide: zeros, mgs: settings.mgs,
      zeroOrder: settings.zeroOrder)
  }
}

extension Objective {
  /// L_M, or L₁ of no step.
  static func afterSteps(_ count: Int) -> Objective { count == 0 ? .firstOrder : .trueLoss(innerSteps: count) }
}
