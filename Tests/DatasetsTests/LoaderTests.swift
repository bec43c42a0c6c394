import Datasets
import Formats
import Foundation
import TestSupport
import Testing

@Suite("Fashion-MNIST")
struct FashionMNISTTests {
  let folder: ScratchFolder

  init() throws {
    folder = try ScratchFolder()
    try writeFashion(to: folder, training: 6, test: 3)
  }

  func load() throws -> ImageDataset { try DatasetSpecification(parsing: "fashion-mnist:\(folder.path)").load() }

  @Test("Images are framed by two rows and columns of zeros, pixel for pixel")
  func padding() throws {
    let dataset = try load()
    #expect(dataset.side == 32 && dataset.storedChannels == 1 && dataset.classes == 10)
    #expect(dataset.training.labels == sampleLabels(6, salt: 1).map { Int32($0) })
    #expect(dataset.test?.labels == sampleLabels(3, salt: 2).map { Int32($0) })
    let source = samplePixels(6 * 784, salt: 1)
    for image in 0..<6 {
      for row in 0..<32 {
        for column in 0..<32 {
          let isInside = (2..<30).contains(row) && (2..<30).contains(column)
          let expected = isInside ? source[image * 784 + (row - 2) * 28 + column - 2] : 0
          #expect(dataset.training.bytes[(image * 32 + row) * 32 + column] == expected)
        }
      }
    }
  }

  @Test("Mean and deviation are those of the padded training images, the same in all channels")
  func normalisation() throws {
    let dataset = try load()
    let values = dataset.training.bytes.map { Double($0) / 255 }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    for channel in 0..<3 {
      #expect(abs(dataset.normalisation.mean[channel] - mean) < 1e-13)
      #expect(abs(dataset.normalisation.standardDeviation[channel] - variance.squareRoot()) < 1e-13)
    }
  }

  @Test("Batches repeat the grey plane in three channels")
  func replication() throws {
    let loader = try BatchLoader(dataset: load(), seed: 1, batchSize: 2)
    let batch = try loader.trainingBatch(epoch: 0, step: 0)
    for image in 0..<2 {
      let planes = (0..<3).map { Array(batch.images[(image * 3 + $0) * 1024..<(image * 3 + $0 + 1) * 1024]) }
      #expect(planes[0] == planes[1] && planes[1] == planes[2])
      #expect(Set(planes[0]).count > 100)
    }
  }

  @Test("Unpacked files are read where the packed ones are absent")
  func unpacked() throws {
    let packed = try load()
    for name in ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
      try folder.write(Gzip.read(folder.file("\(name).gz")), to: name)
      try folder.remove("\(name).gz")
    }
    let mixed = try load()
    #expect(mixed.training.bytes == packed.training.bytes && mixed.test?.labels == packed.test?.labels)
  }

  @Test(
    "The installed dataset has its published size and statistics",
    .enabled(
      if: FileManager.default.fileExists(atPath: FashionMNIST.systemFolder), "dataset-fashion-mnist is not installed"))
  func installed() throws {
    let dataset = try DatasetSpecification(parsing: "fashion-mnist").load()
    #expect(dataset.training.count == 60_000 && dataset.test?.count == 10_000)
    // 6,000 images a class; and the published mean 0.2860 and deviation 0.3530 of the 28×28 pixels, spread over 32×32.
    for label: Int32 in 0..<10 { #expect(dataset.training.labels.count { $0 == label } == 6000) }
    let share = 784.0 / 1024
    let mean = 0.2860405969887955 * share
    let square = (0.3530242445149223 * 0.3530242445149223 + 0.2860405969887955 * 0.2860405969887955) * share
    #expect(abs(dataset.normalisation.mean[0] - mean) < 1e-9)
    #expect(abs(dataset.normalisation.standardDeviation[0] - (square - mean * mean).squareRoot()) < 1e-9)
  }

  @Test("An absent folder or file is named, with what provides it")
  func absent() throws {
    try folder.remove("t10k-labels-idx1-ubyte.gz")
    let text = try #require(message { _ = try load() })
    #expect(text.contains(folder.file("t10k-labels-idx1-ubyte.gz")) && text.contains("dataset-fashion-mnist"))
    let none = message { _ = try DatasetSpecification(parsing: "fashion-mnist:/nowhere").load() }
    #expect(none?.contains("/nowhere: there is no such folder") == true && none?.contains("dataset-fashion-mnist") == true)
  }

  struct Damage: Sendable, CustomTestStringConvertible {
    var file: String
    var bytes: [UInt8]
    var reason: String
    var testDescription: String { "\(file): \(reason)" }

    init(_ file: String, _ bytes: [UInt8], _ reason: String) {
      (self.file, self.bytes, self.reason) = (file, bytes, reason)
    }

    init(images extents: [Int], count: Int, _ reason: String) {
      let bytes = idx(magic: 0x803, extents: extents, values: Array(repeating: 9, count: count))
      self.init("train-images-idx3-ubyte.gz", bytes, reason)
    }

    init(labels values: [UInt8], of prefix: String = "train", _ reason: String) {
      let bytes = idx(magic: 0x801, extents: [values.count], values: values)
      self.init("\(prefix)-labels-idx1-ubyte.gz", bytes, reason)
    }

    static let all: [Damage] = [
      Damage("train-images-idx3-ubyte.gz", idx(magic: 0x801, extents: [6], values: []), "0x00000801, wanted 0x00000803"),
      Damage("train-labels-idx1-ubyte.gz", idx(magic: 0x803, extents: [1, 1, 1], values: [0]), "wanted 0x00000801"),
      Damage("train-images-idx3-ubyte.gz", [0, 0, 8, 3, 0, 0], "a header of 16"),
      Damage("t10k-images-idx3-ubyte.gz", [0, 0], "an IDX header"),
      Damage(images: [6, 28, 27], count: 6 * 28 * 27, "found 28×27, wanted 28×28"),
      Damage(images: [6, 28, 28], count: 6 * 784 - 1, "truncated"),
      Damage(images: [6, 28, 28], count: 6 * 784 + 1, "longer than its header"),
      Damage(images: [0, 28, 28], count: 0, "no images"),
      Damage(images: [0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], count: 0, "overflows"),
      Damage(labels: [0, 0], of: "t10k", "found 2 labels, wanted 3"),
      Damage(labels: [0, 1, 2, 10, 4, 5], "label 3 is no class: found 10, wanted 0 to 9"),
    ]
  }

  @Test("A damaged or mislabelled file is named with what was found and what would be right", arguments: Damage.all)
  func damaged(_ damage: Damage) throws {
    try folder.write(gzip(damage.bytes), to: damage.file)
    let text = try #require(message { _ = try load() })
    #expect(text.contains(damage.reason) && text.contains(folder.file(damage.file)), "\(text)")
  }

  @Test("Images that are blank throughout cannot be normalised and are refused")
  func blank() throws {
    // The frame is black, so only an all-black file is blank.
    let bytes = idx(magic: 0x803, extents: [6, 28, 28], values: Array(repeating: 0, count: 6 * 784))
    try folder.write(gzip(bytes), to: "train-images-idx3-ubyte.gz")
    #expect(message { _ = try load() }?.contains("all pixels have the same value") == true)
  }

  @Test("A gzip file that was cut short is named")
  func cutGzip() throws {
    let name = "train-images-idx3-ubyte.gz"
    let bytes = try FileBytes.read(folder.file(name))
    try folder.write(Array(bytes[..<(bytes.count / 2)]), to: name)
    let text = try #require(message { _ = try load() })
    #expect(text.contains(folder.file(name)) && text.contains("truncated"))
  }
}

@Suite("CIFAR-10")
struct CIFAR10Tests {
  let folder: ScratchFolder

  init() throws {
    folder = try ScratchFolder()
    try writeCIFAR(to: folder)
  }

  func load() throws -> ImageDataset { try DatasetSpecification(parsing: "cifar10:\(folder.path)").load() }

  @Test("Batches of any record count are joined in the order of their numbers")
  func records() throws {
    for number in 3...10 { try folder.write(cifarRecords(1, salt: 100 + number), to: "data_batch_\(number).bin") }
    let dataset = try load()
    let salts: [(count: Int, salt: Int)] = [(3, 1), (5, 2)] + (3...10).map { (1, 100 + $0) }
    #expect(dataset.training.labels == salts.flatMap { sampleLabels($0.count, salt: $0.salt).map { Int32($0) } })
    #expect(dataset.training.bytes == salts.flatMap { samplePixels($0.count * 3072, salt: $0.salt) })
    #expect(dataset.test?.bytes == samplePixels(4 * 3072, salt: 3))
    #expect(dataset.test?.labels == sampleLabels(4, salt: 3).map { Int32($0) })
    #expect(dataset.normalisation == .cifar10 && dataset.storedChannels == 3 && dataset.side == 32)
  }

  @Test("Damaged, mislabelled and absent files are named with what would be right")
  func damaged() throws {
    func expectFailure(_ file: String, _ bytes: [UInt8]?, _ reason: String) throws {
      try writeCIFAR(to: folder)
      if let bytes { try folder.write(bytes, to: file) } else { try folder.remove(file) }
      let text = try #require(message { _ = try load() })
      #expect(text.contains(reason) && text.contains(folder.file(file)), "\(text)")
    }
    let short = Array(cifarRecords(3, salt: 1).dropLast())
    try expectFailure("data_batch_1.bin", short, "found 9218 bytes, wanted a multiple of 3073")
    try expectFailure("data_batch_2.bin", [], "found 0 bytes")
    try expectFailure("test_batch.bin", Array(repeating: 1, count: 3072), "a multiple of 3073")
    var mislabelled = cifarRecords(2, salt: 1)
    mislabelled[3073] = 10
    try expectFailure("data_batch_2.bin", mislabelled, "record 1 is no class: found 10, wanted 0 to 9")
    try expectFailure("data_batch_1.bin", nil, "wanted every batch from 1 to 2")
    try expectFailure("test_batch.bin", nil, "no such file")
    try writeCIFAR(to: folder)
    try expectFailure("data_batch_x.bin", cifarRecords(1, salt: 1), "unexpected name")
  }

  @Test("A folder that is absent, empty or of something else is told apart")
  func wrongFolder() throws {
    let absent = message { _ = try DatasetSpecification(parsing: "cifar10:/nowhere").load() }
    #expect(absent?.hasPrefix("/nowhere: there is no such file or folder: wanted cifar-10-binary.tar.gz or") == true)
    let empty = try ScratchFolder()
    #expect(message { _ = try CIFAR.load10(empty.path) }?.contains("an empty folder") == true)
    try empty.write([1], to: "train")
    let other = message { _ = try CIFAR.load10(empty.path) }
    #expect(other?.contains("there is no CIFAR-10: found train, wanted cifar-10-binary.tar.gz") == true)
    try empty.write([1, 2], to: "data_batch_1")
    #expect(message { _ = try CIFAR.load10(empty.path) }?.contains("data_batch_1: byte 0: not a pickle") == true)
  }
}

@Suite("Datasets as tensors")
struct TensorDatasetTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  func load(_ tensors: [NamedTensor], metadata: [String: String] = [:]) throws -> ImageDataset {
    try TensorFile.write(tensors, metadata: metadata, to: folder.file("d.safetensors"))
    return try DatasetSpecification(parsing: "tensors:\(folder.file("d.safetensors"))").load()
  }

  @Test("Values and splits are taken as they are, and other tensors are left alone")
  func asTheyAre() throws {
    let tensors = tensorSample()
    let dataset = try load(tensors + [NamedTensor(name: "expect.loss", shape: [], values: .float32([2]))])
    #expect(NamedTensor.Values.float32(dataset.training.floats) == tensors[0].values)
    #expect(NamedTensor.Values.float32(dataset.validation?.floats ?? []) == tensors[2].values)
    #expect(dataset.training.labels == [0, 1, 2, 3] && dataset.validation?.labels == [5, 6, 7])
    #expect(dataset.classes == 10 && dataset.side == 4 && dataset.test == nil && !dataset.isAugmentable)
    #expect(dataset.normalisation == .identity)
  }

  @Test("The number of classes comes from the metadata, else from the classifier, else from the labels")
  func classCount() throws {
    var tensors = tensorSample()
    #expect(try load(tensors, metadata: ["classes": "8"]).classes == 8)
    let bias = NamedTensor(name: "classifier.bias", shape: [100], values: .float32(Array(repeating: 0, count: 100)))
    #expect(try load(tensors + [bias]).classes == 100)
    #expect(try load(tensors + [bias], metadata: ["classes": "8"]).classes == 8)
    tensors[1].values = .int64([0, 1, 2, 30])
    #expect(try load(tensors).classes == 31)
    let text = message { _ = try load(tensors, metadata: ["classes": "8"]) }
    #expect(text?.contains(": train.labels: label 3 is no class: found 30, wanted 0 to 7") == true)
    #expect(message { _ = try load(tensors, metadata: ["classes": "many"]) }?.contains("found many") == true)
  }

  struct Damage: Sendable, CustomTestStringConvertible {
    var index: Int
    var replacement: NamedTensor?
    var reason: String
    var testDescription: String { reason }

    init(missing index: Int, _ reason: String) { (self.index, self.reason) = (index, reason) }

    init(images shape: [Int], of prefix: String = "train", _ reason: String, values: NamedTensor.Values? = nil) {
      let zeros = NamedTensor.Values.float32(Array(repeating: 0, count: shape.reduce(1, *)))
      index = prefix == "train" ? 0 : 2
      replacement = NamedTensor(name: "\(prefix).images", shape: shape, values: values ?? zeros)
      self.reason = reason
    }

    init(labels shape: [Int], _ values: NamedTensor.Values, _ reason: String) {
      index = 1
      replacement = NamedTensor(name: "train.labels", shape: shape, values: values)
      self.reason = reason
    }

    static let all: [Damage] = [
      Damage(missing: 0, "train.images"), Damage(missing: 1, "train.labels"), Damage(missing: 2, "valid.images"),
      Damage(missing: 3, "valid.labels"),
      Damage(images: [12, 4, 4], "found [12, 4, 4]"),
      Damage(images: [4, 1, 4, 4], "found [4, 1, 4, 4], wanted [count, 3, side, side]"),
      Damage(images: [4, 3, 4, 2], "found [4, 3, 4, 2]"),
      Damage(images: [0, 3, 4, 4], "found [0, 3, 4, 4]"),
      Damage(
        images: [4, 3, 4, 4], "found uint8, wanted float32", values: .uint8(Array(repeating: 0, count: 192))),
      Damage(
        images: [4, 3, 4, 4], "value 191 is not finite", values: .float32(Array(repeating: 0, count: 191) + [.nan])),
      Damage(images: [3, 3, 2, 2], of: "valid", "found side 2, wanted 4"),
      Damage(labels: [3], .int64([0, 1, 2]), "found shape [3], wanted [4]"),
      Damage(labels: [4, 1], .int64([0, 1, 2, 3]), "found shape [4, 1]"),
      Damage(labels: [4], .int64([0, -1, 2, 3]), "label 1 is no class: found -1"),
      Damage(labels: [4], .int64([0, 1, 2, .max]), "label 3 is no class"),
      Damage(labels: [4], .float32([0, 1, 2, 3]), "found float32"),
    ]
  }

  @Test("A tensor that is missing, misshapen, of the wrong type or out of range is named", arguments: Damage.all)
  func damaged(_ damage: Damage) throws {
    var tensors = tensorSample()
    if let replacement = damage.replacement {
      tensors[damage.index] = replacement
    } else {
      tensors.remove(at: damage.index)
    }
    let text = try #require(message { _ = try load(tensors) })
    #expect(text.contains(damage.reason) && text.contains(folder.file("d.safetensors")), "\(text)")
  }

  @Test("The golden files of networks are datasets, whatever else they hold")
  func golden() throws {
    let folder = GoldenFile.folder
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".safetensors") }
      .filter { !["hessians", "pyhessian", "torch_saves", "weight_hessians"].contains($0.prefix { $0 != "." }) }
    #expect(names.count >= 5)
    for name in names {
      let file = try TensorFile(readingFrom: "\(folder)/\(name)")
      let batch = try #require(Int(file.metadata["batch"] ?? ""))
      let loader = try BatchLoader(
        dataset: TensorDataset.load(file: "\(folder)/\(name)"), seed: 9, batchSize: batch)
      #expect(loader.dataset.classes == 10 && loader.dataset.side == 32 && loader.stepsPerEpoch == 1)
      #expect(try loader.trainingBatch(epoch: 2, step: 0).images == file.floats("train.images", shape: [batch, 3, 32, 32]))
      #expect(try loader.validationSplit.all.map { $0.labels.map { Int($0) } } == [file.integers("valid.labels")])
    }
  }

  @Test("A file that is absent or no safetensors file is named")
  func notTensors() throws {
    let absent = message { _ = try TensorDataset.load(file: "/nowhere.safetensors") }
    #expect(absent?.contains("/nowhere.safetensors") == true)
    let path = try folder.write(Array("not tensors at all".utf8), to: "x")
    #expect(message { _ = try TensorDataset.load(file: path) }?.contains("not a safetensors file") == true)
  }
}

@Suite("The --dataset flag")
struct DatasetSpecificationTests {
  @Test("Every form is parsed, and prints as what parses to the same")
  func forms() throws {
    let forms: [(String, DatasetSpecification)] = [
      ("fashion-mnist", .fashionMNIST(folder: "/usr/share/datasets/fashion-mnist")),
      ("fashion-mnist:a/b", .fashionMNIST(folder: "a/b")),
      ("cifar10:/data", .cifar10(path: "/data")), ("cifar10:C:/data", .cifar10(path: "C:/data")),
      ("cifar100:a.tar.gz", .cifar100(path: "a.tar.gz")), ("svhn:d", .svhn(folder: "d", includesExtra: false)),
      ("svhn:d?extra=yes", .svhn(folder: "d", includesExtra: true)), ("images:d", .images(folder: "d", .init())),
      ("images:what?/d?size=64", .images(folder: "what?/d", .init(size: 64))),
      (
        "images:d?size=32&crop=padded&normalise=cifar10",
        .images(folder: "d", .init(size: 32, crop: .padded, normalisation: .cifar10))
      ),
      ("tensors:x.safetensors", .tensors(file: "x.safetensors")),
      ("fashion-mnist?side=16", .halved(.fashionMNIST(folder: "/usr/share/datasets/fashion-mnist"))),
      ("cifar10:/data?side=16", .halved(.cifar10(path: "/data"))),
      ("svhn:d?side=16", .halved(.svhn(folder: "d", includesExtra: false))),
      ("svhn:d?extra=yes&side=16", .halved(.svhn(folder: "d", includesExtra: true))),
    ]
    for (text, specification) in forms {
      #expect(try DatasetSpecification(parsing: text) == specification)
      #expect(specification.description == text)
    }
  }

  @Test(
    "Anything else is refused with what would be right",
    arguments: [
      ("", "wanted fashion-mnist, fashion-mnist:DIR, cifar10:PATH, cifar100:PATH"), ("mnist", "found \"mnist\""),
      ("CIFAR10:/d", "found \"CIFAR10\""), ("cifar10", "wanted cifar10:PATH"), ("cifar10:", "wanted cifar10:PATH"),
      ("svhn:", "wanted svhn:DIR"), ("svhn:d?extra=maybe", "extra out of range: found maybe, wanted no, yes"),
      ("svhn:d?size=32", "no such option: found \"size\""), ("images:d?size=7", "size out of range: found 7, wanted 8 to"),
      ("images:d?size=big", "found big"), ("images:d?crop=none", "found none, wanted resized, padded"),
      ("images:d?normalise=mnist", "found mnist"), ("images:d?size=32&size=32", "given twice"),
      ("images:d?size=32&crop", "without value"), ("cifar10:d?side=8", "side out of range: found 8, wanted 32, 16"),
      ("images:d?side=16", "no such option: found \"side\""), ("tensors:d?side=16", "no such option"),
      ("tensors", "wanted tensors:FILE.safetensors"), ("fashion-mnist:", "fashion-mnist:DIR, or fashion-mnist alone"),
    ])
  func refused(text: String, reason: String) {
    let found = message { _ = try DatasetSpecification(parsing: text) }
    #expect(found?.contains(reason) == true, "\(found ?? "nothing thrown")")
    #expect(found?.hasPrefix("setting dataset \(text): ") == true)
  }
}

@Suite("Image datasets")
struct ImageDatasetTests {
  @Test("Half the side is the rounded mean of 2×2 pixels of each plane, with the same labels and normalisation")
  func halved() throws {
    // Two images of one plane of 4×4; then one of three planes of 2×2.
    let grey: [UInt8] = [0, 0, 1, 1, 0, 1, 1, 0, 255, 255, 7, 8, 255, 255, 9, 9] + Array(repeating: 3, count: 16)
    let dataset = try ImageDataset(
      name: "d", classes: 2, side: 4, storedChannels: 1, training: .init(pixels: .bytes(grey), labels: [1, 0]),
      test: .init(pixels: .bytes(Array(grey[..<16])), labels: [1]), normalisation: .svhn, classNames: ["a", "b"])
    let half = try dataset.halved()
    guard case .bytes(let pixels) = half.training.pixels, case .bytes(let test)? = half.test?.pixels else {
      Issue.record("halves are no bytes")
      return
    }
    // Sums 1, 3, 1020 and 33 of four pixels.
    #expect(pixels == [0, 1, 255, 8, 3, 3, 3, 3] && test == [0, 1, 255, 8])
    #expect(
      half.training.labels == [1, 0] && half.side == 2 && half.normalisation == .svhn && half.classNames == ["a", "b"])

    let colour = try ImageDataset(
      name: "d", classes: 1, side: 2, training: .init(pixels: .bytes([1, 2, 3, 4, 9, 9, 9, 9, 0, 0, 0, 2]), labels: [0]),
      normalisation: .identity)
    #expect(try colour.halved().training.bytes == [3, 9, 1])
    #expect(message { _ = try colour.halved().halved() }?.contains("cannot be halved: found side 1") == true)
  }

  @Test("Splits that make no dataset are refused")
  func refused() {
    func failure(classes: Int = 2, side: Int = 2, channels: Int = 3, pixels: Int, labels: [Int32]) -> String? {
      message {
        _ = try ImageDataset(
          name: "d", classes: classes, side: side, storedChannels: channels,
          training: .init(pixels: .bytes(Array(repeating: 0, count: pixels)), labels: labels), normalisation: .cifar10)
      }
    }
    #expect(failure(pixels: 24, labels: [0, 1]) == nil)
    #expect(failure(channels: 1, pixels: 8, labels: [0, 1]) == nil)
    #expect(
      failure(pixels: 24, labels: [0, 2])?.contains("d, training, image 1: label is no class: found 2, wanted 0 to 1")
        == true)
    #expect(failure(pixels: 24, labels: [0, -1])?.contains("found -1") == true)
    #expect(failure(pixels: 23, labels: [0, 1])?.contains("don't match") == true)
    #expect(failure(pixels: 0, labels: [])?.contains("no images") == true)
    let error = #expect(throws: InputError.self) {
      try ImageDataset(
        name: "d", classes: 1, side: 2, training: .init(pixels: .bytes([]), labels: []), normalisation: .cifar10)
    }
    #expect(error?.place.within("a.npy") == .file("a.npy", "d, training"))
    #expect(failure(channels: 2, pixels: 16, labels: [0, 1])?.contains("2 channels") == true)
    #expect(failure(classes: 0, pixels: 24, labels: [0, 0])?.contains("0 classes") == true)
  }
}
