import Compute
import Foundation
import TestSupport
import Testing

@Suite("Random streams")
struct RandomTests {
  // Known answers of Random123's kat_vectors, philox4x32 with 10 rounds: counter, key, result.
  static let knownAnswers: [(counter: [UInt32], key: [UInt32], words: [UInt32])] = [
    ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
    (
      [UInt32](repeating: .max, count: 4), [.max, .max], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
    ),
    (
      [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
      [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
    ),
  ]

  @Test("Philox-4x32-10 gives the published words", arguments: knownAnswers)
  func philox(counter: [UInt32], key: [UInt32], words: [UInt32]) {
    let result = Philox.words(counter: (counter[0], counter[1], counter[2], counter[3]), key: (key[0], key[1]))
    #expect([result.0, result.1, result.2, result.3] == words)
  }

  @Test("A stream of zeros is Philox under a zero key, block by block")
  func streamLayout() {
    // purpose 255 and epoch in the fourth counter word, step in the third, index in the second, block in the first.
    var stream = RandomStream(seed: 0x299f_31d0_a409_3822, purpose: .test, epoch: 7, step: 5, index: 3)
    var drawn: [UInt32] = []
    for _ in 0..<8 { drawn.append(stream.nextWord()) }
    var expected: [UInt32] = []
    for block: UInt32 in 0..<2 {
      let words = Philox.words(counter: (block, 3, 5, 0xFF00_0007), key: (0xa409_3822, 0x299f_31d0))
      expected += [words.0, words.1, words.2, words.3]
    }
    #expect(drawn == expected)
  }

  @Test("Streams that differ in any part of their key differ in every early number")
  func separateStreams() {
    var firstNumbers: Set<UInt64> = []
    for seed: UInt64 in [1, 1 << 32] {
      for purpose in [RandomStream.Purpose.split, .augmentation] {
        for epoch in 0..<2 {
          for step in 0..<2 {
            for index in 0..<2 {
              var stream = RandomStream(seed: seed, purpose: purpose, epoch: epoch, step: step, index: index)
              for _ in 0..<4 { firstNumbers.insert(stream.next()) }
            }
          }
        }
      }
    }
    #expect(firstNumbers.count == 32 * 4)
  }

  @Test("Purposes keep the raw values that older runs were made with")
  func purposeValues() {
    let purposes: [RandomStream.Purpose] = [
      .weights, .alphas, .split, .trainingOrder, .validationOrder, .augmentation, .candidates, .directions,
      .noiseOperation, .statistics,
    ]
    #expect(purposes.map(\.rawValue) == Array(1...10))
  }

  @Test("Uniforms lie in [0, 1) with the moments of the uniform distribution")
  func uniformMoments() {
    var stream = RandomStream(seed: 3, purpose: .test)
    let draws = (0..<100_000).map { _ in stream.uniform() }
    #expect(draws.allSatisfy { $0 >= 0 && $0 < 1 })
    let mean = draws.reduce(0, +) / 1e5
    let variance = draws.reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) } / 1e5
    // Five standard errors.
    #expect(abs(mean - 0.5) < 5 * (1.0 / 12 / 1e5).squareRoot())
    #expect(abs(variance - 1.0 / 12) < 5 * (1.0 / 180 / 1e5).squareRoot())
  }

  @Test("Normals have the moments and the tails of the standard normal")
  func normalMoments() {
    var stream = RandomStream(seed: 11, purpose: .test)
    let count = 200_000.0
    let draws = stream.normals(Int(count))
    func moment(_ order: Int) -> Double { draws.reduce(0) { $0 + pow($1, Double(order)) } / count }
    // The variance of x^k is E x^2k − (E x^k)²: 1, 2, 15, 96 for k = 1…4; five standard errors each.
    for (order, expected, variance) in [(1, 0.0, 1.0), (2, 1, 2), (3, 0, 15), (4, 3, 96)] {
      #expect(abs(moment(order) - expected) < 5 * (variance / count).squareRoot(), "moment \(order)")
    }
    for (bound, probability) in [(1.0, 0.158655254), (2, 0.022750132), (3, 0.001349898)] {
      for sign in [-1.0, 1.0] {
        let share = Double(draws.count { sign * $0 > bound }) / count
        #expect(abs(share - probability) < 5 * (probability / count).squareRoot(), "beyond \(sign * bound)")
      }
    }
    var covariance = 0.0
    for index in 1..<draws.count { covariance += draws[index] * draws[index - 1] }
    #expect(abs(covariance / count) < 5 / count.squareRoot(), "neighbours must not be correlated")
  }

  @Test("The inverse normal distribution function agrees with an independent implementation")
  func quantiles() {
    // Python's statistics.NormalDist().inv_cdf.
    let expected: [(Double, Double)] = [
      (1e-16, -8.222082216130435), (1e-11, -6.706023155495136), (1e-05, -4.2648907939228256),
      (0.01, -2.3263478740408408), (0.07, -1.4757910281791702), (0.075, -1.4395314709384557),
      (0.2, -0.8416212335729142), (0.5, 0), (0.51, 0.025068908258711057), (0.9, 1.2815515655446008),
      (0.93, 1.4757910281791708), (0.999, 3.090232306167813), (0.999999999, 5.997807019601638),
    ]
    for (probability, quantile) in expected {
      let found = NormalQuantile.value(at: probability)
      #expect(abs(found - quantile) <= 4e-16 * max(1, abs(quantile)), "at \(probability)")
    }
  }

  @Test("The portable logarithm is within two units in the last place of the system's")
  func logarithms() {
    var stream = RandomStream(seed: 5, purpose: .test)
    for _ in 0..<10_000 {
      let x = stream.uniform() * pow(2, Double(stream.integer(below: 60)) - 55) + 1e-300
      #expect(close(NormalQuantile.logarithm(x), log(x), .ulps(2)), "at \(x)")
    }
    #expect(NormalQuantile.logarithm(1) == 0)
  }

  @Test("Bounded integers are uniform and never reach the bound")
  func boundedIntegers() {
    var stream = RandomStream(seed: 17, purpose: .test)
    for bound in [1, 2, 3, 7, 10] {
      var counts = [Int](repeating: 0, count: bound)
      let draws = 70_000
      for _ in 0..<draws { counts[stream.integer(below: bound)] += 1 }
      let expected = Double(draws) / Double(bound)
      for count in counts { #expect(abs(Double(count) - expected) <= 5 * expected.squareRoot()) }
    }
    // 3·2⁶¹ does not divide 2⁶⁴: without rejection eight words in a row give 0, 0, 0, 1, 1, 1, 2, 2 modulo 3.
    let wide = 3 << 61
    var remainders = [0, 0, 0]
    for _ in 0..<30_000 { remainders[stream.integer(below: wide) % 3] += 1 }
    for count in remainders { #expect(abs(Double(count) - 10_000) < 5 * 10_000.0.squareRoot()) }
  }

  @Test("A permutation holds every index once, and all orders come up equally often")
  func permutations() {
    var stream = RandomStream(seed: 23, purpose: .test)
    #expect(stream.permutation(0) == [])
    #expect(stream.permutation(1) == [0])
    #expect(stream.permutation(1000).sorted() == Array(0..<1000))
    var counts: [[Int]: Int] = [:]
    for _ in 0..<24_000 { counts[stream.permutation(4), default: 0] += 1 }
    #expect(counts.count == 24)
    for (order, count) in counts { #expect(abs(Double(count) - 1000) < 5 * 1000.0.squareRoot(), "\(order)") }
  }

  @Test("The order that a seed gives is the one of the published recipe, so older runs can be repeated")
  func permutationRecipe() {
    // Written out again from the words: Lemire's multiplication, the last position first.
    var words = RandomStream(seed: 42, purpose: .trainingOrder, epoch: 3)
    var order = Array(0..<50)
    for last in (1..<50).reversed() {
      // For bounds this small a rejection has a chance of 2⁻⁵⁸.
      let word = UInt64(words.nextWord()) | UInt64(words.nextWord()) << 32
      order.swapAt(last, Int(word.multipliedFullWidth(by: UInt64(last + 1)).high))
    }
    var stream = RandomStream(seed: 42, purpose: .trainingOrder, epoch: 3)
    #expect(stream.permutation(50) == order)
  }
}
