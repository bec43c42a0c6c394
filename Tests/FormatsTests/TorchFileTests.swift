import Formats
import Foundation
import TestSupport
import Testing

@Suite("Files of torch.save") struct TorchFileTests {
  static let folder = GoldenFile.folder + "/torch"

  /// The tensors of the dictionary that a file is.
  private func tensors(_ torch: TorchFile) throws -> [String: NamedTensor] {
    var torch = torch
    var result: [String: NamedTensor] = [:]
    for (key, value) in try #require(torch.pickle.entries(torch.pickle.top)) {
      result[key] = try torch.tensor(value, named: key)
    }
    return result
  }

  /// Bits, so that a zero keeps its sign.
  private func bits(_ tensor: NamedTensor?) -> [UInt64]? {
    switch tensor?.values {
    case .float32(let values)?: values.map { UInt64($0.bitPattern) }
    case .float64(let values)?: values.map(\.bitPattern)
    case .int64(let values)?: values.map { UInt64(bitPattern: $0) }
    case .uint8(let values)?: values.map { UInt64($0) }
    case nil: nil
    }
  }

  @Test(
    "in either format and any protocol have the bits of every type and of every kind of view",
    arguments: ["types.pt", "types.protocol4.pt", "types.legacy.pt", "types.legacy4.pt"])
  func types(name: String) throws {
    let expected = try TensorFile(readingFrom: "\(Self.folder)/types.safetensors").tensors
    let found = try tensors(TorchFile(readingFrom: "\(Self.folder)/\(name)"))
    #expect(expected.count == 19 && Set(found.keys) == Set(expected.keys))
    for (key, tensor) in expected {
      #expect(found[key]?.shape == tensor.shape && found[key]?.values.typeName == tensor.values.typeName, "\(key)")
      #expect(bits(found[key]) == bits(tensor), "\(key)")
    }
  }

  /// Two tensors that share a storage of six.
  private var shared: [UInt8] {
    let storage = TorchBytes.storage(key: "k", count: 6)
    return TorchBytes.file(
      TorchBytes.dictionary([
        ("whole", TorchBytes.tensor(storage, shape: [2, 3])),
        ("turned", TorchBytes.tensor(storage, offset: 1, shape: [2, 2], strides: [1, 3])),
        (
          "old",
          TorchBytes.call(
            "torch._utils", "_rebuild_tensor",
            [
              storage, TorchBytes.integer(5), TorchBytes.tuple([]), TorchBytes.tuple([]),
            ])
        ),
      ]), storages: [("k", 6, TorchBytes.floats([0, 1, 2, 3, 4, 5]))])
  }

  @Test("made by hand show a shared storage through offsets and strides") func views() throws {
    let found = try tensors(TorchFile(shared, path: "f"))
    #expect(found["whole"]?.values == .float32([0, 1, 2, 3, 4, 5]))
    // Element (i, j) is that at 1 + i + 3 j.
    #expect(found["turned"]?.values == .float32([1, 4, 2, 5]) && found["turned"]?.shape == [2, 2])
    #expect(found["old"]?.values == .float32([5]) && found["old"]?.shape == [])
  }

  struct Hostile: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let mentions: String

    init(_ name: String, _ object: [UInt8], _ mentions: String) {
      (testDescription, bytes, self.mentions) = (name, TorchBytes.file(object), mentions)
    }

    private static let storage = TorchBytes.storage(key: "k", count: 6)
    private static func value(_ tensor: [UInt8]) -> [UInt8] { TorchBytes.dictionary([("x", tensor)]) }

    static let all = [
      Hostile("a function", TorchBytes.call("os", "system", [TorchBytes.text("true")]), "not executed: found os.system"),
      Hostile("a class of its own", TorchBytes.global("genotypes", "Genotype"), "found genotypes.Genotype"),
      Hostile(
        "a number of NumPy", TorchBytes.global("numpy.core.multiarray", "scalar"), "found numpy.core.multiarray.scalar"),
      Hostile("a storage of another module", TorchBytes.global("evil", "FloatStorage"), "found evil.FloatStorage"),
      Hostile(
        "a type that is not read", TorchBytes.global("torch", "ComplexFloatStorage"), "found torch.ComplexFloatStorage"),
      Hostile("a call of a type", TorchBytes.global("torch", "FloatStorage") + Array(")R".utf8), "no function"),
      Hostile("INST", Array("(ios\nsystem\n".utf8), "found 0x69 (INST)"),
      Hostile("another call", TorchBytes.call("torch", "Size", []), "a call that data don't need: found Size of 0 values"),
      Hostile(
        "a module",
        TorchBytes.tuple([TorchBytes.text("module"), TorchBytes.text("x"), TorchBytes.text("y"), [0x4E], [0x4E]])
          + Array("Q".utf8), "that is no storage"),
      Hostile(
        "a storage of a negative length", TorchBytes.storage(key: "k", count: -1), "that is no storage"),
      Hostile("a storage that overflows", TorchBytes.storage(key: "k", count: 1 << 62), "that is no storage"),
      Hostile(
        "a tensor of no storage", value(TorchBytes.tensor(TorchBytes.text("k"), shape: [1])), "a tensor without a storage"),
      Hostile(
        "a tensor beyond its storage", value(TorchBytes.tensor(storage, offset: 1, shape: [2, 3])),
        "found extents [2, 3], strides [3, 1] from element 1, wanted at most 6 elements"),
      Hostile(
        "strides that overflow", value(TorchBytes.tensor(storage, shape: [3, 3], strides: [1 << 62, 1 << 62])),
        "a tensor beyond the end of its storage"),
      Hostile(
        "a negative extent", value(TorchBytes.tensor(storage, shape: [-1], strides: [1])), "something else than lengths"),
      Hostile("more extents than strides", value(TorchBytes.tensor(storage, shape: [1, 1], strides: [1])), "found 2, 1"),
      Hostile(
        "extents without end", value(TorchBytes.tensor(storage, shape: Array(repeating: 1, count: 65))),
        "more extents than a tensor has: found 65"),
      Hostile("a state of a number", TorchBytes.integer(1) + Array("}b".utf8), "a state of something that has none"),
      Hostile(
        "an ordered dictionary of no pairs",
        TorchBytes.call("collections", "OrderedDict", [TorchBytes.list([Array("]".utf8)])]), "something else than pairs"),
    ]
  }

  @Test("that hold anything else are refused by its name and place, and nothing is executed", arguments: Hostile.all)
  func hostile(file: Hostile) throws {
    let text = message { _ = try TorchFile(file.bytes, path: "f.pt") }
    #expect(text?.contains(file.mentions) == true && text?.hasPrefix("f.pt: byte ") == true, "\(text ?? "taken")")
  }

  @Test("cannot make endless copies of what they remember") func copies() throws {
    // A list of n pairs, made a dictionary again and again.
    let pair = TorchBytes.list([[0x4E], [0x4E]])
    let pairs = TorchBytes.list(Array(repeating: pair, count: 100)) + [UInt8(ascii: "q"), 1]
    let again = TorchBytes.call("collections", "OrderedDict", [[UInt8(ascii: "h"), 1]])
    let text = message {
      _ = try TorchFile(TorchBytes.file(pairs + TorchBytes.list(Array(repeating: again, count: 500))), path: "f")
    }
    #expect(text?.contains("more entries than the file has") == true, "\(text ?? "taken")")
  }

  @Test("cannot ask for more memory than a file of their size stands for") func memory() throws {
    let storage = TorchBytes.storage(key: "k", count: 1)
    let bytes = TorchBytes.file(
      TorchBytes.dictionary([("x", TorchBytes.tensor(storage, shape: [1 << 20, 1 << 20], strides: [0, 0]))]),
      storages: [("k", 1, TorchBytes.floats([1]))])
    let text = message { _ = try tensors(TorchFile(bytes, path: "f")) }
    #expect(text?.contains("f: x: its values take more memory") == true, "\(text ?? "taken")")
    // A dictionary that holds itself is no trouble either.
    let cycle = TorchBytes.file(Array("}q\u{1}".utf8) + TorchBytes.text("x") + [UInt8(ascii: "h"), 1] + Array("s".utf8))
    #expect(try tensors(TorchFile(cycle, path: "f")).isEmpty)
  }

  @Test("of the older format name the place where they are cut short, go on or contradict themselves") func older() throws {
    for length in 0..<shared.count {
      #expect(throws: InputError.self, "\(length)") { try TorchFile(Array(shared[..<length]), path: "f") }
    }
    func refused(_ bytes: [UInt8]) -> String? { refusal { try TorchFile(bytes, path: "f") } }
    #expect(refused(shared + [0]) == "f: byte \(shared.count): 1")
    let end = shared.count - 24
    #expect(refused(Array(shared.dropLast())) == "f: storage 'k', byte \(end): 23 bytes to the end")
    var longer = shared
    longer[end - 8] = 7
    #expect(refused(longer) == "f: storage 'k', byte \(end - 8): 7")
    let object = TorchBytes.dictionary([("x", TorchBytes.tensor(TorchBytes.storage(key: "k", count: 1), shape: [1]))])
    #expect(refused(TorchBytes.file(object, storages: [("other", 1, TorchBytes.floats([1]))]))?.hasSuffix(": other") == true)
    #expect(refused(TorchBytes.file(object, keys: ["k", "k"]))?.hasSuffix(": a list") == true)
    let absent = try TorchFile(TorchBytes.file(object), path: "f")
    #expect(refusal { try tensors(absent) } == "f: x: storage 'k'")
  }

  @Test(
    "that are archives with a changed bit, or cut short, are errors or unharmed, and a changed value is found by its checksum"
  )
  func damage() throws {
    let whole = try FileBytes.read("\(Self.folder)/types.pt")
    let expected = try tensors(TorchFile(whole, path: "f"))
    for place in stride(from: 0, to: whole.count, by: 5) {
      var bytes = whole
      bytes[place] ^= 0x10
      do {
        let found = try tensors(TorchFile(bytes, path: "f"))
        #expect(
          found.keys.sorted() == expected.keys.sorted() && found.allSatisfy { bits($1) == bits(expected[$0]) }, "\(place)")
      } catch {
        #expect(error is InputError, "\(place): \(error)")
      }
    }
    for length in stride(from: 0, to: whole.count, by: 97) {
      #expect(throws: InputError.self, "\(length)") { try TorchFile(Array(whole[..<length]), path: "f") }
    }
    // 2/7 and 3/7, neighbours in the first storage.
    let pattern = TorchBytes.floats([Float(2) / 7, Float(3) / 7])
    let place = try #require(whole.indices.first { whole[$0...].starts(with: pattern) })
    var changed = whole
    changed[place] ^= 1
    let text = message { _ = try TorchFile(changed, path: "f") }
    #expect(text?.contains("data/0: the archive is damaged: found ZIP bad CRC") == true, "\(text ?? "taken")")
  }

  @Test("that are something else are named: whole modules, code, other archives") func others() throws {
    func text(_ name: String) -> String? { message { _ = try TorchFile(readingFrom: "\(Self.folder)/\(name)") } }
    #expect(text("module.pt")?.contains("found torch.nn.modules.container.Sequential") == true)
    #expect(text("script.pt")?.contains("a TorchScript archive") == true)
    #expect(text("numpy.pt")?.contains("multiarray.scalar") == true)
    #expect(text("genotype.pt")?.contains(".Genotype") == true)
    let scratch = try ScratchFolder()
    try NPZFile(arrays: [("x", NPYFile(shape: [1], values: .float32([1])))]).write(to: scratch.file("a.npz"))
    #expect(
      refusal { try TorchFile(readingFrom: scratch.file("a.npz")) } == "\(scratch.file("a.npz")): 1 members, no data.pkl")
    #expect(refusal { try TorchFile([0x80, 2, 0x4E, 0x2E], path: "f") } == "f: the first bytes [128, 2, 78, 46]")
  }
}
