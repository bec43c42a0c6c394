import CCrypto
import Foundation

/// Digests of bytes through libcrypto.
package enum Digest {
  package enum Kind { case md5, sha256 }

  /// - Throws: `InputError` where the library refuses: some machines allow approved digests only, and MD5 is none.
  package static func bytes(_ kind: Kind, of bytes: some ContiguousBytes) throws -> [UInt8] {
    var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    let type = kind == .md5 ? EVP_md5() : EVP_sha256()
    let status = bytes.withUnsafeBytes { EVP_Digest($0.baseAddress, $0.count, &result, &length, type, nil) }
    guard status == 1 else { throw InputError("libcrypto refuses this digest", at: "\(kind)") }
    return Array(result.prefix(Int(length)))
  }

  /// The same in hexadecimal.
  package static func text(_ kind: Kind, of bytes: some ContiguousBytes) throws -> String {
    try Self.bytes(kind, of: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
