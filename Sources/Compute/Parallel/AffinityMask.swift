import CKernels

/// Processors that the system may put a thread on. A thread inherits them from the one that starts it.
package struct AffinityMask: Equatable {
  /// Their numbers, in order, at least one.
  package let processors: [Int]

  /// More processors than any kernel has.
  private static let most = 1 << 16
  private static let wordBits = UInt64.bitWidth

  package init(_ processors: [Int]) { self.processors = processors }

  /// Of the calling thread; nil where the system does not tell.
  package static func ofThisThread() -> AffinityMask? {
    var words = [UInt64](repeating: 0, count: most / wordBits)
    let status = ck_get_affinity(&words, Int32(words.count))
    let processors = (0..<most).filter { words[$0 / wordBits] >> UInt64($0 % wordBits) & 1 != 0 }
    return status == 0 && !processors.isEmpty ? AffinityMask(processors) : nil
  }

  /// Puts the calling thread on these.
  ///
  /// - Returns: false where the system refuses, as for processors that have gone off line, and where it binds no threads.
  @discardableResult package func applyToThisThread() -> Bool {
    var words = [UInt64](repeating: 0, count: Self.most / Self.wordBits)
    for processor in processors { words[processor / Self.wordBits] |= 1 << UInt64(processor % Self.wordBits) }
    return ck_set_affinity(words, Int32(words.count)) == 0
  }
}
