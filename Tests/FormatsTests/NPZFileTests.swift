import Formats
import Foundation
import TestSupport
import Testing

@Suite("NPZ files") struct NPZFileTests {
  private let arrays: [(name: String, array: NPYFile)] = [
    ("x", NPYFile(shape: [2], values: .float64([1.5, -2.25]))),
    ("loss_first", NPYFile(shape: [2, 3], values: .float32([0, 1, 2, 3, 4, 5]))),
    ("steps", NPYFile(shape: [], values: .int64([-7]))), ("empty", NPYFile(shape: [0], values: .float64([]))),
  ]

  @Test("come back as they were written, in their order") func roundTrip() throws {
    let folder = try ScratchFolder()
    try NPZFile(arrays: arrays).write(to: folder.file("a.npz"))
    let read = try NPZFile(readingFrom: folder.file("a.npz"))
    #expect(read == NPZFile(arrays: arrays))
    #expect(read["loss_first"]?.shape == [2, 3])
    #expect(read["accuracy_first"] == nil)
  }

  @Test("are the same bytes at any time and in any time zone, and stored without compression") func determinism() throws {
    let folder = try ScratchFolder()
    let zone = getenv("TZ").map { String(cString: $0) }
    defer {
      if let zone { setenv("TZ", zone, 1) } else { unsetenv("TZ") }
      tzset()
    }
    var found: [[UInt8]] = []
    for name in ["UTC", "Asia/Tokyo", "America/Los_Angeles"] {
      setenv("TZ", name, 1)
      tzset()
      try NPZFile(arrays: arrays).write(to: folder.file("a.npz"))
      found.append(try FileBytes.read(folder.file("a.npz")))
    }
    #expect(found[0] == found[1] && found[0] == found[2])
    // The member is there byte for byte.
    try arrays[1].array.write(to: folder.file("m.npy"))
    let member = try FileBytes.read(folder.file("m.npy"))
    #expect(found[0].indices.contains { found[0][$0...].starts(with: member) })
  }

  /// `numpy.savez_compressed(f, x=np.array([1.5, -2.25]), loss_first=np.arange(6, dtype=np.float32).reshape(2, 3))` of
  /// numpy 2.4.6.
  private let ofNumpy =
    "UEsDBC0AAAAIAAAAIQAy+vNz//////////8FABQAeC5ucHkBABAAkAAAAAAAAABNAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqGuo6Cell9U"
    + "UpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6mjoKtQoUAC4GMPhhD6GZDgAAUEsDBC0AAAAIAAAAIQBP6QAq//////////8OABQAbG9zc19maXJzdC5u"
    + "cHkBABAAmAAAAAAAAABVAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6CsaaOgq1"
    + "CmQDLgYwaLAHEg5ABMQNQLzAAQBQSwECLQMtAAAACAAAACEAMvrzc00AAACQAAAABQAAAAAAAAAAAAAAgAEAAAAAeC5ucHlQSwECLQMtAAAACAAAACEA"
    + "T+kAKlUAAACYAAAADgAAAAAAAAAAAAAAgAGEAAAAbG9zc19maXJzdC5ucHlQSwUGAAAAAAIAAgBvAAAAGQEAAAAA"

  @Test("of numpy are read") func fromNumpy() throws {
    let folder = try ScratchFolder()
    let bytes = try #require(Data(base64Encoded: ofNumpy))
    try AtomicFile.write(Array(bytes), to: folder.file("n.npz"))
    #expect(try NPZFile(readingFrom: folder.file("n.npz")) == NPZFile(arrays: Array(arrays[..<2])))
  }

  @Test("with names that numpy could not give back, or one name twice, are refused", arguments: ["", "a/b", "a b", "é"])
  func names(name: String) throws {
    let folder = try ScratchFolder()
    let array = arrays[0].array
    #expect(
      refusal { try NPZFile(arrays: [(name, array)]).write(to: folder.file("a.npz")) }
        == "\(folder.file("a.npz")): '\(name)'")
    #expect(
      refusal {
        try NPZFile(arrays: [("x", array), ("x", array)]).write(to: folder.file("a.npz"))
      } == "\(folder.file("a.npz")): x")
    #expect(
      refusal {
        try NPZFile(arrays: [("x", NPYFile(shape: [3], values: .float64([1])))]).write(to: folder.file("a.npz"))
      }?.contains(": 1 values") == true)
    #expect(!FileManager.default.fileExists(atPath: folder.file("a.npz")))
  }

  @Test("that are damaged, or none at all, are refused by their path") func damage() throws {
    let folder = try ScratchFolder()
    try NPZFile(arrays: arrays).write(to: folder.file("a.npz"))
    let whole = try FileBytes.read(folder.file("a.npz"))
    var flipped = whole
    flipped[100] ^= 0xFF
    for bytes in [[], Array("hello".utf8), Array(whole[..<(whole.count / 2)]), flipped] {
      try AtomicFile.write(bytes, to: folder.file("b.npz"))
      let error = #expect(throws: InputError.self) { try NPZFile(readingFrom: folder.file("b.npz")) }
      #expect(error?.description.contains("b.npz") == true)
    }
    #expect(refusal { try NPZFile(readingFrom: folder.file("absent.npz")) }?.hasPrefix(folder.file("absent.npz")) == true)
  }
}
