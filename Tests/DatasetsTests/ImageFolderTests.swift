import Compute
import Datasets
import Formats
import Foundation
import TestSupport
import Testing

@Suite("Folders of images")
struct ImageFolderTests {
  let folder: ScratchFolder
  /// Images of 26×18.
  static let kinds = ["rgb.jpg", "rgb.png", "grey.jpg", "alpha.png", "progressive.jpg", "palette.png"]

  init() throws { folder = try ScratchFolder() }

  func write(_ bytes: [UInt8], _ path: String) throws {
    let place = folder.file(path)
    let parent = URL(fileURLWithPath: place).deletingLastPathComponent()
    try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: place))
  }

  /// Two classes of six training images and one test image each.
  func writeTree(test: String = "val") throws {
    for name in ["n01", "n02"] {
      for (index, kind) in Self.kinds.enumerated() {
        try write(Fixtures.bytes(kind), "train/\(name)/\(index).\(kind.hasSuffix("jpg") ? "JPEG" : "png")")
      }
      try write(Fixtures.bytes("rgb.png"), "\(test)/\(name)/a.PNG")
    }
  }

  func load(_ options: String = "?size=16") throws -> ImageDataset {
    try DatasetSpecification(parsing: "images:\(folder.path)\(options)").load()
  }

  @Test("Classes are folders in the order of their names, with test images of the same classes", arguments: ["val", "test"])
  func tree(test: String) throws {
    try writeTree(test: test)
    try write([0], "train/.hidden/x")
    try write([0], "train/n01/.DS_Store")
    let dataset = try load()
    #expect(dataset.classNames == ["n01", "n02"] && dataset.classes == 2 && dataset.side == 16)
    #expect(dataset.training.labels == Array(repeating: 0, count: 6) + Array(repeating: 1, count: 6))
    #expect(dataset.test?.labels == [0, 1])
    #expect(dataset.augmentation == .imageNet && dataset.normalisation == .imageNet)
    let padded = try load("?size=16&crop=padded&normalise=svhn")
    #expect(padded.augmentation == .darts && padded.normalisation == .svhn)
  }

  @Test("Validation batches of files hold one class each, whose statistics are not those of the split")
  func validationOrder() throws {
    for name in ["a", "b", "c", "d"] {
      for index in 0..<24 { try write(Fixtures.bytes("rgb.png"), "\(name)/\(index).png") }
    }
    let loader = try BatchLoader(dataset: load(), seed: 3, batchSize: 12)
    let batches = try loader.validationSplit.all
    #expect(batches.allSatisfy { Set($0.labels).count > 1 })
    let expected = loader.validationMembers.map { loader.dataset.training.labels[$0] }
    #expect(batches.flatMap(\.labels).sorted() == expected.sorted())
    let again = try BatchLoader(dataset: load(), seed: 3, batchSize: 12).validationSplit.all
    #expect(again.flatMap(\.labels) == batches.flatMap(\.labels))
  }

  @Test("A flat folder of classes has training images alone")
  func flat() throws {
    try write(Fixtures.bytes("rgb.png"), "b/1.png")
    try write(Fixtures.bytes("rgb.jpg"), "a/1.jpg")
    let dataset = try load()
    #expect(dataset.classNames == ["a", "b"] && dataset.training.labels == [0, 1] && dataset.test == nil)
  }

  @Test("Folders that make no dataset are refused by name")
  func refused() throws {
    #expect(message { _ = try ImageFolder.load(folder: "/nowhere") }?.hasPrefix("/nowhere: there is no such folder") == true)
    #expect(message { _ = try load() }?.contains("there are no classes") == true)
    try writeTree()
    try FileManager.default.createDirectory(atPath: folder.file("train/n03"), withIntermediateDirectories: true)
    #expect(message { _ = try load() } == "\(folder.file("train/n03")): a class without images")
    try write(Fixtures.bytes("rgb.png"), "train/n03/1.png")
    #expect(message { _ = try load() } == "\(folder.file("val/n03")): a class of the training images is missing")
    try folder.remove("train/n03")
    try write(Fixtures.bytes("rgb.png"), "val/n00/1.png")
    #expect(message { _ = try load() } == "\(folder.file("val/n00")): a class without training images")
    try folder.remove("val/n00")
    try write([1], "train/n01/readme.txt")
    #expect(message { _ = try load() }?.hasPrefix("\(folder.file("train/n01/readme.txt")): not named as an image") == true)
    try folder.remove("train")
    #expect(message { _ = try load() } == "\(folder.file("train")): there is no such folder: found val")
  }

  /// The normalised planes of an image of the batch's size.
  func normalised(_ image: RGBImage, flipped: Bool, _ normalisation: Normalisation) -> [Float] {
    var result: [Float] = []
    for channel in 0..<3 {
      for row in 0..<image.height {
        for column in 0..<image.width {
          let source = flipped ? image.width - 1 - column : column
          let byte = Double(image.pixels[(row * image.width + source) * 3 + channel])
          result.append(Float((byte / 255 - normalisation.mean[channel]) / normalisation.standardDeviation[channel]))
        }
      }
    }
    return result
  }

  @Test("Test images are the centre of the image whose shorter side is 256/224 of the batch's")
  func evaluation() throws {
    try writeTree()
    let batch = try BatchLoader(dataset: load(), seed: 1, batchSize: 4).testSplit[0]
    // 18 rows stay, as round(256·16/224) = 18; the middle 16 of 18 rows and of 26 columns are taken.
    let whole = try Fixtures.image("rgb.png.pixels")
    let expected = normalised(whole.cropped(row: 1, column: 5, height: 16, width: 16), flipped: false, .imageNet)
    #expect(batch.images == expected + expected && batch.labels == [0, 1])
    // With size 9 the shorter side becomes 10, the longer one ⌊10·26/18⌋ = 14.
    let small = try BatchLoader(dataset: load("?size=9"), seed: 1, batchSize: 4).testSplit[0]
    let resized = Resampler.resize(whole, width: 14, height: 10)
    // torchvision rounds half a pixel to even.
    let part = resized.cropped(row: 0, column: 2, height: 9, width: 9)
    #expect(Array(small.images.prefix(243)) == normalised(part, flipped: false, .imageNet))
  }

  @Test("Training images are the crop, colours and mirror of their own stream")
  func training() throws {
    try writeTree()
    let dataset = try load()
    let loader = try RetrainingLoader(dataset: dataset, seed: 3, batchSize: 12)
    let batch = try loader.trainingBatch(epoch: 2, step: 0)
    #expect(loader.augmentation == .imageNet && batch.count == 12 && batch.height == 16)
    for position in 0..<12 {
      var stream = RandomStream(seed: 3, purpose: .augmentation, epoch: 2, step: 0, index: position)
      let draw = Augmentation.imageNet.draw(side: 16, from: &stream)
      let colours = ColourJitter.darts.draw(from: &stream)
      var image = try Fixtures.image("\(Self.kinds[position % 6]).pixels")
      if Self.kinds[position % 6].hasSuffix("jpg") {
        image = try ImageDecoder.decode(Fixtures.bytes(Self.kinds[position % 6]), source: "")
      }
      let part = ResizedCrop.imageNet.draw(width: 26, height: 18, from: &stream)
      image = image.cropped(row: part.row, column: part.column, height: part.height, width: part.width)
      image = Resampler.resize(image, width: 16, height: 16)
      colours.apply(to: &image)
      let found = Array(batch.images[position * 768..<(position + 1) * 768])
      #expect(found == normalised(image, flipped: draw.isFlipped, .imageNet), "image \(position)")
    }
  }

  @Test("Images that have the batch's size are padded, cropped and cut out as images in memory are")
  func padded() throws {
    let side = 8
    var bytes: [UInt8] = []
    for index in 0..<6 {
      let image = Resampler.resize(try Fixtures.image("\(Self.kinds[index]).pixels"), width: side, height: side)
      try write(png(image), "train/\(index % 2)/\(index).png")
    }
    for name in [0, 1] {
      for index in [0, 2, 4] { bytes += try Self.planes(folder.file("train/\(name)/\(index + name).png")) }
    }
    let memory = try ImageDataset(
      name: "memory", classes: 2, side: side, training: .init(pixels: .bytes(bytes), labels: [0, 0, 0, 1, 1, 1]),
      normalisation: .cifar10)
    let augmentation = Augmentation(cropPadding: 3, isFlipping: true, cutoutLength: 4)
    let files = try load("?size=8&crop=padded&normalise=cifar10")
    func batches(_ dataset: ImageDataset) throws -> [ImageBatch] {
      let loader = try BatchLoader(dataset: dataset, seed: 4, batchSize: 2, augmentation: augmentation)
      return try (0..<4).map { try loader.trainingBatch(epoch: 1, step: $0) } + [loader.wholeValidation]
    }
    #expect(try batches(files) == batches(memory))
  }

  static func planes(_ path: String) throws -> [UInt8] {
    let image = try ImageDecoder.decode(FileBytes.read(path), source: path)
    return (0..<3).flatMap { channel in (0..<image.width * image.height).map { image.pixels[3 * $0 + channel] } }
  }

  @Test("Batches are the same whatever the number of threads and the order in which they are asked for")
  func threads() throws {
    try writeTree()
    let dataset = try load()
    func batches(_ threads: Int, _ steps: [Int]) throws -> [Int: ImageBatch] {
      let loader = try BatchLoader(dataset: dataset, seed: 5, batchSize: 3, threads: threads)
      return try Dictionary(uniqueKeysWithValues: steps.map { ($0, try loader.trainingBatch(epoch: $0 / 2, step: $0 % 2)) })
    }
    let expected = try batches(1, Array(0..<6))
    #expect(try batches(3, (0..<6).reversed()) == expected)
    #expect(Set(expected.values.map(\.images)).count == 6)
  }

  @Test("No batch is made of a damaged image, and the error names the file", arguments: [1, 4])
  func damaged(threads: Int) throws {
    try writeTree()
    let good = try BatchLoader(dataset: load(), seed: 5, batchSize: 6, threads: threads)
    _ = try good.trainingBatch(epoch: 0, step: 0)
    try write(Array(Fixtures.bytes("rgb.jpg").dropLast(40)), "train/n01/0.JPEG")
    try write(Array("not an image".utf8), "train/n02/3.png")
    let loader = try RetrainingLoader(dataset: load(), seed: 5, batchSize: 12, threads: threads)
    let search = try BatchLoader(dataset: load(), seed: 5, batchSize: 12, threads: threads)
    // The first one in the order of the batch, whatever thread met it.
    let first = "\(folder.file("train/n01/0.JPEG")): a damaged JPEG image"
    for epoch in 0..<2 {
      #expect(message { _ = try loader.trainingBatch(epoch: epoch, step: 0) }?.hasPrefix(first) == true)
    }
    // Of a whole split the order is mixed.
    let whole = message { _ = try loader.trainingSplit.all } ?? ""
    #expect(whole.hasPrefix(first) || whole.contains("3.png: neither JPEG nor PNG"), "\(whole)")
    // A half of a search may hold both, one or none; both halves together hold both.
    let halves = [
      message { _ = try search.trainingBatch(epoch: 0, step: 0) },
      message { _ = try search.validationBatch(epoch: 0, step: 0) },
    ]
    let wholes = [message { _ = try search.wholeTraining }, message { _ = try search.wholeValidation }]
    #expect(halves.map { $0 == nil } == wholes.map { $0 == nil } && !halves.allSatisfy { $0 == nil })
    for text in (halves + wholes).compactMap(\.self) {
      #expect(text.contains("0.JPEG: a damaged JPEG image") || text.contains("3.png: neither JPEG nor PNG"), "\(text)")
    }
    // A file that has gone since the folder was listed.
    let later = try RetrainingLoader(dataset: load(), seed: 5, batchSize: 12, threads: threads)
    try folder.remove("train/n01/0.JPEG")
    let gone = message { _ = try later.trainingBatch(epoch: 0, step: 0) }
    #expect(gone?.hasPrefix("\(folder.file("train/n01/0.JPEG")): cannot be opened for reading") == true, "\(gone ?? "")")
  }

  @Test("A resized crop lies within the image, of an allowed area and shape, anywhere")
  func crops() {
    var stream = RandomStream(seed: 1, purpose: .test)
    var (areas, ratios, corners) = ([Double](), [Double](), Set<[Int]>())
    for _ in 0..<4000 {
      let part = ResizedCrop.imageNet.draw(width: 500, height: 375, from: &stream)
      #expect(part.row >= 0 && part.column >= 0 && part.row + part.height <= 375 && part.column + part.width <= 500)
      areas.append(Double(part.width * part.height) / (500 * 375))
      ratios.append(Double(part.width) / Double(part.height))
      corners.insert([part.row / 100, part.column / 100])
    }
    #expect(areas.allSatisfy { $0 > 0.078 && $0 <= 1.0 } && (areas.min() ?? 1) < 0.09 && (areas.max() ?? 0) > 0.95)
    #expect(ratios.allSatisfy { $0 > 0.74 && $0 < 1.35 } && (ratios.min() ?? 1) < 0.77 && (ratios.max() ?? 1) > 1.30)
    #expect(corners.count >= 10)
    // The logarithm of the ratio is uniform, and no part of it is favoured but by what fits.
    let middle = areas.indices.filter { areas[$0] < 0.5 }.map { log(ratios[$0]) }
    let mean = middle.reduce(0, +) / Double(middle.count)
    let deviation = (middle.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(middle.count)).squareRoot()
    #expect(abs(mean) < 0.02 && abs(deviation - 2 * log(4.0 / 3) / 12.0.squareRoot()) < 0.01)
    // Where nothing fits, the largest central part of an allowed shape.
    let tall = ResizedCrop(areas: 0.9...1, stretch: 4.0 / 3).draw(width: 10, height: 1000, from: &stream)
    #expect(tall == ResizedCrop.Part(row: 493, column: 0, height: 13, width: 10))
  }

  @Test("Jitter stays within its ranges, in every order")
  func jitter() {
    var stream = RandomStream(seed: 2, purpose: .test)
    let draws = (0..<2000).map { _ in ColourJitter.darts.draw(from: &stream) }
    #expect(Set(draws.map(\.order)).count == 24)
    for values in [draws.map(\.brightness), draws.map(\.contrast), draws.map(\.saturation)] {
      #expect(values.allSatisfy { $0 >= 0.6 && $0 <= 1.4 } && (values.min() ?? 1) < 0.61 && (values.max() ?? 1) > 1.39)
    }
    #expect(draws.allSatisfy { abs($0.hue) <= 0.2 } && (draws.map(\.hue).min() ?? 0) < -0.19)
  }

  @Test("Augmentation that needs files is refused for images in memory, and out of range for all")
  func augmentation() throws {
    let memory = try byteDataset(count: 4)
    let text = message { _ = try BatchLoader(dataset: memory, seed: 1, batchSize: 2, augmentation: .imageNet) }
    #expect(text?.contains("resized crops and colour jitter are for folders of images") == true)
    try writeTree()
    var wrong = Augmentation.imageNet
    wrong.colourJitter?.hue = 0.7
    let hue = message { _ = try BatchLoader(dataset: load(), seed: 1, batchSize: 2, augmentation: wrong) }
    #expect(hue?.contains("jitter of hue: out of range: found 0.7, wanted 0 to 0.5") == true)
    wrong = .imageNet
    wrong.resizedCrop?.stretch = 0.5
    #expect(message { _ = try BatchLoader(dataset: load(), seed: 1, batchSize: 2, augmentation: wrong) } != nil)
  }
}
