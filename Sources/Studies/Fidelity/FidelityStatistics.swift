import Landscape
import Statistics

/// How well approximations follow the true loss over sampled rays. Points where either loss is not finite are left out.
///
/// Points on one ray are not independent of each other, so what is left out or drawn for an interval are rays, each with all
/// of its points. Statistics that hang on one extreme point (a minimiser, the largest quotient) have no interval: neither the
/// jackknife nor the bootstrap holds for them (Efron & Tibshirani 1993, §7.4 and §10.6).
public struct FidelityStatistics {
  private let samples: FidelitySamples
  private let truth: Objective
  private let bootstrap: Bootstrap

  /// - Parameter truth: one of the sampled objectives.
  public init(_ samples: FidelitySamples, truth: Objective, bootstrap: Bootstrap) {
    self.samples = samples
    self.truth = truth
    self.bootstrap = bootstrap
  }

  /// Every statistic of the rays: agreement at each radius and over all, minimisers, roughness and condition numbers.
  public func rows() throws -> [FidelityRow] {
    var rows: [FidelityRow] = []
    for (number, objective) in samples.objectives.enumerated() where objective != truth {
      for (index, radius) in samples.radii.enumerated() {
        rows += try agreement(of: objective, radii: [index], at: radius, key: 100 * number + index)
        rows += corrected(of: objective, radii: [index], at: radius)
      }
      if samples.radii.count > 1 {
        rows += try agreement(of: objective, radii: Array(samples.radii.indices), at: nil, key: 100 * number + 99)
        rows += corrected(of: objective, radii: Array(samples.radii.indices), at: nil)
      }
      rows += try minimisers(of: objective, key: 100 * number + 98)
    }
    for (number, objective) in samples.objectives.enumerated() {
      rows += try roughness(of: objective, key: 100 * number + 97)
      rows += try conditionNumbers(of: objective, key: 100 * number)
    }
    return rows
  }

  private static let agreementScales: KeyValuePairs<String, StatisticScale> = [
    "pearson": .correlation, "spearman": .correlation, "kendall": .correlation, "concordance": .concordance,
    "bias": .skewed(), "rmse": .logarithm, "slope": .skewed(), "intercept": .skewed(), "accuracy_spearman": .correlation,
    "accuracy_bias": .skewed(),
  ]

  private func agreement(of objective: Objective, radii: [Int], at radius: Double?, key: Int) throws -> [FidelityRow] {
    func pairs(_ units: [Int], _ value: (Objective, Int, Int) -> Double) -> (x: [Double], y: [Double]) {
      var (x, y): ([Double], [Double]) = ([], [])
      for ray in units {
        for index in radii {
          let (approximate, exact) = (value(objective, ray, index), value(truth, ray, index))
          guard approximate.isFinite, exact.isFinite else { continue }
          x.append(approximate)
          y.append(exact)
        }
      }
      return (x, y)
    }
    func figures(_ units: [Int], _ batches: [Int]) throws -> [Double?] {
      let (x, y) = pairs(units) { samples.loss($0, ray: $1, radius: $2, batches: batches) }
      let differences = zip(x, y).map { $0 - $1 }
      let fit = try LinearFit(y, x)
      let accuracies = pairs(units) { samples.accuracy($0, ray: $1, radius: $2) }
      return [
        try Correlation.pearson(x, y), try Correlation.spearman(x, y), try Correlation.kendall(x, y),
        try Correlation.concordance(x, y), Moments.mean(differences),
        Moments.mean(differences.map { $0 * $0 })?.squareRoot(), fit?.slope, fit?.intercept,
        try Correlation.spearman(accuracies.x, accuracies.y), Moments.mean(zip(accuracies.x, accuracies.y).map { $0 - $1 }),
      ]
    }
    let rays = Array(samples.rays.indices)
    let (scales, batches) = (Self.agreementScales.map(\.value), Array(0..<samples.batchCount))
    let values = try figures(rays, batches)
    // Where there are batches enough, a repetition has others of them as well.
    let isCrossed = batches.count >= Bootstrap.fewestUnits && bootstrap.method(units: rays.count) == .student
    let intervals =
      isCrossed
      ? try bootstrap.crossedIntervals(units: rays.count, crossed: batches.count, scales: scales, of: figures)
      : try bootstrap.intervals(units: rays.count, key: key, scales: scales) { try figures($0, batches) }
    let count = pairs(rays) { samples.loss($0, ray: $1, radius: $2) }.x.count
    return Self.agreementScales.map(\.key).enumerated().compactMap { index, name in
      values[index].map { row(name, objective, radius: radius, value: $0, interval: intervals[index], count: count) }
    }
  }

  /// Slope and correlation cleared of what validation batches add to the losses, and how much of the spread of the true losses
  /// that leaves. It takes three batches: two must be left without one.
  private func corrected(of objective: Objective, radii: [Int], at radius: Double?) -> [FidelityRow] {
    guard samples.batchCount >= Bootstrap.fewestUnits else { return [] }
    let (rays, batches) = (Array(samples.rays.indices), Array(0..<samples.batchCount))
    func fit(_ units: [Int], _ batches: [Int]) -> NoiseCorrectedFit? {
      var (x, y): ([[Double]], [[Double]]) = ([], [])
      for ray in units {
        for index in radii {
          let both = [truth, objective].map { of in
            batches.map { samples.loss(of, ray: ray, radius: index, batches: [$0]) }
          }
          guard both.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { continue }
          x.append(both[0])
          y.append(both[1])
        }
      }
      return NoiseCorrectedFit(x, y)
    }
    guard let found = fit(rays, batches) else { return [] }
    let count = rays.count * radii.count
    let intervals = bootstrap.crossedIntervals(
      units: rays.count, crossed: batches.count, scales: [.skewed(), .correlation]
    ) { units, batches in
      let fit = fit(units, batches)
      return [fit?.slope, fit?.correlation]
    }
    return [
      row("slope_corrected", objective, radius: radius, value: found.slope, interval: intervals[0], count: count),
      found.correlation.map {
        row("pearson_corrected", objective, radius: radius, value: $0, interval: intervals[1], count: count)
      }, row("reference_reliability", objective, radius: radius, value: found.reliability, count: count),
    ].compactMap { $0 }
  }

  // MARK: Minimisers

  /// Distance in α between the points of least loss of the approximation and of the truth, the centre included, and what the
  /// choice of the one costs in the other; along a ray, the distance between the two minima of curves through its points.
  private func minimisers(of objective: Objective, key: Int) throws -> [FidelityRow] {
    let rays = Array(samples.rays.indices)
    let distances = try rays.map { try distanceAlong(ray: $0, objective) }
    let count = rays.count * samples.radii.count + 1
    func minimiser(of objective: Objective) -> (ray: Int, radius: Int)? {
      let points = [(ray: -1, radius: -1)] + rays.flatMap { ray in samples.radii.indices.map { (ray: ray, radius: $0) } }
      return points.filter { loss(objective, $0).isFinite }.min { loss(objective, $0) < loss(objective, $1) }
    }
    var rows: [FidelityRow] = []
    if let chosen = minimiser(of: objective), let best = minimiser(of: truth) {
      let apart = zip(place(chosen), place(best)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
      rows.append(row("minimiser_distance", objective, value: apart, count: count))
      let regret = loss(truth, chosen) - loss(truth, best)
      if regret.isFinite { rows.append(row("minimiser_regret", objective, value: regret, count: count)) }
    }
    if let along = Moments.mean(distances.compactMap { $0 }) {
      let interval = meanInterval(distances, key: key)
      rows.append(row("minimiser_distance_along", objective, value: along, interval: interval, count: count))
    }
    return rows
  }

  /// Of a mean of values that are not negative, over the rays that have one.
  private func meanInterval(_ each: [Double?], key: Int) -> ConfidenceInterval? {
    let defined = each.compactMap { $0 }
    return bootstrap.interval(units: defined.count, key: key, scale: .skewed(0...Double.infinity)) { units in
      Moments.mean(units.map { defined[$0] })
    }
  }

  private func loss(_ objective: Objective, _ point: (ray: Int, radius: Int)) -> Double {
    point.ray < 0 ? samples.centreLoss(objective) : samples.loss(objective, ray: point.ray, radius: point.radius)
  }

  private func place(_ point: (ray: Int, radius: Int)) -> [Double] {
    if point.ray >= 0 { return samples.displacements[point.ray][point.radius] }
    return [Double](repeating: 0, count: samples.displacements.first?.first?.count ?? 0)
  }

  /// Losses from the centre outwards, with their places in α; nil where one is not finite.
  private func profile(ray: Int, _ objective: Objective) -> (x: [Double], y: [Double])? {
    let x = [0.0] + samples.displacements[ray].map { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let y = [samples.centreLoss(objective)] + samples.radii.indices.map { samples.loss(objective, ray: ray, radius: $0) }
    return y.allSatisfy(\.isFinite) && zip(x, x.dropFirst()).allSatisfy(<) ? (x, y) : nil
  }

  private func distanceAlong(ray: Int, _ objective: Objective) throws -> Double? {
    guard samples.radii.count >= 2, let one = profile(ray: ray, objective), let other = profile(ray: ray, truth) else {
      return nil
    }
    // The quotient first: the last place must not pass the last point by a rounding.
    let places = (0...200).map { one.x[one.x.count - 1] * (Double($0) / 200) }
    let minima = try [one, other].map { curve in
      let values = try LineInterpolation(x: curve.x, y: curve.y).values(at: places)
      return places[values.indices.min { values[$0] < values[$1] } ?? 0]
    }
    return abs(minima[0] - minima[1])
  }

  // MARK: Shape

  /// Mean over inner points of a ray of how far the loss is from the straight line between its neighbours, relative to the
  /// range of the losses on the ray: 0 for a straight line, of the order of 1 where neighbours know nothing of each other.
  private func roughness(of objective: Objective, key: Int) throws -> [FidelityRow] {
    let each = samples.rays.indices.map { ray -> Double? in
      guard let (x, y) = profile(ray: ray, objective), x.count >= 3, let top = y.max(), let bottom = y.min(), top > bottom
      else { return nil }
      let away = (1..<x.count - 1).map { index in
        let share = (x[index] - x[index - 1]) / (x[index + 1] - x[index - 1])
        return abs(y[index] - (1 - share) * y[index - 1] - share * y[index + 1])
      }
      return Moments.mean(away).map { $0 / (top - bottom) }
    }
    guard let value = Moments.mean(each.compactMap { $0 }) else { return [] }
    let count = each.count { $0 != nil }
    return [row("roughness", objective, value: value, interval: meanInterval(each, key: key), count: count)]
  }

  /// |L(α + d) − L(α)|/‖d‖ · ‖α‖/L(α): the largest over the rays, as the authors' script takes it (docs/fidelity.md says
  /// where it differs), and the mean.
  private func conditionNumbers(of objective: Objective, key: Int) throws -> [FidelityRow] {
    let base = samples.centreLoss(objective)
    guard base.isFinite, base > 0 else { return [] }
    return samples.radii.indices.flatMap { radius -> [FidelityRow] in
      let each = samples.rays.indices.map { ray -> Double? in
        let length = samples.displacements[ray][radius].reduce(0) { $0 + $1 * $1 }.squareRoot()
        let value = abs(samples.loss(objective, ray: ray, radius: radius) - base) / length * samples.alphaNorm / base
        return value.isFinite ? value : nil
      }
      let defined = each.compactMap { $0 }
      guard let largest = defined.max(), let mean = Moments.mean(defined) else { return [] }
      let interval = meanInterval(each, key: key + radius)
      return [
        row("perturbation_condition", objective, radius: samples.radii[radius], value: largest, count: defined.count),
        row(
          "perturbation_condition_mean", objective, radius: samples.radii[radius], value: mean, interval: interval,
          count: defined.count),
      ]
    }
  }

  private func row(
    _ name: String, _ objective: Objective, radius: Double? = nil, value: Double, interval: ConfidenceInterval? = nil,
    count: Int
  ) -> FidelityRow {
    FidelityRow(
      name, of: objective, radius: radius, value: value, interval: interval.map { StatedInterval($0, over: .directions) },
      count: count)
  }
}
