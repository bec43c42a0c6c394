import Formats
import TestSupport
import Testing

@Suite("NPY files")
struct NPYFileTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  @Test("The bytes are those that numpy.save writes")
  func numpyBytes() throws {
    // numpy 2: np.save(f, np.array([[1, 2, 3], [4, 5, 6]], '<f4')), and np.save(f, np.int64(-1)).
    let matrix = NPYFile(shape: [2, 3], values: .float32([1, 2, 3, 4, 5, 6]))
    try matrix.write(to: folder.file("m.npy"))
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
    header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
    let values: [UInt8] = [1, 2, 3, 4, 5, 6].flatMap { (value: Float) in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
    let start: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0]
    #expect(try FileBytes.read(folder.file("m.npy")) == start + Array(header.utf8) + values)
    try NPYFile(shape: [], values: .int64([-1])).write(to: folder.file("s.npy"))
    var scalar = "{'descr': '<i8', 'fortran_order': False, 'shape': (), }"
    scalar += String(repeating: " ", count: 117 - scalar.utf8.count) + "\n"
    #expect(try FileBytes.read(folder.file("s.npy")) == start + Array(scalar.utf8) + Array(repeating: 255, count: 8))
  }

  @Test("What is written is read back, for every type and any shape")
  func roundTrip() throws {
    let arrays = [
      NPYFile(shape: [], values: .float64([0.1])),
      NPYFile(shape: [3], values: .int64([.min, 0, .max])),
      NPYFile(shape: [2, 1, 2], values: .float32([1, -2, 3, .infinity])),
      NPYFile(shape: [0, 5], values: .float64([])),
      NPYFile(shape: [4], values: .uint8([0, 1, 2, 255])),
      NPYFile(shape: Array(repeating: 1, count: 30), values: .float32([7])),
    ]
    for array in arrays {
      try array.write(to: folder.file("a.npy"))
      let bytes = try FileBytes.read(folder.file("a.npy"))
      #expect((bytes.count - array.values.byteCount) % 64 == 0, "the values must be aligned")
      #expect(try NPYFile(readingFrom: folder.file("a.npy")) == array)
    }
  }

  @Test("A version 2 header is read")
  func version2() throws {
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n"
    let bytes = [0x93] + Array("NUMPY".utf8) + [2, 0, UInt8(header.utf8.count), 0, 0, 0] + Array(header.utf8) + [8, 9]
    let path = try folder.write(bytes, to: "v2.npy")
    #expect(try NPYFile(readingFrom: path) == NPYFile(shape: [2], values: .uint8([8, 9])))
  }

  @Test(
    "A damaged or unsupported file is refused with the reason",
    arguments: [
      ("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", 4, "fortran_order"),
      ("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 4, "type not supported"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 4, "truncated"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 8, "too long"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4, "non-negative"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 0, "overflows"),
      ("{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,), }", 0, "overflows"),
      ("{'fortran_order': False, 'shape': (1,), }", 4, "descr"),
      ("{'descr': '<f4', 'fortran_order': False}", 4, "shape"),
    ])
  func malformed(header: String, size: Int, reason: String) throws {
    let bytes =
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
      + [UInt8](repeating: 0, count: size)
    let path = try folder.write(bytes, to: "bad.npy")
    let failure = try #require(throws: InputError.self) { try NPYFile(readingFrom: path) }
    #expect(failure.description.contains(reason), "\(failure)")
  }

  @Test("A file cut at any byte is refused, and values that don't fill the shape are not written")
  func incomplete() throws {
    try NPYFile(shape: [2], values: .float32([1, 2])).write(to: folder.file("a.npy"))
    let bytes = try FileBytes.read(folder.file("a.npy"))
    for count in 0..<bytes.count {
      let path = try folder.write(Array(bytes[..<count]), to: "cut.npy")
      #expect(refusal { try NPYFile(readingFrom: path) }?.hasPrefix(path) == true, "cut after \(count) bytes")
    }
    #expect(
      refusal { try NPYFile(shape: [3], values: .float32([1])).write(to: folder.file("b.npy")) }
        == "\(folder.file("b.npy")): 1 values")
    #expect(try !folder.entries.contains("b.npy"))
  }
}
