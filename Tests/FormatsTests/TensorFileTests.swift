import Formats
import Foundation
import TestSupport
import Testing

/// A safetensors file put together by hand: header length, header, values.
func safetensors(_ header: String, _ values: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
  let count = length ?? UInt64(header.utf8.count)
  return (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + Array(header.utf8) + values
}

@Suite("Safetensors files")
struct TensorFileTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  func read(_ bytes: [UInt8]) throws -> TensorFile {
    try TensorFile(readingFrom: folder.write(bytes, to: "a.safetensors"))
  }

  func failure(_ bytes: [UInt8]) throws -> InputError {
    try #require(throws: InputError.self) { try read(bytes) }
  }

  @Test("Every type keeps its values, and 16-bit and 32-bit ones are widened exactly")
  func types() throws {
    let header = """
      {"half":{"dtype":"F16","shape":[6],"data_offsets":[0,12]},\
      "brain":{"dtype":"BF16","shape":[2],"data_offsets":[12,16]},\
      "int":{"dtype":"I32","shape":[2],"data_offsets":[16,24]},\
      "long":{"dtype":"I64","shape":[1],"data_offsets":[24,32]},\
      "double":{"dtype":"F64","shape":[],"data_offsets":[32,40]},\
      "float":{"dtype":"F32","shape":[1,2],"data_offsets":[40,48]},\
      "byte":{"dtype":"U8","shape":[3],"data_offsets":[48,51]},\
      "empty":{"dtype":"F32","shape":[0,4],"data_offsets":[51,51]},\
      "__metadata__":{"k":"v"}}
      """
    let values: [UInt8] =
      // 1, −0.5, 2⁻²⁴ (the least subnormal), −0, 65504 (the largest), +∞ as binary16
      [0x00, 0x3C, 0x00, 0xB8, 0x01, 0x00, 0x00, 0x80, 0xFF, 0x7B, 0x00, 0x7C]
      // 1, −3 as bfloat16
      + [0x80, 0x3F, 0x40, 0xC0]
      + [0xFF, 0xFF, 0xFF, 0xFF, 7, 0, 0, 0]
      + [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
      // 1.5 as binary64; 1, −2 as binary32
      + [0, 0, 0, 0, 0, 0, 0xF8, 0x3F] + [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0] + [0, 128, 255]
    let file = try read(safetensors(header, values))
    #expect(file.metadata == ["k": "v"])
    #expect(file.tensors.count == 8)
    let half = try file.floats("half", shape: [6])
    #expect(half == [1, -0.5, 0x1p-24, 0, 65504, .infinity])
    #expect(half[3].sign == .minus)
    #expect(try file.floats("brain") == [1, -3])
    #expect(try file.integers("int", shape: [2]) == [-1, 7])
    #expect(try file.integers("long") == [-2])
    #expect(try file.doubles("double", shape: []) == [1.5])
    #expect(try file.floats("double") == [1.5])
    #expect(try file.floats("float", shape: [1, 2]) == [1, -2])
    #expect(try file.doubles("float") == [1, -2])
    #expect(try file.integers("byte") == [0, 128, 255])
    #expect(try file.floats("empty", shape: [0, 4]) == [])
    #expect(file.contains("byte") && !file.contains("bytes"))
  }

  @Test("All binary16 values are widened as the definition of the format says")
  func everyHalf() throws {
    let bits = (0..<1 << 16).map { UInt16($0) }
    let values = bits.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    let file = try read(safetensors(#"{"h":{"dtype":"F16","shape":[65536],"data_offsets":[0,131072]}}"#, values))
    let found = try file.floats("h")
    for index in bits.indices {
      let exponent = Int(bits[index] >> 10 & 31)
      let fraction = Double(bits[index] & 1023) / 1024
      let magnitude: Double =
        exponent == 31
        ? (fraction == 0 ? .infinity : .nan)
        : exponent == 0 ? fraction * pow(2, -14) : (1 + fraction) * pow(2, Double(exponent - 15))
      let expected = Float(bits[index] >> 15 == 1 ? -magnitude : magnitude)
      #expect(expected.isNaN ? found[index].isNaN : found[index] == expected && found[index].sign == expected.sign)
    }
  }

  @Test("What is written is what is read back, and its bytes don't depend on the order of the tensors")
  func roundTrip() throws {
    let tensors = [
      NamedTensor(
        name: "b \"quoted\" \\ \n ω", shape: [2, 3],
        values: .float32([1, -2, .pi, 0, .infinity, .leastNonzeroMagnitude])),
      NamedTensor(name: "a", shape: [2], values: .int64([.min, .max])),
      NamedTensor(name: "scalar", shape: [], values: .float64([0.1])),
      NamedTensor(name: "bytes", shape: [3, 1], values: .uint8([0, 1, 255])),
      NamedTensor(name: "none", shape: [0, 7], values: .float32([])),
    ]
    let metadata = ["seed": "3", "note": "tab\tand \u{1}"]
    let path = folder.file("t.safetensors")
    try TensorFile.write(tensors, metadata: metadata, to: path)
    let first = try FileBytes.read(path)
    let file = try TensorFile(readingFrom: path)
    #expect(file.metadata == metadata)
    #expect(file.tensors.count == tensors.count)
    for tensor in tensors { #expect(file.tensors[tensor.name] == tensor) }
    try TensorFile.write(tensors.reversed(), metadata: metadata, to: path)
    #expect(try FileBytes.read(path) == first)
    #expect(try folder.entries == ["t.safetensors"], "no temporary file may stay behind")
  }

  @Test("The bytes are those that the safetensors library writes")
  func libraryBytes() throws {
    let path = folder.file("t.safetensors")
    try TensorFile.write(
      [
        NamedTensor(name: "u", shape: [2], values: .uint8([7, 8])),
        NamedTensor(name: "b", shape: [1], values: .float32([1])),
        NamedTensor(name: "z", shape: [], values: .float64([1.5])),
        NamedTensor(name: "a", shape: [1], values: .int64([-1])),
      ], metadata: ["k": "v"], to: path)
    // As safetensors.numpy.save_file 0.8.0 writes the same tensors.
    let header =
      #"{"__metadata__":{"k":"v"},"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"#
      + #""z":{"dtype":"F64","shape":[],"data_offsets":[8,16]},"b":{"dtype":"F32","shape":[1],"data_offsets":[16,20]},"#
      + #""u":{"dtype":"U8","shape":[2],"data_offsets":[20,22]}}"#
    let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    let values: [UInt8] =
      Array(repeating: 255, count: 8) + [0, 0, 0, 0, 0, 0, 0xF8, 0x3F] + [0, 0, 0x80, 0x3F] + [7, 8]
    #expect(try FileBytes.read(path) == safetensors(padded, values))
  }

  @Test(
    "A file that breaks the format is refused with the reason",
    arguments: [
      ([1, 2, 3], "too short"),
      (safetensors("{}", length: 3), "longer than the file"),
      (safetensors("{}", length: .max), "longer than the file"),
      (safetensors("{}", length: 1 << 63), "longer than the file"),
      (safetensors(" {}"), "does not begin with '{'"),
      (safetensors(""), "does not begin with '{'"),
      (safetensors("{\"a\":"), "not valid JSON"),
      (safetensors("{} x"), "not valid JSON"),
      (safetensors("{\"a\":\"\\ud800\"}"), "not valid JSON"),
      (safetensors("{" + String(repeating: "\"a\":{", count: 100_000)), "nested too deeply"),
      (safetensors(#"{"a":3}"#), "not an object"),
      (safetensors(#"{"a":{"dtype":"F32","shape":[1]}}"#), "incomplete header entry"),
      (safetensors(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}"#, [0, 0, 0, 0]), "unexpected field"),
      (safetensors(#"{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}"#, [0, 0, 0, 0]), "repeated"),
      (safetensors(#"{"a":{"dtype":"Q7","shape":[1],"data_offsets":[0,4]}}"#, [0, 0, 0, 0]), "unknown dtype"),
      (safetensors(#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, [0, 0, 0, 0]), "out of range"),
      (safetensors(#"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#, [0, 0, 0, 0]), "out of range"),
      (safetensors(#"{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}"#, [0, 0, 0, 0]), "not a number"),
      (
        safetensors(#"{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}"#, [0, 0, 0, 0]),
        "out of range"
      ),
      (
        // The product wraps to 0 modulo 2⁶⁴.
        safetensors(#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#),
        "overflows"
      ),
      (
        // 2⁶² values fit, their bytes wrap to 0.
        safetensors(#"{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}"#),
        "overflows"
      ),
      (safetensors(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, [0, 0, 0, 0]), "do not fit the shape"),
      (safetensors(#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}}"#, [0, 0]), "malformed data_offsets"),
      (safetensors(#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0]}}"#, [0, 0]), "malformed data_offsets"),
      (safetensors(#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, [0, 0, 0]), "beyond the end of the file"),
      (
        safetensors(
          #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#,
          [0, 0, 0]),
        "overlap"
      ),
      (safetensors(#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#, [0, 0, 0]), "gap"),
      (safetensors(#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, [0, 0, 0]), "belong to no tensor"),
      (
        safetensors(
          #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#,
          [0, 0]),
        "twice"
      ),
      (safetensors(#"{"__metadata__":{"k":1}}"#), "not a string"),
      (safetensors(#"{"__metadata__":{"k":"1","k":"2"}}"#), "twice"),
      (safetensors(#"{"__metadata__":[]}"#), "not an object of strings"),
    ])
  func malformed(bytes: [UInt8], reason: String) throws {
    let text = try failure(bytes).description
    #expect(text.contains(reason), "\(text)")
    #expect(text.contains("a.safetensors"), "the message names the file: \(text)")
  }

  @Test("A header that is not UTF-8 is refused")
  func notText() throws {
    var bytes = safetensors(#"{"__metadata__":{"k":"x"}}"#)
    bytes[bytes.lastIndex(of: UInt8(ascii: "x"))!] = 0xFF
    #expect(try failure(bytes).description.contains("not UTF-8"))
  }

  @Test("A file cut at any byte is refused")
  func truncated() throws {
    let path = folder.file("t.safetensors")
    try TensorFile.write(
      [NamedTensor(name: "a", shape: [3], values: .float32([1, 2, 3]))], metadata: [:], to: path)
    let bytes = try FileBytes.read(path)
    for count in 0..<bytes.count {
      #expect(
        refusal { try read(Array(bytes[..<count])) }?.hasPrefix(folder.file("a.safetensors")) == true,
        "cut after \(count) bytes")
    }
    #expect(throws: Never.self) { try read(bytes) }
  }

  @Test("Asking for what is not there names file, tensor, what was found and what was wanted")
  func accessors() throws {
    let file = TensorFile(
      path: "w.safetensors", metadata: [:],
      tensors: [
        NamedTensor(name: "stem.0.weight", shape: [2], values: .float32([1, 2])),
        NamedTensor(name: "labels", shape: [1], values: .int64([1])),
      ])
    let shape = try #require(throws: InputError.self) { try file.floats("stem.0.weight", shape: [2, 1]) }
    #expect(shape.description == "w.safetensors: stem.0.weight: wrong shape: found [2], wanted [2, 1]")
    let missing = try #require(throws: InputError.self) { try file.floats("stem.1.weight", shape: [4]) }
    #expect(missing.place.file == "w.safetensors" && missing.place.item == "stem.1.weight")
    #expect(missing.description.contains("stem.0.weight") && missing.description.contains("[4]"))
    let integral = try #require(throws: InputError.self) { try file.doubles("labels") }
    #expect(integral.found == "int64" && integral.wanted == "float32 or float64")
    let floating = try #require(throws: InputError.self) { try file.integers("stem.0.weight") }
    #expect(floating.found == "float32")
  }

  @Test("Tensors that make no valid file are refused, and nothing is written")
  func writingBadTensors() throws {
    let good = NamedTensor(name: "a", shape: [1], values: .float32([1]))
    let bad: [([NamedTensor], String)] = [
      ([good, good], "a"), ([NamedTensor(name: "__metadata__", shape: [1], values: .float32([1]))], "__metadata__"),
      ([NamedTensor(name: "a", shape: [2], values: .float32([1]))], "a: 1 values"),
      ([NamedTensor(name: "a", shape: [-1, -1], values: .float32([1]))], "a: 1 values"),
      ([NamedTensor(name: "a", shape: [1 << 32, 1 << 32], values: .float32([]))], "a: 0 values"),
    ]
    for (tensors, place) in bad {
      let found = refusal { try TensorFile.write(tensors, metadata: [:], to: folder.file("x")) }
      #expect(found == "\(folder.file("x")): \(place)")
    }
    #expect(try folder.entries == [])
  }

  @Test("An absent file, and a folder in place of a file, are named")
  func absent() throws {
    let missing = try #require(throws: InputError.self) { try TensorFile(readingFrom: folder.file("none")) }
    #expect(missing.description.contains("none") && missing.description.contains("No such file"))
    let isFolder = try #require(throws: InputError.self) { try TensorFile(readingFrom: folder.path) }
    #expect(isFolder.description.contains("a folder"))
  }
}
