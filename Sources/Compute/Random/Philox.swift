/// Philox-4x32 with ten rounds: a counter-based generator (Salmon et al., *Parallel random numbers: as easy as 1, 2, 3*,
/// SC 2011, §3). The same counter and key give the same four words on every machine.
public enum Philox {
  public typealias Words = (UInt32, UInt32, UInt32, UInt32)

  /// Four random words for a counter under a key.
  public static func words(counter: Words, key: (UInt32, UInt32)) -> Words {
    var (c0, c1, c2, c3) = counter
    var (k0, k1) = key
    for _ in 0..<10 {
      let first = (0xD251_1F53 as UInt32).multipliedFullWidth(by: c0)
      let second = (0xCD9E_8D57 as UInt32).multipliedFullWidth(by: c2)
      (c0, c1, c2, c3) = (second.high ^ c1 ^ k0, second.low, first.high ^ c3 ^ k1, first.low)
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return (c0, c1, c2, c3)
  }
}
