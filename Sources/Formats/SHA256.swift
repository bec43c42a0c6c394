/// The digest of FIPS 180-4, §6.2, by libcrypto: names the state and the settings that a result was computed from.
public struct SHA256: Sendable {
  private var bytes: [UInt8] = []

  public init() {}

  /// The digest of some bytes in hexadecimal.
  public static func hexadecimal(of bytes: some Sequence<UInt8>) -> String {
    var digest = SHA256()
    digest.update(bytes)
    return digest.hexadecimal()
  }

  /// Adds bytes.
  public mutating func update(_ bytes: some Sequence<UInt8>) { self.bytes += bytes }

  /// Adds float32 values by their bits, little-endian.
  public mutating func update(floats values: [Float]) {
    bytes.reserveCapacity(bytes.count + 4 * values.count)
    for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 } }
  }

  /// The digest of everything added, as 64 lower-case digits.
  public func hexadecimal() -> String {
    do {
      return try Digest.text(.sha256, of: bytes)
    } catch {
      // Every libcrypto has SHA-256, also one that allows approved digests only.
      preconditionFailure("\(error)")
    }
  }
}
