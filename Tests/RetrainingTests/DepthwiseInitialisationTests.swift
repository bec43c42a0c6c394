import Formats
import Retraining
import TestSupport
import Testing

/// The setting `depthwise_initialisation` of a retraining.
@Suite struct DepthwiseInitialisationTests {
  private static func start(_ change: (inout RetrainingConfiguration) -> Void, in path: String) throws -> RetrainingFolder {
    try RetrainingRun(
      starting: RetrainingSamples.configuration(change), dataset: RetrainingSamples.shades(),
      folder: { try OutputFolder.create(at: path) }
    ).files
  }

  @Test("A retraining starts from depthwise weights √C smaller where it is asked to, and from the same ones else")
  func start() throws {
    let folder = try ScratchFolder()
    let now = try Self.start({ _ in }, in: folder.file("now"))
    let then = try Self.start({ $0.depthwiseInitialisation = .pytorch03 }, in: folder.file("then"))
    let (left, right) = try (
      TensorFile(readingFrom: now.checkpointPath(epoch: 0)), TensorFile(readingFrom: then.checkpointPath(epoch: 0))
    )
    #expect(left.tensors.keys.sorted() == right.tensors.keys.sorted())
    var scaled = 0
    for (name, tensor) in left.tensors {
      let isDepthwise =
        !name.hasPrefix("momentum.") && tensor.shape.count == 4 && tensor.shape[1] == 1 && tensor.shape[2] > 1
      guard isDepthwise else {
        #expect(right.tensors[name] == tensor, "\(name)")
        continue
      }
      scaled += 1
      let (first, second) = try (left.floats(name), right.floats(name))
      let factor = 1 / Float(tensor.shape[0]).squareRoot()
      #expect(zip(first, second).allSatisfy { abs($0 * factor - $1) <= 1e-6 * abs($1) }, "\(name)")
    }
    #expect(scaled > 0)
    let text = String(decoding: try FileBytes.read(then.configurationPath), as: UTF8.self)
    #expect(text.contains("depthwise_initialisation: pytorch-0.3\n"))
  }

  @Test("config.yaml holds it, may leave it away, and refuses what it cannot be")
  func configuration() throws {
    var settings = RetrainingSamples.configuration()
    let usual = try settings.yaml
    #expect(usual.contains("depthwise_initialisation: pytorch-1\n"))
    let earlier = usual.replacing("depthwise_initialisation: pytorch-1\n", with: "")
    #expect(try RetrainingConfiguration(yaml: earlier, from: "c") == settings)
    settings.depthwiseInitialisation = .pytorch03
    #expect(try RetrainingConfiguration(yaml: settings.yaml, from: "c") == settings)
    let wrong = usual.replacing("pytorch-1\n", with: "pytorch-2\n")
    let error = try #require(
      #expect(throws: InputError.self) { try RetrainingConfiguration(yaml: wrong, from: "c") })
    #expect(error.place.setting == "depthwise_initialisation" && error.found == "'pytorch-2'")
  }
}
