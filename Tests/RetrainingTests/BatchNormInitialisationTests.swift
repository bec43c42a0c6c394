import Formats
import Retraining
import TestSupport
import Testing

/// The setting `batch_norm_initialisation` of a retraining.
@Suite struct BatchNormInitialisationTests {
  @Test("A retraining starts from scales of U(0, 1) where it is asked to, and is the same otherwise")
  func start() throws {
    let folder = try ScratchFolder()
    func start(_ name: String, _ change: (inout RetrainingConfiguration) -> Void) throws -> TensorFile {
      let run = try RetrainingRun(
        starting: RetrainingSamples.configuration(change), dataset: RetrainingSamples.shades(),
        folder: { try OutputFolder.create(at: folder.file(name)) })
      return try TensorFile(readingFrom: run.files.checkpointPath(epoch: 0))
    }
    let (ones, uniform) = try (start("ones") { _ in }, start("uniform") { $0.batchNormInitialisation = .uniform })
    #expect(ones.tensors.keys.sorted() == uniform.tensors.keys.sorted())
    var drawn = 0
    for (name, tensor) in ones.tensors {
      // A vector that is called a weight is a batch norm's scale.
      guard !name.hasPrefix("momentum."), name.hasSuffix(".weight"), tensor.shape.count == 1 else {
        #expect(uniform.tensors[name] == tensor, "\(name)")
        continue
      }
      drawn += 1
      let (one, other) = try (ones.floats(name), uniform.floats(name))
      #expect(one.allSatisfy { $0 == 1 } && other.allSatisfy { (0...1).contains($0) }, "\(name)")
      #expect(Set(other).count == other.count, "\(name)")
    }
    #expect(drawn > 1)
  }

  @Test("config.yaml holds it, may leave it away, and refuses what it cannot be")
  func configuration() throws {
    var settings = RetrainingSamples.configuration()
    let usual = try settings.yaml
    #expect(usual.contains("batch_norm_initialisation: ones\n"))
    let earlier = usual.replacing("batch_norm_initialisation: ones\n", with: "")
    #expect(try RetrainingConfiguration(yaml: earlier, from: "c") == settings)
    settings.batchNormInitialisation = .uniform
    #expect(try RetrainingConfiguration(yaml: settings.yaml, from: "c") == settings)
    let wrong = usual.replacing("batch_norm_initialisation: ones\n", with: "batch_norm_initialisation: twos\n")
    let error = try #require(#expect(throws: InputError.self) { try RetrainingConfiguration(yaml: wrong, from: "c") })
    #expect(error.place.setting == "batch_norm_initialisation" && error.found == "'twos'")
  }
}
