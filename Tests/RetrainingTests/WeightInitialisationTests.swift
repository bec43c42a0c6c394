import Formats
import Retraining
import TestSupport
import Testing

/// The settings `depthwise_initialisation` and `batch_norm_initialisation` of a retraining.
@Suite struct WeightInitialisationTests {
  private struct Start {
    let folder: RetrainingFolder
    let state: TensorFile
  }

  private static func start(_ path: String, _ change: (inout RetrainingConfiguration) -> Void) throws -> Start {
    let folder = try RetrainingRun(
      starting: RetrainingSamples.configuration(change), dataset: RetrainingSamples.shades(),
      folder: { try OutputFolder.create(at: path) }
    ).files
    return Start(folder: folder, state: try TensorFile(readingFrom: folder.checkpointPath(epoch: 0)))
  }

  /// Where two beginnings differ, and that they do nowhere else than in tensors of a kind.
  private static func differing(
    _ change: (inout RetrainingConfiguration) -> Void, only isOfKind: (_ name: String, _ shape: [Int]) -> Bool
  ) throws -> [(name: String, usual: [Float], other: [Float], shape: [Int])] {
    let scratch = try ScratchFolder()
    let (usual, other) = try (start(scratch.file("usual")) { _ in }, start(scratch.file("other"), change))
    #expect(usual.state.tensors.keys.sorted() == other.state.tensors.keys.sorted())
    return try usual.state.tensors.compactMap { name, tensor in
      guard !name.hasPrefix("momentum."), isOfKind(name, tensor.shape) else {
        #expect(other.state.tensors[name] == tensor, "\(name)")
        return nil
      }
      return try (name, usual.state.floats(name), other.state.floats(name), tensor.shape)
    }
  }

  @Test("A retraining starts from depthwise weights √C smaller where it is asked to, and is the same otherwise")
  func depthwise() throws {
    let kernels = try Self.differing({ $0.depthwiseInitialisation = .pytorch03 }) { _, shape in
      shape.count == 4 && shape[1] == 1 && shape[2] > 1
    }
    #expect(!kernels.isEmpty)
    for (name, usual, other, shape) in kernels {
      let factor = 1 / Float(shape[0]).squareRoot()
      #expect(zip(usual, other).allSatisfy { abs($0 * factor - $1) <= 1e-6 * abs($1) }, "\(name)")
    }
  }

  @Test("A retraining starts from scales of U(0, 1) where it is asked to, and is the same otherwise")
  func batchNorm() throws {
    // A vector that is called a weight is a batch norm's scale.
    let scales = try Self.differing({ $0.batchNormInitialisation = .uniform }) { name, shape in
      name.hasSuffix(".weight") && shape.count == 1
    }
    #expect(scales.count > 1)
    for (name, usual, other, _) in scales {
      #expect(usual.allSatisfy { $0 == 1 } && other.allSatisfy { (0...1).contains($0) }, "\(name)")
      #expect(Set(other).count == other.count, "\(name)")
    }
  }

  struct Setting: CustomTestStringConvertible, Sendable {
    let key: String
    let usual: String
    let other: String
    let change: @Sendable (inout RetrainingConfiguration) -> Void
    var testDescription: String { key }
  }

  static let settings = [
    Setting(key: "depthwise_initialisation", usual: "pytorch-1", other: "pytorch-0.3") {
      $0.depthwiseInitialisation = .pytorch03
    },
    Setting(key: "batch_norm_initialisation", usual: "ones", other: "uniform") { $0.batchNormInitialisation = .uniform },
  ]

  @Test("config.yaml holds each, may leave it away, and refuses what it cannot be", arguments: settings)
  func configuration(setting: Setting) throws {
    let (line, wrong) = ("\(setting.key): \(setting.usual)\n", "\(setting.key): another\n")
    var configuration = RetrainingSamples.configuration()
    let usual = try configuration.yaml
    #expect(usual.contains(line))
    #expect(try RetrainingConfiguration(yaml: usual.replacing(line, with: ""), from: "c") == configuration)
    let refused = try #require(
      #expect(throws: InputError.self) {
        try RetrainingConfiguration(yaml: usual.replacing(line, with: wrong), from: "c")
      })
    #expect(refused.place.setting == setting.key && refused.found == "'another'")
    setting.change(&configuration)
    #expect(try configuration.yaml.contains("\(setting.key): \(setting.other)\n"))
    #expect(try RetrainingConfiguration(yaml: configuration.yaml, from: "c") == configuration)
  }
}
