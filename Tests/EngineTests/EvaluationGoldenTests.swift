import Cells
import Compute
import Datasets
import Engine
import Formats
import Foundation
import TestSupport
import Testing

/// A public network's state_dict with what PyTorch in float64 says of images (examples/pytorch/make_evaluation_golden.py).
struct EvaluationGolden: CustomTestStringConvertible {
  let name: String
  var testDescription: String { name }

  static let all = ["cifar", "imagenet"].map(EvaluationGolden.init)

  func file() throws -> TensorFile { try TensorFile(readingFrom: GoldenFile.path("derived/\(name)")) }

  func model(_ file: TensorFile) throws -> DerivedModel {
    func number(_ key: String) throws -> Int { try #require(file.metadata[key].flatMap { Int($0) }, "\(key)") }
    return try DerivedModel(
      architecture: DerivedArchitecture(
        genotype: Genotype(parsing: #require(file.metadata["genotype"])),
        scale: #require(DerivedArchitecture.Scale(rawValue: file.metadata["stem"] ?? "")), channels: number("channels"),
        layers: number("layers"), classes: number("classes"), imageSize: number("image"), hasAuxiliaryHead: false),
      batch: number("count"), threads: 2, kernels: Kernels.select())
  }

  func batch(_ file: TensorFile) throws -> ImageBatch {
    let shape = try file.tensor("valid.images").shape
    return ImageBatch(
      images: try file.floats("valid.images"), labels: try file.integers("valid.labels").map(Int32.init),
      channels: shape[1], height: shape[2], width: shape[3], noiseKey: 0)
  }
}

/// Derived networks with the state_dicts of others, in evaluation mode.
@Suite struct EvaluationGoldenTests {
  @Test(
    "losses, logits, top-1 and top-5 counts are PyTorch's, with running statistics and with those of the batch",
    arguments: EvaluationGolden.all, [true, false])
  func isPyTorchs(golden: EvaluationGolden, running: Bool) throws {
    let file = try golden.file()
    let (model, batch) = (try golden.model(file), try golden.batch(file))
    let weights = try model.importVector(from: file, prefix: "")
    let statistics = try #require(try model.importStatistics(from: file))
    let prefix = "expect." + (running ? "" : "batch_")
    let found = model.evaluate(weights: weights, statistics: running ? statistics : nil, batch: batch)
    #expect(close(found.loss, try file.doubles("\(prefix)loss")[0], .absolute(2e-6)))
    let logits = model.lastLogits(count: batch.count)
    #expect(relativeError(logits, try file.floats("\(prefix)logits")) < 1e-5)
    // The file's `gap` is 2e-3 and more: no rounding changes a count.
    let classes = logits.count / batch.count
    let ranks = batch.labels.enumerated().map { image, label in
      let row = logits[image * classes..<(image + 1) * classes]
      return row.count { $0 > row[row.startIndex + Int(label)] }
    }
    #expect(found.correct == ranks.count { $0 < 1 })
    #expect(try [found.correct] == file.integers("\(prefix)top1"))
    #expect(try [ranks.count { $0 < 5 }] == file.integers("\(prefix)top5"))
  }

  /// What the public code itself makes (quark0/darts f276dd3, cnn/model.py; examples/pytorch/make_public_names.py).
  @Test(
    "names and shapes are those of the state_dicts of NetworkCIFAR and NetworkImageNet",
    arguments: [DerivedArchitecture.Scale.cifar, .imagenet], [true, false])
  func names(scale: DerivedArchitecture.Scale, auxiliary: Bool) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: GoldenFile.folder + "/derived/public_names.json"))
    let all = try JSONDecoder().decode([String: [String: [Int]]].self, from: data)
    let network = "Network\(scale == .cifar ? "CIFAR" : "ImageNet")-\(auxiliary ? "auxiliary" : "plain")"
    let expected = try #require(all[network])
    let genotype = try #require(try EvaluationGolden(name: "cifar").file().metadata["genotype"])
    let description = NetworkDescription.derived(
      try DerivedArchitecture(
        genotype: Genotype(parsing: genotype), scale: scale, channels: scale == .cifar ? 4 : 8, layers: 3,
        imageSize: scale == .cifar ? 32 : 224, hasAuxiliaryHead: auxiliary))
    var found: [String: [Int]] = [:]
    for parameter in description.tensors.parameters { found[parameter.name] = parameter.shape }
    for norm in description.tensors.norms {
      for name in norm.names {
        found["\(name).running_mean"] = [norm.channels]
        found["\(name).running_var"] = [norm.channels]
        found["\(name).num_batches_tracked"] = []
      }
    }
    #expect(found == expected)
    #expect(Set(description.tensors.statisticsNames).isSubset(of: expected.keys))
  }
}
