import Cells
import Formats
import TestSupport
import Testing

@Suite("Checkpoints of torch.save") struct TorchCheckpointTests {
  static let folder = GoldenFile.folder + "/torch"

  private func path(_ name: String) -> String { "\(Self.folder)/\(name)" }

  @Test(
    "give the weights of their state_dict and the α beside it, as PyTorch wrote them, and leave the rest out",
    arguments: ["checkpoint.pth.tar", "checkpoint.legacy.pth.tar", "checkpoint.list.pth.tar"])
  func whole(name: String) throws {
    let expected = try TensorFile(readingFrom: path("checkpoint.safetensors")).tensors
    let checkpoint = try TorchCheckpoint(readingFrom: path(name))
    #expect(checkpoint.file.tensors == expected && expected["alphas_normal"]?.shape == [14, 2])
    #expect(expected["module.1.num_batches_tracked"]?.values == .int64([0]))
    #expect(
      checkpoint.notes.first
        == "\(path(name)): weights from 'state_dict', without epoch, optimizer, lr, best_acc_top1, scheduler, device, shape")
    #expect(checkpoint.notes.dropFirst().allSatisfy { $0.contains("α from 'alpha") } && checkpoint.notes.count > 1)
  }

  @Test("with two state_dicts are refused by the names of both") func two() {
    #expect(
      refusal { try TorchCheckpoint(readingFrom: path("two.pt")) } == "\(path("two.pt")): 'state_dict' and 'model_ema'")
  }

  private let weights = [NamedTensor(name: "stem.0.weight", shape: [2], values: .float32([1, 2]))]

  private func alphas(_ shift: Float = 0) -> [NamedTensor] {
    ["alphas_normal", "alphas_reduce"].map { NamedTensor(name: $0, shape: [1, 2], values: .float32([shift, 3])) }
  }

  private func read(_ bytes: [UInt8]) throws -> TorchCheckpoint {
    let scratch = try ScratchFolder()
    return try TorchCheckpoint(readingFrom: scratch.write(bytes, to: "f.pt"))
  }

  @Test("may hold integers that no word holds, as states of random generators do; where one is asked for it is refused")
  func wideIntegers() throws {
    // 2^70, little-endian in nine bytes, and 2^64 − 1 with a byte for its sign.
    let wide: [[UInt8]] = [
      [0x8A, 9] + [UInt8](repeating: 0, count: 8) + [0x40], [0x8A, 9] + [UInt8](repeating: 255, count: 8) + [0],
    ]
    for number in wide {
      let found = try read(
        TorchBytes.file(of: weights) { state in
          let optimiser = TorchBytes.dictionary([("seed", number), ("state", TorchBytes.list([number]))])
          return TorchBytes.dictionary([("state_dict", state), ("optimizer", optimiser)])
        })
      #expect(found.file.tensors["stem.0.weight"]?.values == .float32([1, 2]))
      #expect(found.notes.first?.hasSuffix("weights from 'state_dict', without optimizer") == true)
      let tensor = TorchBytes.call(
        "torch._utils", "_rebuild_tensor_v2",
        [
          TorchBytes.storage(key: "0", count: 2), TorchBytes.integer(0), TorchBytes.tuple([number]),
          TorchBytes.tuple([TorchBytes.integer(1)]), [0x89], TorchBytes.call("collections", "OrderedDict", []),
        ])
      let refused = TorchBytes.file(
        TorchBytes.dictionary([("stem.0.weight", tensor)]), storages: [("0", 2, TorchBytes.floats([1, 2]))])
      #expect(refusal { try read(refused) }?.contains("an integer of more than 64 bits") == true)
    }
  }

  @Test("that are state_dicts themselves are taken whole, under any key once, and α alone are α") func places() throws {
    let plain = try read(TorchBytes.file(of: weights + alphas()))
    #expect(plain.file.tensors.keys.sorted() == ["alphas_normal", "alphas_reduce", "stem.0.weight"] && plain.notes.isEmpty)
    let nested = try read(
      TorchBytes.file(of: weights) { TorchBytes.dictionary([("net", $0), ("epoch", TorchBytes.integer(3))]) })
    #expect(nested.file.tensors["stem.0.weight"]?.values == .float32([1, 2]))
    #expect(nested.notes.count == 1 && nested.notes[0].hasSuffix("weights from 'net', without epoch"))
    let twice = try read(
      TorchBytes.file(of: weights) { state in
        let inner = TorchBytes.dictionary([("state_dict", state), ("lr", TorchBytes.integer(1))])
        return TorchBytes.dictionary([("net", inner), ("epoch", TorchBytes.integer(3))])
      })
    #expect(twice.file.tensors["stem.0.weight"]?.values == .float32([1, 2]))
    #expect(twice.notes.first?.hasSuffix("weights from 'net.state_dict', without epoch, net.lr") == true)
    let alone = try read(TorchBytes.file(of: alphas()))
    #expect(alone.file.tensors.count == 2 && ArchitectureParameters.isIn(alone.file))
    let prefixed = try read(
      TorchBytes.file(of: alphas().map { .init(name: "module.\($0.name)", shape: $0.shape, values: $0.values) }))
    #expect(prefixed.file.contains("alphas_normal"))
    let stages = try read(
      TorchBytes.file(of: weights + [NamedTensor(name: "_arch_parameters", shape: [1, 2], values: .float32([1, 2]))]))
    #expect(stages.file.contains("arch_parameters"))
  }

  @Test("that are no dictionary, have no weights, or two values of one α are refused, with the place") func refusals() throws
  {
    func found(_ bytes: [UInt8]) -> String? {
      refusal { try read(bytes) }.map { String($0.split(separator: "/").last ?? "") }
    }
    #expect(found(TorchBytes.file(TorchBytes.list([]))) == "f.pt: a list")
    #expect(found(TorchBytes.file(TorchBytes.dictionary([("epoch", TorchBytes.integer(3))]))) == "f.pt: epoch")
    #expect(found(TorchBytes.file(TorchBytes.dictionary([]))) == "f.pt: an empty dictionary")
    // The α of the state_dict and that beside it: the tensors of both lie in one file.
    let both = TorchBytes.file(of: weights + alphas()) { state in
      TorchBytes.dictionary([
        ("state_dict", state),
        ("alphas_normal", TorchBytes.tensor(TorchBytes.storage(key: "0", count: 2), shape: [1, 2])),
      ])
    }
    #expect(found(both) == "f.pt: alphas_normal: in 'alphas_normal' and in the state_dict")
    let list = TorchBytes.file(of: weights) {
      TorchBytes.dictionary([
        ("state_dict", $0), ("alpha", TorchBytes.list(Array(repeating: TorchBytes.integer(1), count: 3))),
      ])
    }
    #expect(found(list) == "f.pt: alpha: 3 entries")
  }
}
