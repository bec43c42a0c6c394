import Compute
import Formats
import Foundation
import Statistics
import TestSupport
import Testing

@Suite("Krylov spaces") struct KrylovSpaceTests {
  private func times(_ matrix: [[Double]], _ vector: [Double]) -> [Double] {
    matrix.map { zip($0, vector).reduce(0) { $0 + $1.0 * $1.1 } }
  }

  /// A dense symmetric matrix of values of order 1.
  private func symmetric(_ size: Int) -> [[Double]] {
    var stream = RandomStream(seed: 11, purpose: .test)
    var matrix = (0..<size).map { _ in stream.normals(size) }
    for row in 0..<size { for column in 0..<row { matrix[row][column] = matrix[column][row] } }
    return matrix
  }

  private func signs(_ count: Int) -> [Double] {
    var stream = RandomStream(seed: 12, purpose: .test)
    return (0..<count).map { _ in stream.integer(below: 2) == 0 ? -1 : 1 }
  }

  private func vector(_ values: [Double]) -> ParameterVector {
    let vector = ParameterVector(count: values.count, kernels: Kernels.sets[0])
    for (index, value) in values.enumerated() { vector[index] = Float(value) }
    return vector
  }

  @Test("as many steps as dimensions give the whole spectrum, its vectors, and no residual", arguments: [1, 2, 9, 30])
  func whole(size: Int) throws {
    let matrix = symmetric(size)
    let exact = try SymmetricEigenproblem(matrix)
    var stream = RandomStream(seed: 13, purpose: .test)
    let space = try KrylovSpace(start: stream.normals(size), dimension: size, limit: 1000) { times(matrix, $0) }
    #expect(space.products == size && space.rest == 0 && space.basis.count == size)
    #expect(close(space.ritz.map(\.value), exact.values, .scaled(1e-11)))
    #expect(close(space.ritz.reduce(0) { $0 + $1.weight }, 1, .absolute(1e-12)))
    for pair in space.ritz {
      #expect(pair.residual == 0)
      let vector = space.vector(of: pair)
      let apart = zip(times(matrix, vector), vector).map { $0 - pair.value * $1 }
      #expect(apart.reduce(0) { $0 + $1 * $1 }.squareRoot() < 1e-10)
    }
    #expect(space.asymmetry.relative < 1e-12)
  }

  /// v of ±1 has v_i² = 1, so vᵀD^p v is the trace of D^p for a diagonal D, for each single v.
  @Test("moments of k steps from random signs are traces of powers of a diagonal matrix up to degree 2k − 1, and no further")
  func moments() throws {
    let diagonal: [Double] = (0..<20).map { 0.1 * Double($0) - 0.7 }
    let space = try KrylovSpace(start: signs(20), dimension: 20, limit: 4) { zip(diagonal, $0).map(*) }
    #expect(space.products == 4)
    let quadrature = try StochasticLanczosQuadrature([.init(space)])
    func exact(_ power: Int) -> Double { diagonal.reduce(0) { $0 + pow($1, Double(power)) } / 20 }
    for power in 0...7 { #expect(close(quadrature.moments(power)[0], exact(power), .absolute(1e-13)), "\(power)") }
    #expect(abs(quadrature.moments(8)[0] - exact(8)) > 1e-4)
  }

  @Test("an operator of three eigenvalues is known after three steps, each weighed by its share")
  func exhausted() throws {
    let diagonal: [Double] = [2, 2, 2, 2, 2, 2, -1, -1, -1, 5, 5, 5]
    let space = try KrylovSpace(start: signs(12), dimension: 12, limit: 12) { zip(diagonal, $0).map(*) }
    #expect(space.products == 3 && space.rest == 0)
    #expect(close(space.ritz.map(\.value), [-1, 2, 5], .absolute(1e-13)))
    #expect(close(space.ritz.map(\.weight), [0.25, 0.5, 0.25], .absolute(1e-13)))
    // In float32 what is left is rounding of 1e-7, which must not be taken for a direction.
    let single = try KrylovSpace(start: vector(signs(12)), dimension: 12, limit: 12) { one in
      vector(zip(diagonal, one.values).map { $0 * Double($1) })
    }
    #expect(single.products == 3 && single.rest == 0)
    #expect(close(single.ritz.map(\.value), [-1, 2, 5], .absolute(1e-5)))
  }

  /// Rounding of basis and products to float32 moves an operator by about 1e-7 of its norm times the root of the steps.
  @Test("vectors of float32 stay orthogonal and find the ends of a spectrum, as those of double precision do")
  func single() throws {
    var diagonal: [Double] = (0..<300).map { sin(Double($0)) }
    (diagonal[5], diagonal[9]) = (4, -3)
    var stream = RandomStream(seed: 14, purpose: .test)
    let start = stream.normals(300)
    let double = try KrylovSpace(start: start, dimension: 300, limit: 40) { zip(diagonal, $0).map(*) }
    let single = try KrylovSpace(start: vector(start), dimension: 300, limit: 40) { one in
      vector(zip(diagonal, one.values).map { $0 * Double($1) })
    }
    for (index, one) in single.basis.enumerated() {
      for other in single.basis[...index] {
        #expect(abs(one.dot(other) - (one === other ? 1 : 0)) < 2e-6)
      }
    }
    let ends = { (space: [RitzPair]) in [space[0].value, space[space.count - 1].value] }
    #expect(close(ends(double.ritz), [-3, 4], .absolute(1e-9)))
    #expect(close(ends(single.ritz), [-3, 4], .absolute(1e-5)))
    #expect(single.asymmetry.relative < 1e-5)
  }

  @Test("a rule ends it once the ends are within the tolerance, and an eigenvalue lies within each residual")
  func tolerance() throws {
    var diagonal: [Double] = (0..<400).map { Double($0) / 400 }
    (diagonal[17], diagonal[80], diagonal[81]) = (5, -6, 3)
    var stream = RandomStream(seed: 15, purpose: .test)
    let space = try KrylovSpace(
      start: stream.normals(400), dimension: 400, limit: 400,
      isEnough: RitzPair.areFound(largest: 2, smallest: 1, tolerance: 1e-4)
    ) { zip(diagonal, $0).map(*) }
    #expect((8..<60).contains(space.products))
    let found = Array(space.ritz.suffix(2) + space.ritz.prefix(1))
    #expect(found.allSatisfy { $0.residual <= 6e-4 })
    #expect(close(found.map(\.value), [3, 5, -6], .absolute(6e-4)))
    for pair in space.ritz {
      #expect(diagonal.contains { abs($0 - pair.value) <= pair.residual + 1e-12 }, "\(pair)")
    }
  }

  @Test("an operator that is not symmetric is told by its asymmetry") func asymmetry() throws {
    var matrix = symmetric(8)
    matrix[0][7] += 3
    var stream = RandomStream(seed: 16, purpose: .test)
    let space = try KrylovSpace(start: stream.normals(8), dimension: 8, limit: 8) { times(matrix, $0) }
    let direct = try ProductAsymmetry(matrix)
    // On the whole space it is that of the matrix itself, whatever the basis.
    #expect(close(space.asymmetry.relative, direct.relative, .relative(1e-9)))
    #expect(close(space.asymmetry.eigenvalueBound, direct.eigenvalueBound, .relative(1e-6)))
  }

  @Test("a start without length and a product that is not finite are refused") func refusals() {
    #expect(
      refusal { try KrylovSpace(start: [0, 0], dimension: 2, limit: 2) { $0 } } == "start of Lanczos' process: norm 0.0")
    #expect(
      refusal { try KrylovSpace(start: [1.0, 0], dimension: 2, limit: 2) { _ in [.nan, 1] } }
        == "product 1 of Lanczos' process: NaN or infinity")
  }
}

@Suite("Stochastic Lanczos quadrature") struct StochasticLanczosQuadratureTests {
  private func quadrature(_ rules: [([Double], [Double])]) throws -> StochasticLanczosQuadrature {
    try StochasticLanczosQuadrature(rules.map { .init(nodes: $0.0, weights: $0.1) })
  }

  @Test("a density is a Gaussian for each node, weighted, and its integral is 1") func gaussians() throws {
    let curve = try quadrature([([-1, 2], [0.25, 0.75])]).curve(width: 0.1)
    #expect(curve.width == 0.1 && curve.errors == nil)
    let step = curve.eigenvalues[1] - curve.eigenvalues[0]
    #expect(step <= 0.05 + 1e-12)
    #expect(close(curve.density.reduce(0, +) * step, 1, .absolute(1e-8)))
    for (place, density) in zip(curve.eigenvalues, curve.density) {
      let (one, other) = (place + 1, place - 2)
      let height = 1 / (0.1 * (2 * Double.pi).squareRoot())
      let exact = height * (0.25 * exp(-one * one / 0.02) + 0.75 * exp(-other * other / 0.02))
      #expect(abs(density - exact) < 1e-12)
    }
    #expect(close([curve.eigenvalues[0], curve.eigenvalues[curve.eigenvalues.count - 1]], [-1.6, 2.6], .absolute(1e-12)))
  }

  @Test(
    "a width that the places of a curve cannot show is widened to what they can, and the integral stays 1",
    arguments: [([-1, 20_000], 1e-3), ([0, 3], 1e-9), ([5], 1e-20), ([0], 1e-200)] as [([Double], Double)])
  func narrow(nodes: [Double], width: Double) throws {
    let weights = [Double](repeating: 1 / Double(nodes.count), count: nodes.count)
    let rule = try quadrature([(nodes, weights)])
    let curve = rule.curve(width: width)
    let step = curve.eigenvalues[1] - curve.eigenvalues[0]
    #expect(curve.width > width && curve.width < 1.1e-4 * max(1, rule.range.upperBound))
    #expect(curve.eigenvalues.count <= 20_001 && step <= 0.51 * curve.width)
    #expect(close(curve.density.reduce(0, +) * step, 1, .absolute(1e-4)))
  }

  @Test("over several starts it is their mean, with half their distance as the standard error of two") func starts() throws {
    let both = try quadrature([([0], [1]), ([1], [1])])
    let curve = both.curve(width: 0.5)
    let height = 1 / (0.5 * (2 * Double.pi).squareRoot())
    let each: [[Double]] = curve.eigenvalues.map { place in
      [0.0, 1.0].map { node in height * exp(-(place - node) * (place - node) / 0.5) }
    }
    #expect(close(curve.density, each.map { ($0[0] + $0[1]) / 2 }, .absolute(1e-12)))
    #expect(close(try #require(curve.errors), each.map { abs($0[0] - $0[1]) / 2 }, .absolute(1e-12)))
    #expect(both.moments(1) == [0, 1] && both.moments(0) == [1, 1] && both.range == 0...1)
  }

  /// density_plot.py, lines 43 to 53, but for the margin of 0.01 on both sides.
  @Test("the usual σ² is 1e-5 times the mean reach of the starts, or 1e-5") func width() throws {
    #expect(close(try quadrature([([0, 0.3], [0.5, 0.5])]).usualWidth, 1e-5.squareRoot(), .relative(1e-12)))
    // From −2 to 30 and from −4 to 10: on average from −3 to 20.
    let wide = try quadrature([([-2, 30], [0.5, 0.5]), ([-4, 10], [0.5, 0.5])])
    #expect(close(wide.usualWidth, (23e-5).squareRoot(), .relative(1e-12)))
    #expect(wide.curve().width == wide.usualWidth)
  }

  @Test("starts without finite nodes are refused") func refusals() {
    #expect(refusal { try quadrature([]) } == "starts of a density: none")
    #expect(refusal { try quadrature([([.nan], [1])]) } == "starts of a density: one without finite nodes")
    #expect(refusal { try quadrature([([], [])]) } == "starts of a density: one without finite nodes")
  }
}
