import Datasets
import Foundation
import TestSupport
import Testing

@Suite("Layouts of CIFAR")
struct CIFARLayoutTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  /// Records of CIFAR-100: coarse label, fine label, pixels.
  static func records100(_ count: Int, salt: Int) -> [UInt8] {
    let pixels = samplePixels(count * 3072, salt: salt)
    var records: [UInt8] = []
    for index in 0..<count {
      records += [19, UInt8((index * 37 + salt) % 100)]
      records += pixels[index * 3072..<(index + 1) * 3072]
    }
    return records
  }

  /// Names of files of each layout and what they hold: two training images, then one to test.
  static func files(_ layout: String) throws -> [(name: String, bytes: [UInt8])] {
    switch layout {
    case "10 binary":
      return [
        ("data_batch_1.bin", cifarRecords(1, salt: 1)), ("data_batch_2.bin", cifarRecords(1, salt: 2)),
        ("test_batch.bin", cifarRecords(1, salt: 3)), ("batches.meta.txt", Array("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n".utf8)),
      ]
    case "10 python":
      return [
        ("data_batch_1", python2Batch(images: 1, labels: sampleLabels(1, salt: 1), salt: 1)),
        ("data_batch_2", python2Batch(images: 1, labels: sampleLabels(1, salt: 2), salt: 2)),
        ("test_batch", python2Batch(images: 1, labels: sampleLabels(1, salt: 3), salt: 3)), ("readme.html", [1, 2, 3]),
      ]
    case "100 binary": return [("train.bin", records100(2, salt: 1)), ("test.bin", records100(1, salt: 3))]
    default:
      return [
        ("train", python2Batch(images: 2, labelKey: "fine_labels", labels: [1, 38], salt: 1)),
        ("test", python2Batch(images: 1, labelKey: "fine_labels", labels: [3], salt: 3)),
      ]
    }
  }

  func check(_ dataset: ImageDataset, _ layout: String) {
    let isTen = layout.hasPrefix("10 ")
    let one = samplePixels(3072, salt: 1)
    let two = samplePixels(6144, salt: 1)
    #expect(dataset.training.bytes == (isTen ? one + samplePixels(3072, salt: 2) : two))
    #expect(dataset.training.labels == (isTen ? [1, 2] : [1, 38]) && dataset.test?.labels == [3])
    #expect(dataset.test?.bytes == samplePixels(3072, salt: 3))
    #expect(dataset.classes == (isTen ? 10 : 100) && dataset.normalisation == (isTen ? .cifar10 : .cifar100))
  }

  func load(_ layout: String, _ path: String) throws -> ImageDataset {
    try DatasetSpecification(parsing: "\(layout.hasPrefix("10 ") ? "cifar10" : "cifar100"):\(path)").load()
  }

  static let layouts = [
    ("10 binary", "cifar-10-batches-bin", "cifar-10-binary.tar.gz"),
    ("10 python", "cifar-10-batches-py", "cifar-10-python.tar.gz"),
    ("100 binary", "cifar-100-binary", "cifar-100-binary.tar.gz"),
    ("100 python", "cifar-100-python", "cifar-100-python.tar.gz"),
  ]

  @Test("A folder of the files, one above it, an archive and a folder with the archive hold the same", arguments: layouts)
  func places(layout: String, inner: String, archive: String) throws {
    let files = try Self.files(layout)
    try FileManager.default.createDirectory(atPath: folder.file("a/\(inner)"), withIntermediateDirectories: true)
    for (name, bytes) in files { try folder.write(bytes, to: "a/\(inner)/\(name)") }
    check(try load(layout, folder.file("a/\(inner)")), layout)
    check(try load(layout, folder.file("a")), layout)
    try FileManager.default.createDirectory(atPath: folder.file("b"), withIntermediateDirectories: true)
    try folder.write(gzip(tar(files.map { ("\(inner)/\($0.name)", $0.bytes) })), to: "b/\(archive)")
    check(try load(layout, folder.file("b/\(archive)")), layout)
    check(try load(layout, folder.file("b")), layout)
    // Under any name and packed in any way.
    try folder.write(tar(files), to: "mine")
    check(try load(layout, folder.file("mine")), layout)
    if layout == "10 binary" {
      #expect(try load(layout, folder.file("mine")).classNames == ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"])
    }
  }

  @Test("An archive that is truncated, corrupt, empty or of something else is named", arguments: layouts)
  func damagedArchive(layout: String, inner: String, archive: String) throws {
    func refusal(_ bytes: [UInt8]) throws -> String {
      let path = try folder.write(bytes, to: archive)
      let text = message { _ = try load(layout, path) } ?? "nothing thrown"
      #expect(text.hasPrefix(path), "\(text)")
      return text
    }
    let whole = try gzip(tar(Self.files(layout)))
    for share in [0.3, 0.6, 0.95] {
      let text = try refusal(Array(whole[..<Int(share * Double(whole.count))]))
      #expect(text.contains("the gzip data is truncated"), "\(text)")
    }
    for place in stride(from: 20, to: whole.count, by: whole.count / 40) {
      var corrupt = whole
      corrupt[place] ^= 0x10
      #expect(try refusal(corrupt).contains("the gzip data is"), "byte \(place) of \(whole.count)")
    }
    let plain = try tar(Self.files(layout))
    for share in [0.3, 0.6, 0.9] {
      let text = try refusal(Array(plain[..<Int(share * Double(plain.count))]))
      #expect(text.contains("the archive is damaged"), "\(text)")
    }
    #expect(try refusal(gzip(tar([("readme.txt", [1])]))).contains("there is no CIFAR-1"))
    #expect(try refusal(Array("no archive at all".utf8)).contains("cannot be opened as an archive"))
    let twice = try Self.files(layout)[0]
    #expect(try refusal(tar([twice, ("other/\(twice.name)", [1])])).contains("holds \(twice.name) twice"))
    let without = try Self.files(layout).filter { !$0.name.hasPrefix("test") }
    #expect(try refusal(tar(without)).contains("there is no such file: wanted the test images of CIFAR-1"))
  }

  @Test("Labels of CIFAR-100 are the fine ones, out of range they are refused")
  func fineLabels() throws {
    var records = Self.records100(2, salt: 1)
    records[3074 + 1] = 100
    try folder.write(records, to: "train.bin")
    try folder.write(Self.records100(1, salt: 3), to: "test.bin")
    let text = message { _ = try CIFAR.load100(folder.path) }
    #expect(text?.contains("train.bin: the label of record 1 is no class: found 100, wanted 0 to 99") == true)
    try folder.write(Array(records.dropLast()), to: "train.bin")
    #expect(
      message { _ = try CIFAR.load100(folder.path) }?.contains("found 6147 bytes, wanted a multiple of 3074") == true)
  }

  @Test("A search and a retraining take their classes from the dataset")
  func batches() throws {
    try folder.write(Self.records100(8, salt: 1), to: "train.bin")
    try folder.write(Self.records100(2, salt: 3), to: "test.bin")
    let dataset = try CIFAR.load100(folder.path)
    let loader = try BatchLoader(dataset: dataset, seed: 1, batchSize: 2)
    #expect(loader.augmentation == .darts && loader.dataset.classes == 100)
    #expect(try loader.trainingBatch(epoch: 0, step: 0).labels.allSatisfy { dataset.training.labels.contains($0) })
    #expect(try loader.testSplit.all.flatMap(\.labels) == [3, 40])
  }
}
