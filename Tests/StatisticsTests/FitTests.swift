import Compute
import Formats
import Foundation
import Statistics
import TestSupport
import Testing

struct FitTests {
  /// Anscombe's first set, *Graphs in statistical analysis*, 1973: y = 3.00 + 0.500 x, R² = 0.667, as published.
  private let anscombeX: [Double] = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
  private let anscombeY = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]

  /// `scipy.stats.linregress(x, y)` of SciPy 1.17.1; intervals from its standard errors and `t.ppf(0.975, 9)`.
  @Test func lineIsThatOfSciPy() throws {
    let fit = try #require(try LinearFit(anscombeX, anscombeY))
    #expect(close(fit.slope, 0.5000909090909091, .scaled(1e-10)) && close(fit.intercept, 3.0000909090909103, .scaled(1e-10)))
    #expect(
      close(fit.slopeError, 0.11790550059563408, .scaled(1e-10))
        && close(fit.interceptError, 1.1247467908086437, .scaled(1e-10)))
    #expect(
      close(fit.determination, 0.666542459508775, .scaled(1e-10))
        && close(fit.residualDeviation, 1.236603322726321, .scaled(1e-10)))
    let (slope, intercept) = (try fit.slopeInterval(), try fit.interceptInterval())
    #expect(close(slope?.lower, 0.2333701363851875, .scaled(1e-8)) && close(slope?.upper, 0.7668116817966308, .scaled(1e-8)))
    #expect(
      close(intercept?.lower, 0.4557368999288429, .scaled(1e-8)) && close(intercept?.upper, 5.544444918252978, .scaled(1e-8))
    )
  }

  @Test func lineThroughTwoPointsHasNoInterval() throws {
    let fit = try #require(try LinearFit([1, 3], [5, 9]))
    #expect(close(fit.slope, 2, .scaled(1e-10)) && close(fit.intercept, 3, .scaled(1e-10)))
    #expect(try fit.slopeInterval() == nil && fit.interceptInterval() == nil)
  }

  @Test func linesThatAreNotDefinedAreNil() throws {
    #expect(try LinearFit([], []) == nil)
    #expect(try LinearFit([1], [1]) == nil)
    #expect(try LinearFit([2, 2, 2], [1, 2, 3]) == nil)
    #expect(try LinearFit([1, 2, .nan], [1, 2, 3]) == nil)
    #expect(refusal { try LinearFit([1, 2], [1]) } == "second sample: 1 values")
  }

  /// Twenty points with a known quadratic and some waviness; `numpy.linalg.lstsq` on the columns 1, a, b, a²/2, ab, b²/2,
  /// `numpy.linalg.eigvalsh` and `numpy.linalg.solve`, NumPy under SciPy 1.17.1.
  @Test func quadraticIsThatOfNumPy() throws {
    var (points, values): ([[Double]], [Double]) = ([], [])
    for index in 0..<20 {
      let a = Double(index * 7 % 11) / 5 - 1
      let b = Double(index * 5 % 13) / 6 - 1
      let bend: Double = 2 * a * a + 0.6 * a * b + 0.5 * b * b
      let wave: Double = 0.05 * sin(9 * a + 4 * b * Double(index))
      points.append([a, b])
      values.append(1.5 - 0.4 * a + 0.7 * b + 0.5 * bend + wave)
    }
    let fit = try #require(try QuadraticFit(points: points, values: values))
    #expect(close(fit.constant, 1.5054908135467173, .scaled(1e-10)))
    #expect(
      close(fit.gradient[0], -0.417993317520609, .scaled(1e-10))
        && close(fit.gradient[1], 0.6832166798940751, .scaled(1e-10)))
    #expect(
      close(fit.hessian[0][0], 1.9558647756749858, .scaled(1e-10))
        && close(fit.hessian[1][1], 0.5506982033740034, .scaled(1e-10)))
    #expect(close(fit.hessian[0][1], 0.24125890357340263, .scaled(1e-10)) && fit.hessian[0][1] == fit.hessian[1][0])
    #expect(
      close(fit.eigenvalues[0], 0.5104294635250609, .scaled(1e-10))
        && close(fit.eigenvalues[1], 1.9961335155239284, .scaled(1e-10)))
    #expect(close(fit.conditionNumber, 3.9106941471177885, .scaled(1e-10)))
    #expect(
      close(fit.determination, 0.9958435832544319, .scaled(1e-10))
        && close(fit.residualDeviation, 0.0344203734438805, .scaled(1e-10)))
    let minimiser = try #require(fit.minimiser)
    #expect(
      close(minimiser[0], 0.38769845145994547, .scaled(1e-10)) && close(minimiser[1], -1.410486503227033, .scaled(1e-10)))
  }

  @Test(arguments: [1, 2, 3, 4])
  func quadraticIsFoundExactlyInAFewDimensionsAndAtAnyScale(dimensions: Int) throws {
    for scale in [1e-6, 1, 1e4] {
      var hessian = [[Double]](repeating: [Double](repeating: 0, count: dimensions), count: dimensions)
      for row in 0..<dimensions {
        for column in 0..<dimensions { hessian[row][column] = 0.25 / Double(1 + row + column) }
        hessian[row][row] = Double(row) - 1.5
      }
      func value(_ x: [Double]) -> Double {
        let y: [Double] = x.map { $0 / scale }
        var result = 3.0
        for row in y.indices {
          result += (0.5 - Double(row)) * y[row]
          for column in y.indices { result += 0.5 * hessian[row][column] * y[row] * y[column] }
        }
        return result
      }
      var stream = RandomStream(seed: 8, purpose: .test)
      let points = (0..<40).map { _ in stream.normals(dimensions).map { scale * $0 } }
      let fit = try #require(try QuadraticFit(points: points, values: points.map(value)))
      let exact = try SymmetricEigenproblem(hessian).values
      for (found, expected) in zip(fit.eigenvalues, exact) {
        #expect(abs(found * scale * scale - expected) < 1e-8, "scale \(scale)")
      }
      #expect(abs(fit.value(at: points[7]) - value(points[7])) < 1e-9)
      #expect(fit.minimiser == nil, "a Hessian with a negative eigenvalue has no minimum")
    }
  }

  @Test func pointsThatFixNoQuadraticGiveNone() throws {
    let line = (0..<12).map { [Double($0), 2 * Double($0)] }
    #expect(try QuadraticFit(points: line, values: line.map { $0[0] }) == nil)
    #expect(try QuadraticFit(points: [[0, 0], [1, 0]], values: [1, 2]) == nil)
    #expect(refusal { try QuadraticFit(points: [[0]], values: []) } == "values of the fit: 0")
    #expect(refusal { try QuadraticFit(points: [[0], [0, 1]], values: [1, 2]) } == "points of the fit: dimensions [1, 2]")
    #expect(refusal { try QuadraticFit(points: [], values: []) } == "points of the fit: dimensions []")
  }

  @Test func curveMeetsItsPointsAndAddsNoExtremum() throws {
    let (x, y) = ([0.0, 0.25, 1, 2, 2.5], [3.0, 1, 0.9, 4, 4])
    let curve = try LineInterpolation(x: x, y: y)
    #expect(zip(try curve.values(at: x), y).allSatisfy { abs($0 - $1) < 1e-14 })
    let dense = try curve.values(at: (0...100).map { 2.5 * Double($0) / 100 })
    #expect((dense.min() ?? 0) >= 0.9 - 1e-12 && (dense.max() ?? 9) <= 4 + 1e-12)
    #expect(refusal { try curve.values(at: [2.6]) } == "place on the curve: 2.6")
    #expect(refusal { try LineInterpolation(x: [0, 1], y: [0, 1]) } == "points of the curve: 2 and 2 values")
    #expect(refusal { try LineInterpolation(x: [0, 1, 1], y: [0, 1, 2]) } == "points of the curve: 3 and 3 values")
    #expect(refusal { try LineInterpolation(x: [0, 1, 2], y: [0, .nan, 2]) } == "points of the curve: 3 and 3 values")
  }
}
