import Cells
import Formats
import Foundation
import TestSupport
import Testing

@Suite("α of files of other programs") struct AlphaFileTests {
  private func read(_ text: String, _ name: String = "49.txt") throws -> AlphaFile {
    let scratch = try ScratchFolder()
    return try AlphaFile(readingFrom: scratch.write(text, to: name))
  }

  private func json(_ normal: String, _ reduce: String = "[[0.5, 0.5]]") -> String {
    "{\"alphas_normal\": \(normal), \"alphas_reduce\": \(reduce)}"
  }

  /// Softmax of a row in double precision.
  private func softmax(_ row: ArraySlice<Float>) -> [Double] {
    let exponentials = row.map { exp(Double($0)) }
    return exponentials.map { $0 / exponentials.reduce(0, +) }
  }

  /// log p about its mean.
  private func centred(_ row: [Double]) -> [Float] {
    let logarithms = row.map { log($0) }
    return logarithms.map { Float($0 - logarithms.reduce(0, +) / Double(row.count)) }
  }

  @Test("in a log that is too long to be read whole is refused, not read in part") func tooLong() throws {
    let scratch = try ScratchFolder()
    let path = try scratch.write(
      "tensor([[0.5, 0.5]])\ntensor([[0.5, 0.5]])\nEpoch 1: " + String(repeating: "x", count: 64), to: "log.txt")
    // A hole in the file takes no room.
    #expect(truncate(path, 1 << 28 + 1) == 0)
    let error = #expect(throws: InputError.self) { try AlphaFile(readingFrom: path) }
    #expect(error?.problem == "too long a text" && error?.place == .file(path) && error?.found == "268435457 bytes")
    #expect(error?.wanted?.hasPrefix("at most 268435456") == true)
    #expect(AlphaFile.isText(path))
    // Tensors may be as long as they like.
    let tensors = try scratch.write([UInt8](repeating: 0, count: 64), to: "t.safetensors")
    #expect(truncate(tensors, 1 << 28 + 1) == 0)
    #expect(!AlphaFile.isText(tensors))
  }

  @Test("softmaxed as the released search of ZARTS writes them are log p about its mean, whose softmax is p")
  func softmaxed() throws {
    let file = try read(json("[[0.7, 0.2, 0.1], [0.25, 0.5, 0.25]]", "[[0.125, 0.375, 0.5], [0.9, 0.05, 0.05]]"))
    let normal = try file.file.floats("alphas_normal", shape: [2, 3])
    #expect(normal == centred([0.7, 0.2, 0.1]) + centred([0.25, 0.5, 0.25]))
    // ln 2 · (−2, −1, −2) about its mean −5/3 ln 2.
    #expect(abs(normal[4] - Float(2 * log(2.0) / 3)) < 1e-7)
    for (value, p) in zip(softmax(normal[0..<3]), [0.7, 0.2, 0.1]) { #expect(abs(value - p) < 1e-7) }
    #expect(try Array(file.file.floats("alphas_reduce", shape: [2, 3])[..<3]) == centred([0.125, 0.375, 0.5]))
    #expect(file.notes.count == 1 && file.notes[0].hasSuffix("its rows are softmaxed; α = log p about its mean"))
  }

  @Test("softmaxed to 0 are as far down as float32 goes") func zeros() throws {
    let file = try read(json("[[1.0, 0.0]]"))
    let normal = try file.file.floats("alphas_normal")
    #expect(normal == centred([1, 0x1p-126]))
    #expect(softmax(normal[...])[0] == 1 && exp(normal[1] - normal[0]) > 0)
    #expect(file.notes[0].contains("1 times of p = 0, taken as 1.1754943508222875e-38"))
  }

  @Test("that are no distributions are taken as α, without a note") func raw() throws {
    let file = try read(json("[[0.001, -0.0005], [0.5, 0.6]]", "[[-1.0, 2.0], [1e-3, 0]]"))
    #expect(try file.file.floats("alphas_normal", shape: [2, 2]) == [0.001, -0.0005, 0.5, 0.6])
    #expect(try file.file.floats("alphas_reduce", shape: [2, 2]) == [-1, 2, 1e-3, 0] && file.notes.isEmpty)
  }

  static let printedLog = """
    11/01 08:00:00 AM epoch 0 lr 2.5e-02
    tensor([[0.9, 0.1],
            [0.8, 0.2]], device='cuda:0', grad_fn=<SoftmaxBackward0>)
    tensor([[0.5, 0.5],
            [0.5, 0.5]], device='cuda:0', grad_fn=<SoftmaxBackward0>)
    11/01 08:10:00 AM epoch 1 lr 2.4e-02
    tensor([[0.1253, 0.8747],
            [1.0000, 0.0000]], device='cuda:0', grad_fn=<SoftmaxBackward0>)
    tensor([[7.5000e-01, 2.5000e-01],
            [1.0000e+00, 0.0000e+00]], grad_fn=<SoftmaxBackward0>)
    tensor([0.3, 0.7], grad_fn=<SoftmaxBackward0>)

    """

  @Test("printed in a log are those of its end; a 0 is half of the last decimal, or the least with an exponent")
  func printed() throws {
    let file = try read(Self.printedLog, "log.txt")
    let normal = try file.file.floats("alphas_normal", shape: [2, 2])
    #expect(normal == centred([0.1253, 0.8747]) + centred([1, 0.5 * pow(10, -4.0)]))
    let reduce = try file.file.floats("alphas_reduce", shape: [2, 2])
    #expect(reduce == centred([0.75, 0.25]) + centred([1, 0x1p-126]))
    // PyTorch prints no decimal where all values are whole.
    let whole = try read("tensor([[1., 0.]])\ntensor([[0., 1.]])\n", "log.txt")
    #expect(try whole.file.floats("alphas_normal", shape: [1, 2]) == centred([1, 0x1p-126]))
  }

  @Test(
    "that are neither are refused, with the place and what stood there",
    arguments: [
      ("{\"alphas_normal\": [[0.5, 0.5], [0.9]]}", "alphas_normal: 2 rows of 1, 2 values"),
      ("{\"alphas_normal\": []}", "alphas_normal: 0 rows of nothing values"),
      ("{\"alphas_normal\": [1]}", "alphas_normal: an entry that is no list"),
      ("{\"alphas_normal\": [[\"x\"]]}", "alphas_normal: an entry that is no finite number"),
      ("{\"alphas_normal\": [[1e999]]}", "alphas_normal: an entry that is no finite number"),
      ("{\"alphas_normal\": [[1]], \"alphas_normal\": [[1]]}", "alphas_normal"),
      ("{\"alphas_normal\": [[0.5, 0.5], [0.9, 0.9]]}", "alphas_normal, row 1: a sum of 1.8, where other rows sum to 1"),
      ("tensor([[0.5, 0.5]])\n", "f: 1"), ("tensor([[0.5, 0.5],\n", "byte 0"),
      ("tensor([[0.5, x]])\ntensor([[0.5, 0.5]])", "alphas_normal: 'x'"),
      ("tensor([[[0.5]]])\ntensor([[0.5]])", "byte 0"),
    ])
  func refused(text: String, found: String) throws {
    let scratch = try ScratchFolder()
    let path = try scratch.write(text, to: "f")
    #expect(AlphaFile.isText(path))
    #expect(refusal { try AlphaFile(readingFrom: path) }?.hasSuffix(found) == true)
  }

  @Test("are told from genotypes, other texts and tensors") func kinds() throws {
    let scratch = try ScratchFolder()
    for (name, text) in [
      ("genotype.json", "{\"normal\": []}"), ("genotypes.py", "DARTS = Genotype(normal=[])"), ("empty", ""),
    ] { #expect(try !AlphaFile.isText(scratch.write(text, to: name)), "\(name)") }
    #expect(!AlphaFile.isText(GoldenFile.path("s3_c8_l5_b4")))
    let tensors = try AlphaFile(readingFrom: GoldenFile.path("s3_c8_l5_b4"))
    #expect(ArchitectureParameters.isIn(tensors.file) && tensors.notes.isEmpty)
    let torch = try AlphaFile(readingFrom: GoldenFile.folder + "/torch/checkpoint.list.pth.tar")
    #expect(try torch.file.floats("alphas_reduce", shape: [14, 2])[1] == 10.125)
  }
}
