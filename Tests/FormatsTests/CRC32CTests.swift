import Formats
import TestSupport
import Testing

@Suite("CRC-32C")
struct CRC32CTests {
  /// RFC 3720, appendix B.4, and the check value of the catalogue of parametrised CRC algorithms.
  @Test(
    arguments: [
      (Array("123456789".utf8), 0xE306_9283), ([], 0), ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
      ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43), ((0..<32).map { UInt8($0) }, 0x46DD_794E),
      ((0..<32).reversed().map { UInt8($0) }, 0x113F_DB5C),
    ] as [([UInt8], UInt32)])
  func publishedVectors(bytes: [UInt8], expected: UInt32) {
    #expect(CRC32C.value(of: bytes) == expected)
  }

  @Test("Pieces of any length and alignment add up to the whole")
  func pieces() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 3) }
    // One byte at a time never enters the eight-byte rounds.
    var slow = CRC32C()
    for byte in bytes { slow.add([byte]) }
    #expect(CRC32C.value(of: bytes) == slow.value)
    for cut in [1, 7, 8, 9, 501, 993] {
      var check = CRC32C()
      check.add(Array(bytes[..<cut]))
      bytes.withUnsafeBytes { check.add(UnsafeRawBufferPointer(rebasing: $0[cut...])) }
      #expect(check.value == slow.value, "cut at \(cut)")
    }
  }
}

@Suite("CRC-32C by tables")
struct CRC32CTableTests {
  @Test("Tables and the processor's instruction give the same check, from any state on, at any length and alignment")
  func tables() {
    let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 73 ^ $0 >> 2) }
    for (start, count) in [(0, 0), (0, 1), (1, 7), (3, 8), (0, 9), (5, 63), (2, 298)] {
      var (usual, byTables) = (CRC32C(), CRC32C())
      for _ in 0..<2 {
        bytes.withUnsafeBytes { raw in
          let part = UnsafeRawBufferPointer(rebasing: raw[start..<start + count])
          usual.add(part)
          byTables.addByTables(part)
        }
        #expect(usual.value == byTables.value, "\(count) bytes from \(start)")
      }
    }
  }
}

@Suite("Checksum of tensors")
struct TensorChecksumTests {
  private static let tensors = [
    NamedTensor(name: "a", shape: [2], values: .float32([1, 2])),
    NamedTensor(name: "b", shape: [1], values: .int64([7])),
    NamedTensor(name: "c", shape: [2, 1], values: .float64([0.5, -0.5])),
  ]

  @Test("The order of tensors and an old checksum do not matter, everything else does")
  func sensitivity() {
    let metadata = ["epoch": "3", "step": "0"]
    let whole = TensorFile.checksum(Self.tensors, metadata: metadata)
    #expect(whole.count == 8)
    #expect(TensorFile.checksum(Self.tensors.reversed(), metadata: metadata) == whole)
    #expect(TensorFile.checksum(Self.tensors, metadata: metadata.merging([TensorFile.checksumKey: "x"]) { $1 }) == whole)
    #expect(TensorFile.checksum(Self.tensors, metadata: ["epoch": "30", "step": ""]) != whole)
    #expect(TensorFile.checksum(Array(Self.tensors.dropLast()), metadata: metadata) != whole)
    for index in Self.tensors.indices {
      var changed = Self.tensors
      changed[index].name = "z"
      #expect(TensorFile.checksum(changed, metadata: metadata) != whole)
    }
    var changed = Self.tensors
    changed[0].values = .float32([1, 2.0000002])
    #expect(TensorFile.checksum(changed, metadata: metadata) != whole)
    changed = Self.tensors
    changed[2].shape = [1, 2]
    #expect(TensorFile.checksum(changed, metadata: metadata) != whole)
  }

  @Test("A file that changed in a single bit is told from a sound one")
  func damage() throws {
    let folder = try ScratchFolder()
    let path = folder.file("a.safetensors")
    let metadata = ["k": "v"]
    let checksum = TensorFile.checksum(Self.tensors, metadata: metadata)
    try TensorFile.write(Self.tensors, metadata: ["k": "v", TensorFile.checksumKey: checksum], to: path)
    try TensorFile(readingFrom: path).verifyChecksum()
    var bytes = try FileBytes.read(path)
    bytes[bytes.count - 3] ^= 1
    try AtomicFile.write(bytes, to: path)
    let failure = try #require(throws: InputError.self) { try TensorFile(readingFrom: path).verifyChecksum() }
    #expect(failure.place.file == path && "\(failure)".contains(checksum))
    try TensorFile.write(Self.tensors, metadata: metadata, to: path)
    try TensorFile(readingFrom: path).verifyChecksum()
  }
}
