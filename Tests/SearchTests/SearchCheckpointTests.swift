import Formats
import Search
import SearchSupport
import TestSupport
import Testing

struct SearchCheckpointTests {
  private func file(
    _ change: (inout [String: NamedTensor], inout [String: String]) -> Void = { _, _ in }
  ) throws -> TensorFile {
    let folder = try ScratchFolder()
    let files = try search(quadratic(), shortConfiguration(.darts1), in: folder.file("run"))
    let whole = try TensorFile(readingFrom: files.checkpointPath(epoch: 3))
    var (tensors, metadata) = (whole.tensors, whole.metadata)
    change(&tensors, &metadata)
    return TensorFile(path: "changed", metadata: metadata, tensors: Array(tensors.values))
  }

  private func message(_ change: (inout [String: NamedTensor], inout [String: String]) -> Void) throws -> String {
    let file = try file(change)
    do {
      _ = try SearchCheckpoint(file, for: quadratic())
    } catch {
      return "\(error)"
    }
    throw TestFailure("the file was accepted")
  }

  @Test func checkpointHoldsWeightsMomentumAlphasAndWhereItWasMade() throws {
    let checkpoint = try SearchCheckpoint(file(), for: quadratic())
    #expect(checkpoint.epoch == 3 && checkpoint.step == 0)
    #expect(checkpoint.alphas != nil && checkpoint.momentum != nil)
    #expect(checkpoint.file.metadata["method"] == "darts1")
    #expect(checkpoint.file.metadata["space"] == "s2")
    #expect(checkpoint.file.metadata["seed"] == "5")
    #expect(checkpoint.file.metadata["weight_steps"] == "18")
    let names = Set(checkpoint.file.tensors.keys)
    #expect(
      names == ["omega", "momentum.omega", "alphas_normal", "alphas_reduce", "adam.first", "adam.second", "adam.steps"])
  }

  @Test func weightsAloneAreEnough() throws {
    let only = try file { tensors, metadata in
      tensors = tensors.filter { $0.key == "omega" }
      metadata = [:]
    }
    let checkpoint = try SearchCheckpoint(only, for: quadratic())
    #expect(checkpoint.alphas == nil && checkpoint.momentum == nil)
    #expect(checkpoint.learningRate == nil && checkpoint.epoch == nil)
  }

  @Test func absentMisshapenAndForeignTensorsAreNamed() throws {
    #expect(try message { tensors, _ in tensors["omega"] = nil }.contains("omega"))
    let text = try message { tensors, _ in
      tensors["omega.1.weight"] = NamedTensor(name: "omega.1.weight", shape: [1], values: .float32([0]))
    }
    #expect(text.contains("omega.1.weight") && text.contains("channels"))
    #expect(
      try message { tensors, _ in
        tensors["alphas_normal"] = NamedTensor(
          name: "alphas_normal", shape: [14, 3], values: .float32(.init(repeating: 0, count: 42)))
      }.contains("[14, 2]"))
    #expect(try message { tensors, _ in tensors["alphas_reduce"] = nil }.contains("alphas_reduce"))
  }

  @Test func valuesThatAreNotFiniteAndWrongLearningRatesAreRefused() throws {
    #expect(
      try message { tensors, _ in
        tensors["omega"]?.values = .float32([.nan, 0, 0, 0, 0, 0])
      }.contains("not finite"))
    #expect(
      try message { tensors, _ in
        tensors["alphas_normal"]?.values = .float32(.init(repeating: .infinity, count: 28))
      }.contains("not finite"))
    for rate in ["fast", "-1", "nan"] {
      #expect(try message { _, metadata in metadata["learning_rate"] = rate }.contains("learning_rate"))
    }
  }
}
