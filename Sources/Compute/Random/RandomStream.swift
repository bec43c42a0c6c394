/// An endless stream of random numbers, fixed by (seed, purpose, epoch, step, index) and by nothing else.
///
/// Streams of different keys never overlap within 2³⁴ words, so consumers need not know of each other: what one method
/// draws for its candidates cannot shift the batches that another method sees.
public struct RandomStream: Sendable {
  /// What the numbers are for. Raw values are part of the file format: never renumber them.
  public enum Purpose: UInt8, Sendable {
    case weights = 1
    case alphas = 2
    case split = 3
    case trainingOrder = 4
    case validationOrder = 5
    case augmentation = 6
    case candidates = 7
    case directions = 8
    case noiseOperation = 9
    case statistics = 10
    case eigenvalues = 12
    case dropPath = 14
    case evaluationOrder = 16
    case weightDirections = 22
    case perturbation = 23
    case projectionOrder = 24
    case test = 255
  }

  private let key: (UInt32, UInt32)
  private let index: UInt32
  private let step: UInt32
  private let purposeAndEpoch: UInt32
  private var block: UInt32 = 0
  private var words: Philox.Words = (0, 0, 0, 0)
  private var used = 4

  /// `epoch` must fit in 24 bits, `step` and `index` in 32.
  public init(seed: UInt64, purpose: Purpose, epoch: Int = 0, step: Int = 0, index: Int = 0) {
    precondition(epoch >= 0 && epoch < 1 << 24, "an epoch of a stream fits in 24 bits")
    precondition(step >= 0 && step < 1 << 32 && index >= 0 && index < 1 << 32, "a step or index of a stream fits in 32 bits")
    key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    self.index = UInt32(truncatingIfNeeded: index)
    self.step = UInt32(truncatingIfNeeded: step)
    purposeAndEpoch = UInt32(purpose.rawValue) << 24 | UInt32(epoch)
  }

  /// 32 random bits.
  public mutating func nextWord() -> UInt32 {
    if used == 4 {
      words = Philox.words(counter: (block, index, step, purposeAndEpoch), key: key)
      block &+= 1
      used = 0
    }
    defer { used += 1 }
    switch used {
    case 0: return words.0
    case 1: return words.1
    case 2: return words.2
    default: return words.3
    }
  }

  /// 64 random bits: two words, the first one low.
  public mutating func next() -> UInt64 {
    let low = UInt64(nextWord())
    return low | UInt64(nextWord()) << 32
  }

  /// Uniform in [0, 1) with 53 random bits.
  public mutating func uniform() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// Uniform over the integers 0..<bound, without bias (Lemire, *Fast random integer generation in an interval*, ACM
  /// TOMACS 29(1), 2019, algorithm 5).
  public mutating func integer(below bound: Int) -> Int {
    precondition(bound > 0, "an integer below \(bound) does not exist")
    let bound = UInt64(bound)
    var product = next().multipliedFullWidth(by: bound)
    if product.low < bound {
      let threshold = (0 &- bound) % bound
      while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
    }
    return Int(product.high)
  }

  /// Standard normal, from one uniform by inversion: every draw costs two words, so draws can be counted.
  public mutating func normal() -> Double {
    // Symmetric about one half, and never 0 or 1.
    NormalQuantile.value(at: (Double(next() >> 12) + 0.5) * 0x1p-52)
  }

  /// `count` independent standard normals.
  public mutating func normals(_ count: Int) -> [Double] {
    (0..<count).map { _ in normal() }
  }

  /// A uniformly random order of 0..<count (Fisher–Yates; Knuth, TAOCP 2, algorithm 3.4.2 P), written out here so that it
  /// never changes with the standard library.
  public mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    guard count > 1 else { return order }
    for last in stride(from: count - 1, through: 1, by: -1) {
      order.swapAt(last, integer(below: last + 1))
    }
    return order
  }
}
