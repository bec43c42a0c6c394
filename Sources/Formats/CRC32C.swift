import CKernels

/// The cyclic redundancy check of Castagnoli's polynomial (RFC 3720, §12.1 and appendix B.4): what TensorFlow's record
/// files carry, and what checkpoints are checked by. It finds accidents, not intent.
public struct CRC32C: Sendable {
  private var state: UInt32 = .max

  public init() {}

  /// The check of everything added so far.
  public var value: UInt32 { ~state }

  /// The check of everything added so far, as 8 digits.
  public var hexadecimal: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// The check of some bytes.
  public static func value(of bytes: [UInt8]) -> UInt32 {
    var check = CRC32C()
    check.add(bytes)
    return check.value
  }

  public mutating func add(_ bytes: [UInt8]) { bytes.withUnsafeBytes { add($0) } }

  /// By the processor's own instruction where it has one, else by tables.
  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    guard Self.hasInstruction, let start = bytes.baseAddress else { return addByTables(bytes) }
    state = ck_crc32c(state, start.assumingMemoryBound(to: UInt8.self), Int64(bytes.count))
  }

  private static let hasInstruction = ck_has_crc32c() != 0

  /// Eight bytes a round, each through a table of its own (Kounavis & Berry, *A systematic approach to building high
  /// performance software-based CRC generators*, ISCC 2005).
  package mutating func addByTables(_ bytes: UnsafeRawBufferPointer) {
    var crc = state
    var offset = 0
    Self.tables.withUnsafeBufferPointer { tables in
      while bytes.count - offset >= 8 {
        let loaded = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        let word = UInt64(littleEndian: loaded) ^ UInt64(crc)
        crc = 0
        for place in 0..<8 {
          let byte = Int(truncatingIfNeeded: (word >> UInt64(8 * place)) & 0xFF)
          crc ^= tables[256 * (7 - place) + byte]
        }
        offset += 8
      }
      while offset < bytes.count {
        crc = tables[Int((crc ^ UInt32(bytes[offset])) & 0xFF)] ^ (crc >> 8)
        offset += 1
      }
    }
    state = crc
  }

  /// Table k, 256 entries each: what a byte does to the check once k further zero bytes have followed it.
  private static let tables: [UInt32] = {
    var result: [UInt32] = (0..<256).map { index in
      var crc = UInt32(index)
      for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1 }
      return crc
    }
    for _ in 1..<8 {
      for value in result.suffix(256) { result.append(result[Int(value & 0xFF)] ^ (value >> 8)) }
    }
    return result
  }()
}
