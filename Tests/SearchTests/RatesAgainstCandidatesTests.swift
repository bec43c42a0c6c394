import Cells
import Foundation
import Problems
import Search
import TestSupport
import Testing

/// How fast the zero-order methods descend, against the number of candidates. docs/methods.md explains the table.
///
/// On a loss of curvature h in each of d directions, an RS update with ξ = n/((n + d + 1) h) leaves on average the part
/// (d + 1)/(n + d + 1) of the excess loss, n being the independent directions: N, or N/2 pairs. This is exact for Gaussian
/// directions: E ĝĝᵀ = (|g|² I + (n + 1) g gᵀ)/n.
struct RatesAgainstCandidatesTests {
  private static let counts = [2, 4, 8, 16, 32]
  private static let dimensions = 8
  private let frozen: FrozenDescent
  private let curvature: Double

  init() throws {
    frozen = try FrozenDescent.isotropic(count: Self.dimensions)
    curvature = frozen.hessian[0, 0]
  }

  private func randomSearch(_ count: Int, isAntithetic: Bool) -> ZARTSRS<QuadraticBilevelProblem> {
    let independent = Double(isAntithetic ? count / 2 : count)
    return ZARTSRS(
      problem: frozen.problem,
      settings: .init(
        innerSteps: 3, candidates: count, smoothing: 1e-3,
        stepSize: independent / ((independent + Double(Self.dimensions) + 1) * curvature), isAntithetic: isAntithetic))
  }

  private func predicted(_ count: Int, isAntithetic: Bool) -> Double {
    let independent = Double(isAntithetic ? count / 2 : count)
    return Double(Self.dimensions + 1) / (independent + Double(Self.dimensions) + 1)
  }

  /// Excess loss after one update as a part of that before, over many seeds.
  private func remainder(_ count: Int, isAntithetic: Bool) throws -> SampleMean {
    let optimiser = randomSearch(count, isAntithetic: isAntithetic)
    let start = distance(frozen.initial, frozen.minimiser)
    return SampleMean(
      try (0..<1500 as Range<UInt64>).map { seed in
        let update = try frozen.update(optimiser, seed: seed)
        let left = distance(zip(frozen.initial, update).map { $0 + $1 }, frozen.minimiser) / start
        return [left * left]
      })
  }

  /// Excess loss after 40 updates as a part of that at the start: the geometric mean over seeds.
  private func excess(
    _ optimiser: any ArchitectureOptimiser<QuadraticBilevelProblem>, sigma: Double = 0.1
  ) throws -> Double {
    let logarithms = try (0..<5).map { seed in
      let alphas = try frozen.descend(optimiser, updates: 40, seed: UInt64(seed), sigma: sigma)
      return 2 * log(distance(alphas, frozen.minimiser) / distance(frozen.initial, frozen.minimiser))
    }
    return exp(logarithms.reduce(0, +) / Double(logarithms.count))
  }

  @Test func ratesImproveWithCandidatesAsPredicted() throws {
    #expect(distance(frozen.hessian.values, (curvature * DenseMatrix.identity(Self.dimensions)).values) < 1e-12)
    var lines = [
      "  N   RS left   predicted   pairs left   predicted   RS after 40   pairs after 40   MGS after 40   GLD after 40"
    ]
    var after: [(rs: Double, pairs: Double, mgs: Double, gld: Double)] = []
    for count in Self.counts {
      var cells: [Double] = []
      for isAntithetic in [false, true] {
        let sample = try remainder(count, isAntithetic: isAntithetic)
        let wanted = predicted(count, isAntithetic: isAntithetic)
        #expect(sample.agrees(with: [wanted]), "N \(count): \(sample.mean) ± \(sample.errors), not \(wanted)")
        #expect(sample.errors[0] < 0.05)
        cells += [sample.mean[0], wanted]
      }
      let rs = try excess(randomSearch(count, isAntithetic: false))
      let pairs = try excess(randomSearch(count, isAntithetic: true))
      let mgs = try excess(
        ZARTSMGS(
          problem: frozen.problem, settings: .init(innerSteps: 3, candidates: count, temperature: 1e-3, lambda: 0.5)),
        sigma: 0.3)
      let gld = try excess(ZARTSGLD(problem: frozen.problem, settings: .init(innerSteps: 3, radius: 2, radii: count)))
      after.append((rs, pairs, mgs, gld))
      lines.append(
        String(format: "%3d   %7.3f   %9.3f   %10.3f   %9.3f", count, cells[0], cells[1], cells[2], cells[3])
          + String(format: "   %11.1e   %14.1e   %12.1e   %12.1e", rs, pairs, mgs, gld))
    }
    print(lines.joined(separator: "\n"))
    for (fewer, more) in zip(after, after.dropFirst()) {
      #expect(more.rs < fewer.rs)
      #expect(more.pairs < fewer.pairs || more.pairs < 1e-12, "down to what float32 resolves")
    }
    #expect(after[4].mgs < 0.5 * after[0].mgs)
    #expect(after[2].gld < 0.5 * after[0].gld)
  }

  /// Where the slope is gone a one-sided difference still sees μ/2 uᵀHu: descent ends in a noise ball whose excess loss
  /// goes with μ². Pairs have no such floor.
  @Test func oneSidedDifferencesLeaveAFloorThatFallsWithTheSquareOfTheSmoothing() throws {
    func floor(_ smoothing: Double, isAntithetic: Bool = false) throws -> Double {
      let optimiser = ZARTSRS(
        problem: frozen.problem,
        settings: .init(
          innerSteps: 3, candidates: 8, smoothing: smoothing, stepSize: 0.2 / curvature, isAntithetic: isAntithetic))
      let excesses = try (0..<20).map { seed in
        frozen.loss(try frozen.descend(optimiser, updates: 120, seed: UInt64(seed))) - frozen.loss(frozen.minimiser)
      }
      return excesses.reduce(0, +) / 20
    }
    let (wide, narrow) = (try floor(0.4), try floor(0.04))
    #expect(wide / narrow > 50 && wide / narrow < 200, "\(wide) and \(narrow)")
    #expect(try floor(0.4, isAntithetic: true) < 1e-3 * wide)
  }

  /// The default ξ with the default N on a problem with as many α as s2: 0.1 descends, ten times as much runs away.
  @Test func defaultStepDescendsWhereTenTimesAsMuchRunsAway() throws {
    let defaults = SearchConfiguration(method: .zartsRS, space: .s2, dataset: "closed-form")
    let frozen = try FrozenDescent.random(count: SearchSpace.s2.zeroAlphas.count)
    func left(_ stepSize: Double, updates: Int) throws -> Double {
      let optimiser = ZARTSRS(
        problem: frozen.problem,
        settings: .init(innerSteps: 3, candidates: defaults.candidates, smoothing: 0.01, stepSize: stepSize))
      let least = frozen.loss(frozen.minimiser)
      let alphas = try frozen.descend(optimiser, updates: updates, seed: 3)
      return (frozen.loss(alphas) - least) / (frozen.loss(frozen.initial) - least)
    }
    #expect(try left(defaults.xi, updates: 300) < 1e-3)
    #expect(try left(10 * defaults.xi, updates: 10) > 10)
  }
}
