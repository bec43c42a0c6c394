import Formats
import Foundation
import Statistics
import TestSupport
import Testing

struct EigenvalueTests {
  private func times(_ matrix: [[Double]], _ vector: [Double]) -> [Double] {
    matrix.map { zip($0, vector).reduce(0) { $0 + $1.0 * $1.1 } }
  }

  /// The second difference with fixed ends: eigenvalues 2 − 2cos(kπ/(n+1)).
  private func secondDifference(_ size: Int) -> [[Double]] {
    (0..<size).map { row in (0..<size).map { $0 == row ? 2 : abs($0 - row) == 1 ? -1 : 0 } }
  }

  @Test(arguments: [1, 2, 7, 40])
  func denseEigenvaluesAreThoseOfTheSecondDifference(size: Int) throws {
    let matrix = secondDifference(size)
    let solved = try SymmetricEigenproblem(matrix)
    for index in 0..<size {
      let exact = 2 - 2 * cos(Double(index + 1) * .pi / Double(size + 1))
      #expect(abs(solved.values[index] - exact) < 1e-13)
      let image = times(matrix, solved.vectors[index])
      #expect(zip(image, solved.vectors[index]).allSatisfy { abs($0 - solved.values[index] * $1) < 1e-13 })
    }
  }

  @Test func lowerTriangleDecides() throws {
    let solved = try SymmetricEigenproblem([[2, 99], [1, 2]])
    #expect(abs(solved.values[0] - 1) < 1e-14 && abs(solved.values[1] - 3) < 1e-14)
  }

  @Test func matricesThatAreNoneAreRefused() {
    for (matrix, found) in [
      ([], "0 rows of [] values"), ([[1, 2]], "1 rows of [2] values"), ([[1, 2], [3]], "2 rows of [1, 2] values"),
      ([[.nan]], "NaN or infinity"), ([[1, 0], [.infinity, 1]], "NaN or infinity"),
    ] as [([[Double]], String)] {
      #expect(refusal { try SymmetricEigenproblem(matrix) } == "symmetric matrix: \(found)")
    }
  }

  @Test func lanczosFindsBothEndsOfASpectrumOnceItIsExhausted() throws {
    let matrix = secondDifference(30)
    let start = (0..<30).map { 1 + 0.1 * Double($0 * $0 % 7) }
    let found = try Lanczos(start: start, tolerance: 0) { times(matrix, $0) }
    #expect(abs(found.largest - (2 + 2 * cos(.pi / 31))) < 1e-12)
    #expect(abs(found.smallest - (2 - 2 * cos(.pi / 31))) < 1e-12)
    #expect(found.products <= 30)
    let image = times(matrix, found.vector)
    #expect(zip(image, found.vector).allSatisfy { abs($0 - found.largest * $1) < 1e-10 })
  }

  @Test func lanczosStopsWithinItsToleranceWellBeforeTheDimension() throws {
    // A spectrum with one eigenvalue far out, as Hessians have, and a negative one further out.
    let size = 200
    let diagonal = (0..<size).map { $0 == 17 ? 5.0 : $0 == 80 ? -6.0 : Double($0) / Double(size) }
    let start = (0..<size).map { sin(Double($0 + 1)) }
    let found = try Lanczos(start: start, tolerance: 1e-6) { zip(diagonal, $0).map(*) }
    #expect(abs(found.largest - 5) < 1e-9, "the largest, not the one of largest magnitude")
    #expect(found.residual <= 6e-6 && found.products < 30)
    #expect(abs(abs(found.vector[17]) - 1) < 1e-5)
  }

  @Test func lanczosFindsSeveralLargestEigenvaluesWithinTheirResiduals() throws {
    let size = 200
    var diagonal: [Double] = (0..<size).map { Double($0) / Double(size) }
    for (index, value) in [(3, 9.0), (50, 7.0), (90, 6.5), (120, -8.0), (150, 6.0)] { diagonal[index] = value }
    let start = (0..<size).map { sin(Double($0 + 1)) }
    let found = try Lanczos(start: start, wanted: 4, tolerance: 1e-7, limit: 80) { zip(diagonal, $0).map(*) }
    for (ritz, exact) in zip(found.ritz, [9, 7, 6.5, 6]) {
      #expect(abs(ritz.value - exact) <= ritz.residual + 1e-12 && ritz.residual < 1e-6, "\(ritz) and \(exact)")
    }
    #expect(found.ritz.count == found.products && found.products < size)
    #expect(found.ritz[0].value == found.largest && found.ritz[0].residual == found.residual)
    #expect(abs((found.ritz.last?.value ?? 0) + 8) < 1e-6)
    let one = try Lanczos(start: start, tolerance: 1e-3) { zip(diagonal, $0).map(*) }
    #expect(one.products < found.products, "one eigenvalue needs fewer products than four")
  }

  @Test func lanczosEndsAtOnceOnAnInvariantSubspaceAndAtItsLimit() throws {
    let identity = try Lanczos(start: [1, 2, 3]) { $0.map { 4 * $0 } }
    #expect(abs(identity.largest - 4) < 1e-14 && identity.products == 1)
    let zero = try Lanczos(start: [1, 2, 3]) { $0.map { _ in 0 } }
    #expect(zero.largest == 0 && zero.products == 1)
    let cut = try Lanczos(start: (0..<50).map { Double($0) + 1 }, tolerance: 0, limit: 3) {
      times(secondDifference(50), $0)
    }
    #expect(cut.products == 3 && cut.largest < 4)
  }

  @Test func startsAndProductsThatMeanNothingAreRefused() {
    #expect(refusal { try Lanczos(start: [0, 0]) { $0 } } == "start of Lanczos' iteration: norm 0.0")
    #expect(refusal { try Lanczos(start: [1, .nan]) { $0 } } == "start of Lanczos' iteration: norm nan")
    #expect(
      refusal { try Lanczos(start: [1, 2]) { $0.map { _ in .nan } } } == "product 1 of Lanczos' iteration: NaN or infinity")
    #expect(refusal { try Lanczos(start: [1, 2]) { _ in [1] } } == "product 1 of Lanczos' iteration: 1 values")
  }
}
