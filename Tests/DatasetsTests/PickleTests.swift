import Datasets
import Foundation
import TestSupport
import Testing

/// The opcodes with which Python 2's cPickle writes a batch at protocol 2: byte strings, and NumPy 1 names.
func python2Batch(images: Int, labelKey: String = "labels", labels: [UInt8], salt: Int) -> [UInt8] {
  func short(_ text: String) -> [UInt8] { [UInt8(ascii: "U"), UInt8(text.utf8.count)] + Array(text.utf8) }
  func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
  var memo: UInt8 = 0
  func put() -> [UInt8] {
    memo += 1
    return [UInt8(ascii: "q"), memo]
  }
  func global(_ name: String) -> [UInt8] { Array("c\(name)\n".utf8) + put() }
  let pixels = samplePixels(images * 3072, salt: salt)
  var bytes: [UInt8] = [0x80, 2, UInt8(ascii: "}")] + put() + Array("(".utf8)
  bytes += short("batch_label") + put() + short("training batch 1 of 5") + put()
  bytes += short(labelKey) + put() + Array("]".utf8) + put() + Array("(".utf8)
  for label in labels { bytes += [UInt8(ascii: "K"), label] }
  bytes += Array("e".utf8)
  bytes += short("data") + put() + global("numpy.core.multiarray\n_reconstruct") + global("numpy\nndarray")
  bytes += [UInt8(ascii: "K"), 0, 0x85] + put() + short("b") + put() + [0x87] + put() + Array("R".utf8) + put()
  bytes += Array("(".utf8) + [UInt8(ascii: "K"), 1, UInt8(ascii: "K"), UInt8(images)]
  bytes += [UInt8(ascii: "M"), 0x00, 0x0C, 0x86] + put() + global("numpy\ndtype") + short("u1") + put()
  bytes += [UInt8(ascii: "K"), 0, UInt8(ascii: "K"), 1, 0x87] + put() + Array("R".utf8) + put()
  bytes += Array("(".utf8) + [UInt8(ascii: "K"), 3] + short("|") + put() + Array("NNN".utf8)
  bytes += [UInt8(ascii: "J")] + word(-1) + [UInt8(ascii: "J")] + word(-1) + [UInt8(ascii: "K"), 0] + Array("tb".utf8)
  bytes += [0x89, UInt8(ascii: "T")] + word(pixels.count) + pixels + put() + Array("tb".utf8)
  return bytes + Array("u.".utf8)
}

@Suite("Pickled batches")
struct PickleTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  /// Reads a batch as the only training file of CIFAR-10, tested on another.
  func load(_ batch: [UInt8]) throws -> ImageDataset {
    try folder.write(batch, to: "data_batch_1")
    try folder.write(python2Batch(images: 1, labels: [4], salt: 1), to: "test_batch")
    return try CIFAR.load10(folder.path)
  }

  @Test(
    "Batches that NumPy 2 has written, of every protocol and kind of label, have their pixels and labels",
    arguments: [
      "pickle.2", "pickle.3", "pickle.4", "pickle.5", "pickle.bytes-keys", "pickle.array-labels", "pickle.scalar-labels",
      "pickle.fortran",
    ])
  func modern(name: String) throws {
    let dataset = try load(Fixtures.bytes(name))
    #expect(dataset.training.bytes == samplePixels(6144, salt: 7))
    #expect(dataset.training.labels == [3, 8] && dataset.test?.labels == [4])
  }

  @Test("A batch as Python 2 wrote it has its pixels and labels")
  func python2() throws {
    let dataset = try load(python2Batch(images: 3, labels: [9, 0, 5], salt: 11))
    #expect(dataset.training.bytes == samplePixels(3 * 3072, salt: 11) && dataset.training.labels == [9, 0, 5])
    #expect(dataset.test?.bytes == samplePixels(3072, salt: 1))
  }

  @Test("Class names come from the meta file, which must name every class")
  func names() throws {
    try folder.write(Fixtures.bytes("pickle.names"), to: "batches.meta")
    #expect(try load(Fixtures.bytes("pickle.4")).classNames == (0..<10).map { "class \($0)" })
    try folder.write(Fixtures.bytes("pickle.4"), to: "batches.meta")
    let text = message { _ = try load(Fixtures.bytes("pickle.4")) }
    #expect(text?.contains("batches.meta: wrong number of class names: found 0, wanted 10") == true)
  }

  struct Hostile: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]
    var reason: String

    init(_ name: String, _ text: String, _ reason: String) {
      testDescription = name
      bytes = [0x80, 2] + text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
      self.reason = reason
    }

    static let all = [
      Hostile(
        "GLOBAL", "cposix\nsystem\n(U\u{7}echo hitR.",
        "byte 2: global that data don't need; it is not executed: found posix.system"),
      Hostile(
        "STACK_GLOBAL", "\u{8C}\u{8}builtins\u{8C}\u{4}eval\u{93}.",
        "byte 18: global that data don't need; it is not executed: found builtins.eval"),
      Hostile("a submodule of NumPy", "cnumpy.testing\nrun\n.", "found numpy.testing.run"),
      Hostile("INST", "(iposix\nsystem\n.", "byte 3: opcode that data don't need: found 0x69 (INST)"),
      Hostile("OBJ", "(cnumpy\ndtype\no.", "found 0x6F (OBJ)"),
      Hostile("NEWOBJ", "cnumpy\nndarray\n)\u{81}.", "found 0x81 (NEWOBJ)"),
      Hostile("EXT1", "\u{82}\u{1}.", "found 0x82 (EXT1)"), Hostile("PERSID", "Pid\n.", "found 0x50 (PERSID)"),
      Hostile("NEXT_BUFFER", "\u{97}.", "found 0x97 (NEXT_BUFFER)"),
      Hostile("an unknown opcode", "\u{FF}.", "byte 2: opcode that data don't need: found 0xFF, wanted"),
      Hostile("a call of a number", "K\u{1})R.", "byte 5: a call of something that is no function"),
      Hostile(
        "an array of a class of its own", "cnumpy.core.multiarray\n_reconstruct\n(NNNtR.", "an array of another class"),
      Hostile(
        "a dtype of objects", "cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\u{2}O8\u{85}RU\u{1}x\u{86}R.",
        "something else than integers"),
      Hostile("another coding", "c_codecs\nencode\nX\u{1}\0\0\0aX\u{5}\0\0\0rot13\u{86}R.", "another coding than latin1"),
      Hostile("a state of a number", "K\u{1})b.", "a state of something that has none"),
      Hostile("an empty stack", ".", "byte 2: a value is missing"), Hostile("no mark", "e.", "items without a mark"),
      Hostile("items of no list", "K\u{1}(K\u{1}e.", "items without a list"),
      Hostile("half a pair", "}(K\u{1}u.", "items without a dictionary"),
      Hostile("an unknown memo", "h\u{7}.", "nothing was remembered as 7"),
      Hostile("bytes after the end", "N.N", "byte 4: bytes after the end"),
      Hostile("no dictionary", "K\u{1}.", "the pickle is no dictionary: found an integer"),
      Hostile("no data", "}.", "there is no entry \"data\": found none"),
      Hostile("data that are no array", "}(U\u{4}dataK\u{1}U\u{6}labels]u.", "data: not an array: found an integer"),
      Hostile("a text that is not UTF-8", "X\u{1}\0\0\0\u{FF}.", "not UTF-8"),
      Hostile("a length beyond the end", "T\u{FF}\u{FF}\u{FF}\u{7F}x.", "byte 2: truncated: found 2 bytes to the end"),
      Hostile("a length beyond 63 bits", "\u{8E}" + String(repeating: "\u{FF}", count: 8) + ".", "overflows"),
      Hostile("a list in itself", "]q\u{1}h\u{1}a.", "no dictionary: found a list"),
    ]
  }

  @Test("What is more than data is refused with its name and its offset, and not executed", arguments: Hostile.all)
  func hostile(_ case: Hostile) {
    let text = message { _ = try load(`case`.bytes) }
    #expect(text?.contains(`case`.reason) == true && text?.contains("data_batch_1") == true, "\(text ?? "nothing thrown")")
  }

  @Test("Containers nested a hundred thousand deep are read or refused, without exhausting the stack")
  func deep() {
    let lists = [0x80, 2] + [UInt8](repeating: UInt8(ascii: "]"), count: 100_000)
    #expect(message { _ = try load(lists + Array(repeating: UInt8(ascii: "a"), count: 99_999) + Array(".".utf8)) } != nil)
    // A tuple of sixteen of the tuple before, and so on: small in the file, endless when it is walked.
    var wide: [UInt8] = [0x80, 2, UInt8(ascii: ")"), UInt8(ascii: "q"), 0]
    for level: UInt8 in 0..<20 {
      wide +=
        Array("(".utf8) + (0..<16).flatMap { _ in [UInt8(ascii: "h"), level] } + [
          UInt8(ascii: "t"), UInt8(ascii: "q"), level + 1,
        ]
    }
    #expect(message { _ = try load(wide + Array(".".utf8)) }?.contains("deeper than data need") == true)
    // The same text encoded a thousand times.
    let text: [UInt8] = Array("X".utf8) + [0, 4, 0, 0] + [UInt8](repeating: 97, count: 1024)
    let coding: [UInt8] = Array("X".utf8) + [6, 0, 0, 0] + Array("latin1".utf8)
    var made: [UInt8] = [0x80, 2] + Array("c_codecs\nencode\nq".utf8) + [0] + text + Array("q".utf8) + [1]
    made += coding + Array("q".utf8) + [2]
    for _ in 0..<1000 {
      made += Array("h".utf8) + [0] + Array("h".utf8) + [1] + Array("h".utf8) + [2, 0x86] + Array("R".utf8)
    }
    #expect(message { _ = try load(made + Array(".".utf8)) }?.contains("more bytes than the file has") == true)
    let tuples: [UInt8] = [0x80, 2, UInt8(ascii: ")")] + [UInt8](repeating: 0x85, count: 100_000) + Array(".".utf8)
    #expect(message { _ = try load(tuples) }?.contains("deeper than data need") == true)
  }

  @Test("A batch cut short anywhere is refused, and so is one with damaged structure", arguments: ["pickle.2", "pickle.5"])
  func truncated(name: String) throws {
    let bytes = try Fixtures.bytes(name)
    for count in Array(0..<220) + stride(from: 220, to: bytes.count, by: 97) {
      #expect(message { _ = try load(Array(bytes[..<count])) } != nil, "\(count) bytes")
    }
    // Any change of the bytes around the array must be told or harmless; it must not end the program.
    for place in Array(0..<210) + Array(bytes.count - 60..<bytes.count) {
      for change: UInt8 in [0x01, 0x80, 0xFF] {
        var changed = bytes
        changed[place] ^= change
        _ = message { _ = try load(changed) }
      }
    }
  }

  @Test("Arrays and labels that are no batch are refused with what would be right")
  func mismatched() throws {
    func refusal(_ batch: [UInt8]) -> String { message { _ = try load(batch) } ?? "nothing thrown" }
    #expect(
      refusal(python2Batch(images: 2, labels: [1], salt: 1)).contains(
        "labels: as many labels as images are needed: found 1, wanted 2"))
    #expect(
      refusal(python2Batch(images: 2, labels: [1, 10], salt: 1)).contains(
        "the label of image 1 is no class: found 10, wanted 0 to 9"))
    #expect(refusal(python2Batch(images: 0, labels: [], salt: 1)).contains("wrong shape or type: found [0, 3072]"))
    #expect(try refusal(Fixtures.bytes("pickle.float-data")).contains("something else than integers"))
    #expect(try refusal(Fixtures.bytes("pickle.hundred")).contains("there is no entry \"labels\": found data, fine_labels"))
  }
}
