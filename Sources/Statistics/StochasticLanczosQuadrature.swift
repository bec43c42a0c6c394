import Formats
import Foundation

/// The density of a symmetric operator's eigenvalues by stochastic Lanczos quadrature: k steps of Lanczos' process from each
/// of several random starts (Ubaru, Chen, Saad, *Fast estimation of tr(f(A)) via stochastic Lanczos quadrature*, 2017; for
/// Hessians of networks Ghorbani, Krishnan, Xiao 2019, arXiv 1901.10159, Algorithm 1, and Yao et al. 2020, arXiv 1912.07145,
/// §3).
///
/// A start of independent entries of mean 0 and variance 1 makes Σ_i τ_i f(θ_i), θ the eigenvalues of T and τ the squares of
/// the first entries of their vectors, an estimate of tr f(A)/n, exact in expectation for polynomials f of degree up to 2k −
/// 1.
public struct StochasticLanczosQuadrature: Equatable, Sendable {
  /// Nodes θ and weights τ of one start, ascending in θ; weights add up to 1.
  public struct Rule: Equatable, Sendable {
    public let nodes: [Double]
    public let weights: [Double]

    public init(nodes: [Double], weights: [Double]) {
      precondition(nodes.count == weights.count, "a weight for each node")
      (self.nodes, self.weights) = (nodes, weights)
    }

    /// What k steps from a start tell.
    public init<Vector>(_ space: KrylovSpace<Vector>) {
      self.init(nodes: space.ritz.map(\.value), weights: space.ritz.map(\.weight))
    }
  }

  /// One a start.
  public let rules: [Rule]

  /// - Throws: `InputError` without a start, or with one that has no node or a value that is not finite.
  public init(_ rules: [Rule]) throws {
    guard !rules.isEmpty, rules.allSatisfy({ !$0.nodes.isEmpty && ($0.nodes + $0.weights).allSatisfy(\.isFinite) }) else {
      throw InputError(
        "cannot be used", at: "starts of a density", found: rules.isEmpty ? "none" : "one without finite nodes",
        wanted: "at least one start, with finite nodes")
    }
    self.rules = rules
  }

  /// Of each start, Σ τ θ^p: an estimate of tr A^p / n.
  public func moments(_ power: Int) -> [Double] {
    rules.map { rule in
      zip(rule.nodes, rule.weights).reduce(0) { sum, node in
        sum + node.1 * (0..<power).reduce(1) { product, _ in product * node.0 }
      }
    }
  }

  /// The smallest and the largest node.
  public var range: ClosedRange<Double> {
    let nodes = rules.flatMap(\.nodes)
    return (nodes.min() ?? 0)...(nodes.max() ?? 0)
  }

  /// σ where none is given: σ² = 1e-5 · max(1, s), s from the mean over starts of the smallest to that of the largest node,
  /// as PyHessian has it (density_plot.py, lines 43 and 49–53, which adds 0.02 to s).
  public var usualWidth: Double {
    let count = Double(rules.count)
    let low = rules.reduce(0) { $0 + ($1.nodes.min() ?? 0) } / count
    let high = rules.reduce(0) { $0 + ($1.nodes.max() ?? 0) } / count
    return (1e-5 * max(1, high - low)).squareRoot()
  }

  /// A density over λ, per unit of λ.
  public struct Curve: Equatable, Sendable {
    public let eigenvalues: [Double]
    /// Mean over the starts; its integral is 1.
    public let density: [Double]
    /// Standard error of that mean; nil with one start.
    public let errors: [Double]?
    /// σ of the Gaussian that stands for each node.
    public let width: Double
  }

  /// Places of a curve, at most.
  private static let mostPlaces = 20_000.0

  /// The least σ whose Gaussians so many places show: a narrower one falls between them. It is also well above the rounding
  /// of the nodes.
  private var leastWidth: Double {
    let (low, high) = (range.lowerBound, range.upperBound)
    return max(2 * (high - low) / (Self.mostPlaces - 24), 1e-9 * max(abs(low), abs(high)), 1e-100)
  }

  /// φ(λ) = mean over starts of Σ_i τ_i N(λ; θ_i, σ²), at equal distances of σ/2 or a little less (at least 512 of them, at
  /// most 20,000) from 6 σ below the smallest node to 6 σ above the largest.
  ///
  /// - Parameter width: σ; nil for `usualWidth`. One that 20,000 places cannot show is widened to what they can, 1e-4 of the
  ///   reach of the nodes.
  public func curve(width: Double? = nil) -> Curve {
    let sigma = max(width ?? usualWidth, leastWidth)
    let (low, high) = (range.lowerBound - 6 * sigma, range.upperBound + 6 * sigma)
    let count = Int(min(Self.mostPlaces, max(512, (2 * (high - low) / sigma).rounded(.up))))
    let places = (0...count).map { low + (high - low) * Double($0) / Double(count) }
    let height = 1 / (sigma * (2 * Double.pi).squareRoot())
    let each = rules.map { rule in
      var sum = [Double](repeating: 0, count: places.count)
      for (node, weight) in zip(rule.nodes, rule.weights) {
        // Beyond 9 σ a Gaussian is below 3e-18 of its height.
        let first = max(0, Int(((node - 9 * sigma - low) / (high - low) * Double(count)).rounded(.down)))
        let last = min(count, Int(((node + 9 * sigma - low) / (high - low) * Double(count)).rounded(.up)))
        guard first <= last else { continue }
        for index in first...last {
          let distance = (places[index] - node) / sigma
          sum[index] += weight * height * exp(-distance * distance / 2)
        }
      }
      return sum
    }
    let columns = places.indices.map { index in each.map { $0[index] } }
    return Curve(
      eigenvalues: places, density: columns.map { $0.reduce(0, +) / Double(rules.count) },
      errors: rules.count > 1 ? columns.map { Moments.standardError($0) ?? 0 } : nil, width: sigma)
  }
}
