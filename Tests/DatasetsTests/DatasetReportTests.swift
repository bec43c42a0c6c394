import Datasets
import Foundation
import TestSupport
import Testing

@Suite("Checking a dataset")
struct DatasetReportTests {
  @Test("Counts, means and deviations are those of every pixel")
  func moments() throws {
    let dataset = try byteDataset(count: 12, test: 5)
    let report = try DatasetReport(dataset, threads: 3)
    #expect(report.splits.map(\.name) == ["training", "test"] && report.splits.map(\.count) == [12, 5])
    #expect(report.splits[0].labelCounts == Array(repeating: 1, count: 12))
    #expect(report.splits[1].labelCounts == Array(repeating: 1, count: 5) + Array(repeating: 0, count: 7))
    for (split, bytes) in zip(report.splits, [dataset.training.bytes, dataset.test?.bytes ?? []]) {
      for channel in 0..<3 {
        let values = bytes.indices.filter { $0 / 64 % 3 == channel }.map { Double(bytes[$0]) / 255 }
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        #expect(abs(split.mean[channel] - mean) < 1e-12)
        #expect(abs(split.standardDeviation[channel] - variance.squareRoot()) < 1e-12)
      }
      #expect(split.widths == 8...8 && split.heights == 8...8)
      #expect(split.repeats == 0 && split.alsoInTraining == 0 && split.contradictions == 0 && split.filesSHA256 == nil)
    }
  }

  @Test("Equal images are found within and between splits, and those with another label apart")
  func duplicates() throws {
    let images = (0..<6).map { samplePixels(48, salt: $0) }
    func split(_ order: [Int], _ labels: [Int32]) -> ImageDataset.Split {
      .init(pixels: .bytes(order.flatMap { images[$0] }), labels: labels)
    }
    let dataset = try ImageDataset(
      name: "d", classes: 3, side: 4, training: split([0, 1, 0, 2, 0], [0, 1, 0, 2, 1]),
      test: split([3, 1, 2, 4, 4, 4], [0, 1, 0, 2, 2, 2]), normalisation: .cifar10)
    let report = try DatasetReport(dataset)
    #expect(report.splits[0].repeats == 2 && report.splits[0].contradictions == 1)
    #expect(report.splits[1].repeats == 2 && report.splits[1].alsoInTraining == 2 && report.splits[1].contradictions == 1)
  }

  @Test("Final values are measured as they are")
  func tensors() throws {
    let dataset = try ImageDataset(
      name: "t", classes: 2, side: 1, training: .init(pixels: .floats([1, 2, -3, 3, 2, -1]), labels: [0, 1]),
      validation: .init(pixels: .floats([1, 2, -3]), labels: [0]), normalisation: .identity)
    let report = try DatasetReport(dataset)
    #expect(report.splits.map(\.name) == ["training", "validation"])
    #expect(report.splits[0].mean == [2, 2, -2] && report.splits[0].standardDeviation == [1, 0, 1])
    #expect(report.splits[1].alsoInTraining == 1)
  }

  @Test("Image files are decoded; damaged ones are listed and left out; sizes may be mixed")
  func files() throws {
    let folder = try ScratchFolder()
    for name in ["a", "b"] {
      try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
    }
    let image = try Fixtures.image("rgb.png.pixels")
    try folder.write(Fixtures.bytes("rgb.png"), to: "a/1.png")
    try folder.write(png(image), to: "a/2.png")
    try folder.write(png(image.cropped(row: 0, column: 0, height: 9, width: 30 - 4)), to: "b/1.png")
    try folder.write(Array(Fixtures.bytes("rgb.png").dropLast(30)), to: "b/2.png")
    let dataset = try DatasetSpecification(parsing: "images:\(folder.path)?size=8").load()
    let report = try DatasetReport(dataset, threads: 2)
    #expect(report.damaged.map(\.place.file) == [folder.file("b/2.png")])
    let split = report.splits[0]
    #expect(split.count == 4 && split.labelCounts == [2, 1] && split.repeats == 1 && split.contradictions == 0)
    #expect(split.widths == 26...26 && split.heights == 9...18 && split.filesSHA256?.count == 64)
    #expect(try DatasetReport(dataset, threads: 1).splits[0].filesSHA256 == split.filesSHA256)
    #expect(dataset.samples(ofClass: 1, count: 5).count == 1, "a damaged image is passed over")
    try folder.write([1], to: "b/1.png")
    for name in ["a/1.png", "a/2.png"] { try folder.write([2], to: name) }
    #expect(message { _ = try DatasetReport(dataset) }?.contains("neither JPEG nor PNG") == true)
  }

  @Test("Files are listed with their digests, and only published ones are called official")
  func checksums() throws {
    let folder = try ScratchFolder()
    try folder.write(python2Batch(images: 1, labels: [1], salt: 1), to: "data_batch_1")
    try folder.write(python2Batch(images: 1, labels: [2], salt: 2), to: "data_batch_2")
    for number in 3...6 { try folder.write(Array("abc".utf8), to: "data_batch_\(number)") }
    try folder.write(Array("abc".utf8), to: "test_batch")
    let files = try DatasetSpecification(parsing: "cifar10:\(folder.path)").checkedFiles()
    #expect(files.map(\.source) == (1...6).map { folder.file("data_batch_\($0)") } + [folder.file("test_batch")])
    let abc = try #require(files.last)
    // RFC 1321, §A.5 and FIPS 180-4's example.
    #expect(abc.md5 == "900150983cd24fb0d6963f7d28e17f72" && abc.byteCount == 3)
    #expect(abc.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(files.map(\.verdict) == Array(repeating: .other, count: 5) + [.unknown, .other])
    let tensors = try folder.write([1, 2], to: "t.safetensors")
    #expect(try DatasetSpecification(parsing: "tensors:\(tensors)").checkedFiles().map(\.verdict) == [.unknown])
  }

  @Test("Files of an archive are listed after it")
  func archive() throws {
    let folder = try ScratchFolder()
    let entries = [
      ("train.bin", CIFARLayoutTests.records100(1, salt: 1)), ("test.bin", CIFARLayoutTests.records100(1, salt: 2)),
    ]
    let path = try folder.write(gzip(tar(entries)), to: "cifar-100-binary.tar.gz")
    let files = try DatasetSpecification(parsing: "cifar100:\(path)").checkedFiles()
    #expect(files.map(\.source) == [path, "\(path), train.bin", "\(path), test.bin"])
    #expect(files.map(\.verdict) == [.other, .unknown, .unknown])
  }

  @Test("Samples are the first images of a class, repeated or resampled to a size")
  func samples() throws {
    let dataset = try byteDataset(count: 4)
    let samples = dataset.samples(ofClass: 2, count: 3)
    #expect(samples.count == 1 && samples[0].side == 8)
    let bytes = dataset.training.bytes[2 * 192..<3 * 192]
    for index in 0..<64 {
      for channel in 0..<3 { #expect(samples[0].pixels[3 * index + channel] == bytes[2 * 192 + channel * 64 + index]) }
    }
    let double = samples[0].resized(to: 16)
    for row in 0..<16 {
      for column in 0..<16 {
        let (to, from) = ((row * 16 + column) * 3, (row / 2 * 8 + column / 2) * 3)
        #expect(double.pixels[to..<to + 3] == samples[0].pixels[from..<from + 3])
      }
    }
    #expect(samples[0].resized(to: 5).pixels.count == 75)
  }
}
