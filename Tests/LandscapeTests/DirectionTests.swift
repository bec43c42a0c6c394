import Cells
import ClosedFormSupport
import Formats
import Landscape
import TestSupport
import Testing

@Suite("Directions") struct DirectionTests {
  /// α of the DARTS space's shape, with values as small as at the start of a search.
  private func alphas(_ scale: Float = 1e-3) -> ArchitectureParameters {
    var result = SearchSpace.s6.zeroAlphas
    result.flat = (0..<result.count).map { scale * (Float(($0 * 37 + 11) % 101) / 50 - 1) }
    return result
  }

  private func dot(_ a: ArraySlice<Double>, _ b: ArraySlice<Double>) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

  @Test(
    "have the norm of α in every block, and are orthogonal in every block and as a whole",
    arguments: DirectionNormalisation.allCases.filter { $0 != .own })
  func properties(normalisation: DirectionNormalisation) throws {
    let center = alphas()
    let set = try Directions.random(count: 3, seed: 9, around: center, normalisation: normalisation)
    let flat = center.flat.map(Double.init)
    let vectors = set.directions.map(\.flat)
    for block in normalisation.blocks(of: center) {
      let norm = dot(flat[block], flat[block]).squareRoot()
      for first in 0..<3 {
        #expect(abs(dot(vectors[first][block], vectors[first][block]).squareRoot() / norm - 1) < 1e-14)
        for second in 0..<first {
          #expect(abs(dot(vectors[first][block], vectors[second][block])) < 1e-14 * norm * norm)
        }
      }
    }
    #expect(abs(dot(vectors[0][...], vectors[1][...])) < 1e-14 * dot(flat[...], flat[...]))
  }

  @Test("are cut into rows, cells or one block") func blocks() {
    let center = smallAlphas()
    #expect(DirectionNormalisation.row.blocks(of: center) == [0..<2, 2..<4, 4..<6])
    #expect(DirectionNormalisation.cell.blocks(of: center) == [0..<4, 4..<6])
    #expect(DirectionNormalisation.model.blocks(of: center) == [0..<6])
    #expect(DirectionNormalisation.own.blocks(of: center) == [0..<6])
  }

  @Test("get norm 1 where a block of α is zero, and only there") func zeroBlocks() throws {
    var center = alphas()
    center.reduce.values = center.reduce.values.map { _ in 0 }
    for direction in try Directions.random(seed: 1, around: center).directions {
      #expect(abs(dot(direction.reduce[...], direction.reduce[...]) - 1) < 1e-14)
      #expect(dot(direction.normal[...], direction.normal[...]) < 1e-3)
    }
  }

  @Test("keep their norm for α so small that its squares vanish") func tinyAlphas() throws {
    let center = alphas(1e-30)
    let largest = center.normal.values.map { abs(Double($0)) }.max() ?? 0
    let scaled = center.normal.values.map { Double($0) / largest }
    let norm = largest * dot(scaled[...], scaled[...]).squareRoot()
    let direction = try Directions.random(seed: 1, around: center).directions[0].normal.map { $0 / norm }
    #expect(abs(dot(direction[...], direction[...]) - 1) < 1e-14)
  }

  @Test("depend on the seed; the first two of three are the two of a pair") func seeds() throws {
    let center = alphas()
    let pair = try Directions.random(seed: 7, around: center)
    #expect(try Directions.random(seed: 7, around: center) == pair)
    #expect(try Directions.random(seed: 8, around: center).directions[0] != pair.directions[0])
    #expect(try Array(Directions.random(count: 3, seed: 7, around: center).directions[..<2]) == pair.directions)
  }

  @Test("keep given directions that are orthogonal already, up to length") func givenDirections() throws {
    let center = smallAlphas()
    let raw = [
      AlphaDirection(normal: [1, 0, 0, 0], reduce: [0, -2]), AlphaDirection(normal: [5, 3, 0, 0], reduce: [4, 7]),
    ]
    let set = try Directions(raw, around: center)
    let normal = (0.25 + 0.0625 + 0.5625 + 1).squareRoot()
    let reduce = (0.0625 + 2.25).squareRoot()
    #expect(close(set.directions[0].flat, [normal, 0, 0, 0, 0, -reduce], .scaled(1e-15)))
    #expect(close(set.directions[1].flat, [0, normal, 0, 0, reduce, 0], .scaled(1e-15)))
  }

  @Test("lead from α by their coordinates, and to α itself at the origin") func points() throws {
    let center = alphas()
    let set = try Directions.random(seed: 2, around: center)
    #expect(set.alphas(at: [0, 0]) == center)
    let there = set.alphas(at: [0.5, -2]).flat
    for (index, value) in there.enumerated() {
      let exact = Double(center.flat[index]) + 0.5 * set.directions[0].flat[index] - 2 * set.directions[1].flat[index]
      #expect(value == Float(exact))
    }
  }

  @Test("are saved with the α that they start from") func saving() throws {
    let center = alphas()
    let set = try Directions.random(seed: 2, around: center)
    let tensors = Dictionary(uniqueKeysWithValues: set.tensors.map { ($0.name, $0) })
    #expect(tensors.count == 6)
    #expect(
      tensors["direction1.normal"]
        == .init(name: "direction1.normal", shape: [14, 7], values: .float64(set.directions[0].normal)))
    #expect(
      tensors["direction2.reduce"]
        == .init(name: "direction2.reduce", shape: [14, 7], values: .float64(set.directions[1].reduce)))
    #expect(
      tensors["alphas_reduce"] == .init(name: "alphas_reduce", shape: [14, 7], values: .float32(center.reduce.values)))
  }

  @Test("that do not fit, depend on each other or hold no numbers are refused") func badInput() {
    let center = smallAlphas()
    let good = AlphaDirection(normal: [1, 2, 3, 4], reduce: [5, 6])
    let bad: [([AlphaDirection], String)] = [
      ([], "directions"), ([AlphaDirection(normal: [1, 2, 3], reduce: [5, 6])], "direction 1: 3 and 2 values"),
      ([AlphaDirection(normal: [1, 2, 3, .nan], reduce: [5, 6])], "direction 1"),
      // The same in the normal cell only: cell-wise they are dependent although they differ.
      ([good, AlphaDirection(normal: [2, 4, 6, 8], reduce: [1, 0])], "direction 2"),
      ([AlphaDirection(normal: [0, 0, 0, 0], reduce: [5, 6])], "direction 1"),
    ]
    for (directions, place) in bad {
      #expect(refusal { try Directions(directions, around: center) } == place)
    }
    #expect(refusal { try Directions.random(count: 3, seed: 1, around: center) } == "directions: 3 directions in 2 values")
    #expect(refusal { try Directions.random(count: 0, seed: 1, around: center) } == "directions")
    var infinite = center
    infinite.reduce[0, 0] = .infinity
    #expect(refusal { try Directions([good], around: infinite) } == "alphas")
  }
}
