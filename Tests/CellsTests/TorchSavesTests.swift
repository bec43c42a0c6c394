import Cells
import Formats
import TestSupport
import Testing

/// Files of torch.save, zip and legacy, with what PyTorch says is in them (examples/pytorch/make_torch_saves.py).
@Suite("Files that PyTorch saved") struct TorchSavesTests {
  private let golden: TensorFile
  private let folder: ScratchFolder

  init() throws {
    golden = try TensorFile(readingFrom: GoldenFile.path("torch_saves"))
    folder = try ScratchFolder()
  }

  /// The path of a file.
  private func write(_ name: String) throws -> String {
    guard case .uint8(let bytes) = try golden.tensor("file/\(name)").values else { throw TestFailure("\(name) is no file") }
    return try folder.write(bytes, to: "f.pth")
  }

  private func expected(_ name: String) -> [String: NamedTensor] {
    let prefix = "expect/\(name)/"
    return Dictionary(
      uniqueKeysWithValues: golden.tensors.filter { $0.key.hasPrefix(prefix) }.map {
        (String($0.key.dropFirst(prefix.count)), $0.value)
      })
  }

  /// Bits of float32 (of float64 rounded to it, as `expect` has them), or integers.
  private func bits(_ values: NamedTensor.Values?) -> [Int64]? {
    switch values {
    case .float32(let values)?: values.map { Int64($0.bitPattern) }
    case .float64(let values)?: values.map { Int64(Float($0).bitPattern) }
    case .int64(let values)?: values
    case .uint8(let values)?: values.map(Int64.init)
    case nil: nil
    }
  }

  private func compare(_ found: [String: NamedTensor], _ name: String) {
    let expected = expected(name)
    #expect(!expected.isEmpty && Set(found.keys) == Set(expected.keys), "\(found.keys.sorted())")
    for (key, tensor) in expected {
      #expect(found[key]?.shape == tensor.shape && bits(found[key]?.values) == bits(tensor.values), "\(key)")
    }
  }

  @Test(
    "Dictionaries of tensors have their bits: types, views, parameters, limits of each type",
    arguments: ["plain", "parallel", "types", "views", "parameters", "subnormal"], ["zip", "legacy"])
  func dictionaries(name: String, format: String) throws {
    try compare(tensors("\(format)/\(name)"), name)
  }

  @Test("Later protocols hold the same", arguments: [4, 5]) func protocols(number: Int) throws {
    try compare(tensors("zip/protocol\(number)"), "protocol\(number)")
    #expect(bits(expected("protocol\(number)")["stem.0.weight"]?.values) == bits(expected("plain")["stem.0.weight"]?.values))
  }

  /// All tensors of the dictionary that a file is, without the prefix of DataParallel.
  private func tensors(_ name: String) throws -> [String: NamedTensor] {
    var torch = try TorchFile(readingFrom: write(name))
    var result: [String: NamedTensor] = [:]
    for (key, value) in try #require(torch.pickle.entries(torch.pickle.top)) {
      let isPrefixed = key.hasPrefix(TorchCheckpoint.parallelPrefix)
      let plain = isPrefixed ? String(key.dropFirst(TorchCheckpoint.parallelPrefix.count)) : key
      result[plain] = try torch.tensor(value, named: key)
    }
    return result
  }

  @Test(
    "Checkpoints give their weights and α, without the optimiser's state",
    arguments: ["plain", "parameters", "nested", "adam", "alphas", "arch_list"], ["zip", "legacy"])
  func checkpoints(name: String, format: String) throws {
    let found = try TorchCheckpoint(readingFrom: write("\(format)/\(name)")).file.tensors
    compare(found, name)
    // Of a list, under the names of its kinds of cell.
    #expect((found["alphas_reduce"]?.shape == [14, 8]) == ["alphas", "arch_list"].contains(name))
  }

  @Test(
    "Two state_dicts, a NumPy number, and what calls or is a class are refused by name",
    arguments: [
      ("two", "'model' and 'ema'"), ("scalar", "numpy._core.multiarray.scalar"), ("code", "posix.getcwd"),
      ("module", "torch.nn.modules.container.Sequential"),
    ], ["zip", "legacy"])
  func refused(entry: (name: String, found: String), format: String) throws {
    guard golden.contains("file/\(format)/\(entry.name)") else {
      #expect(entry.name == "module" && format == "legacy")
      return
    }
    let path = try write("\(format)/\(entry.name)")
    let told = try #require(refusal { try TorchCheckpoint(readingFrom: path) })
    #expect(told.hasPrefix(path) && told.contains(entry.found), "\(told)")
  }
}
